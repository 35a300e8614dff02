package activities

import (
	"context"
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// sweepPage is how many rows are read in one transaction, and how many rare faults one sweep heals.
const sweepPage = 500

// healPage is how many orders one sweep starts or wakes at most. Thousands arrive while Temporal is
// unavailable for minutes.
const healPage = 5000

// sweepDelays is how old each hand-off must be before the reconciler completes it.
type sweepDelays struct {
	neverStarted time.Duration // an order that was never started
	unsettled    time.Duration // a fact or a demand without an outcome
	behind       time.Duration // a deadline that its order's run has not applied; 0: ignored
	undelivered  time.Duration // a due delivery without a running workflow
	unmatched    time.Duration // a lab report without an order; webhooks may arrive before our own commits
}

var (
	normalDelays = sweepDelays{neverStarted: time.Minute, unsettled: openDemandAge, behind: 10 * time.Minute,
		undelivered: 30 * time.Second, unmatched: 5 * time.Minute}
	// After Temporal has lost its data nothing runs, not even the deliveries of the coming days.
	rebuildDelays = sweepDelays{undelivered: -30 * 24 * time.Hour}
)

func sweepDelaysFor(in dispatch.ReconcileInput) sweepDelays {
	if in.Rebuild {
		return rebuildDelays
	}
	return normalDelays
}

// Sweep completes interrupted hand-offs: it starts orders, wakes orders and nudges deliveries. It
// returns what it healed, and how many lab reports need a match review, which takes calls to labs. It also seals the
// audit and erases what has been stored for long enough. Each step is tried, also after another one has failed. The
// error names the steps that failed.
func (a *Activities) Sweep(ctx context.Context, in dispatch.ReconcileInput) (dispatch.SweepResult, error) {
	var out dispatch.SweepResult
	// Hundreds of signals to a Temporal that was just restarted take longer than the heartbeat timeout.
	defer a.startHeartbeat(ctx)()
	now, after := a.Now(), sweepDelaysFor(in)
	steps := &sweepSteps{metrics: a.Metrics}
	steps.tryHealing(ctx, stepStartOrders, &out.OrdersStarted, func(ctx context.Context) (int, error) {
		return a.startNewOrders(ctx, now.Add(-after.neverStarted))
	})
	steps.tryHealing(ctx, stepMatchFacts, &out.OrdersWoken, a.matchInbox)
	steps.tryHealing(ctx, stepWakeUnsettled, &out.OrdersWoken, func(ctx context.Context) (int, error) {
		return a.wakeUnsettledOrders(ctx, now, after.unsettled)
	})
	steps.tryHealing(ctx, stepWakeBehind, &out.OrdersBehind, func(ctx context.Context) (int, error) {
		return a.wakeOrdersBehind(ctx, now, after.behind)
	})
	steps.tryHealing(ctx, stepNudgeEndpoints, &out.EndpointsNudged, func(ctx context.Context) (int, error) {
		return a.nudgeDueEndpoints(ctx, now.Add(-after.undelivered))
	})
	steps.try(ctx, stepUnmatchedReports, func(ctx context.Context) (err error) {
		out.UnmatchedReports, err = a.countUnmatchedReports(ctx, now, after.unmatched)
		return err
	})
	steps.try(ctx, stepPrune, func(ctx context.Context) error { return a.prune(ctx, now) })
	steps.try(ctx, stepErase, a.erase)
	steps.try(ctx, stepSealAudit, a.sealAudit) // the last one, because it may take long
	a.Metrics.countHealed(out)
	if err := steps.err(ctx, out, true); err != nil {
		return out, err
	}
	a.Metrics.setLastSweep(now)
	return out, nil
}

// startNewOrders starts the workflows of orders that were created before a time and never started.
func (a *Activities) startNewOrders(ctx context.Context, createdBefore time.Time) (started int, err error) {
	ids, err := a.Store.OrdersWithoutWorkflow(ctx, createdBefore, healPage)
	if err != nil {
		return 0, a.internalError(ctx, "finding orders that were never started", "", err)
	}
	return a.ensureOrdersRun(ctx, ids)
}

// nudgeDueEndpoints nudges endpoints that have deliveries due since before a time.
func (a *Activities) nudgeDueEndpoints(ctx context.Context, dueBefore time.Time) (nudged int, err error) {
	endpoints, err := a.Store.EndpointsWithDue(ctx, dueBefore, sweepPage)
	if err != nil {
		return 0, a.internalError(ctx, "finding due deliveries", "", err)
	}
	nudged, err = healConcurrently(ctx, endpoints, func(ctx context.Context, id string) (int, error) {
		if err := a.Dispatch.NudgeDeliveries(ctx, id); err != nil {
			return 0, err
		}
		return 1, nil
	})
	return nudged, a.healingError(ctx, "nudging deliveries", err)
}

// countUnmatchedReports returns how many lab reports without an order have to be fetched now. It ignores reports that
// came less than the given age ago.
func (a *Activities) countUnmatchedReports(ctx context.Context, now time.Time, age time.Duration) (int, error) {
	unmatched, err := a.Store.DueUnmatchedResultFetches(ctx, now.Add(-age), now, reviewPage)
	if err != nil {
		return 0, a.internalError(ctx, "finding lab reports without an order", "", err)
	}
	return len(unmatched), nil
}

// matchInbox matches inbox items that had no order, and wakes the orders that they match.
func (a *Activities) matchInbox(ctx context.Context) (woken int, err error) {
	matched, err := a.Store.MatchUnmatchedInboxItems(ctx, sweepPage)
	if err != nil {
		return 0, a.internalError(ctx, "matching facts", "", err)
	}
	var ids []string
	for _, item := range matched {
		if item.Fact != nil && !slices.Contains(ids, item.OrderID) {
			ids = append(ids, item.OrderID)
		}
	}
	woken, err = healConcurrently(ctx, ids, func(ctx context.Context, id string) (int, error) {
		return 1, a.Dispatch.WakeOrder(ctx, id, dispatch.Wake{Kind: dispatch.WakeFact})
	})
	return woken, a.healingError(ctx, "waking the orders of matched facts", err)
}

// ensureOrdersRun starts the workflows of orders that have none running, and returns how many it started. An order that
// cannot be started does not stop the others.
func (a *Activities) ensureOrdersRun(ctx context.Context, ids []string) (int, error) {
	started, err := healConcurrently(ctx, ids, func(ctx context.Context, id string) (started int, err error) {
		was, err := a.Dispatch.EnsureOrder(ctx, id)
		if was {
			started = 1
		}
		return started, err
	})
	return started, a.healingError(ctx, "starting an order", err)
}
