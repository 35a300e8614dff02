package workflows_test

import (
	"cmp"
	"context"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

const webhookCritical = "labtest.result.critical"

// reportWithoutTSH is a final lab report without one of the two ordered tests, through the lab's fault.
const reportWithoutTSH = `{"status":"final","missing":[{"code":"204","name":"TSH","failure":"internal_lab_failure"}]}`

func TestARedraw(t *testing.T) {
	t.Parallel()
	c := newLabHarness(t, withNeutralLab)
	w := c.newWorld(t, withModality(lifecycle.WalkIn))
	w.resultsAt(day, reportWithoutTSH)
	w.factAt(day, order.FactReportReady)
	w.run()
	require.Equal(t, []lifecycle.LowStatus{lifecycle.Ordered, lifecycle.RequisitionCreated, lifecycle.RedrawAvailable},
		w.statusHistory())
	require.Len(t, w.temporal.orders, 1)

	child, err := w.store.Order(context.Background(), "", w.temporal.orders[0])
	require.NoError(t, err)
	require.Equal(t, order.OriginRedraw, child.Origin)
	require.Equal(t, w.orderID, child.ParentID)
	require.Equal(t, w.order().TransactionID, child.TransactionID)
	require.Len(t, child.LabTest.Markers, 1, "for the missing markers only")
	require.Equal(t, "tsh", child.LabTest.Markers[0].Slug)
	require.Equal(t, order.TransactionActive, child.Transaction.Status)

	again := c.harnessOf(t, child.ID, child.Number, child.CreatedAt)
	again.resultsAt(2*day, reportWithoutTSH)
	again.factAt(2*day, order.FactReportReady)
	again.run()
	require.Equal(t, lifecycle.Completed, again.order().Status, "a redraw ends completed, whatever is still missing")
	require.Equal(t, order.TransactionCompleted, again.order().Transaction.Status)
	require.Empty(t, again.temporal.orders)

	w.resultsAt(3*day, `{}`)
	w.factAt(3*day, order.FactReportReady)
	w.run()
	require.Equal(t, lifecycle.RedrawAvailable, w.order().Status, "a correction replaces the results, without an event")
	require.False(t, w.order().Results.HasMissing)
}

// TestCriticalResults: a critical lab report makes one webhook message per version, partial or final.
func TestCriticalResults(t *testing.T) {
	t.Parallel()
	w := newVisitWorld(t, lifecycle.WalkIn)
	w.resultsAt(day, `{"status":"partial","interpretation":"critical"}`)
	w.factAt(day, order.FactReportReady)
	w.factAt(day+hour, order.FactReportReady) // nothing new
	w.resultsAt(2*day, `{"interpretation":"critical"}`)
	w.factAt(2*day, order.FactReportReady)
	w.resultsAt(3*day, `{"interpretation":"normal"}`)
	w.factAt(3*day, order.FactReportReady)
	w.run()
	require.Equal(t, []lifecycle.LowStatus{
		lifecycle.Ordered, lifecycle.RequisitionCreated, lifecycle.PartialResults, lifecycle.Completed, lifecycle.Corrected,
	}, w.statusHistory())
	types := w.webhookTypes()
	require.Len(t, slices.DeleteFunc(slices.Clone(types), func(s string) bool { return s != webhookCritical }), 2, "%v",
		types)
}

func TestPartialResultWebhooks(t *testing.T) {
	t.Parallel()
	w := newVisitWorld(t, lifecycle.OnSite, withPolicy(func(p *order.Policy) { p.PartialResultWebhooks = true }))
	w.demandAt(hour, order.Demand{Kind: order.DemandDrawCompleted, By: lifecycle.Client})
	w.resultsAt(day, `{"status":"partial"}`)
	w.factAt(day, order.FactReportReady)
	w.runUntil(2 * day)
	require.Equal(t, lifecycle.PartialResults, w.order().Status)
	require.Equal(t, []string{webhookOrderCreated, webhookOrderUpdated, webhookOrderUpdated, webhookOrderUpdated},
		w.webhookTypes())
}

// TestResultsOfAnOrderThatEndedOtherwise: such results are stored and not shown until somebody accepts them.
func TestResultsOfAnOrderThatEndedOtherwise(t *testing.T) {
	t.Parallel()
	w := newVisitWorld(t, lifecycle.WalkIn)
	held := ""
	w.onSettle = func(ctx context.Context, in dispatch.SettleInput, settle settleFunc) (dispatch.SettledOrder, error) {
		held = cmp.Or(w.heldResult(in), held)
		return settle(ctx, in)
	}
	w.demandAt(hour, cancelDemand())
	w.resultsAt(day, `{}`)
	w.factAt(day, order.FactReportReady)
	w.run()
	require.Nil(t, w.order().Results)
	require.Contains(t, w.attention(), order.AttentionResultAfterEnd)
	require.NotEmpty(t, held)

	accept := order.Demand{Kind: order.DemandAcceptResults, By: lifecycle.Client,
		Results: &order.FetchOutcome{ResultID: held, Changed: true}}
	r := w.demandAt(2*day, accept)
	w.run()
	require.True(t, r.Done, "%s", r.Reason)
	require.Equal(t, lifecycle.Cancelled, w.order().Status)
	require.NotNil(t, w.order().Results)
	require.NotContains(t, w.attention(), order.AttentionResultAfterEnd)

	// The lab repeats a version that was decided on. Then it corrects it, and the correction is held.
	accepted := held
	held = ""
	w.factAt(3*day, order.FactReportReady)
	w.run()
	require.Len(t, w.labCalls("neutral.results"), 2)
	require.Empty(t, held)
	require.NotContains(t, w.attention(), order.AttentionResultAfterEnd)
	w.resultsAt(4*day, `{"interpretation":"abnormal"}`)
	w.factAt(4*day, order.FactReportReady)
	w.run()
	require.NotEmpty(t, held)
	require.NotEqual(t, accepted, held)
	require.Contains(t, w.attention(), order.AttentionResultAfterEnd)
	require.Equal(t, 1, w.order().Results.Version, "the client sees what was accepted")
}

// TestResultsThatAreAcceptedWhileTheyAreFetched: a fetched version is accepted before the fetch is recorded. Nothing is
// left to decide, and its critical results make one message.
func TestResultsThatAreAcceptedWhileTheyAreFetched(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]bool{"cancelled": true, "running": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newVisitWorld(t, lifecycle.WalkIn)
			var held, accepted string
			w.onSettle = func(ctx context.Context, in dispatch.SettleInput, settle settleFunc) (dispatch.SettledOrder, error) {
				if fetched := fetchedResult(in); fetched != "" && accepted == "" {
					accepted = fetched
					w.acceptBehindItsBack(accepted)
				}
				held = cmp.Or(w.heldResult(in), held)
				return settle(ctx, in)
			}
			if end {
				w.demandAt(hour, cancelDemand())
			}
			w.resultsAt(day, `{"interpretation":"critical"}`)
			w.factAt(day, order.FactReportReady)
			w.run()
			require.NotEmpty(t, accepted)
			require.Empty(t, held)
			require.NotNil(t, w.order().Results)
			critical := slices.DeleteFunc(w.webhookTypes(), func(s string) bool { return s != webhookCritical })
			require.Len(t, critical, 1)
			require.NotContains(t, w.attention(), order.AttentionResultAfterEnd)
			if !end {
				require.Equal(t, completed, w.order().Status, "not corrected")
			}
		})
	}
}

// acceptBehindItsBack records the acceptance of a stored version, as another run of the order would.
func (w *orderHarness) acceptBehindItsBack(version string) {
	w.t.Helper()
	ctx := context.Background()
	dm := order.Demand{
		ID: uuid.NewString(), Kind: order.DemandAcceptResults, By: lifecycle.Client,
		Results: &order.FetchOutcome{ResultID: version, HeldID: version, Changed: true, Critical: true},
	}
	require.NoError(w.t, w.store.AddDemand(ctx, store.DemandRow{ID: dm.ID, OrderID: w.orderID, Kind: dm.Kind, By: dm.By,
		Request: dm}))
	w.settleElsewhere(order.Cause{Demand: &dm})
}

// fetchedResult returns the result version whose fetch is being settled; empty: none.
func fetchedResult(in dispatch.SettleInput) string {
	if in.Cause == nil || in.Cause.Call == nil || in.Cause.Call.Kind != order.CallFetch {
		return ""
	}
	return in.Cause.Call.Fetched.ResultID
}

// heldResult returns the fetched result version that the settling will hold for a decision; empty: none.
func (w *orderHarness) heldResult(in dispatch.SettleInput) string {
	if fetchedResult(in) == "" {
		return ""
	}
	state, err := w.store.State(context.Background(), w.orderID)
	require.NoError(w.t, err)
	return state.Decide(*in.Cause, w.now()).HeldResultID
}
