package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// PruneWebhookMessages deletes up to limit webhook messages, oldest first, that were created before a time and have no
// pending delivery, with their deliveries and attempts. It returns how many it deleted. It is for SQLite: PostgreSQL
// drops partitions (DropPartitions).
func (s *Store) PruneWebhookMessages(ctx context.Context, before time.Time, limit int) (int, error) {
	n := 0
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		ids, err := sqldb.QueryAll(ctx, tx, sqldb.ScanText, `SELECT m.id FROM messages m WHERE m.created_at < $1 AND m.id < $3
				AND NOT EXISTS (SELECT 1 FROM deliveries d
					WHERE d.message_id = m.id AND d.state = 'pending' AND d.next_attempt_at >= $1)
			ORDER BY m.id LIMIT $2`, sqldb.ToMicros(before), limit, idsBetween(time.Time{}, before).end)
		if err != nil || len(ids) == 0 {
			return err
		}
		args := make([]any, len(ids))
		for i, id := range ids {
			args[i] = id
		}
		in := `(` + sqldb.Placeholders(1, len(ids)) + `)`
		for _, statement := range []string{
			`DELETE FROM attempts WHERE message_id IN `, `DELETE FROM deliveries WHERE message_id IN `,
			`DELETE FROM messages WHERE id IN `,
		} {
			if _, err := tx.ExecContext(ctx, statement+in, args...); err != nil {
				return err
			}
		}
		n = len(ids)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("pruning messages: %w", err)
	}
	return n, nil
}

// PruneResults erases the results of up to limit orders that have ended and whose newest results were fetched before a
// time. It returns the number of orders.
func (s *Store) PruneResults(ctx context.Context, before time.Time, limit int) (int, error) {
	ids, err := sqldb.QueryAll(ctx, s.db.Reader, sqldb.ScanText,
		`SELECT r.order_id FROM results r JOIN order_progress o ON o.order_id = r.order_id AND NOT o.unfinished
		WHERE r.fetched_at < $1 AND NOT EXISTS (SELECT 1 FROM results n WHERE n.order_id = r.order_id AND n.fetched_at >= $1)
		GROUP BY r.order_id ORDER BY MIN(r.fetched_at), r.order_id LIMIT $2`, sqldb.ToMicros(before), limit)
	if err != nil {
		return 0, fmt.Errorf("listing results to be pruned: %w", err)
	}
	pruned := 0
	for _, id := range ids {
		err := s.db.InTx(ctx, func(tx *sql.Tx) error { return s.pruneResultsOf(ctx, tx, id, sqldb.ToMicros(before)) })
		if errors.Is(err, ErrNotFound) { // the order is not finished any more, or has newer results
			continue
		}
		if err != nil {
			return pruned, fmt.Errorf("pruning the results of order %s: %w", id, err)
		}
		pruned++
	}
	return pruned, nil
}

func (s *Store) pruneResultsOf(ctx context.Context, tx *sql.Tx, orderID string, before int64) error {
	if _, err := s.lockOrderRow(ctx, tx, orderID); err != nil {
		return err
	}
	n, err := sqldb.ExecCount(ctx, tx, `UPDATE order_documents SET results = NULL WHERE order_id = $1
		AND NOT EXISTS (SELECT 1 FROM order_progress WHERE order_id = $1 AND unfinished)
		AND NOT EXISTS (SELECT 1 FROM results WHERE order_id = $1 AND fetched_at >= $2)`, orderID, before)
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrNotFound
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM order_search WHERE order_id = $1 AND field = $2`, orderID,
		searchInterpretation); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM results WHERE order_id = $1 AND fetched_at < $2`, orderID, before)
	return err
}

// PruneInboxContents erases the contents of up to limit inbox items that were received before a time and are processed,
// and returns how many. The items' states stay.
func (s *Store) PruneInboxContents(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := sqldb.ExecCount(ctx, s.db.Writer, `UPDATE inbox SET headers = NULL, body = NULL, reason = NULL WHERE id IN (
		SELECT id FROM inbox WHERE received_at < $1 AND body IS NOT NULL AND state <> $2
		ORDER BY received_at, id LIMIT $3)`,
		sqldb.ToMicros(before), InboxReceived, limit)
	if err != nil {
		return 0, fmt.Errorf("pruning the inbox: %w", err)
	}
	return int(n), nil
}
