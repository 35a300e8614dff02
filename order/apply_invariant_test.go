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

// Whatever happens to an order, and in whatever sequence, its rules hold.
func TestInvariants(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := &walk{t: t}
		w.start()
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			w.next()
		}
		for _, p := range w.past {
			require.Equal(t, p.text, text(t, p.state), "no later decision reaches back into an earlier state")
		}
	})
}

// check holds what is true of every decision.
func (w *walk) check(before State, d Decision) {
	w.checkSteps(before, d)
	w.checkDeadlines(d.Next)
	w.checkAttention(d.Next)
	w.checkReplacement(before, d)
	w.checkAppointments(before, d)
	require.Equal(w.t, before.Sequence, d.Next.Sequence, "the recording numbers events")
	require.Equal(w.t, before.Revision, d.Next.Revision)
	require.NotEqual(w.t, PlacementRefused, placementPast(d.Next), "what the lab has taken is not refused")
}

// placementPast is the placement of an order that is past it.
func placementPast(s State) PlacementState {
	if s.unplaced() || s.Terminal() {
		return PlacementNone
	}
	return s.Placement.State
}

// checkAppointments: every step of an appointment is an edge of its table, an appointment begins once, and the order is where its
// newest appointment is.
func (w *walk) checkAppointments(before State, d Decision) {
	at := map[string]lifecycle.AppointmentStatus{}
	if a := before.Appointment; a != nil {
		at[a.ID] = a.Status
	}
	for _, st := range d.Appointments {
		a := st.Appointment
		from, known := at[a.ID]
		require.Equal(w.t, !known, st.Created, "its first event makes it")
		require.True(w.t, lifecycle.AppointmentMay(from, a.Status), "appointment: %s to %s", from, a.Status)
		require.Equal(w.t, from == a.Status, st.Reschedule, "%s to %s", from, a.Status)
		at[a.ID] = a.Status
	}
	n := d.Next
	if len(d.Appointments) > 0 {
		last := d.Appointments[len(d.Appointments)-1].Appointment
		require.Equal(w.t, last.ID, n.Appointment.ID)
		require.Equal(w.t, last.Status, n.Appointment.Status)
		require.Equal(w.t, last.Events, n.Appointment.Events)
	}
	require.NoError(w.t, agrees(n))
}

// agrees says how an order and its newest appointment contradict each other, if they do.
func agrees(s State) error {
	var fits []lifecycle.AppointmentStatus
	switch s.Status {
	case lifecycle.AppointmentPending:
		fits = []lifecycle.AppointmentStatus{lifecycle.AppointmentIsPending, lifecycle.AppointmentIsReserved}
	case lifecycle.AppointmentScheduled:
		fits = []lifecycle.AppointmentStatus{lifecycle.AppointmentIsConfirmed, lifecycle.AppointmentIsInProgress, lifecycle.AppointmentIsCompleted}
	case lifecycle.AppointmentCancelled:
		fits = []lifecycle.AppointmentStatus{lifecycle.AppointmentIsCancelled, lifecycle.AppointmentIsReserved}
	default:
		return nil
	}
	if s.Appointment == nil || !slices.Contains(fits, s.Appointment.Status) {
		return fmt.Errorf("the order is %s and its appointment %+v", s.Status, s.Appointment)
	}
	return nil
}

// checkSteps: every step is an edge of the order's table, and the one way out of an end is a correction.
func (w *walk) checkSteps(before State, d Decision) {
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
	if d.Outcome != Applied {
		require.Empty(w.t, d.Steps)
	}
	require.False(w.t, d.Outcome == Parked && d.Next.Terminal(), "nothing waits for an order that has ended")
	if len(d.Steps) > 0 {
		last := d.Steps[len(d.Steps)-1]
		require.Equal(w.t, last.At, d.Next.EnteredAt)
		require.Equal(w.t, last.Detail, d.Next.Detail)
	}
}

// checkDeadlines: sorted, each once, none that has acted, and none of an order that has ended but for what is still to be fetched.
func (w *walk) checkDeadlines(s State) {
	for i, dl := range s.Deadlines {
		if i > 0 {
			last := s.Deadlines[i-1]
			require.Negative(w.t, cmp.Or(last.Due.Compare(dl.Due), cmp.Compare(last.Name, dl.Name)), "sorted, each once")
		}
		require.NotContains(w.t, w.fired, dl, "it has acted")
		allowed := !s.Terminal() || dl.Name == DeadlineName(ResultsUnfetched) || dl.Name == DeadlineName(FactOutOfPlace)
		require.True(w.t, allowed, "%s of an order that is %s", dl.Name, s.Status)
	}
}

// checkAttention: sorted, each once, none outside the statuses that it belongs to, and none about parked facts when there are none.
func (w *walk) checkAttention(s State) {
	reasons := s.AttentionReasons()
	require.True(w.t, slices.IsSorted(reasons))
	require.Len(w.t, slices.Compact(slices.Clone(reasons)), len(reasons))
	for _, a := range s.Attention {
		where, bound := attentionIn[a.Reason]
		require.True(w.t, !bound || where.includes(s.Status), "%s in %s", a.Reason, s.Status)
	}
	require.False(w.t, s.Needs(FactOutOfPlace) && len(s.Parked) == 0)
}

// checkReplacement: at most one child, within the limit, and none forgotten by the automatic policy.
func (w *walk) checkReplacement(before State, d Decision) {
	n := &d.Next
	require.Equal(w.t, d.Replace || d.Redraw, n.Replaced && !before.Replaced)
	require.Equal(w.t, d.Redraw, n.Status == lifecycle.RedrawAvailable && before.Status != lifecycle.RedrawAvailable)
	if n.Modality != lifecycle.Testkit {
		require.False(w.t, d.Replace, "only kits are replaced")
		return
	}
	require.False(w.t, d.Replace && n.Depth >= n.Policy.ReplacementLimit)
	if n.Failed() && !before.Failed() {
		within := n.Depth < n.Policy.ReplacementLimit
		require.Equal(w.t, n.Policy.Replacement == ReplaceAuto && within, d.Replace)
		require.Equal(w.t, n.Policy.Replacement == ReplaceManual && within, n.Needs(ReplacementNeeded))
		require.Equal(w.t, n.Policy.Replacement != ReplaceNever && !within, n.Needs(ReplacementLimitReached))
	}
}
