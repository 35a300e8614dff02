package store

import (
	"context"
	"fmt"
	"time"
)

// OrdersNeverStarted lists orders, oldest first, that were created before a time and have never been loaded by a workflow.
func (s *Store) OrdersNeverStarted(ctx context.Context, createdBefore time.Time, limit int) ([]string, error) {
	ids, err := collect(ctx, s.read, scanText,
		`SELECT id FROM orders WHERE started_at = 0 AND created_at < $1 ORDER BY created_at, id LIMIT $2`, micros(createdBefore), limit)
	if err != nil {
		return nil, fmt.Errorf("listing orders that were never started: %w", err)
	}
	return ids, nil
}

// OpenOrders lists the orders whose workflow has something to do or to wait for, by id, after the one named (empty: from the first):
// those that have not ended, and those with a fetch or a cancellation to finish.
func (s *Store) OpenOrders(ctx context.Context, afterID string, limit int) ([]string, error) {
	ids, err := collect(ctx, s.read, scanText,
		`SELECT id FROM orders WHERE unfinished AND id > $1 ORDER BY id LIMIT $2`, afterID, limit)
	if err != nil {
		return nil, fmt.Errorf("listing open orders: %w", err)
	}
	return ids, nil
}
