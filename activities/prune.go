package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
)

// prunePages is how many pages of each kind of data are pruned in one sweep.
const prunePages = 20

// Retention is how long what is not needed any more is kept. Zero: for good.
type Retention struct {
	Messages time.Duration // webhook messages that are not to be delivered any more
	Results  time.Duration // results of orders that have ended
	Inbox    time.Duration // what partners sent, verbatim
	Audit    time.Duration // who did and read what
}

// prune erases what has been kept for long enough, and the data of deleted users, a part of it at a time.
func (a *Activities) prune(ctx context.Context, now time.Time) error {
	if _, err := a.Store.PruneIdempotency(ctx); err != nil {
		return a.fault(ctx, "pruning stored answers", "", err)
	}
	keep := a.Retention
	for _, p := range []struct {
		doing string
		keep  time.Duration
		prune func(ctx context.Context, before time.Time, limit int) (int, error)
	}{
		{"pruning messages", keep.Messages, a.Store.PruneMessages},
		{"pruning results", keep.Results, a.Store.PruneResults},
		{"pruning the inbox", keep.Inbox, a.Store.PruneInbox},
		{"pruning the audit", keep.Audit, a.Store.PruneAudit},
	} {
		if p.keep <= 0 {
			continue
		}
		err := a.page(ctx, p.doing, func() (int, error) { return p.prune(ctx, now.Add(-p.keep), sweepPage) })
		if err != nil {
			return err
		}
	}
	err := a.page(ctx, "erasing deleted users", func() (int, error) { return a.Store.EraseUsers(ctx, sweepPage) })
	if err != nil {
		return err
	}
	return a.page(ctx, "erasing orders of deleted users", func() (int, error) { return a.Store.EraseOrders(ctx, sweepPage) })
}

// page does something to one page after another, until one is not full.
func (a *Activities) page(ctx context.Context, doing string, do func() (int, error)) error {
	for range prunePages {
		n, err := do()
		if err != nil {
			return a.fault(ctx, doing, "", err)
		}
		activity.RecordHeartbeat(ctx)
		if n < sweepPage {
			break
		}
	}
	return nil
}
