package activities

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// sweepPage is how many rows are read in one transaction, and how many rare faults one sweep heals.
const sweepPage = 500

// healPage is how many orders and facts one sweep starts and signals at most. Thousands arrive while Temporal is
// unavailable for minutes.
const healPage = 5000

// sweepDelays is how old each hand-off must be before the reconciler completes it.
type sweepDelays struct {
	neverStarted time.Duration // an order that was never started
	unsettled    time.Duration // a fact or a demand without an outcome
	undelivered  time.Duration // a due delivery without a running workflow
	unmatched    time.Duration // a lab report without an order; webhooks may arrive before our own commits
}

var (
	normalDelays = sweepDelays{neverStarted: time.Minute, unsettled: openDemandAge, undelivered: 30 * time.Second,
		unmatched: 5 * time.Minute}
	// After Temporal has lost its data nothing runs, not even the deliveries of the coming days.
	rebuildDelays = sweepDelays{undelivered: -30 * 24 * time.Hour}
)

func sweepDelaysFor(in dispatch.ReconcileInput) sweepDelays {
	if in.Rebuild {
		return rebuildDelays
	}
	return normalDelays
}

// Sweep completes interrupted hand-offs: it starts orders, signals facts, wakes orders and nudges deliveries. It
// returns what it healed, and how many lab reports need a match review, which takes calls to labs. It also seals the
// audit and erases what has been stored for long enough.
func (a *Activities) Sweep(ctx context.Context, in dispatch.ReconcileInput) (dispatch.SweepResult, error) {
	var out dispatch.SweepResult
	// Hundreds of signals to a Temporal that was just restarted take longer than the heartbeat timeout.
	defer a.startHeartbeat(ctx)()
	now, after := a.Now(), sweepDelaysFor(in)
	ids, err := a.Store.OrdersWithoutWorkflow(ctx, now.Add(-after.neverStarted), healPage)
	if err != nil {
		return out, a.internalError(ctx, "finding orders that were never started", "", err)
	}
	if out.OrdersStarted, err = a.ensureOrdersRun(ctx, ids); err != nil {
		return out, err
	}
	matched, err := a.matchInbox(ctx)
	if err != nil {
		return out, err
	}
	if out.OrdersWoken, err = a.wakeUnsettledOrders(ctx, now.Add(-after.unsettled)); err != nil {
		return out, err
	}
	out.OrdersWoken += matched
	endpoints, err := a.Store.EndpointsWithDue(ctx, now.Add(-after.undelivered), sweepPage)
	if err != nil {
		return out, a.internalError(ctx, "finding due deliveries", "", err)
	}
	for _, id := range endpoints {
		if err := a.Dispatch.NudgeDeliveries(ctx, id); err != nil {
			return out, a.internalError(ctx, "nudging deliveries", "", err)
		}
		out.EndpointsNudged++
	}
	unmatched, err := a.Store.DueUnmatchedResultFetches(ctx, now.Add(-after.unmatched), now, reviewPage)
	if err != nil {
		return out, a.internalError(ctx, "finding lab reports without an order", "", err)
	}
	out.UnmatchedReports = len(unmatched)
	if err := a.sealAudit(ctx); err != nil {
		return out, err
	}
	if err := a.pruneAndErase(ctx, now); err != nil {
		return out, err
	}
	a.Metrics.countHealed(out)
	a.Metrics.setLastSweep(now)
	return out, nil
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
	return a.wakeOrders(ctx, ids)
}

// wakeUnsettledOrders wakes orders with facts or demands without an outcome: their signal or update was lost.
func (a *Activities) wakeUnsettledOrders(ctx context.Context, before time.Time) (woken int, err error) {
	ids, err := a.Store.UnsettledOrders(ctx, before, healPage)
	if err != nil {
		return 0, a.internalError(ctx, "finding unsettled facts and demands", "", err)
	}
	return a.wakeOrders(ctx, ids)
}

// wakeOrders wakes orders, and returns how many it could wake.
func (a *Activities) wakeOrders(ctx context.Context, ids []string) (int, error) {
	return healConcurrently(ctx, ids, func(ctx context.Context, id string) (int, error) {
		if err := a.Dispatch.WakeOrder(ctx, id, dispatch.Wake{Kind: dispatch.WakeBehind}); err != nil {
			a.Log.WarnContext(ctx, "order not woken yet", "order_id", id, "error", err)
			return 0, nil
		}
		return 1, nil
	})
}

// ensureOrdersRun starts the workflows of orders that have none running, and returns how many it started.
func (a *Activities) ensureOrdersRun(ctx context.Context, ids []string) (int, error) {
	return healConcurrently(ctx, ids, func(ctx context.Context, id string) (started int, err error) {
		was, err := a.Dispatch.EnsureOrder(ctx, id)
		if err != nil {
			return 0, a.internalError(ctx, "starting an order", id, err)
		}
		if was {
			started = 1
		}
		return started, nil
	})
}

// healConcurrency is how many orders are started or signalled at once. Each takes a call to Temporal, which waits for
// its disks.
const healConcurrency = 8

// healConcurrently calls do for each order of a list, several at once, until one fails. It returns the sum of what do
// returned.
func healConcurrently(ctx context.Context, ids []string,
	do func(context.Context, string) (int, error)) (healed int, err error) {
	healedByOrder := make([]int, len(ids))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(healConcurrency)
	for i, id := range ids {
		if groupCtx.Err() != nil {
			break
		}
		group.Go(func() (err error) {
			healedByOrder[i], err = do(groupCtx, id)
			return err
		})
	}
	if err = group.Wait(); err == nil {
		err = ctx.Err()
	}
	for _, n := range healedByOrder {
		healed += n
	}
	return healed, err
}
