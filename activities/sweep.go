package activities

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/store"
)

// sweepPage is how many rows are read in one transaction, and how many rare faults one sweep heals.
const sweepPage = 500

// healPage is how many orders and facts one sweep starts and signals at most. Thousands arrive while Temporal is
// unavailable for minutes.
const healPage = 5000

// sweepDelays is how old each hand-off must be before the reconciler completes it.
type sweepDelays struct {
	neverStarted time.Duration // an order that was never started
	received     time.Duration // a fact that was not signalled
	signalled    time.Duration // a fact that was signalled and has no outcome
	demand       time.Duration // a demand whose answer did not reach its caller; 0: ignored
	undelivered  time.Duration // a due delivery without a running workflow
	unmatched    time.Duration // a lab report without an order; webhooks may arrive before our own commits
}

var (
	normalDelays = sweepDelays{neverStarted: time.Minute, received: time.Minute, signalled: 5 * time.Minute,
		demand: time.Minute, undelivered: 30 * time.Second, unmatched: 5 * time.Minute}
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
	if out.FactsSignalled, err = a.sweepInbox(ctx, now.Add(-after.received), now.Add(-after.signalled)); err != nil {
		return out, err
	}
	if out.OrdersWoken, err = a.wakeOrdersWithoutAnswer(ctx, now, after.demand); err != nil {
		return out, err
	}
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

// sweepInbox matches inbox items that had no order, and signals those without an outcome.
func (a *Activities) sweepInbox(ctx context.Context, receivedBefore, signalledBefore time.Time) (int, error) {
	matched, err := a.Store.MatchUnmatchedInboxItems(ctx, sweepPage)
	if err != nil {
		return 0, a.internalError(ctx, "matching facts", "", err)
	}
	unprocessed, err := a.Store.UnprocessedInboxItems(ctx, receivedBefore, signalledBefore, healPage)
	if err != nil {
		return 0, a.internalError(ctx, "finding facts without an outcome", "", err)
	}
	// The facts of an order are signalled one after the other, in order of arrival.
	var ids []string
	rowsByOrder := map[string][]store.ReceivedItem{}
	for _, row := range append(matched, unprocessed...) {
		if rowsByOrder[row.OrderID] == nil {
			ids = append(ids, row.OrderID)
		}
		rowsByOrder[row.OrderID] = append(rowsByOrder[row.OrderID], row)
	}
	return healConcurrently(ctx, ids, func(ctx context.Context, orderID string) (healed int, err error) {
		for _, row := range rowsByOrder[orderID] {
			if a.signalInboxItem(ctx, row) {
				healed++
			}
		}
		return healed, nil
	})
}

// wakeOrdersWithoutAnswer wakes orders that have demands without an answer. Temporal stores an update only with its
// answer: if its server is lost, the demand may be recorded while the run does not know that. The runs that a rebuild
// starts load everything.
func (a *Activities) wakeOrdersWithoutAnswer(ctx context.Context, now time.Time,
	after time.Duration) (woken int, err error) {
	if after == 0 {
		return 0, nil
	}
	before := now.Add(-after)
	ids, err := a.Store.OrdersWithUnansweredDemands(ctx, before, sweepPage)
	if err != nil {
		return 0, a.internalError(ctx, "finding demands without an answer", "", err)
	}
	for _, id := range ids {
		if err := a.Dispatch.WakeOrder(ctx, id); err != nil {
			a.Log.WarnContext(ctx, "order not woken yet", "order_id", id, "error", err)
			continue
		}
		if err := a.Store.RecordDemandAnswersBefore(ctx, id, before); err != nil {
			return woken, a.internalError(ctx, "recording that an order was woken", id, err)
		}
		woken++
	}
	return woken, nil
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
