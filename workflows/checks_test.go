package workflows_test

import (
	"context"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/simlab"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// order reads the order from the store.
func (w *orderHarness) order() *order.Order {
	w.t.Helper()
	o, err := w.store.Order(context.Background(), "", w.orderID)
	require.NoError(w.t, err)
	return o
}

func (w *orderHarness) story() store.Story {
	w.t.Helper()
	y, err := w.store.Story(context.Background(), w.orderID)
	require.NoError(w.t, err)
	return y
}

// statusHistory returns the order's low-level statuses, oldest first.
func (w *orderHarness) statusHistory() []lifecycle.LowStatus {
	var out []lifecycle.LowStatus
	for _, e := range w.order().Events {
		out = append(out, e.Status.Low())
	}
	return out
}

// attention returns the reasons of the order's open marks, sorted.
func (w *orderHarness) attention() []order.AttentionReason {
	out := []order.AttentionReason{}
	for _, a := range w.order().State.Attention {
		out = append(out, a.Reason)
	}
	return out
}

// markSince returns when the mark was raised, after day0; false: it is not open.
func (w *orderHarness) markSince(r order.AttentionReason) (time.Duration, bool) {
	for _, a := range w.order().State.Attention {
		if a.Reason == r {
			return a.Since.Sub(day0), true
		}
	}
	return 0, false
}

// requireMarkSince asserts that the mark is open and was raised at exactly that time after day0.
func (w *orderHarness) requireMarkSince(after time.Duration, r order.AttentionReason) {
	w.t.Helper()
	got, ok := w.markSince(r)
	require.True(w.t, ok, "%s is not open; open are %v", r, w.attention())
	require.Equal(w.t, after.String(), got.String(), r)
}

// factOutcomes returns the outcomes of the order's facts, in order of arrival.
func (w *orderHarness) factOutcomes() []string {
	var out []string
	for _, f := range w.story().InboxItems {
		out = append(out, f.Kind+": "+f.State)
	}
	return out
}

// labCalls returns the calls of one operation that the lab got for the order.
func (w *orderHarness) labCalls(operation string) []simlab.Call {
	var out []simlab.Call
	for _, c := range w.lab.Traffic().CallsFor(w.number) {
		if c.Operation == operation {
			out = append(out, c)
		}
	}
	return out
}

// check asserts what holds of every order at any time: its history has no gaps and follows the lifecycle's edges, its
// document agrees with its history, every decision made exactly one revision, and every fact has an outcome.
func (w *orderHarness) check() {
	w.t.Helper()
	o, story := w.order(), w.story()
	w.checkHistory(o)
	for i, d := range story.Decisions {
		require.Equal(w.t, int64(i+2), d.Revision, "decisions have a gap at %s", d.Cause)
	}
	require.Equal(w.t, int64(len(story.Decisions)+1), o.Revision)
	waiting := map[string]bool{}
	state, err := w.store.State(context.Background(), w.orderID)
	require.NoError(w.t, err)
	for _, f := range state.ParkedFacts {
		waiting[f.InboxID] = true
	}
	for _, f := range story.InboxItems {
		require.Contains(w.t, []string{store.InboxApplied, store.InboxLate, store.InboxParked, store.InboxRefused}, f.State,
			f.Kind)
		require.Equal(w.t, f.State == store.InboxParked, waiting[f.ID], "%s is %s", f.Kind, f.State)
	}
	if o.State.Terminal() {
		require.Empty(w.t, state.ParkedFacts, "an order that has ended leaves nothing parked")
	}
	for _, r := range w.replies {
		require.NoError(w.t, r.err)
	}
}

func (w *orderHarness) checkHistory(o *order.Order) {
	w.t.Helper()
	s := o.State
	require.NotEmpty(w.t, o.Events)
	previous, registered := o.Events[0], false
	require.Equal(w.t, lifecycle.Ordered, previous.Status.Low())
	for i, e := range o.Events {
		require.Equal(w.t, int64(i+1), e.Sequence, "the history has a gap")
		require.False(w.t, e.RecordedAt.Before(previous.RecordedAt), "%s was recorded before %s", e.Status, previous.Status)
		if i > 0 {
			allowed := lifecycle.MachineFor(s.Modality, s.Registrable, registered).Allows(previous.Status.Low(), e.Status.Low(),
				lifecycle.Conditions{})
			registered = registered || e.Status.Low() == lifecycle.Registered
			require.True(w.t, allowed, "%s → %s is no edge", previous.Status, e.Status)
		}
		previous = e
	}
	require.Equal(w.t, previous.Status, s.FullStatus())
	require.Equal(w.t, previous.Status.Low(), o.Status)
	require.Equal(w.t, previous.Detail, s.Detail)
	require.Equal(w.t, previous.Sequence, o.Sequence)
	require.Equal(w.t, previous.Sequence, s.Sequence)
	require.Equal(w.t, o.Revision, s.Revision)
}

// await waits, outside the run, until the order is in a status. It is for code that the run calls, in which a test
// cannot fail.
func (w *orderHarness) await(status lifecycle.LowStatus) {
	w.awaitOrder(func(o *order.Order) bool { return o.Status == status })
}

func (w *orderHarness) awaitOrder(is func(*order.Order) bool) {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for range 2000 {
		o, err := w.store.Order(context.Background(), "", w.orderID)
		if err == nil && is(o) {
			return
		}
		<-ticker.C
	}
	w.t.Errorf("the order has not come to what was waited for")
}
