package lifecycle

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// appointmentContract is the table of order-lifecycle#appointments, written by hand: a status, its event_status, and
// the statuses that may follow.
const appointmentContract = `
new -: pending reserved confirmed
pending pending: reserved confirmed cancelled
reserved reserved: confirmed cancelled
confirmed scheduled: confirmed pending in_progress completed cancelled
in_progress in_progress: completed cancelled
completed completed:
cancelled cancelled:`

func TestAppointmentsFollowTheContract(t *testing.T) {
	t.Parallel()
	edges := 0
	for line := range strings.Lines(strings.TrimSpace(appointmentContract)) {
		left, right, _ := strings.Cut(strings.TrimSpace(line), ":")
		name, event, _ := strings.Cut(left, " ")
		from := AppointmentStatus(name)
		if name == "new" {
			from = ""
		} else {
			require.True(t, from.Valid())
			require.Equal(t, event, from.EventStatus())
			require.Equal(t, right == "", !from.Active(), "%s ends the appointment", from)
		}
		allowed := strings.Fields(right)
		for _, to := range AppointmentStatuses() {
			require.Equal(t, slices.Contains(allowed, string(to)), AppointmentAllows(from, to), "%q to %s", from, to)
		}
		require.False(t, AppointmentAllows(from, "unheard_of"))
		edges += len(allowed)
	}
	require.Len(t, AppointmentEdges(), edges)
	require.False(t, AppointmentAllows("unheard_of", AppointmentStatusConfirmed))
	require.False(t, AppointmentStatus("").Valid())
}
