package activities

import (
	"context"
	"errors"

	"github.com/aliquot-labs/aliquot/store"
)

// sealPage is how many rows of the audit are sealed in one transaction.
const sealPage = 500

// sealAudit adds new audit rows to the audit's chain. It adds none to a chain that has been tampered with; it logs and
// counts that, and the sweep continues. The end of the chain is logged, because a person with access to the database
// cannot change the log.
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
