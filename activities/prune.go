package activities

import (
	"context"
	"errors"
	"time"

	"github.com/aliquot-labs/aliquot/store"
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
	if _, err := a.Store.PruneIdempotencyKeys(ctx); err != nil {
		return a.internalError(ctx, "pruning stored answers", "", err)
	}
	if _, err := a.Store.PruneRateLimits(ctx, sweepPage); err != nil {
		return a.internalError(ctx, "pruning rate limits", "", err)
	}
	if _, err := a.Store.PruneBearerTokens(ctx, sweepPage); err != nil {
		return a.internalError(ctx, "pruning tokens", "", err)
	}
	if _, err := a.Store.CompleteSearchTerms(ctx, sweepPage); err != nil {
		return a.internalError(ctx, "completing search terms", "", err)
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

// pruneAudit leaves a chain alone that has been tampered with; sealAudit tells of it.
func (a *Activities) pruneAudit(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := a.Store.PruneAudit(ctx, before, limit)
	if errors.Is(err, store.ErrAuditChain) {
		return 0, nil
	}
	return n, err
}

// sealPage is how many rows of the audit are sealed in one transaction.
const sealPage = 500

// sealAudit puts what has been appended to the audit into its chain. A chain that somebody else has written to is told of, and keeps
// nothing else from being healed; nothing is sealed onto it. The end of the chain is logged, because the log is out of reach of who
// writes to the database.
func (a *Activities) sealAudit(ctx context.Context) error {
	sealed := 0
	for range prunePages {
		n, err := a.Store.SealAudit(ctx, sealPage)
		a.Metrics.setAuditTampered(errors.Is(err, store.ErrAuditChain))
		if errors.Is(err, store.ErrAuditChain) {
			a.Log.ErrorContext(ctx, "the audit's chain has been tampered with; aliquot audit verify says where")
			return nil
		}
		if err != nil {
			return a.internalError(ctx, "sealing the audit", "", err)
		}
		sealed += n
		if n < sealPage {
			break
		}
	}
	if sealed == 0 {
		return nil
	}
	seq, hash, err := a.Store.AuditChainEnd(ctx)
	if err != nil {
		return a.internalError(ctx, "reading the end of the audit", "", err)
	}
	a.Log.InfoContext(ctx, "audit sealed", "rows", sealed, "end", seq, "hash", hash)
	return nil
}

// pageUntilDone does something to one page after another, until one is not full.
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
