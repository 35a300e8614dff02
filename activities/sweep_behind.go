package activities

import (
	"context"
	"time"

	"github.com/aliquot-labs/aliquot/store"
)

// wakePause is how long an order that is behind is left alone after its run was woken. A run that is healthy and busy
// does not get a signal each minute.
const wakePause = 10 * time.Minute

// wakeOrdersBehind wakes the runs of orders whose next deadline is past by more than the given age, and returns how
// many. Such a run exists and sleeps: it does not know the state that the store has, or Temporal has lost its timer.
// Age 0: none is woken, because the runs that a rebuild starts load everything.
func (a *Activities) wakeOrdersBehind(ctx context.Context, now time.Time, age time.Duration) (woken int, err error) {
	if age == 0 {
		return 0, nil
	}
	behind := store.BehindQuery{DueBefore: now.Add(-age), RungBefore: now.Add(-wakePause)}
	ids, err := a.Store.OrdersBehind(ctx, behind, healPage)
	if err != nil {
		return 0, a.internalError(ctx, "finding orders that are behind", "", err)
	}
	woken, err = healConcurrently(ctx, ids, func(ctx context.Context, id string) (int, error) {
		claimed, err := a.Store.ClaimOrderBehind(ctx, id, behind, now)
		if err != nil || !claimed {
			return 0, err
		}
		if err := a.Dispatch.WakeOrder(ctx, id); err != nil {
			return 0, err
		}
		return 1, nil
	})
	if woken > 0 {
		a.Log.WarnContext(ctx, "orders were behind", "woken", woken, "first", ids[0])
	}
	return woken, a.healingError(ctx, "waking orders that are behind", err)
}
