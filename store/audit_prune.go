package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// PruneAudit removes up to limit rows of the audit log from before a time, oldest first, and returns how many it
// removed. It removes sealed rows only, from the start of the chain. The chain stores the hash of the last removed row
// as its new start. It is for SQLite: PostgreSQL drops partitions (DropPartitions).
func (s *Store) PruneAudit(ctx context.Context, before time.Time, limit int) (int, error) {
	n := 0
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		c, err := s.lockAuditChain(ctx, tx)
		if err != nil {
			return err
		}
		rows, err := sqldb.QueryAll(ctx, tx, scanAuditEntry, selectSealedAudit+` WHERE s.seq > $1 ORDER BY s.seq LIMIT $2`,
			c.startSeq, limit)
		if err != nil {
			return err
		}
		n = 0
		for _, row := range rows {
			if !row.At.Before(before) {
				break
			}
			c.startSeq, c.startHash = row.Seq, row.hash
			n++
		}
		if n == 0 {
			return nil
		}
		for _, statement := range []string{
			`DELETE FROM audit WHERE id IN (SELECT audit_id FROM audit_seals WHERE seq <= $1)`,
			`DELETE FROM audit_seals WHERE seq <= $1`,
		} {
			if _, err := tx.ExecContext(ctx, statement, c.startSeq); err != nil {
				return err
			}
		}
		return s.updateAuditChain(ctx, tx, c)
	})
	if err != nil {
		return 0, fmt.Errorf("pruning the audit: %w", err)
	}
	return n, nil
}

// errNothingDropped undoes the new start of a chain when no partition was dropped.
var errNothingDropped = errors.New("no partition was dropped")

// dropAuditPartitions drops the oldest partitions of the audit whose retention is over, and reports whether it did. All
// their rows have to be sealed, and to be before all others in the chain. A row that was sealed after rows of the next
// month, because its transaction committed late, keeps its month until the next one can be dropped with it. The start
// of the chain moves in the same transaction; the database's function checks that it fits. The error is ErrAuditChain
// when the chain is not what was sealed last.
func (s *Store) dropAuditPartitions(ctx context.Context) (bool, error) {
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		c, err := s.lockAuditChain(ctx, tx)
		if err != nil {
			return err
		}
		end, err := c.moveStart(ctx, tx)
		if err != nil {
			return err
		}
		if err := s.updateAuditChain(ctx, tx, c); err != nil {
			return err
		}
		dropped, err := sqldb.QueryOne(ctx, tx, sqldb.ScanInt, `SELECT drop_audit_partitions($1)`, end)
		if err == nil && dropped == 0 { // another transaction has locked them
			err = errNothingDropped
		}
		return err
	})
	if errors.Is(err, errNothingDropped) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("dropping partitions of the audit: %w", err)
	}
	return true, nil
}

// moveStart moves the start of the chain behind the partitions that can be dropped, and returns the id at which the
// last of them ends. The error is errNothingDropped when none can be dropped.
func (c *auditChain) moveStart(ctx context.Context, tx *sql.Tx) (end string, err error) {
	for end = sqldb.NilID; ; {
		end, err = sqldb.QueryOne(ctx, tx, sqldb.ScanText,
			`SELECT COALESCE(CAST(high AS TEXT), '') FROM droppable_partition('audit', $1)`, end)
		if err != nil || end == "" {
			return "", firstError(err, errNothingDropped)
		}
		unsealed, err := hasRow(ctx, tx, `SELECT 1 FROM audit a WHERE a.id < $1
			AND NOT EXISTS (SELECT 1 FROM audit_seals s WHERE s.audit_id = a.id AND s.audit_id < $1)`, end)
		if err != nil || unsealed {
			return "", firstError(err, errNothingDropped)
		}
		last := *c
		err = tx.QueryRowContext(ctx, `SELECT seq, hash FROM audit_seals WHERE audit_id < $1 ORDER BY seq DESC LIMIT 1`,
			end).Scan(&last.startSeq, &last.startHash)
		if errors.Is(err, sql.ErrNoRows) { // the partitions are empty
			return end, nil
		}
		if err != nil {
			return "", err
		}
		mixed, err := hasRow(ctx, tx, `SELECT 1 FROM audit_seals WHERE seq <= $1 AND audit_id >= $2`, last.startSeq, end)
		if err != nil {
			return "", err
		}
		if !mixed {
			*c = last
			return end, nil
		}
	}
}

// hasRow reports whether a query has a row.
func hasRow(ctx context.Context, q sqldb.Querier, query string, args ...any) (found bool, err error) {
	err = q.QueryRowContext(ctx, `SELECT EXISTS (`+query+`)`, args...).Scan(&found)
	return found, err
}
