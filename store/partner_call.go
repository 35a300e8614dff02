package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// PartnerCall is one attempt to call a partner about an order. It exists if the call was made, or was about to be.
type PartnerCall struct {
	ID      string // of the attempt
	OrderID string
	Kind    string // place, results, cancel, track_outbound, …
	// Round identifies the round of attempts; empty: the call is the only one of its round.
	Round string

	// The fields below are set by the store and read for a story.
	Attempt   int    // in its round, from 1
	Outcome   string // a code; empty: in progress, or the process that made the call has ended
	StartedAt time.Time
	EndedAt   time.Time // zero without an outcome
}

// RecordPartnerCallStart records that an attempt is about to be made, and returns its number in its round, from 1.
// Recording it again changes nothing.
func (s *Store) RecordPartnerCallStart(ctx context.Context, c PartnerCall) (attempt int, err error) {
	made := 0
	if c.Round != "" {
		if made, err = s.PartnerCallsMade(ctx, c.OrderID, c.Kind, c.Round); err != nil {
			return 0, err
		}
	}
	_, err = s.db.Writer.ExecContext(ctx,
		`INSERT INTO calls (id, order_id, kind, attempt, outcome, answer, started_at, ended_at, round)
		VALUES ($1, $2, $3, $4, '', NULL, $5, 0, $6) ON CONFLICT (id) DO NOTHING`,
		c.ID, c.OrderID, c.Kind, made+1, sqldb.ToMicros(s.now()), c.Round)
	if err != nil {
		return 0, fmt.Errorf("recording a call for order %s: %w", c.OrderID, err)
	}
	return made + 1, nil
}

// PartnerCallsMade returns how many calls were made in a round of attempts.
func (s *Store) PartnerCallsMade(ctx context.Context, orderID, kind, round string) (int, error) {
	var made int
	err := s.db.Writer.QueryRowContext(ctx,
		`SELECT COUNT(*) FROM calls WHERE order_id = $1 AND kind = $2 AND round = $3`, orderID, kind, round).Scan(&made)
	if err != nil {
		return 0, fmt.Errorf("counting the calls for order %s: %w", orderID, err)
	}
	return made, nil
}

// LastPartnerCallOutcome returns the code of the last attempt of a round that has ended; empty: none has.
func (s *Store) LastPartnerCallOutcome(ctx context.Context, orderID, kind, round string) (outcome string, err error) {
	err = s.db.Writer.QueryRowContext(ctx, `SELECT outcome FROM calls
		WHERE order_id = $1 AND kind = $2 AND round = $3 AND outcome <> '' ORDER BY attempt DESC LIMIT 1`,
		orderID, kind, round).Scan(&outcome)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("reading the outcome of a call for order %s: %w", orderID, err)
	}
	return outcome, nil
}

// RecordPartnerCallEnd records the outcome of an attempt, with the partner's response verbatim (sealed; may be empty).
// The error is ErrNotFound when its start was not recorded.
func (s *Store) RecordPartnerCallEnd(ctx context.Context, id, outcome string, answer []byte) error {
	n, err := sqldb.ExecCount(ctx, s.db.Writer, `UPDATE calls SET outcome = $1, answer = $2, ended_at = $3 WHERE id = $4`,
		outcome, s.sealBytes(sealContext("calls", id, "answer"), answer), sqldb.ToMicros(s.now()), id)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("recording the end of call %s: %w", id, err)
	}
	return nil
}
