package workflows_test

import (
	"cmp"
	"context"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

const toldCritical = "labtest.result.critical"

// lacksTSH is a final report without one of the two ordered tests, through the lab's fault.
const lacksTSH = `{"status":"final","missing":[{"code":"204","name":"TSH","failure":"internal_lab_failure"}]}`

func TestARedraw(t *testing.T) {
	t.Parallel()
	c := newClinic(t, withNeutralLab)
	w := c.newWorld(t, collectedBy(lifecycle.WalkIn))
	w.results(day, lacksTSH)
	w.fact(day, order.ReportReady)
	w.run()
	require.Equal(t, []lifecycle.Low{lifecycle.Ordered, lifecycle.RequisitionCreated, lifecycle.RedrawAvailable}, w.history())
	require.Len(t, w.started.orders, 1)

	child, err := w.store.Order(context.Background(), "", w.started.orders[0])
	require.NoError(t, err)
	require.Equal(t, order.OriginRedraw, child.Origin)
	require.Equal(t, w.orderID, child.ParentID)
	require.Equal(t, w.order().TransactionID, child.TransactionID)
	require.Len(t, child.LabTest.Markers, 1, "for the missing markers only")
	require.Equal(t, "tsh", child.LabTest.Markers[0].Slug)
	require.Equal(t, order.TransactionActive, child.Transaction.Status)

	again := c.follow(t, child.ID, child.Number, child.CreatedAt)
	again.results(2*day, lacksTSH)
	again.fact(2*day, order.ReportReady)
	again.run()
	require.Equal(t, lifecycle.Completed, again.order().Status, "a redraw ends completed, whatever is still missing")
	require.Equal(t, order.TransactionCompleted, again.order().Transaction.Status)
	require.Empty(t, again.started.orders)

	w.results(3*day, `{}`)
	w.fact(3*day, order.ReportReady)
	w.run()
	require.Equal(t, lifecycle.RedrawAvailable, w.order().Status, "a correction replaces the results, without an event")
	require.False(t, w.order().Results.HasMissing)
}

// A critical report is told of once per version, partial or final.
func TestCriticalResults(t *testing.T) {
	t.Parallel()
	w := newVisitWorld(t, lifecycle.WalkIn)
	w.results(day, `{"status":"partial","interpretation":"critical"}`)
	w.fact(day, order.ReportReady)
	w.fact(day+hour, order.ReportReady) // nothing new
	w.results(2*day, `{"interpretation":"critical"}`)
	w.fact(2*day, order.ReportReady)
	w.results(3*day, `{"interpretation":"normal"}`)
	w.fact(3*day, order.ReportReady)
	w.run()
	require.Equal(t, []lifecycle.Low{
		lifecycle.Ordered, lifecycle.RequisitionCreated, lifecycle.PartialResults, lifecycle.Completed, lifecycle.Corrected,
	}, w.history())
	told := w.told()
	require.Len(t, slices.DeleteFunc(slices.Clone(told), func(s string) bool { return s != toldCritical }), 2, "%v", told)
}

func TestATeamThatWantsToHearOfPartialResults(t *testing.T) {
	t.Parallel()
	w := newVisitWorld(t, lifecycle.OnSite, withPolicy(func(p *order.Policy) { p.PartialResultWebhooks = true }))
	w.demand(hour, order.Demand{Kind: order.DemandDraw, By: lifecycle.Client})
	w.results(day, `{"status":"partial"}`)
	w.fact(day, order.ReportReady)
	w.runUntil(2 * day)
	require.Equal(t, lifecycle.PartialResults, w.order().Status)
	require.Equal(t, []string{toldCreated, toldUpdated, toldUpdated, toldUpdated}, w.told())
}

// Results for an order that ended otherwise are stored and not shown, until somebody accepts them.
func TestResultsOfAnOrderThatEndedOtherwise(t *testing.T) {
	t.Parallel()
	w := newVisitWorld(t, lifecycle.WalkIn)
	held := ""
	w.onRecord = func(ctx context.Context, rec order.Recording, record recordFunc) (order.Recorded, error) {
		held = cmp.Or(rec.HeldID, held)
		return record(ctx, rec)
	}
	w.demand(hour, cancel())
	w.results(day, `{}`)
	w.fact(day, order.ReportReady)
	w.run()
	require.Nil(t, w.order().Results)
	require.Contains(t, w.attention(), order.ResultAfterEnd)
	require.NotEmpty(t, held)

	accept := order.Demand{Kind: order.DemandAccept, By: lifecycle.Client, Fetched: &order.Fetched{ResultID: held, Changed: true}}
	r := w.demand(2*day, accept)
	w.run()
	require.True(t, r.Done, "%s", r.Reason)
	require.Equal(t, lifecycle.Cancelled, w.order().Status)
	require.NotNil(t, w.order().Results)
	require.NotContains(t, w.attention(), order.ResultAfterEnd)

	// The lab says so again: decided. Then it corrects itself, which is held back in turn.
	accepted := held
	held = ""
	w.fact(3*day, order.ReportReady)
	w.run()
	require.Len(t, w.labCalls("neutral.results"), 2)
	require.Empty(t, held)
	require.NotContains(t, w.attention(), order.ResultAfterEnd)
	w.results(4*day, `{"interpretation":"abnormal"}`)
	w.fact(4*day, order.ReportReady)
	w.run()
	require.NotEmpty(t, held)
	require.NotEqual(t, accepted, held)
	require.Contains(t, w.attention(), order.ResultAfterEnd)
	require.Equal(t, 1, w.order().Results.Version, "the client sees what was accepted")
}

// A fetch has stored the report that it found, and before that is recorded somebody accepts it: there is nothing left
// to decide, and what is critical is said once.
func TestResultsThatAreAcceptedWhileTheyAreFetched(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]bool{"cancelled": true, "running": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newVisitWorld(t, lifecycle.WalkIn)
			var held, accepted string
			w.onRecord = func(ctx context.Context, rec order.Recording, record recordFunc) (order.Recorded, error) {
				if fetched := cmp.Or(rec.ResultID, rec.HeldID); fetched != "" && accepted == "" {
					accepted = fetched
					w.acceptBehindItsBack(accepted)
				} else {
					held = cmp.Or(rec.HeldID, held)
				}
				return record(ctx, rec)
			}
			if end {
				w.demand(hour, cancel())
			}
			w.results(day, `{"interpretation":"critical"}`)
			w.fact(day, order.ReportReady)
			w.run()
			require.NotEmpty(t, accepted)
			require.Empty(t, held)
			require.NotNil(t, w.order().Results)
			critical := slices.DeleteFunc(w.told(), func(s string) bool { return s != toldCritical })
			require.Len(t, critical, 1)
			require.NotContains(t, w.attention(), order.ResultAfterEnd)
			if !end {
				require.Equal(t, completed, w.order().Status, "not corrected")
			}
		})
	}
}

// acceptBehindItsBack records the acceptance of a version that is stored, as another run of the order would.
func (w *world) acceptBehindItsBack(version string) {
	w.t.Helper()
	ctx := context.Background()
	dm := order.Demand{
		ID: uuid.NewString(), Kind: order.DemandAccept, By: lifecycle.Client,
		Fetched: &order.Fetched{ResultID: version, HeldID: version, Changed: true, Critical: true},
	}
	require.NoError(w.t, w.store.AddDemand(ctx, store.DemandRow{ID: dm.ID, OrderID: w.orderID, Kind: dm.Kind, By: dm.By}))
	s, err := w.store.LoadState(ctx, w.orderID)
	require.NoError(w.t, err)
	_, err = w.store.Record(ctx, order.Recording{
		OrderID: w.orderID, Revision: s.Revision, Cause: order.CauseDemand(dm.ID), DemandID: dm.ID,
		Decision: s.ApplyDemand(dm, w.now()), ResultID: version, Critical: true, At: w.now(),
	})
	require.NoError(w.t, err)
}
