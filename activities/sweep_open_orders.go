package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// openOrdersTimeLimit is how long one activity goes through the open orders. There may be millions of orders, and a
// history has room for some thousands of activities.
const openOrdersTimeLimit = 5 * time.Minute

// openOrdersPageTimeLimit is how long the orders of one page are started, and visibilityTimeLimit how long visibility
// may take for one page. With openOrdersTimeLimit they stay below the activity's time limit.
const (
	openOrdersPageTimeLimit = 3 * time.Minute
	visibilityTimeLimit     = time.Minute
)

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
// openOrdersTimeLimit. The first page also corrects the counts of open orders and removes old rate limits. An order
// that cannot be started does not stop the others. The error then holds the result, so that the next page can follow.
// Such an error is retried in a rebuild only: otherwise the next hour's sweep follows.
func (a *Activities) SweepOpenOrders(ctx context.Context, after string,
	in dispatch.ReconcileInput) (dispatch.SweepResult, error) {
	if err := checkPage("sweeping open orders", after); err != nil {
		return dispatch.SweepResult{}, err
	}
	defer a.startHeartbeat(ctx)()
	var out dispatch.SweepResult
	pass := openOrdersPass{pageSize: openOrdersPageSize, pause: openOrdersPause,
		deadline: a.Now().Add(openOrdersTimeLimit), thorough: in.Thorough || in.Rebuild}
	steps := &sweepSteps{metrics: a.Metrics}
	if after == "" {
		steps.try(ctx, stepCorrectCounts, func(ctx context.Context) (err error) {
			if out.CountsCorrected, err = a.Store.CorrectOrderCounts(ctx); err != nil {
				return a.internalError(ctx, "counting open orders", "", err)
			}
			return nil
		})
		steps.try(ctx, stepPruneRateLimits, a.pruneRateLimits)
	}
	var listing error
	steps.try(ctx, stepOpenOrders, func(ctx context.Context) (err error) {
		out.OrdersStarted, out.NextPage, err = a.ensureOpenOrdersRun(ctx, after, pass)
		if !errors.Is(err, errOrdersNotStarted) {
			listing = err
		}
		return err
	})
	a.Metrics.countHealed(out)
	if listing != nil {
		return out, listing
	}
	return out, steps.err(ctx, out, in.Rebuild)
}

// errOrdersNotStarted says that a pass went on after orders that could not be started.
var errOrdersNotStarted = errors.New("not every order was started")

// ensureOpenOrdersRun starts the workflows of open orders that have none running, page by page, until the pass's
// deadline. It returns how many it started, and the id of the last order that it checked; empty: it has checked all.
// The error is errOrdersNotStarted if it has checked the orders and could not start some of them.
func (a *Activities) ensureOpenOrdersRun(ctx context.Context, after string,
	pass openOrdersPass) (started int, last string, err error) {
	var notStarted error
	for {
		pause := time.After(pass.pause)
		ids, err := a.Store.UnfinishedOrders(ctx, after, pass.pageSize)
		if err != nil {
			return started, "", a.internalError(ctx, "listing open orders", "", err)
		}
		n, err := a.ensurePageRuns(ctx, ids, pass.thorough)
		started += n
		if errors.Is(err, errOrdersNotStarted) {
			notStarted = err
		} else if err != nil {
			return started, "", err
		}
		if len(ids) < pass.pageSize {
			return started, "", notStarted
		}
		if after = ids[pass.pageSize-1]; !a.Now().Before(pass.deadline) {
			return started, after, notStarted
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
// lists as running. The error is errOrdersNotStarted if only some orders could not be started.
func (a *Activities) ensurePageRuns(ctx context.Context, ids []string, thorough bool) (started int, err error) {
	missing := ids
	if !thorough && len(ids) > 0 {
		if missing, err = a.ordersWithoutRun(ctx, ids); err != nil {
			return 0, err
		}
	}
	pageCtx, cancel := context.WithTimeout(ctx, openOrdersPageTimeLimit)
	defer cancel()
	if started, err = a.ensureOrdersRun(pageCtx, missing); err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w: %w", errOrdersNotStarted, err)
	}
	return started, err
}

// ordersWithoutRun returns which of the orders visibility does not list as running.
func (a *Activities) ordersWithoutRun(ctx context.Context, ids []string) (missing []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, visibilityTimeLimit)
	defer cancel()
	running, err := a.Dispatch.RunningOrders(ctx, ids)
	if err != nil {
		return nil, a.internalError(ctx, "listing running orders", "", err)
	}
	for _, id := range ids {
		if !running[id] {
			missing = append(missing, id)
		}
	}
	return missing, nil
}
