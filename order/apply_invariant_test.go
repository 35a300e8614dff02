package order

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// TestInvariants checks the rules of an order for random sequences of what can happen.
func TestInvariants(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := &orderWalk{t: t}
		w.start()
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			w.doSomething()
		}
		for _, p := range w.snapshots {
			require.Equal(t, p.text, jsonText(t, p.state), "no later decision reaches back into an earlier state")
		}
	})
}

// check checks what is true of every decision.
func (w *orderWalk) check(before State, d Decision) {
	w.checkSteps(before, d)
	w.checkDeadlines(d.Next)
	w.checkAttention(d.Next)
	w.checkReplacement(before, d)
	w.checkAppointments(before, d)
	require.Equal(w.t, before.Sequence, d.Next.Sequence, "the recording numbers events")
	require.Equal(w.t, before.Revision, d.Next.Revision)
	require.NotEqual(w.t, PlacementRefused, placementAfterRequisition(d.Next), "what the lab has taken is not refused")
}

// placementAfterRequisition is the placement of an order with a requisition.
func placementAfterRequisition(s State) PlacementState {
	if s.awaitsRequisition() || s.Terminal() {
		return PlacementNone
	}
	return s.Placement.State
}

// checkAppointments checks that every step of an appointment is an edge of its table, that an appointment begins once,
// and that the order agrees with its newest appointment.
func (w *orderWalk) checkAppointments(before State, d Decision) {
	at := map[string]lifecycle.AppointmentStatus{}
	if a := before.Appointment; a != nil {
		at[a.ID] = a.Status
	}
	for _, st := range d.Appointments {
		a := st.Appointment
		from, known := at[a.ID]
		require.Equal(w.t, !known, st.First, "its first event makes it")
		require.True(w.t, lifecycle.AppointmentAllows(from, a.Status), "appointment: %s to %s", from, a.Status)
		require.Equal(w.t, from == a.Status, st.Reschedule, "%s to %s", from, a.Status)
		at[a.ID] = a.Status
	}
	n := d.Next
	if len(d.Appointments) > 0 {
		last := d.Appointments[len(d.Appointments)-1].Appointment
		require.Equal(w.t, last.ID, n.Appointment.ID)
		require.Equal(w.t, last.Status, n.Appointment.Status)
		require.Equal(w.t, last.EventCount, n.Appointment.EventCount)
	}
	require.NoError(w.t, appointmentMismatch(n))
}

// appointmentMismatch returns an error if an order and its newest appointment contradict each other.
func appointmentMismatch(s State) error {
	var fits []lifecycle.AppointmentStatus
	switch s.Status {
	case lifecycle.AppointmentPending:
		fits = []lifecycle.AppointmentStatus{lifecycle.AppointmentStatusPending, lifecycle.AppointmentStatusReserved}
	case lifecycle.AppointmentScheduled:
		fits = []lifecycle.AppointmentStatus{lifecycle.AppointmentStatusConfirmed, lifecycle.AppointmentStatusInProgress,
			lifecycle.AppointmentStatusCompleted}
	case lifecycle.AppointmentCancelled:
		fits = []lifecycle.AppointmentStatus{lifecycle.AppointmentStatusCancelled, lifecycle.AppointmentStatusReserved}
	default:
		return nil
	}
	if s.Appointment == nil || !slices.Contains(fits, s.Appointment.Status) {
		return fmt.Errorf("the order is %s and its appointment %+v", s.Status, s.Appointment)
	}
	return nil
}

// checkSteps checks that every step is an edge of the order's table, and that only a correction leaves a terminal
// status.
func (w *orderWalk) checkSteps(before State, d Decision) {
	at, m := before.Status, before.Machine()
	require.Equal(w.t, at, d.From)
	for _, step := range d.Steps {
		require.True(w.t, m.Allows(at, step.To, before.Conditions()) || m.Allows(at, step.To, d.Next.Conditions()),
			"%s: %s to %s", m.Name(), at, step.To)
		require.True(w.t, !lifecycle.Terminal(at) || step.To == lifecycle.Corrected, "%s is left for %s", at, step.To)
		require.True(w.t, step.Detail.AllowedWith(step.To), "%s with %s", step.Detail, step.To)
		require.False(w.t, step.At.IsZero())
		at = step.To
	}
	require.Equal(w.t, at, d.Next.Status, "the steps are the whole way")
	require.True(w.t, d.Next.FullStatus().Valid())
	if d.Outcome != OutcomeApplied {
		require.Empty(w.t, d.Steps)
	}
	require.False(w.t, d.Outcome == OutcomeParked && d.Next.Terminal(), "nothing waits for an order that has ended")
	if len(d.Steps) > 0 {
		last := d.Steps[len(d.Steps)-1]
		require.Equal(w.t, last.At, d.Next.EnteredAt)
		require.Equal(w.t, last.Detail, d.Next.Detail)
	}
}

// checkDeadlines checks that deadlines are sorted and unique, that none has fired, and that an ended order has none
// except for a fetch.
func (w *orderWalk) checkDeadlines(s State) {
	for i, dl := range s.Deadlines {
		if i > 0 {
			last := s.Deadlines[i-1]
			require.Negative(w.t, cmp.Or(last.Due.Compare(dl.Due), cmp.Compare(last.Name, dl.Name)), "sorted, each once")
		}
		require.NotContains(w.t, w.fired, dl, "it has acted")
		allowed := !s.Terminal() || dl.Name == DeadlineName(AttentionResultsUnfetched) ||
			dl.Name == DeadlineName(AttentionFactOutOfPlace)
		require.True(w.t, allowed, "%s of an order that is %s", dl.Name, s.Status)
	}
}

// checkAttention checks that marks are sorted and unique, that each belongs to the status, and that no mark is about
// parked facts if there are none.
func (w *orderWalk) checkAttention(s State) {
	reasons := s.Agenda().MarkReasons()
	require.True(w.t, slices.IsSorted(reasons))
	require.Len(w.t, slices.Compact(slices.Clone(reasons)), len(reasons))
	for _, a := range s.Attention {
		where, bound := statusesOfMark[a.Reason]
		require.True(w.t, !bound || where.includes(s.Status), "%s in %s", a.Reason, s.Status)
	}
	require.False(w.t, s.HasMark(AttentionFactOutOfPlace) && len(s.ParkedFacts) == 0)
}

// checkReplacement checks that there is at most one child, within the limit, and that the automatic policy creates it.
func (w *orderWalk) checkReplacement(before State, d Decision) {
	n := &d.Next
	require.Equal(w.t, d.CreateReplacement || d.CreateRedraw, n.Replaced && !before.Replaced)
	require.Equal(w.t, d.CreateRedraw, n.Status == lifecycle.RedrawAvailable && before.Status != lifecycle.RedrawAvailable)
	if n.Modality != lifecycle.Testkit {
		require.False(w.t, d.CreateReplacement, "only kits are replaced")
		return
	}
	require.False(w.t, d.CreateReplacement && n.ReplacementDepth >= n.Policy.ReplacementLimit)
	if n.Failed() && !before.Failed() {
		within := n.ReplacementDepth < n.Policy.ReplacementLimit
		require.Equal(w.t, n.Policy.Replacement == ReplaceAuto && within, d.CreateReplacement)
		require.Equal(w.t, n.Policy.Replacement == ReplaceManual && within, n.HasMark(AttentionReplacementNeeded))
		require.Equal(w.t, n.Policy.Replacement != ReplaceNever && !within, n.HasMark(AttentionReplacementLimit))
	}
}
