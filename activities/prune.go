package activities

import (
	"context"
	"errors"
	"time"

	"github.com/aliquot-labs/aliquot/store"
)

// prunePages is how many pages of each kind of data are pruned in one sweep.
const prunePages = 20

// Retention is how long data that is no longer needed stays in the store. Zero: without a limit.
type Retention struct {
	Messages time.Duration // webhook messages without an open delivery
	Results  time.Duration // results of orders that have ended
	Inbox    time.Duration // the contents of inbox items
	Audit    time.Duration // audit rows: who did and read what
}

// pruneAndErase erases data whose retention is over and the data of deleted users, at most prunePages pages of each.
func (a *Activities) pruneAndErase(ctx context.Context, now time.Time) error {
	if _, err := a.Store.PruneIdempotencyKeys(ctx); err != nil {
		return a.internalError(ctx, "pruning stored answers", "", err)
	}
	if _, err := a.Store.PruneRateLimits(ctx, sweepPage); err != nil {
		return a.internalError(ctx, "pruning rate limits", "", err)
	}
	if _, err := a.Store.PruneBearerTokens(ctx, sweepPage); err != nil {
		return a.internalError(ctx, "pruning tokens", "", err)
	}
	retention := a.Retention
	for _, p := range []struct {
		doing     string
		retention time.Duration
		prune     func(ctx context.Context, before time.Time, limit int) (int, error)
	}{
		{"pruning messages", retention.Messages, a.Store.PruneWebhookMessages},
		{"pruning results", retention.Results, a.Store.PruneResults},
		{"pruning the inbox", retention.Inbox, a.Store.PruneInboxContents},
		{"pruning the audit", retention.Audit, a.pruneAudit},
	} {
		if p.retention <= 0 {
			continue
		}
		err := a.pageUntilDone(ctx, p.doing, func() (int, error) { return p.prune(ctx, now.Add(-p.retention), sweepPage) })
		if err != nil {
			return err
		}
	}
	err := a.pageUntilDone(ctx, "erasing deleted users", func() (int, error) { return a.Store.EraseUsers(ctx, sweepPage) })
	if err != nil {
		return err
	}
	return a.pageUntilDone(ctx, "erasing orders of deleted users",
		func() (int, error) { return a.Store.EraseOrders(ctx, sweepPage) })
}

// pruneAudit erases one page of audit rows. It erases nothing of a chain that has been tampered with; sealAudit reports
// that.
func (a *Activities) pruneAudit(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := a.Store.PruneAudit(ctx, before, limit)
	if errors.Is(err, store.ErrAuditChain) {
		return 0, nil
	}
	return n, err
}

// pageUntilDone calls do, which handles one page, until a page is not full, at most prunePages times.
func (a *Activities) pageUntilDone(ctx context.Context, doing string, do func() (int, error)) error {
	for range prunePages {
		n, err := do()
		if err != nil {
			return a.internalError(ctx, doing, "", err)
		}
		if n < sweepPage {
			break
		}
	}
	return nil
}
