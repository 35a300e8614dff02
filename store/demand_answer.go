package store

import (
	"context"
	"fmt"
	"time"
)

// RecordDemandAnswer notes that the order's workflow has answered a demand, or was told to look: its run knows what was recorded of it.
func (s *Store) RecordDemandAnswer(ctx context.Context, id string) error {
	if _, err := s.write.ExecContext(ctx, `UPDATE demands SET answered = TRUE WHERE id = $1 AND NOT answered`, id); err != nil {
		return fmt.Errorf("noting that demand %s was answered: %w", id, err)
	}
	return nil
}

// RecordDemandAnswersBefore notes it of all demands that were made of an order before a time.
func (s *Store) RecordDemandAnswersBefore(ctx context.Context, orderID string, before time.Time) error {
	_, err := s.write.ExecContext(ctx, `UPDATE demands SET answered = TRUE WHERE order_id = $1 AND created_at < $2 AND NOT answered`,
		orderID, ToMicros(before))
	if err != nil {
		return fmt.Errorf("noting that demands on order %s were answered: %w", orderID, err)
	}
	return nil
}

// OrdersWithUnansweredDemands lists up to limit orders, those that were asked first, of which something was demanded before a time that nobody
// has got an answer to.
func (s *Store) OrdersWithUnansweredDemands(ctx context.Context, before time.Time, limit int) ([]string, error) {
	ids, err := QueryAll(ctx, s.read, ScanText, `SELECT order_id FROM demands WHERE NOT answered AND created_at < $1
		GROUP BY order_id ORDER BY min(created_at), order_id LIMIT $2`, ToMicros(before), limit)
	if err != nil {
		return nil, fmt.Errorf("listing demands without an answer: %w", err)
	}
	return ids, nil
}
