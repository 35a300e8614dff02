package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// ErrQuarantineFull means that an inbox item is not stored, because as many items of the same sender as are allowed are
// in quarantine already. The sender has to send it again later.
var ErrQuarantineFull = errors.New("the quarantine of the sender is full")

// quarantineQuota is how many items of one lab account the quarantine holds at a time, and of all senders of a partner
// whose account is not known. It limits what a sender with valid credentials can store by requests that nobody asked
// for: with bodies of 64 KiB, 64 MB. A person can look through as many. An item leaves the quarantine by a decision
// (ReleaseQuarantinedItem), or when the retention of its contents ends. Nothing else removes it.
const quarantineQuota = 1000

// checkQuarantineQuota returns ErrQuarantineFull if the sender of a new quarantined item has used up its quota. Until
// the transaction ends, no other one can check the quota of the same sender.
func (s *Store) checkQuarantineQuota(ctx context.Context, tx *sql.Tx, partner, accountID string) error {
	if s.db.Dialect == sqldb.Postgres { // SQLite has one writer at a time
		sum := sha256.Sum256([]byte("quarantine " + partner + " " + accountID))
		//nolint:gosec // any number will do
		lock := int64(binary.BigEndian.Uint64(sum[:8]))
		if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, lock); err != nil {
			return fmt.Errorf("locking the quarantine of %s: %w", partner, err)
		}
	}
	n, err := sqldb.QueryOne(ctx, tx, sqldb.ScanInt, selectQuarantined, partner, accountID)
	if err != nil {
		return fmt.Errorf("counting the quarantine of %s: %w", partner, err)
	}
	if n >= s.quarantineQuota {
		return ErrQuarantineFull
	}
	return nil
}

// selectQuarantined counts the quarantined items of a partner's account with contents. It reads the index
// inbox_quarantined alone, whose size the quotas limit.
const selectQuarantined = `SELECT COUNT(*) FROM inbox WHERE partner = $1 AND COALESCE(CAST(account_id AS TEXT), '') = $2
	AND state = '` + InboxQuarantined + `' AND body IS NOT NULL`

// ReleaseQuarantinedItem records that somebody has looked at a quarantined item and nothing has to be done about it.
// The item keeps its contents until their retention ends, and does not count for the quota any more. It returns the
// item's order, which may be empty. The error is ErrNotFound when there is no such item, and ErrConflict when it is not
// in quarantine.
func (s *Store) ReleaseQuarantinedItem(ctx context.Context, id string) (orderID string, err error) {
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		item, err := sqldb.QueryOne(ctx, tx, scanReceivedItem,
			`SELECT `+receivedItemColumns+` FROM inbox WHERE id = $1`, id)
		if err != nil {
			return err
		}
		orderID = item.OrderID
		n, err := sqldb.ExecCount(ctx, tx, `UPDATE inbox SET state = $1, state_at = $2 WHERE id = $3 AND state = $4`,
			InboxReleased, sqldb.ToMicros(s.now()), id, InboxQuarantined)
		if err == nil && n == 0 {
			err = ErrConflict
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("releasing inbox row %s: %w", id, err)
	}
	return orderID, nil
}
