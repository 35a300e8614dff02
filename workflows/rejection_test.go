package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

func recoveryDemand(confirmed bool) order.Demand {
	d := operationsDemand(order.DemandRecover)
	d.Confirmed = confirmed
	return d
}

// TestRejectedKit: a kit is rejected on the second day, and each case ends the window in a way of
// order-lifecycle#kit-rejection.
func TestRejectedKit(t *testing.T) {
	t.Parallel()
	start := []lifecycle.LowStatus{ordered, created, received, blocked}
	tests := map[string]struct {
		happen    func(w *orderHarness)
		then      []lifecycle.LowStatus
		detail    lifecycle.Detail
		attention []order.AttentionReason
	}{
		"supplied, and the lab has to get it": {
			happen:    func(w *orderHarness) { w.demandAt(4*day, recoveryDemand(false)) },
			attention: []order.AttentionReason{order.AttentionTellLab},
		},
		"supplied, and the lab confirmed": {
			happen: func(w *orderHarness) { w.demandAt(4*day, recoveryDemand(true)) },
			then:   []lifecycle.LowStatus{received}, attention: []order.AttentionReason{},
		},
		"supplied, sent, and confirmed by the lab's fact": {
			happen: func(w *orderHarness) {
				w.demandAt(4*day, recoveryDemand(false))
				w.factAt(5*day, order.FactKitReceived)
			},
			then: []lifecycle.LowStatus{received}, attention: []order.AttentionReason{},
		},
		"back in production": {
			happen: func(w *orderHarness) { w.factAt(6*day, order.FactKitReceived) },
			then:   []lifecycle.LowStatus{received}, attention: []order.AttentionReason{},
		},
		"received before the rejection, reported after": {
			happen:    func(w *orderHarness) { w.factAt(6*day, order.FactKitReceived, withSentAt(day)) },
			attention: []order.AttentionReason{order.AttentionRecoveryNeeded},
		},
		"reported": {
			happen: func(w *orderHarness) {
				w.resultsAt(6*day, `{}`)
				w.factAt(6*day, order.FactReportReady)
			},
			then: []lifecycle.LowStatus{lifecycle.Completed}, attention: []order.AttentionReason{},
		},
		"rejected again finally": {
			happen: func(w *orderHarness) {
				w.factAt(6*day, order.FactKitRejected, withRecoverable(false),
					func(f *order.Fact) { f.Detail = lifecycle.SampleHemolyzed })
			},
			then: []lifecycle.LowStatus{lifecycle.SampleError}, detail: lifecycle.SampleHemolyzed,
			attention: []order.AttentionReason{order.AttentionReplacementNeeded},
		},
		"given up by operations": {
			happen: func(w *orderHarness) { w.demandAt(6*day, operationsDemand(order.DemandDoNotProcess)) },
			then:   []lifecycle.LowStatus{lifecycle.DoNotProcess}, attention: []order.AttentionReason{},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.factAt(2*day, order.FactKitRejected, withRecoverable(true),
				func(f *order.Fact) { f.Detail = lifecycle.DateOfCollectionUnspecified })
			w.at(2*day+time.Minute, func() {
				w.requireMarkSince(2*day, order.AttentionRecoveryNeeded)
				require.Equal(t, lifecycle.DateOfCollectionUnspecified, w.order().Detail)
			})
			test.happen(w)
			w.runUntil(15 * day)
			require.Equal(t, append(start, test.then...), w.statusHistory())
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
func (w *orderHarness) requireReminders(after time.Duration, want int, of order.AttentionReason) {
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
		settings  []orderSetting
		reminders []time.Duration
		window    time.Duration
	}{
		"by default": {nil, []time.Duration{3 * day, 7 * day, 10 * day}, 14 * day},
		"at a Molecular account": {[]orderSetting{withPolicy(func(p *order.Policy) {
			p.Recovery.Window = order.Duration(7 * day)
			p.Recovery.Reminders = []order.Duration{order.Duration(3 * day), order.Duration(5 * day)}
		})}, []time.Duration{3 * day, 5 * day}, 7 * day},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, test.settings...)
			w.factAt(3*day, order.FactKitRejected, withRecoverable(true), withSentAt(2*day))
			for i, r := range test.reminders {
				w.requireReminders(2*day+r-time.Second, i, order.AttentionRecoveryNeeded)
				w.requireReminders(2*day+r+time.Second, i+1, order.AttentionRecoveryNeeded)
			}
			w.run()
			require.Equal(t, []lifecycle.LowStatus{ordered, created, received, blocked, lifecycle.SampleError},
				w.statusHistory())
			o := w.order()
			require.Equal(t, lifecycle.SampleStabilityExceeded, o.Detail)
			require.Equal(t, day0.Add(2*day+test.window), o.Events[4].OccurredAt,
				"counted from the rejection, not from its arrival")
			require.Equal(t, []order.AttentionReason{order.AttentionReplacementNeeded}, w.attention())
		})
	}
}

// TestRemindersAfterRecovery: after the recovery, reminders ask operations to contact the lab.
func TestRemindersAfterRecovery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.factAt(0, order.FactKitRejected, withRecoverable(true))
	w.demandAt(4*day, recoveryDemand(false))
	w.requireReminders(4*day-time.Hour, 1, order.AttentionRecoveryNeeded)
	w.requireReminders(8*day, 1, order.AttentionTellLab)
	w.requireReminders(11*day, 2, order.AttentionTellLab)
	w.run()
	require.Equal(t, lifecycle.SampleError, w.order().Status)
}

func TestRepeatedRejectionRestartsTheWindowTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, at := range []time.Duration{2 * day, 10 * day, 20 * day, 30 * day} {
		w.factAt(at, order.FactKitRejected, withRecoverable(true))
	}
	w.run()
	require.Equal(t, []lifecycle.LowStatus{ordered, created, received, blocked, lifecycle.SampleError}, w.statusHistory())
	require.Equal(t, day0.Add(34*day), w.order().Events[4].OccurredAt, "fourteen days after the third rejection")
}

func TestRejectionThatDoesNotSayWhetherItIsFinal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.factAt(2*day, order.FactKitRejected)
	w.runUntil(3 * day)
	require.Equal(t, []lifecycle.LowStatus{ordered, created, received, blocked}, w.statusHistory())
	require.Equal(t, []order.AttentionReason{order.AttentionRecoverableUnclear, order.AttentionRecoveryNeeded},
		w.attention())
}

// TestBodyOfARecovery: a recovery changes the order's documents with its decision. The body of a refused demand is
// erased by its caller.
func TestBodyOfARecovery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.factAt(2*day, order.FactKitRejected, withRecoverable(true))
	asked := w.newReply()
	w.at(3*day, func() {
		w.sendDemand(asked, recoveryDemand(false),
			[]byte(`{"address":null,"patient_details":{"first_name":"Inés","last_name":"Okafor","dob":"1988-11-30"},`+
				`"note":"called"}`))
	})
	w.runUntil(4 * day)
	require.True(t, asked.Done, asked.Reason)
	require.Equal(t, "Inés", w.order().Patient.FirstName)
	kept, err := w.store.DemandBody(context.Background(), asked.id)
	require.NoError(t, err)
	require.NotContains(t, string(kept), "Inés")
}
