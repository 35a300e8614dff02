package activities

import (
	"context"
	"time"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// openOrdersTimeLimit is for how long one activity goes through the open orders: a history has room for some thousands of activities, and there
// may be millions of orders.
const openOrdersTimeLimit = 5 * time.Minute

// A look at the open orders asks Temporal's visibility for as many as it answers at once, and not again before a pause is over. By default
// it answers ten questions a second (frontend.namespaceRPS.visibility), some of which are those of people.
const (
	openOrdersPageSize = 1000
	openOrdersPause    = 200 * time.Millisecond
)

// openOrdersPass is how open orders are looked at.
type openOrdersPass struct {
	pageSize int           // of how many together
	pause    time.Duration // from the beginning of a page to that of the next
	deadline time.Time     // when no other page is begun
	thorough bool          // each is asked for by itself
}

// SweepOpenOrders makes sure that the open orders after the given id have running workflows, as many as it comes to in its share of
// time. With the first, all of them are counted.
func (a *Activities) SweepOpenOrders(ctx context.Context, after string,
	in dispatch.ReconcileInput) (dispatch.SweepResult, error) {
	defer a.startHeartbeat(ctx)()
	var out dispatch.SweepResult
	pass := openOrdersPass{pageSize: openOrdersPageSize, pause: openOrdersPause,
		deadline: a.Now().Add(openOrdersTimeLimit), thorough: in.Thorough || in.Rebuild}
	if after == "" {
		wrong, err := a.Store.CorrectOrderCounts(ctx)
		if err != nil {
			return out, a.internalError(ctx, "counting open orders", "", err)
		}
		out.CountsCorrected = wrong
	}
	var err error
	if out.OrdersStarted, out.NextPage, err = a.ensureOpenOrdersRun(ctx, after, pass); err != nil {
		return out, err
	}
	a.Metrics.countHealed(out)
	return out, nil
}

// ensureOpenOrdersRun makes sure that open orders have running workflows, a page at a time, until a time has come. It returns how many had none,
// and the last one that it came to; empty: it has come to all.
func (a *Activities) ensureOpenOrdersRun(ctx context.Context, after string,
	pass openOrdersPass) (started int, last string, err error) {
	for {
		pause := time.After(pass.pause)
		ids, err := a.Store.UnfinishedOrders(ctx, after, pass.pageSize)
		if err != nil {
			return started, "", a.internalError(ctx, "listing open orders", "", err)
		}
		n, err := a.ensurePageRuns(ctx, ids, pass.thorough)
		if started += n; err != nil {
			return started, "", err
		}
		if len(ids) < pass.pageSize {
			return started, "", nil
		}
		if after = ids[pass.pageSize-1]; !a.Now().Before(pass.deadline) {
			return started, after, nil
		}
		if pass.thorough {
			continue
		}
		select {
		case <-ctx.Done():
			return started, "", ctx.Err()
		case <-pause:
		}
	}
}

// ensurePageRuns makes sure that a page of orders have running workflows. Unless it is to be thorough, only those are started by name which
// visibility does not know to be running.
func (a *Activities) ensurePageRuns(ctx context.Context, ids []string, thorough bool) (started int, err error) {
	if thorough || len(ids) == 0 {
		return a.ensureOrdersRun(ctx, ids)
	}
	running, err := a.Dispatch.RunningOrders(ctx, ids)
	if err != nil {
		return 0, a.internalError(ctx, "listing running orders", "", err)
	}
	var missing []string
	for _, id := range ids {
		if !running[id] {
			missing = append(missing, id)
		}
	}
	return a.ensureOrdersRun(ctx, missing)
}
