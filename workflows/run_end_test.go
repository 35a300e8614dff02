package workflows_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// TestSignalsAtTheEnd: signals in the task in which the order ends, or while its end is being recorded, are not lost.
func TestSignalsAtTheEnd(t *testing.T) {
	t.Parallel()
	t.Run("in the same task", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		asked := w.newReply()
		w.at(hour, func() {
			w.reportFact(order.FactKitRejected, withRecoverable(false))
			w.sendDemand(asked, cancelDemand(), nil)
			w.reportFact(order.FactKitShipped)
			w.reportFact(order.FactKitReceived)
		})
		w.run()
		require.True(t, asked.Answered)
		require.Equal(t, order.ReasonTransitionNotAllowed, asked.Reason)
		require.Len(t, w.factOutcomes(), 3)
		require.Equal(t, 1, w.runs)
	})
	t.Run("while the end is recorded", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.onSettle = func(ctx context.Context, in dispatch.SettleInput, settle settleFunc) (dispatch.SettledOrder, error) {
			before := w.order().Status
			out, err := settle(ctx, in)
			if out.Agenda.Status == lifecycle.SampleError && before != lifecycle.SampleError {
				for _, kind := range []order.FactKind{order.FactKitShipped, order.FactKitReceived, order.FactReportReady} {
					w.reportFact(kind)
				}
			}
			return out, err
		}
		w.resultsAt(time.Minute, `{}`)
		w.factAt(hour, order.FactKitRejected, withRecoverable(false))
		w.run()
		require.Equal(t, []lifecycle.LowStatus{ordered, created, received, lifecycle.SampleError}, w.statusHistory())
		require.Len(t, w.factOutcomes(), 4)
		require.Equal(t, 1, w.order().State.Fetch.StoredVersions, "the report is fetched before the run ends")
		require.Equal(t, 1, w.runs)
	})
	t.Run("a demand while the end is recorded", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		asked := w.newReply()
		w.onSettle = func(ctx context.Context, in dispatch.SettleInput, settle settleFunc) (dispatch.SettledOrder, error) {
			before := w.order().Status
			out, err := settle(ctx, in)
			if out.Agenda.Status == lifecycle.SampleError && before != lifecycle.SampleError {
				w.meanwhile(func() { w.sendDemand(asked, cancelDemand(), nil) })
				<-asked.accepted
			}
			return out, err
		}
		w.factAt(hour, order.FactKitRejected, withRecoverable(false))
		w.run()
		require.True(t, asked.Answered)
		require.Equal(t, order.DemandAnswer{Reason: order.ReasonTransitionNotAllowed, FromStatus: lifecycle.SampleError,
			Sequence: 4}, asked.DemandAnswer)
	})
}

// suggestContinueAsNew has the server suggest at each of the times that the run continues as new.
func (w *orderHarness) suggestContinueAsNew(at ...time.Duration) {
	for _, after := range at {
		w.at(after, func() {
			w.env.SetContinueAsNewSuggested(true)
			w.env.SignalWorkflow("wake", nil) // a suggestion arrives with a workflow task
		})
	}
}

func TestContinueAsNew(t *testing.T) {
	t.Parallel()
	t.Run("between everything", func(t *testing.T) {
		t.Parallel()
		w := longTimeline(t)
		w.suggestContinueAsNew(time.Hour, 14*hour+3*time.Minute, 2*day, 5*day, 15*day, 20*day, 22*day, 24*day, 26*day, 45*day,
			45*day+90*time.Minute)
		w.run()
		requireWholeLife(t, w)
		require.Equal(t, 11, w.renewals)
		require.Equal(t, w.renewals+1, w.runs)
	})
	t.Run("with the same deadlines", func(t *testing.T) {
		t.Parallel()
		w := longTimeline(t)
		var before order.State
		w.at(22*day-time.Second, func() { before = w.order().State })
		w.suggestContinueAsNew(22 * day)
		w.at(22*day+time.Second, func() {
			require.Equal(t, 1, w.renewals)
			require.NotEmpty(t, before.Deadlines)
			require.Equal(t, before, w.order().State)
		})
		w.run()
		requireWholeLife(t, w)
	})
}

// TestContinueAsNewWaits: a run does not continue as new while a caller or the lab waits for an answer.
func TestContinueAsNewWaits(t *testing.T) {
	t.Parallel()
	t.Run("for a cancellation", func(t *testing.T) {
		t.Parallel()
		w := newCancellingWorld(t)
		w.gate.setHook("/CancelOrder", func(n int, serve func()) {
			if n == 1 {
				dropConnection()
			}
			serve()
		})
		asked := w.demandAt(hour, cancelDemand())
		w.suggestContinueAsNew(hour + time.Second)
		w.at(hour+11*time.Second, func() { require.Zero(t, w.renewals) })
		w.at(hour+13*time.Second, func() {
			require.True(t, asked.Unanswered)
			require.Equal(t, 1, w.renewals)
		})
		w.run()
		require.Equal(t, lifecycle.Cancelled, w.order().Status)
		require.Len(t, w.story().Calls, 3, "one requisition, two cancellations")
	})
	t.Run("for a call", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.gate.setHook("/PlaceOrder", func(_ int, serve func()) {
			done := make(chan struct{})
			w.meanwhile(func() {
				w.env.SetContinueAsNewSuggested(true)
				w.reportFact(order.FactCourierReport, func(f *order.Fact) { f.Leg = "outbound" })
				w.reportFact(order.FactKitShipped)
				close(done)
			})
			<-done
			w.await(shipped)
			serve()
		})
		w.runUntil(hour)
		require.Equal(t, 1, w.renewals)
		require.Len(t, w.placementOutcomes(), 1)
		require.Equal(t, order.PlacementDone, w.order().State.Placement.State)
	})
	t.Run("for an outcome whose turn to be recorded has not come", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		answer, known, recorded := make(chan struct{}), make(chan struct{}), false
		w.onRun = func(n int) {
			if n > 1 {
				recorded = slices.ContainsFunc(w.story().Decisions,
					func(d store.DecisionRow) bool { return strings.HasPrefix(d.Cause, "call:place-") })
				return
			}
			w.afterCall(func() {
				w.env.SetContinueAsNewSuggested(true)
				close(known)
			})
		}
		w.gate.setHook("/PlaceOrder", func(n int, serve func()) {
			if n == 1 {
				w.meanwhile(func() { w.reportFact(order.FactKitShipped) })
				<-answer
			}
			serve()
		})
		w.onSettle = func(ctx context.Context, in dispatch.SettleInput, settle settleFunc) (dispatch.SettledOrder, error) {
			// the loop looks, and the call ends meanwhile
			if w.order().Status == ordered && in.Cause == nil && len(w.story().InboxItems) > 0 {
				close(answer)
				<-known
			}
			return settle(ctx, in)
		}
		w.runUntil(hour)
		require.True(t, recorded, "the answer of the lab was lost on the way")
		require.Equal(t, 1, w.renewals)
	})
	t.Run("for a recording", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.onSettle = func(ctx context.Context, in dispatch.SettleInput, settle settleFunc) (dispatch.SettledOrder, error) {
			if in.Cause != nil && in.Cause.Call != nil {
				woken := make(chan struct{})
				w.meanwhile(func() {
					w.env.SetContinueAsNewSuggested(true)
					w.env.SignalWorkflow("wake", nil)
					w.meanwhile(func() { close(woken) })
				})
				<-woken
			}
			return settle(ctx, in)
		}
		w.runUntil(hour)
		require.Len(t, w.placementOutcomes(), 1, "the answer of the lab was not lost on the way")
		require.Equal(t, []lifecycle.LowStatus{ordered, created}, w.statusHistory())
		require.Equal(t, 1, w.renewals)
	})
}

// afterCall does something once the run knows the outcome of its placement call.
func (w *orderHarness) afterCall(do func()) {
	w.env.SetOnActivityCompletedListener(func(info *activity.Info, _ converter.EncodedValue, _ error) {
		if info.ActivityType.Name == dispatch.ActivityPlace {
			w.meanwhile(func() { w.meanwhile(do) })
		}
	})
}

// TestCancellingTheWorkflow: cancelling the workflow from outside changes neither the order nor the demands on it.
func TestCancellingTheWorkflow(t *testing.T) {
	t.Parallel()
	w := newCancellingWorld(t)
	w.at(time.Minute, func() { w.env.CancelWorkflow() })
	w.factAt(day, order.FactKitRejected, withRecoverable(true))
	recovered := w.demandAt(2*day, recoveryDemand(true))
	refused := w.demandAt(3*day, cancelDemand())
	w.resultsAt(4*day, `{}`)
	w.factAt(5*day, order.FactReportReady)
	w.run()
	require.True(t, recovered.Done)
	require.Equal(t, order.ReasonTransitionNotAllowed, refused.Reason)
	require.Equal(t, []lifecycle.LowStatus{ordered, created, received, blocked, received, completed}, w.statusHistory())
	require.Equal(t, 1, w.runs)
}
