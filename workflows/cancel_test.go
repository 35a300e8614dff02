package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

func TestCancelWhereTheLabHasNoCall(t *testing.T) {
	t.Parallel()
	cancelled := lifecycle.Cancelled
	tests := map[string]struct {
		settings  []orderSetting
		happen    func(w *orderHarness)
		ask       time.Duration
		history   []lifecycle.LowStatus
		refused   order.Reason
		attention []order.AttentionReason
	}{
		"before anything was sent": {
			settings: []orderSetting{withActivateBy(march(6), time.UTC)}, ask: hour,
			history: []lifecycle.LowStatus{ordered, cancelled}, attention: []order.AttentionReason{},
		},
		"refused by the lab": {
			settings: []orderSetting{withScript("refuse-place")}, ask: hour,
			history: []lifecycle.LowStatus{ordered, cancelled}, attention: []order.AttentionReason{},
		},
		"between two rounds without an answer": {
			settings: []orderSetting{withScript("fail-place-99")}, ask: 2 * time.Minute,
			history: []lifecycle.LowStatus{ordered, cancelled}, attention: []order.AttentionReason{order.AttentionCancelAtLab},
		},
		"placed": {
			ask: hour, history: []lifecycle.LowStatus{ordered, created, cancelled},
			attention: []order.AttentionReason{order.AttentionCancelAtLab},
		},
		"shipped": {
			happen: func(w *orderHarness) { w.factAt(hour, order.FactKitShipped) }, ask: 2 * hour,
			history: []lifecycle.LowStatus{ordered, created, shipped}, refused: order.ReasonTransitionNotAllowed,
			attention: []order.AttentionReason{},
		},
		"at the lab": {
			happen: func(w *orderHarness) { w.factAt(hour, order.FactKitReceived) }, ask: 2 * hour,
			history: []lifecycle.LowStatus{ordered, created, received}, refused: order.ReasonTransitionNotAllowed,
			attention: []order.AttentionReason{},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, test.settings...)
			if test.happen != nil {
				test.happen(w)
			}
			asked := w.demandAt(test.ask, cancelDemand())
			w.runUntil(3 * hour)
			require.True(t, asked.Answered)
			require.Equal(t, test.refused == "", asked.Done)
			require.Equal(t, test.refused, asked.Reason)
			require.Equal(t, day0.Add(test.ask), asked.At)
			require.Equal(t, test.history, w.statusHistory())
			require.Equal(t, test.attention, w.attention())
			require.Empty(t, w.labCalls("CancelOrder"))
			require.Equal(t, asked.Done, !w.open, "the run of a cancelled order ends")
		})
	}
}

// TestFactsOnACancelledOrder: a kit of a cancelled order ships all the same. The status stays, and a mark is raised.
func TestFactsOnACancelledOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.demandAt(2*hour, cancelDemand())
	w.factAt(3*hour, order.FactKitShipped, withSentAt(hour))
	w.factAt(5*hour, order.FactKitReceived)
	w.run()
	require.Equal(t, []lifecycle.LowStatus{ordered, created, lifecycle.Cancelled}, w.statusHistory())
	require.Contains(t, w.attention(), order.AttentionContradictoryFact)
	require.Equal(t, "kit_received: refused", w.factOutcomes()[1])
	require.Greater(t, w.runs, 1)
}

// TestCancelWhileTheCallIsInFlight: a cancellation during the placement call waits for the call's outcome.
func TestCancelWhileTheCallIsInFlight(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		script    string
		history   []lifecycle.LowStatus
		attention []order.AttentionReason
	}{
		"the lab accepts": {"happy", []lifecycle.LowStatus{ordered, created, lifecycle.Cancelled},
			[]order.AttentionReason{order.AttentionCancelAtLab}},
		"the lab refuses": {"refuse-place", []lifecycle.LowStatus{ordered, lifecycle.Cancelled},
			[]order.AttentionReason{}},
		"the lab is silent": {"fail-place-99", []lifecycle.LowStatus{ordered, lifecycle.Cancelled},
			[]order.AttentionReason{order.AttentionCancelAtLab}},
		"the answer is lost": {"timeout-after-accept", []lifecycle.LowStatus{ordered, created, lifecycle.Cancelled},
			[]order.AttentionReason{order.AttentionCancelAtLab}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, withScript(test.script))
			asked := w.newReply()
			w.gate.setHook("/PlaceOrder", func(n int, serve func()) {
				if n == 1 {
					w.meanwhile(func() { w.sendDemand(asked, cancelDemand(), nil) })
					<-asked.accepted
				}
				serve()
			})
			w.run()
			require.True(t, asked.Done)
			require.Equal(t, test.history, w.statusHistory())
			require.Equal(t, test.attention, w.attention())
		})
	}
}

func newCancellingWorld(t *testing.T) *orderHarness {
	t.Helper()
	return newLabHarness(t, withCancelCall).newWorld(t)
}

// TestCancelConfirmedByALabThatIsBeingCalled: a cancellation during the placement call is sent to the lab after it.
func TestCancelConfirmedByALabThatIsBeingCalled(t *testing.T) {
	t.Parallel()
	w := newCancellingWorld(t)
	asked := w.newReply()
	w.gate.setHook("/PlaceOrder", func(_ int, serve func()) {
		w.meanwhile(func() { w.sendDemand(asked, cancelDemand(), nil) })
		<-asked.accepted
		serve()
	})
	w.run()
	require.True(t, asked.Done)
	require.Equal(t, []lifecycle.LowStatus{ordered, created, lifecycle.Cancelled}, w.statusHistory())
	require.Len(t, w.labCalls("CancelOrder"), 1)
	require.Empty(t, w.attention())
}

// TestCancelOvertakenByTheKit: an out-of-date run learns, while it records that the lab is asked, that the kit has
// shipped. It does not ask the lab.
func TestCancelOvertakenByTheKit(t *testing.T) {
	t.Parallel()
	w := newCancellingWorld(t)
	w.at(hour, func() { w.settleFactElsewhere(order.Fact{Kind: order.FactKitShipped, SentAt: w.now()}) })
	asked := w.demandAt(hour, cancelDemand())
	w.runUntil(2 * hour)
	require.True(t, asked.Answered)
	require.Equal(t, order.ReasonTransitionNotAllowed, asked.Reason)
	require.Empty(t, w.labCalls("CancelOrder"))
	require.Equal(t, []lifecycle.LowStatus{ordered, created, shipped}, w.statusHistory())
}

func TestCancelConfirmedByTheLab(t *testing.T) {
	t.Parallel()
	w := newCancellingWorld(t)
	asked := w.demandAt(hour, cancelDemand())
	w.run()
	require.True(t, asked.Done)
	require.Equal(t, []lifecycle.LowStatus{ordered, created, lifecycle.Cancelled}, w.statusHistory())
	require.Len(t, w.labCalls("CancelOrder"), 1)
	require.Empty(t, w.attention())
}

func TestCancelRefusedByTheLab(t *testing.T) {
	t.Parallel()
	w := newCancellingWorld(t)
	w.at(hour, w.shipAtLab)
	asked := w.demandAt(2*hour, cancelDemand())
	w.factAt(3*hour, order.FactKitShipped, withSentAt(hour))
	after := w.demandAt(4*hour, cancelDemand())
	w.runUntil(5 * hour)
	require.False(t, asked.Done)
	require.Equal(t, order.ReasonLabRefused, asked.Reason)
	require.Equal(t, created, asked.FromStatus)
	require.Equal(t, order.ReasonTransitionNotAllowed, after.Reason)
	require.Len(t, w.labCalls("CancelOrder"), 1, "once shipped it is refused without asking the lab")
	require.Equal(t, []lifecycle.LowStatus{ordered, created, shipped}, w.statusHistory())
	require.Empty(t, w.attention())
}

// TestKitShippedBeforeTheConfirmation: a shipment before the lab's confirmation prevents the cancellation.
func TestKitShippedBeforeTheConfirmation(t *testing.T) {
	t.Parallel()
	w := newCancellingWorld(t)
	w.gate.setHook("/CancelOrder", func(_ int, serve func()) {
		w.meanwhile(func() { w.reportFact(order.FactKitShipped) })
		w.await(shipped)
		serve()
	})
	asked := w.demandAt(hour, cancelDemand())
	w.runUntil(2 * hour)
	require.True(t, asked.Answered)
	require.False(t, asked.Done)
	require.Equal(t, order.ReasonTransitionNotAllowed, asked.Reason)
	require.Equal(t, shipped, asked.FromStatus)
	require.Equal(t, []lifecycle.LowStatus{ordered, created, shipped}, w.statusHistory())
	require.Nil(t, w.order().State.PendingCancellation)
}

// TestCancelUnanswered: a lab without an answer is asked every minute. The caller gets "no answer yet" after 12
// seconds.
func TestCancelUnanswered(t *testing.T) {
	t.Parallel()
	w := newCancellingWorld(t)
	w.gate.setHook("/CancelOrder", func(n int, serve func()) {
		if n < 4 {
			dropConnection()
		}
		serve()
	})
	asked := w.demandAt(hour, cancelDemand())
	w.at(hour+20*time.Second, func() {
		require.True(t, asked.Unanswered)
		require.Equal(t, day0.Add(hour+12*time.Second), asked.At)
		w.requireMarkSince(hour, order.AttentionCancelUnanswered)
		require.Equal(t, created, w.order().Status)
	})
	w.run()
	require.Equal(t, []lifecycle.LowStatus{ordered, created, lifecycle.Cancelled}, w.statusHistory())
	require.Equal(t, day0.Add(hour+3*time.Minute), w.order().Events[2].OccurredAt)
	require.Len(t, w.labCalls("CancelOrder"), 1, "the others never reached the lab")
	require.Empty(t, w.attention())
}

// TestCancelUnansweredBeforeTheKitShips: once the kit has shipped, the lab is not asked again.
func TestCancelUnansweredBeforeTheKitShips(t *testing.T) {
	t.Parallel()
	w := newCancellingWorld(t)
	calls := 0
	w.gate.setHook("/CancelOrder", func(n int, _ func()) {
		calls = n
		dropConnection()
	})
	asked := w.demandAt(hour, cancelDemand())
	w.factAt(hour+90*time.Second, order.FactKitShipped)
	w.runUntil(2 * hour)
	require.True(t, asked.Unanswered)
	require.Equal(t, 3, calls)
	require.Nil(t, w.order().State.PendingCancellation)
	require.Equal(t, []lifecycle.LowStatus{ordered, created, shipped}, w.statusHistory())
	require.Empty(t, w.attention())
	demand, err := w.store.Demand(context.Background(), asked.id)
	require.NoError(t, err)
	require.Equal(t, store.DemandRefused, demand.State)
}

// TestCancelAskedAgain: a second caller gets the lab's answer too.
func TestCancelAskedAgain(t *testing.T) {
	t.Parallel()
	for name, confirms := range map[string]bool{"confirmed": true, "refused": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newCancellingWorld(t)
			if !confirms {
				w.at(time.Minute, w.shipAtLab)
			}
			again := w.newReply()
			w.gate.setHook("/CancelOrder", func(n int, serve func()) {
				if n == 1 {
					dropConnection()
				}
				// The second caller asks while the lab is being called for the first one.
				w.meanwhile(func() { w.sendDemand(again, cancelDemand(), nil) })
				<-again.accepted
				serve()
			})
			first := w.demandAt(hour, cancelDemand())
			w.runUntil(2 * hour)
			require.True(t, first.Unanswered)
			require.Equal(t, confirms, again.Done, "%+v", again.DemandAnswer)
			require.False(t, again.Unanswered)
			require.Nil(t, w.order().State.PendingCancellation)
			require.Equal(t, confirms, w.order().Status == lifecycle.Cancelled)
			if !confirms {
				require.Equal(t, order.ReasonLabRefused, again.Reason)
			}
		})
	}
}

// TestCancelAskedTwice: the lab's answer is recorded for all callers, whether they wait for it or not.
func TestCancelAskedTwice(t *testing.T) {
	t.Parallel()
	for name, confirms := range map[string]bool{store.DemandDone: true, store.DemandRefused: false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newCancellingWorld(t)
			if !confirms {
				w.at(time.Minute, w.shipAtLab)
			}
			w.gate.setHook("/CancelOrder", func(n int, serve func()) {
				if n == 1 {
					dropConnection()
				}
				serve()
			})
			asked := []*demandReply{w.demandAt(hour, cancelDemand()), w.demandAt(hour+50*time.Second, cancelDemand()),
				w.demandAt(hour+50*time.Second, cancelDemand())}
			w.runUntil(2 * hour)
			require.True(t, asked[0].Unanswered)
			for _, r := range asked {
				require.True(t, r.Unanswered || r.Done == confirms, "%+v", r.DemandAnswer)
				row, err := w.store.Demand(context.Background(), r.id)
				require.NoError(t, err)
				require.Equal(t, name, row.State)
			}
		})
	}
}

// TestDemandRetry: the answer to a demand may be lost after its recording. The repeated demand gets the same answer.
func TestDemandRetry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.demandAt(hour, cancelDemand())
	again := w.newReply()
	again.id = first.id
	w.at(2*hour, func() {
		d := cancelDemand()
		d.ID = first.id
		w.env.UpdateWorkflow(dispatch.UpdateDemand, d.ID, again, d)
	})
	w.run()
	require.True(t, first.Done)
	require.True(t, again.Done, "%+v", again.DemandAnswer)
	require.Equal(t, []lifecycle.LowStatus{ordered, created, lifecycle.Cancelled}, w.statusHistory())
}

// TestCancelGoesOnInTheNextRun: a run that begins before the lab's answer goes on asking.
func TestCancelGoesOnInTheNextRun(t *testing.T) {
	t.Parallel()
	w := newCancellingWorld(t)
	w.gate.setHook("/CancelOrder", func(n int, serve func()) {
		if n < 3 {
			dropConnection()
		}
		serve()
	})
	w.demandAt(hour, cancelDemand())
	w.runUntil(hour + 30*time.Second)
	require.Equal(t, []order.AttentionReason{order.AttentionCancelUnanswered}, w.attention())
	w.run()
	require.Equal(t, []lifecycle.LowStatus{ordered, created, lifecycle.Cancelled}, w.statusHistory())
	require.Equal(t, 2, w.runs)
}
