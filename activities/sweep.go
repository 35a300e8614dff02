package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/aliquot-labs/aliquot/dispatch"
)

// How long a hand-off may take before the reconciler looks after it.
const (
	startAfter     = time.Minute      // orders that were never started
	receivedAfter  = time.Minute      // facts that were not signalled
	signalledAfter = 5 * time.Minute  // facts that were signalled and not settled
	dueAfter       = 30 * time.Second // deliveries that nobody is making
	keepAnswers    = 24 * time.Hour   // stored idempotent answers (the client API contract)
	sweepPage      = 500
)

// Sweep finds hand-offs that a fault cut short, and completes them.
func (a *Activities) Sweep(ctx context.Context) (dispatch.SweepResult, error) {
	var out dispatch.SweepResult
	now := a.Now()
	ids, err := a.Store.OrdersNeverStarted(ctx, now.Add(-startAfter), sweepPage)
	if err != nil {
		return out, a.fault(ctx, "finding orders that were never started", "", err)
	}
	for _, id := range ids {
		started, err := a.Dispatch.EnsureOrder(ctx, id)
		if err != nil {
			return out, a.fault(ctx, "starting an order", id, err)
		}
		if started {
			out.Orders++
		}
	}
	if out.Facts, err = a.sweepInbox(ctx, now); err != nil {
		return out, err
	}
	endpoints, err := a.Store.EndpointsWithDue(ctx, now.Add(-dueAfter), sweepPage)
	if err != nil {
		return out, a.fault(ctx, "finding deliveries that nobody makes", "", err)
	}
	for _, id := range endpoints {
		if err := a.Dispatch.NudgeDeliveries(ctx, id); err != nil {
			return out, a.fault(ctx, "nudging deliveries", "", err)
		}
		out.Endpoints++
	}
	if _, err := a.Store.PruneIdempotency(ctx, now.Add(-keepAnswers)); err != nil {
		return out, a.fault(ctx, "pruning stored answers", "", err)
	}
	a.Metrics.healed(out)
	return out, nil
}

// sweepInbox matches what found no order before, and signals what has not been settled.
func (a *Activities) sweepInbox(ctx context.Context, now time.Time) (int, error) {
	matched, err := a.Store.MatchWaiting(ctx, sweepPage)
	if err != nil {
		return 0, a.fault(ctx, "matching facts", "", err)
	}
	unsettled, err := a.Store.UnsettledInbox(ctx, now.Add(-receivedAfter), now.Add(-signalledAfter), sweepPage)
	if err != nil {
		return 0, a.fault(ctx, "finding unsettled facts", "", err)
	}
	healed := 0
	for _, row := range append(matched, unsettled...) {
		if a.signal(ctx, row) {
			healed++
		}
	}
	return healed, nil
}

// SweepOpenOrders makes sure that one page of the open orders, after the given id, have running workflows.
func (a *Activities) SweepOpenOrders(ctx context.Context, after string) (dispatch.SweepResult, error) {
	var out dispatch.SweepResult
	ids, err := a.Store.OpenOrders(ctx, after, sweepPage)
	if err != nil {
		return out, a.fault(ctx, "listing open orders", "", err)
	}
	for _, id := range ids {
		started, err := a.Dispatch.EnsureOrder(ctx, id)
		if err != nil {
			return out, a.fault(ctx, "starting an order", id, err)
		}
		if started {
			out.Orders++
		}
		activity.RecordHeartbeat(ctx)
	}
	if len(ids) == sweepPage {
		out.After = ids[len(ids)-1]
	}
	a.Metrics.healed(out)
	return out, nil
}
