package activities

import (
	"context"
	"time"

	"github.com/aliquot-labs/aliquot/dispatch"
)

// sweepShare is for how long one activity goes through the open orders: a history has room for some thousands of activities, and there
// may be millions of orders.
const sweepShare = 5 * time.Minute

// A look at the open orders asks Temporal's visibility for as many as it answers at once, and not again before a pause is over. By default
// it answers ten questions a second (frontend.namespaceRPS.visibility), some of which are those of people.
const (
	lookPage  = 1000
	lookPause = 200 * time.Millisecond
)

// look is how open orders are looked at.
type look struct {
	page     int           // of how many together
	pause    time.Duration // from the beginning of a page to that of the next
	ends     time.Time     // when no other page is begun
	thorough bool          // each is asked for by itself
}

// SweepOpenOrders makes sure that the open orders after the given id have running workflows, as many as it comes to in its share of
// time. With the first, all of them are counted.
func (a *Activities) SweepOpenOrders(ctx context.Context, after string, in dispatch.ReconcileInput) (dispatch.SweepResult, error) {
	defer a.heartbeat(ctx)()
	var out dispatch.SweepResult
	how := look{page: lookPage, pause: lookPause, ends: a.Now().Add(sweepShare), thorough: in.Thorough || in.Rebuild}
	if after == "" {
		wrong, err := a.Store.RecountOrders(ctx)
		if err != nil {
			return out, a.fault(ctx, "counting open orders", "", err)
		}
		out.Counts = wrong
	}
	var err error
	if out.Orders, out.After, err = a.ensureOpen(ctx, after, how); err != nil {
		return out, err
	}
	a.Metrics.healed(out)
	return out, nil
}

// ensureOpen makes sure that open orders have running workflows, a page at a time, until a time has come. It returns how many had none,
// and the last one that it came to; empty: it has come to all.
func (a *Activities) ensureOpen(ctx context.Context, after string, how look) (started int, last string, err error) {
	for {
		pause := time.After(how.pause)
		ids, err := a.Store.OpenOrders(ctx, after, how.page)
		if err != nil {
			return started, "", a.fault(ctx, "listing open orders", "", err)
		}
		n, err := a.ensurePage(ctx, ids, how.thorough)
		if started += n; err != nil {
			return started, "", err
		}
		if len(ids) < how.page {
			return started, "", nil
		}
		if after = ids[how.page-1]; !a.Now().Before(how.ends) {
			return started, after, nil
		}
		if how.thorough {
			continue
		}
		select {
		case <-ctx.Done():
			return started, "", ctx.Err()
		case <-pause:
		}
	}
}

// ensurePage makes sure that a page of orders have running workflows. Unless it is to be thorough, only those are started by name which
// visibility does not know to be running.
func (a *Activities) ensurePage(ctx context.Context, ids []string, thorough bool) (started int, err error) {
	if thorough || len(ids) == 0 {
		return a.ensure(ctx, ids)
	}
	running, err := a.Dispatch.RunningOrders(ctx, ids)
	if err != nil {
		return 0, a.fault(ctx, "listing running orders", "", err)
	}
	var missing []string
	for _, id := range ids {
		if !running[id] {
			missing = append(missing, id)
		}
	}
	return a.ensure(ctx, missing)
}
