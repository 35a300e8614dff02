package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/labs/simlab"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

var errOutage = errors.New("the database is unavailable")

// longTimeline is an order with every kind of wait: rounds of placement, a leg, a recovery window, a fetch schedule.
func longTimeline(t *testing.T) *orderHarness {
	t.Helper()
	w := newWorld(t, withActivateBy(march(3), time.UTC), withScript("fail-place-6"))
	w.factAt(2*day, order.FactKitShipped)
	w.courierFactAt(3*day, "outbound", lifecycle.OutForDelivery)
	w.courierFactAt(15*day, "outbound", lifecycle.WithCustomer)
	w.factAt(20*day, order.FactKitRejected, withRecoverable(true))
	w.demandAt(24*day, recoveryDemand(false))
	w.factAt(26*day, order.FactKitReceived)
	w.factAt(45*day, order.FactReportReady)
	w.resultsAt(45*day+2*hour, `{}`)
	return w
}

var longTimelineStatuses = []lifecycle.LowStatus{
	ordered, created, shipped, lifecycle.OutForDelivery, lifecycle.WithCustomer, received, blocked, received, completed,
}

func requireWholeLife(t *testing.T, w *orderHarness) {
	t.Helper()
	require.Equal(t, longTimelineStatuses, w.statusHistory())
	for _, c := range w.labCalls("PlaceOrder") {
		require.Equal(t, w.number, c.Orders[0].OrderNumber)
	}
	require.Empty(t, w.attention())
	require.Equal(t, 1, w.order().Results.Version)
	require.Equal(t, day0.Add(26*day), w.order().Events[7].OccurredAt)
}

// TestLostRuns: a run may be lost at any point, also during a recording. The next run goes on from what is recorded.
func TestLostRuns(t *testing.T) {
	t.Parallel()
	cuts := []time.Duration{
		time.Hour, 14*hour - time.Second, 14*hour + 30*time.Second, 14*hour + 3*time.Minute, day, 2*day + 1, 5 * day,
		13 * day, 16 * day, 20 * day,
		22 * day, 25 * day, 26*day + 1, 41 * day, 45*day + 1, 45*day + 3*time.Minute, 45*day + 90*time.Minute,
	}
	t.Run("at each of them", func(t *testing.T) {
		t.Parallel()
		w := longTimeline(t)
		for _, cut := range cuts {
			w.cutOff(cut)
		}
		w.run()
		requireWholeLife(t, w)
		require.Equal(t, len(cuts)+1, w.runs)
	})
	for _, cut := range cuts {
		t.Run(fmt.Sprintf("after %s", cut), func(t *testing.T) {
			t.Parallel()
			w := longTimeline(t)
			w.cutOff(cut)
			w.run()
			requireWholeLife(t, w)
		})
	}
}

// TestDeadlinesOutliveTheRun: due times are absolute, so a run that begins during a wait does not restart the wait.
func TestDeadlinesOutliveTheRun(t *testing.T) {
	t.Parallel()
	for _, cut := range []time.Duration{time.Hour, 5 * day, 16 * day, 22 * day, 30 * day, 39 * day} {
		t.Run(fmt.Sprintf("after %s", cut), func(t *testing.T) {
			t.Parallel()
			w := longTimeline(t)
			w.runUntil(cut)
			before := w.order().State
			require.NotEmpty(t, before.Deadlines)
			w.runUntil(cut + hour)
			require.Equal(t, before, w.order().State)
		})
	}
}

// TestCutOffDuringTheCall: if a run is lost during the placement call, the next run calls again with the same number.
func TestCutOffDuringTheCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hanging, let := make(chan struct{}), make(chan struct{})
	letGo := sync.OnceFunc(func() { close(let) })
	t.Cleanup(letGo) // a test that fails must not leave the lab's server waiting
	w.gate.setHook("/PlaceOrder", func(n int, serve func()) {
		serve()
		if n == 1 {
			close(hanging)
			<-let
			dropConnection()
		}
	})
	// The clock does not skip while an activity runs, so the run is cut off while the call hangs. Only on a machine so
	// busy that the call has not begun by then is another run needed.
	for cut := time.Second; !isClosed(hanging); cut *= 4 {
		w.runUntil(cut)
	}
	require.Equal(t, []lifecycle.LowStatus{ordered}, w.statusHistory())
	w.factAt(day, order.FactKitShipped)
	w.runUntil(2 * day)
	letGo()
	require.Equal(t, []string{simlab.OutcomeAccepted, simlab.OutcomeDuplicate}, w.placementOutcomes())
	require.Equal(t, []lifecycle.LowStatus{ordered, created, shipped}, w.statusHistory())
	require.NotEmpty(t, w.order().Accession)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// TestOvertakenByAnotherRecording: another run of the order records first. The decision is made again on its result.
func TestOvertakenByAnotherRecording(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		first, then order.FactKind
		edit        []func(*order.Fact)
		history     []lifecycle.LowStatus
		fates       []string
	}{
		"both count": {
			order.FactKitShipped, order.FactKitReceived, nil,
			[]lifecycle.LowStatus{ordered, created, shipped, received},
			[]string{"kit_shipped: applied", "kit_received: applied"},
		},
		"the second is late": {
			order.FactKitReceived, order.FactKitShipped, []func(*order.Fact){withSentAt(2 * hour)},
			[]lifecycle.LowStatus{ordered, created, received}, []string{"kit_received: applied", "kit_shipped: late"},
		},
		"the order has ended": {
			order.FactKitRejected, order.FactKitReceived, nil,
			[]lifecycle.LowStatus{ordered, created, received, lifecycle.SampleError},
			[]string{"kit_rejected: applied", "kit_received: refused"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.at(day, func() {
				w.settleFactElsewhere(order.Fact{Kind: test.first, SentAt: w.now(), Recoverable: ptr(false)})
				w.reportFact(test.then, test.edit...)
			})
			w.runUntil(2 * day)
			require.Equal(t, test.history, w.statusHistory())
			require.Equal(t, test.fates, w.factOutcomes())
		})
	}
}

// settleElsewhere settles a cause as another run of the order would.
func (w *orderHarness) settleElsewhere(c order.Cause) {
	w.t.Helper()
	_, err := w.store.SettleCause(context.Background(), w.orderID, c, w.now())
	require.NoError(w.t, err)
}

// settleFactElsewhere settles a fact as another run of the order would, and then wakes the run.
func (w *orderHarness) settleFactElsewhere(f order.Fact) {
	w.t.Helper()
	got := w.storeInboxItem(f)
	w.settleElsewhere(order.Cause{Fact: got.Fact})
	w.wakeFor(got)
}

// TestParkedFactOfALostRun: a run recorded the decision that a parked fact waited for, and was lost. The next run
// applies the fact.
func TestParkedFactOfALostRun(t *testing.T) {
	t.Parallel()
	park := func(t *testing.T) *orderHarness {
		t.Helper()
		w := newWorld(t, withActivateBy(march(6), time.UTC))
		w.factAt(hour, order.FactKitShipped)
		return w
	}
	t.Run("found at the start", func(t *testing.T) {
		t.Parallel()
		w := park(t)
		w.runUntil(2 * hour)
		w.settlePlacementElsewhere()
		w.runUntil(3 * hour)
		require.Equal(t, []lifecycle.LowStatus{ordered, created, shipped}, w.statusHistory())
	})
	t.Run("found when overtaken", func(t *testing.T) {
		t.Parallel()
		w := park(t)
		w.at(2*hour, func() {
			w.settlePlacementElsewhere()
			w.reportFact(order.FactCourierReport, func(f *order.Fact) { f.Leg = "outbound" })
		})
		w.demandAt(2*hour, operationsDemand(order.DemandAcknowledgeMark))
		w.runUntil(3 * hour)
		require.Equal(t, []lifecycle.LowStatus{ordered, created, shipped}, w.statusHistory())
	})
}

// settlePlacementElsewhere activates a scheduled order and records its requisition, as another run of the order would.
func (w *orderHarness) settlePlacementElsewhere() {
	w.t.Helper()
	activate := order.Demand{ID: "activate-" + w.orderID, Kind: order.DemandActivate, By: lifecycle.Client}
	w.settleElsewhere(order.Cause{Demand: &activate})
	w.settleElsewhere(order.Cause{Call: &order.CallOutcome{Kind: order.CallPlace, ID: "place", Answer: order.AnswerDone,
		Accession: "M000412207"}})
}

// TestBookingOnAStaleRun: a run whose last task was lost with its worker does not know the requisition. On a booking
// demand it learns of it and asks the provider. It neither refuses nor answers "booked" without a call.
func TestBookingOnAStaleRun(t *testing.T) {
	t.Parallel()
	w := newVisitWorld(t, lifecycle.WalkIn, withActivateBy(march(6), time.UTC))
	book := w.bookingDemand(lifecycle.WalkIn, order.DemandBookAppointment, 50*hour)
	w.at(2*hour, w.settlePlacementElsewhere)
	booked := w.demandAt(2*hour, book)
	w.runUntil(3 * hour)
	require.True(t, booked.Done, "%s", booked.Reason)
	require.Equal(t, []lifecycle.LowStatus{ordered, created, lifecycle.AppointmentScheduled}, w.statusHistory())
	require.Len(t, w.labCalls("neutral.book"), 1)
}

// TestWakeReloadsTheOrder: an update that is lost with its server leaves no trace in Temporal, whatever it recorded.
// After a wake the run knows: that the order has ended, or that it has to act now.
func TestWakeReloadsTheOrder(t *testing.T) {
	t.Parallel()
	behind := func(w *orderHarness, d order.Demand) {
		d.ID, d.By = "lost", lifecycle.Client
		w.settleElsewhere(order.Cause{Demand: &d})
	}
	wake := func(w *orderHarness) func() { return func() { w.env.SignalWorkflow(dispatch.SignalWake, nil) } }
	t.Run("it is over", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.at(day, func() { behind(w, order.Demand{Kind: order.DemandCancel}) })
		w.at(day+hour, wake(w))
		w.run()
		require.Equal(t, []lifecycle.LowStatus{ordered, created, lifecycle.Cancelled}, w.statusHistory())
		require.Equal(t, day0.Add(day+hour), w.now())
	})
	t.Run("it has to act", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, withActivateBy(march(20), time.UTC))
		w.at(hour, func() { behind(w, order.Demand{Kind: order.DemandActivate}) })
		w.at(2*hour, wake(w))
		w.runUntil(3 * hour)
		require.Equal(t, []lifecycle.LowStatus{ordered, created}, w.statusHistory())
	})
	t.Run("there is nothing to see", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.at(day, wake(w))
		w.runUntil(2 * day)
		require.Equal(t, []lifecycle.LowStatus{ordered, created}, w.statusHistory())
	})
}

// TestADemandThatWasRecordedBefore: a demand was recorded by a task that was lost with its server, and is repeated. The
// run learns of it while it answers, and acts on it.
func TestADemandThatWasRecordedBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withActivateBy(march(20), time.UTC))
	asked := w.newReply()
	activate := order.Demand{ID: asked.id, Kind: order.DemandActivate, By: lifecycle.Client}
	w.at(hour, func() {
		w.settleElsewhere(order.Cause{Demand: &activate})
	})
	w.at(2*hour, func() { w.sendDemand(asked, activate, nil) })
	w.runUntil(3 * hour)
	require.True(t, asked.Done, "%s", asked.Reason)
	require.Equal(t, []lifecycle.LowStatus{ordered, created}, w.statusHistory(),
		"it is placed at once, and not on the day that was waited for")
}

// mostAttemptsInTests is the number of attempts after which the SDK's test environment gives up an activity.
const mostAttemptsInTests = 10

// TestStoreOutage: an unavailable database delays an order and never fails it. After a few attempts in the run's task,
// a regular activity tries on, for as long as it takes.
func TestStoreOutage(t *testing.T) {
	t.Parallel()
	w := longTimeline(t)
	failing := map[string]int{}
	w.onSettle = func(ctx context.Context, in dispatch.SettleInput, settle settleFunc) (dispatch.SettledOrder, error) {
		if failing[causeID(in)]++; failing[causeID(in)] < mostAttemptsInTests {
			return dispatch.SettledOrder{}, errOutage
		}
		return settle(ctx, in)
	}
	w.run()
	require.Equal(t, longTimelineStatuses, w.statusHistory())
	require.Empty(t, w.attention())
}

// causeID returns the id of the cause that is being settled, or that of a look.
func causeID(in dispatch.SettleInput) string {
	if in.Cause == nil {
		return "look at " + in.At.String()
	}
	return in.Cause.ID()
}

// TestSettlingWhoseAnswerIsLost: what was settled is not settled twice if the answer was lost.
func TestSettlingWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	w := longTimeline(t)
	lost := map[string]bool{}
	w.onSettle = func(ctx context.Context, in dispatch.SettleInput, settle settleFunc) (dispatch.SettledOrder, error) {
		out, err := settle(ctx, in)
		if err == nil && !lost[causeID(in)] {
			lost[causeID(in)] = true
			return dispatch.SettledOrder{}, errOutage
		}
		return out, err
	}
	w.run()
	requireWholeLife(t, w)
	require.GreaterOrEqual(t, len(lost), 12)
}
