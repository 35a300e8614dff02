package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// completionBatch is how many orders' terms Migrate completes at a time.
const completionBatch = 500

// completeAllSearchTerms completes the terms of all orders, after a migration.
func (s *Store) completeAllSearchTerms(ctx context.Context) error {
	for {
		if n, err := s.CompleteSearchTerms(ctx, completionBatch); err != nil || n == 0 {
			return err
		}
	}
}

// CompleteSearchTerms writes the terms of up to limit orders anew which a process from before migration 13 has written, without what lists
// find them by, and counts the orders. They need the orders' names, so the migration itself cannot.
func (s *Store) CompleteSearchTerms(ctx context.Context, limit int) (int, error) {
	ids, err := QueryAll(ctx, s.read, ScanText, `SELECT DISTINCT order_id FROM order_search WHERE team_id = '' ORDER BY order_id LIMIT $1`, limit)
	if err != nil {
		return 0, fmt.Errorf("listing incomplete search terms: %w", err)
	}
	for _, id := range ids {
		if err := s.InTx(ctx, func(tx *sql.Tx) error { return s.completeOrderSearchTerms(ctx, tx, id) }); err != nil {
			return 0, fmt.Errorf("completing the search terms of order %s: %w", id, err)
		}
	}
	return len(ids), nil
}

// completeOrderSearchTerms writes the terms of one order anew. Whoever changes them changes the order's row in the same transaction, so that is
// locked first. What does not open keeps the terms that it has.
func (s *Store) completeOrderSearchTerms(ctx context.Context, tx *sql.Tx, id string) error {
	if _, err := tx.ExecContext(ctx, `UPDATE orders SET updated_at = updated_at WHERE id = $1`, id); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE order_search SET team_id = (SELECT team_id FROM orders WHERE id = $1),
		created_at = (SELECT created_at FROM orders WHERE id = $1) WHERE order_id = $1`, id)
	if err != nil {
		return err
	}
	o, err := s.loadOrder(ctx, tx, "", id)
	if errors.Is(err, ErrNotOpened) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.addSearchTerms(ctx, tx, id, orderTerms(o))
}
