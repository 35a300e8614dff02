package store

import (
	"context"
	"fmt"
	"time"
)

// AnswerDemand notes that the order's workflow has answered a demand, or was told to look: its run knows what was recorded of it.
func (s *Store) AnswerDemand(ctx context.Context, id string) error {
	if _, err := s.write.ExecContext(ctx, `UPDATE demands SET answered = TRUE WHERE id = $1 AND NOT answered`, id); err != nil {
		return fmt.Errorf("noting that demand %s was answered: %w", id, err)
	}
	return nil
}

// UnansweredDemands lists up to limit demands, the oldest first, that were made before a time and whose answer nobody has got.
func (s *Store) UnansweredDemands(ctx context.Context, before time.Time, limit int) ([]DemandRow, error) {
	demands, err := collect(ctx, s.read, scanDemand,
		`SELECT `+demandColumns+` FROM demands WHERE NOT answered AND created_at < $1 ORDER BY created_at, id LIMIT $2`, micros(before), limit)
	if err != nil {
		return nil, fmt.Errorf("listing demands without an answer: %w", err)
	}
	return demands, nil
}
