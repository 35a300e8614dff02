package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/webhooks"
)

// AttemptRow is one try to deliver a message to an endpoint.
type AttemptRow struct {
	MessageID  string
	EndpointID string
	Number     int // from 1
	At         time.Time
	Duration   time.Duration
	StatusCode int    // 0: no answer came
	Failure    string // a code; empty for success
	Excerpt    []byte // the beginning of the receiver's answer; sealed
	Delivered  bool
	Next       time.Time // when the next attempt follows; zero and not Delivered: the schedule has ended
}

func (a AttemptRow) state() string {
	switch {
	case a.Delivered:
		return DeliveryDelivered
	case a.Next.IsZero():
		return DeliveryExhausted
	}
	return DeliveryPending
}

// RecordAttempt writes an attempt, what it makes of the delivery, and what it says of the endpoint's health: an endpoint that the
// client API contract gives up is disabled. Recording an attempt again changes nothing. A failure does not undo a success, nor the
// cancelling of a delivery. The error is ErrNotFound when there is no such delivery.
func (s *Store) RecordAttempt(ctx context.Context, a AttemptRow) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		added, err := s.addAttempt(ctx, tx, a)
		if err != nil || !added {
			return err
		}
		if err := s.advanceDelivery(ctx, tx, a); err != nil {
			return err
		}
		if a.Delivered {
			return recordSuccess(ctx, tx, a.EndpointID)
		}
		return s.recordFailure(ctx, tx, a.EndpointID, a.At)
	})
	if err != nil {
		return fmt.Errorf("recording attempt %d of message %s to endpoint %s: %w", a.Number, a.MessageID, a.EndpointID, err)
	}
	return nil
}

// addAttempt writes the attempt's row within the delivery's present round, and reports whether it is new. Touching the delivery
// first makes attempts that are recorded at the same time wait for each other.
func (s *Store) addAttempt(ctx context.Context, tx *sql.Tx, a AttemptRow) (bool, error) {
	round, err := one(ctx, tx, scanInt, `UPDATE deliveries SET updated_at = $1 WHERE message_id = $2 AND endpoint_id = $3 RETURNING round`,
		micros(s.now()), a.MessageID, a.EndpointID)
	if err != nil {
		return false, err
	}
	n, err := change(ctx, tx, `INSERT INTO attempts (message_id, endpoint_id, round, number, at, duration, status_code, failure, excerpt, next_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
		a.MessageID, a.EndpointID, round, a.Number, micros(a.At), a.Duration.Microseconds(), a.StatusCode, a.Failure,
		s.sealBytes(attemptExcerpt(a, round), a.Excerpt), micros(a.Next))
	return n == 1, err
}

func (s *Store) advanceDelivery(ctx context.Context, tx *sql.Tx, a AttemptRow) error {
	_, err := tx.ExecContext(ctx, `UPDATE deliveries SET state = $1, attempts = $2, next_attempt_at = $3
		WHERE message_id = $4 AND endpoint_id = $5 AND (state = 'pending' OR $6)`,
		a.state(), a.Number, micros(a.Next), a.MessageID, a.EndpointID, a.Delivered)
	return err
}

// recordSuccess forgives an endpoint its failures. A healthy one's row is left alone.
func recordSuccess(ctx context.Context, tx *sql.Tx, endpointID string) error {
	_, err := tx.ExecContext(ctx, `UPDATE endpoints SET failing_since = 0, first_failure = 0, last_failure = 0, clock_started = 0
		WHERE id = $1 AND failing_since <> 0`, endpointID)
	return err
}

// recordFailure adds one failure to an endpoint's health, and disables the endpoint when that is enough. The first statement is
// there for its lock on the row.
func (s *Store) recordFailure(ctx context.Context, tx *sql.Tx, endpointID string, at time.Time) error {
	h, err := one(ctx, tx, scanHealth, `UPDATE endpoints SET failing_since = CASE WHEN failing_since = 0 THEN $1 ELSE failing_since END
		WHERE id = $2 RETURNING first_failure, last_failure, clock_started`, micros(at), endpointID)
	if err != nil {
		return err
	}
	h = h.Failed(at)
	_, err = tx.ExecContext(ctx, `UPDATE endpoints SET first_failure = $1, last_failure = $2, clock_started = $3 WHERE id = $4`,
		micros(h.FirstFailure), micros(h.LastFailure), micros(h.FailingSince), endpointID)
	if err != nil || !h.ShouldDisable() {
		return err
	}
	return s.disable(ctx, tx, endpointID, DisabledFailing)
}

func scanHealth(row scanner) (webhooks.Health, error) {
	var first, last, clock int64
	err := row.Scan(&first, &last, &clock)
	return webhooks.Health{FirstFailure: instant(first), LastFailure: instant(last), FailingSince: instant(clock)}, err
}

func attemptExcerpt(a AttemptRow, round int) string {
	return place("attempts", fmt.Sprintf("%s %s %d %d", a.MessageID, a.EndpointID, round, a.Number), "excerpt")
}
