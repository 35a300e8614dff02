package activities

import (
	"context"
	"time"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// openOrdersTimeLimit is how long one activity goes through the open orders. There may be millions of orders, and a
// history has room for some thousands of activities.
const openOrdersTimeLimit = 5 * time.Minute

// The page size is what Temporal's visibility returns in one answer, and the pause is between two queries. By default
// it answers ten queries a second (frontend.namespaceRPS.visibility), and people need some of those.
const (
	openOrdersPageSize = 1000
	openOrdersPause    = 200 * time.Millisecond
)

// openOrdersPass says how open orders are checked.
type openOrdersPass struct {
	pageSize int           // orders per query
	pause    time.Duration // from the start of a page to the start of the next
	deadline time.Time     // no page starts after it
	thorough bool          // each order is checked by a call of its own
}

// SweepOpenOrders starts the workflows of open orders, after the given id, that have none running. It stops after
// openOrdersTimeLimit. The first page also corrects the counts of open orders.
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

// ensureOpenOrdersRun starts the workflows of open orders that have none running, page by page, until the pass's
// deadline. It returns how many it started, and the id of the last order that it checked; empty: it has checked all.
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

// ensurePageRuns starts the workflows of a page of orders. Unless the pass is thorough, it skips orders that visibility
// lists as running.
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
