package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

func recovery(confirmed bool) order.Demand {
	d := byOperations(order.DemandRecover)
	d.Confirmed = confirmed
	return d
}

// A kit is rejected on the second day; each case ends the window in one of the ways of order-lifecycle#kit-rejection.
func TestRejectedKit(t *testing.T) {
	t.Parallel()
	start := []lifecycle.Low{ordered, created, received, blocked}
	tests := map[string]struct {
		happen    func(w *world)
		then      []lifecycle.Low
		detail    lifecycle.Detail
		attention []order.AttentionReason
	}{
		"supplied, and the lab has to be told": {
			happen:    func(w *world) { w.demand(4*day, recovery(false)) },
			attention: []order.AttentionReason{order.TellLab},
		},
		"supplied, and the lab confirmed": {
			happen: func(w *world) { w.demand(4*day, recovery(true)) },
			then:   []lifecycle.Low{received}, attention: []order.AttentionReason{},
		},
		"supplied, told, and confirmed by the lab's own report": {
			happen: func(w *world) {
				w.demand(4*day, recovery(false))
				w.fact(5*day, order.KitReceived)
			},
			then: []lifecycle.Low{received}, attention: []order.AttentionReason{},
		},
		"back in production": {
			happen: func(w *world) { w.fact(6*day, order.KitReceived) },
			then:   []lifecycle.Low{received}, attention: []order.AttentionReason{},
		},
		"received before the rejection, told after": {
			happen:    func(w *world) { w.fact(6*day, order.KitReceived, sentAt(day)) },
			attention: []order.AttentionReason{order.RecoveryNeeded},
		},
		"reported": {
			happen: func(w *world) {
				w.results(6*day, `{}`)
				w.fact(6*day, order.ReportReady)
			},
			then: []lifecycle.Low{lifecycle.Completed}, attention: []order.AttentionReason{},
		},
		"rejected again for good": {
			happen: func(w *world) {
				w.fact(6*day, order.KitRejected, recoverable(false), func(f *order.Fact) { f.Detail = lifecycle.SampleHemolyzed })
			},
			then: []lifecycle.Low{lifecycle.SampleError}, detail: lifecycle.SampleHemolyzed,
			attention: []order.AttentionReason{order.ReplacementNeeded},
		},
		"given up by operations": {
			happen: func(w *world) { w.demand(6*day, byOperations(order.DemandDoNotProcess)) },
			then:   []lifecycle.Low{lifecycle.DoNotProcess}, attention: []order.AttentionReason{},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fact(2*day, order.KitRejected, recoverable(true), func(f *order.Fact) { f.Detail = lifecycle.DateOfCollectionUnspecified })
			w.at(2*day+time.Minute, func() {
				w.requireSince(2*day, order.RecoveryNeeded)
				require.Equal(t, lifecycle.DateOfCollectionUnspecified, w.order().Detail)
			})
			test.happen(w)
			w.runUntil(15 * day)
			require.Equal(t, append(start, test.then...), w.history())
			require.Equal(t, test.attention, w.attention())
			if len(test.then) > 0 {
				require.Equal(t, test.detail, w.order().Detail)
				require.True(t, w.order().State.Recovery.OpenedAt.IsZero(), "the window is closed")
			}
			for _, r := range w.replies {
				require.True(t, r.Done, r.Reason)
			}
		})
	}
}

// requireReminders asserts how often operations have been reminded by a time after day0.
func (w *world) requireReminders(after time.Duration, want int, of order.AttentionReason) {
	w.at(after, func() {
		for _, a := range w.order().State.Attention {
			if a.Reason == of {
				require.Equal(w.t, want, a.Reminders, "after %s", after)
				return
			}
		}
		require.Failf(w.t, "no mark", "%s after %s", of, after)
	})
}

func TestRecoveryWindowCloses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		settings  []setting
		reminders []time.Duration
		window    time.Duration
	}{
		"by default": {nil, []time.Duration{3 * day, 7 * day, 10 * day}, 14 * day},
		"at a Molecular account": {[]setting{withPolicy(func(p *order.Policy) {
			p.Recovery.Window = order.Duration(7 * day)
			p.Recovery.Reminders = []order.Duration{order.Duration(3 * day), order.Duration(5 * day)}
		})}, []time.Duration{3 * day, 5 * day}, 7 * day},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, test.settings...)
			w.fact(3*day, order.KitRejected, recoverable(true), sentAt(2*day))
			for i, r := range test.reminders {
				w.requireReminders(2*day+r-time.Second, i, order.RecoveryNeeded)
				w.requireReminders(2*day+r+time.Second, i+1, order.RecoveryNeeded)
			}
			w.run()
			require.Equal(t, []lifecycle.Low{ordered, created, received, blocked, lifecycle.SampleError}, w.history())
			o := w.order()
			require.Equal(t, lifecycle.SampleStabilityExceeded, o.Detail)
			require.Equal(t, day0.Add(2*day+test.window), o.Events[4].OccurredAt, "counted from the rejection, not from its arrival")
			require.Equal(t, []order.AttentionReason{order.ReplacementNeeded}, w.attention())
		})
	}
}

// Once operations have supplied what was missing, they are reminded to tell the lab.
func TestRemindersAfterRecovery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fact(0, order.KitRejected, recoverable(true))
	w.demand(4*day, recovery(false))
	w.requireReminders(4*day-time.Hour, 1, order.RecoveryNeeded)
	w.requireReminders(8*day, 1, order.TellLab)
	w.requireReminders(11*day, 2, order.TellLab)
	w.run()
	require.Equal(t, lifecycle.SampleError, w.order().Status)
}

func TestRepeatedRejectionRestartsTheWindowTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, at := range []time.Duration{2 * day, 10 * day, 20 * day, 30 * day} {
		w.fact(at, order.KitRejected, recoverable(true))
	}
	w.run()
	require.Equal(t, []lifecycle.Low{ordered, created, received, blocked, lifecycle.SampleError}, w.history())
	require.Equal(t, day0.Add(34*day), w.order().Events[4].OccurredAt, "fourteen days after the third rejection")
}

func TestRejectionThatDoesNotSayWhetherItIsFinal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fact(2*day, order.KitRejected)
	w.runUntil(3 * day)
	require.Equal(t, []lifecycle.Low{ordered, created, received, blocked}, w.history())
	require.Equal(t, []order.AttentionReason{order.RecoverableUnclear, order.RecoveryNeeded}, w.attention())
}

// What was supplied reaches the order's documents with the decision. What came with a demand that the run refuses is erased by
// whoever asked.
func TestBodyOfARecovery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fact(2*day, order.KitRejected, recoverable(true))
	asked := w.newReply()
	w.at(3*day, func() {
		w.ask(asked, recovery(false), []byte(`{"address":null,"patient_details":{"first_name":"Inés","last_name":"Okafor","dob":"1988-11-30"},"note":"called"}`))
	})
	w.runUntil(4 * day)
	require.True(t, asked.Done, asked.Reason)
	require.Equal(t, "Inés", w.order().Patient.FirstName)
	kept, err := w.store.DemandBody(context.Background(), asked.id)
	require.NoError(t, err)
	require.NotContains(t, string(kept), "Inés")
}
