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

// prune erases data whose retention is over, at most prunePages pages of each kind. A kind that fails does not stop the
// others.
func (a *Activities) prune(ctx context.Context, now time.Time) error {
	var failed []error
	try := func(doing string, err error) {
		if err != nil {
			failed = append(failed, a.internalError(ctx, doing, "", err))
		}
	}
	_, err := a.Store.PruneIdempotencyKeys(ctx)
	try("pruning stored answers", err)
	_, err = a.Store.PruneRateLimits(ctx, sweepPage)
	try("pruning rate limits", err)
	_, err = a.Store.PruneBearerTokens(ctx, sweepPage)
	try("pruning tokens", err)
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
		try(p.doing, pageUntilDone(func() (int, error) { return p.prune(ctx, now.Add(-p.retention), sweepPage) }))
	}
	return errors.Join(failed...)
}

// erase erases the data of deleted users and of their orders, at most prunePages pages of each.
func (a *Activities) erase(ctx context.Context) error {
	users := pageUntilDone(func() (int, error) { return a.Store.EraseUsers(ctx, sweepPage) })
	orders := pageUntilDone(func() (int, error) { return a.Store.EraseOrders(ctx, sweepPage) })
	if err := errors.Join(users, orders); err != nil {
		return a.internalError(ctx, "erasing deleted users and their orders", "", err)
	}
	return nil
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
func pageUntilDone(do func() (int, error)) error {
	for range prunePages {
		n, err := do()
		if err != nil {
			return err
		}
		if n < sweepPage {
			break
		}
	}
	return nil
}
