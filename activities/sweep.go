package activities

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/store"
)

// sweepPage is how many rows are looked at in one transaction, and how many are healed of what is seldom broken.
const sweepPage = 500

// healPage is how much each minute's sweep starts and signals at most. What comes in while Temporal is away for minutes is thousands.
const healPage = 5000

// sweepDelays is how long each hand-off may take before the reconciler looks after it.
type sweepDelays struct {
	neverStarted time.Duration // an order that was never started
	received     time.Duration // a fact that was not signalled
	signalled    time.Duration // a fact that was signalled and not settled
	demand       time.Duration // a demand whose answer nobody has got; 0: none is looked after
	undelivered  time.Duration // a delivery that nobody makes
	unmatched    time.Duration // a report for an order that nobody knows: webhooks race with our own commits
}

var (
	normalDelays = sweepDelays{neverStarted: time.Minute, received: time.Minute, signalled: 5 * time.Minute,
		demand: time.Minute, undelivered: 30 * time.Second, unmatched: 5 * time.Minute}
	// After Temporal's data was lost everything is in nobody's hands, deliveries of the coming days included.
	rebuildDelays = sweepDelays{undelivered: -30 * 24 * time.Hour}
)

func sweepDelaysFor(in dispatch.ReconcileInput) sweepDelays {
	if in.Rebuild {
		return rebuildDelays
	}
	return normalDelays
}

// Sweep finds hand-offs that a fault cut short, and completes them. It says whether there are reports to be reviewed, which takes
// calls to labs.
func (a *Activities) Sweep(ctx context.Context, in dispatch.ReconcileInput) (dispatch.SweepResult, error) {
	var out dispatch.SweepResult
	// hundreds of signals to a Temporal that has just come back take longer than it waits for a sign of life
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
		return out, a.internalError(ctx, "finding deliveries that nobody makes", "", err)
	}
	for _, id := range endpoints {
		if err := a.Dispatch.NudgeDeliveries(ctx, id); err != nil {
			return out, a.internalError(ctx, "nudging deliveries", "", err)
		}
		out.EndpointsNudged++
	}
	unmatched, err := a.Store.DueUnmatchedResultFetches(ctx, now.Add(-after.unmatched), now, reviewPage)
	if err != nil {
		return out, a.internalError(ctx, "finding announced reports without an order", "", err)
	}
	out.UnmatchedReports = len(unmatched)
	if err := a.sealAudit(ctx); err != nil {
		return out, err
	}
	if err := a.prune(ctx, now); err != nil {
		return out, err
	}
	a.Metrics.countHealed(out)
	a.Metrics.setLastSweep(now)
	return out, nil
}

// sweepInbox matches what found no order before, and signals what has not been settled.
func (a *Activities) sweepInbox(ctx context.Context, receivedBefore, signalledBefore time.Time) (int, error) {
	matched, err := a.Store.MatchUnmatchedInboxItems(ctx, sweepPage)
	if err != nil {
		return 0, a.internalError(ctx, "matching facts", "", err)
	}
	unsettled, err := a.Store.UnprocessedInboxItems(ctx, receivedBefore, signalledBefore, healPage)
	if err != nil {
		return 0, a.internalError(ctx, "finding unsettled facts", "", err)
	}
	// An order is told of its facts one after the other, as they came.
	var ids []string
	rowsByOrder := map[string][]store.ReceivedItem{}
	for _, row := range append(matched, unsettled...) {
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

// wakeOrdersWithoutAnswer tells orders to look which were asked for something that nobody has got an answer to. Temporal keeps an update nowhere
// before it is answered: one that is lost with its server may have been recorded, and the run does not know of it. Runs that a rebuild
// starts know everything.
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
			return woken, a.internalError(ctx, "noting that an order was woken", id, err)
		}
		woken++
	}
	return woken, nil
}

// ensureOrdersRun makes sure that orders have running workflows, and counts those that had none.
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

// healConcurrency is how many orders are started or signalled at the same time. It is a call to Temporal each, which waits for its disks.
const healConcurrency = 8

// healConcurrently does something with each order of a list, several at the same time, until one fails. It sums up what that healed.
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
