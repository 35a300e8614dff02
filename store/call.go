package store

import (
	"context"
	"fmt"
	"time"
)

// PartnerCall is one attempt to call a partner about an order.
type PartnerCall struct {
	ID      string // of the attempt
	OrderID string
	Kind    string // place, results, cancel, track_outbound, …
	Attempt int    // from 1

	// Set by the store, and read in a story.
	Outcome   string // a code; empty: under way, or the process that made it has died
	StartedAt time.Time
	EndedAt   time.Time // zero while it has no outcome
}

// RecordPartnerCallStart notes that an attempt is about to be made. Noting it again changes nothing.
func (s *Store) RecordPartnerCallStart(ctx context.Context, c PartnerCall) error {
	_, err := s.write.ExecContext(ctx, `INSERT INTO calls (id, order_id, kind, attempt, outcome, answer, started_at, ended_at)
		VALUES ($1, $2, $3, $4, '', NULL, $5, 0) ON CONFLICT (id) DO NOTHING`, c.ID, c.OrderID, c.Kind, c.Attempt, ToMicros(s.now()))
	if err != nil {
		return fmt.Errorf("noting a call for order %s: %w", c.OrderID, err)
	}
	return nil
}

// RecordPartnerCallEnd notes how an attempt ended, with the partner's answer verbatim (sealed; may be empty). The error is ErrNotFound when it
// was not noted to have started.
func (s *Store) RecordPartnerCallEnd(ctx context.Context, id, outcome string, answer []byte) error {
	n, err := ExecCount(ctx, s.write, `UPDATE calls SET outcome = $1, answer = $2, ended_at = $3 WHERE id = $4`,
		outcome, s.sealBytes(sealContext("calls", id, "answer"), answer), ToMicros(s.now()), id)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("noting the end of call %s: %w", id, err)
	}
	return nil
}
