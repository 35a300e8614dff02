package activities

import (
	"context"
	"time"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// How long an order is left alone after the reconciler has woken its run. A run that is healthy and busy does not get a
// signal each minute.
const (
	unsettledWakePause = 5 * time.Minute
	behindWakePause    = 10 * time.Minute
)

// wakeUnsettledOrders wakes the runs of orders with facts or demands that have had no outcome for the given age, and
// returns how many: the signal or the update that told of them was lost.
func (a *Activities) wakeUnsettledOrders(ctx context.Context, now time.Time, age time.Duration) (woken int, err error) {
	pause := unsettledWakePause
	if age == 0 {
		pause = 0 // a rebuild
	}
	ids, err := a.Store.UnsettledOrders(ctx, now.Add(-age), now.Add(-pause), healPage)
	if err != nil {
		return 0, a.internalError(ctx, "finding unsettled facts and demands", "", err)
	}
	return a.wakeOrders(ctx, ids, now, pause, "waking orders with unsettled facts and demands")
}

// wakeOrdersBehind wakes the runs of orders that should have acted by a time that is past by more than the given age,
// and returns how many. Such a run exists and sleeps: it does not know the state that the store has, or Temporal has
// lost its timer. Age 0: none is woken, because the runs that a rebuild starts look at everything.
func (a *Activities) wakeOrdersBehind(ctx context.Context, now time.Time, age time.Duration) (woken int, err error) {
	if age == 0 {
		return 0, nil
	}
	ids, err := a.Store.OrdersBehind(ctx, now.Add(-age), now.Add(-behindWakePause), healPage)
	if err != nil {
		return 0, a.internalError(ctx, "finding orders that are behind", "", err)
	}
	woken, err = a.wakeOrders(ctx, ids, now, behindWakePause, "waking orders that are behind")
	if woken > 0 {
		a.Log.WarnContext(ctx, "orders were behind", "woken", woken, "first", ids[0])
	}
	return woken, err
}

// wakeOrders wakes the runs of orders that have not been woken for a pause, and returns how many.
func (a *Activities) wakeOrders(ctx context.Context, ids []string, now time.Time, pause time.Duration,
	doing string) (woken int, err error) {
	woken, err = healConcurrently(ctx, ids, func(ctx context.Context, id string) (int, error) {
		claimed, err := a.Store.ClaimWake(ctx, id, now.Add(-pause), now)
		if err != nil || !claimed {
			return 0, err
		}
		if err := a.Dispatch.WakeOrder(ctx, id, dispatch.Wake{Kind: dispatch.WakeBehind}); err != nil {
			return 0, err
		}
		return 1, nil
	})
	return woken, a.healingError(ctx, doing, err)
}
