package lifecycle

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// stagesOf has the stage of every status with its leg and appointment, written by hand.
const stagesOf = `
ordered: ordered
unregistered: awaiting_registration
registered: registered
placed: requisition_created requisition_bypassed
outbound, outbound: transit_customer out_for_delivery problem_in_transit_customer
with customer, outbound: with_customer
inbound, inbound: transit_lab problem_in_transit_lab
appointment pending, pending: appointment_pending
appointment scheduled, confirmed: appointment_scheduled
appointment cancelled, cancelled: appointment_cancelled
drawn: draw_completed
at lab, inbound: delivered_to_lab
blocked: lab_processing_blocked
partial results: partial_results
redraw: redraw_available
completed: completed corrected
failed: sample_error lost
failed outbound, outbound: failure_to_deliver_to_customer
failed inbound, inbound: failure_to_deliver_to_lab
cancelled: cancelled do_not_process`

func TestStages(t *testing.T) {
	t.Parallel()
	seen := 0
	for line := range strings.Lines(strings.TrimSpace(stagesOf)) {
		left, lows, ok := strings.Cut(strings.TrimSpace(line), ":")
		require.True(t, ok, line)
		stage, with, _ := strings.Cut(left, ", ")
		var want []LowStatus
		for _, low := range strings.Fields(lows) {
			l := LowStatus(low)
			want = append(want, l)
			require.Equal(t, Stage(stage), l.Stage(), low)
			require.Equal(t, with, string(l.Leg())+string(l.Appointment()), low)
			require.True(t, l.In(StageOrdered, Stage(stage)), low)
			require.False(t, l.In(), low)
			if followed := l.Appointment(); followed != "" {
				following, ok := Following(followed)
				require.True(t, ok)
				require.Equal(t, l, following)
			}
		}
		require.Equal(t, want, LowsIn(Stage(stage)))
		require.Equal(t, Stage(stage), stages[seen].stage)
		require.NotEmpty(t, stages[seen].about)
		seen++
	}
	require.Len(t, stages, seen)
	for _, unknown := range []LowStatus{"", "unheard_of"} {
		require.Empty(t, unknown.Stage())
		require.Empty(t, unknown.Leg())
		require.False(t, Terminal(unknown))
	}
	for _, a := range []AppointmentStatus{"", AppointmentStatusReserved, AppointmentStatusInProgress,
		AppointmentStatusCompleted} {
		_, ok := Following(a)
		require.False(t, ok, a)
	}
}

func TestEveryStatusHasAStageOfTheTable(t *testing.T) {
	t.Parallel()
	for _, row := range statuses {
		require.Equal(t, row.stage, row.low.row().stage, row.low)
	}
}

func TestRegisteredInTransit(t *testing.T) {
	t.Parallel()
	for _, row := range statuses {
		require.Equal(t, row.low == Registered || row.low == RequisitionCreated, IsRegisteredInTransit(row.low), row.low)
	}
}

// TestUsualPaths checks that the machine allows its usual path, which ends the order or leads to the next machine.
func TestUsualPaths(t *testing.T) {
	t.Parallel()
	for _, m := range Machines() {
		way := m.UsualPath()
		require.Equal(t, m.Initial(), way[0], m.Name())
		for i := 1; i < len(way); i++ {
			require.True(t, m.Allows(way[i-1], way[i], Conditions{}), "%s: %s > %s", m.Name(), way[i-1], way[i])
		}
		last := way[len(way)-1]
		require.True(t, last == Completed || m.Allows(last, Registered, Conditions{}), m.Name())
		way[0] = "changed"
		require.Equal(t, m.Initial(), m.UsualPath()[0])
	}
}
