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
	_, err = a.Store.PruneBearerTokens(ctx, sweepPage)
	try("pruning tokens", err)
	retention := a.Retention
	kinds := []prunedKind{
		{"pruning results", retention.Results, a.Store.PruneResults},
		{"pruning the inbox", retention.Inbox, a.Store.PruneInboxContents},
	}
	if a.Store.HasPartitions() {
		try("making and dropping partitions", a.maintainPartitions(ctx))
	} else {
		kinds = append(kinds, prunedKind{"pruning messages", retention.Messages, a.Store.PruneWebhookMessages},
			prunedKind{"pruning the audit", retention.Audit, a.pruneAudit})
	}
	for _, p := range kinds {
		if p.retention <= 0 {
			continue
		}
		try(p.doing, pageUntilDone(func() (int, error) { return p.prune(ctx, now.Add(-p.retention), sweepPage) }))
	}
	return errors.Join(failed...)
}

// prunedKind is a kind of data that is erased row by row.
type prunedKind struct {
	doing     string
	retention time.Duration
	prune     func(ctx context.Context, before time.Time, limit int) (int, error)
}

// maintainPartitions makes partitions ahead and drops those whose retention is over. The retention is the one that
// aliquot migrate has written into the database. It drops nothing of an audit chain that has been tampered with;
// sealAudit reports that.
func (a *Activities) maintainPartitions(ctx context.Context) error {
	made, err := a.Store.MakePartitions(ctx)
	if len(made) > 0 {
		a.Log.InfoContext(ctx, "partitions made", "partitions", made)
	}
	dropped, dropErr := a.Store.DropPartitions(ctx)
	if dropped > 0 {
		a.Log.InfoContext(ctx, "partitions dropped", "times", dropped)
	}
	if errors.Is(dropErr, store.ErrAuditChain) {
		dropErr = nil
	}
	return errors.Join(err, dropErr)
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

// pruneRateLimits removes the buckets of rate limits that nobody has used for an hour. It reads all of them, so it is
// no part of each sweep.
func (a *Activities) pruneRateLimits(ctx context.Context) error {
	err := pageUntilDone(func() (int, error) { return a.Store.PruneRateLimits(ctx, sweepPage) })
	if err != nil {
		return a.internalError(ctx, "pruning rate limits", "", err)
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
