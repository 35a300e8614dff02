package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/aliquot-labs/aliquot/webhooks"
)

// AttemptRow is one try to deliver a message to an endpoint.
type AttemptRow struct {
	MessageID  string
	Round      int // of the delivery when the attempt was made
	Number     int // from 1 within the round
	At         time.Time
	Duration   time.Duration
	StatusCode int    // 0: no answer came
	Failure    string // a code; empty for success
	Excerpt    []byte // the beginning of the receiver's answer; sealed
	Delivered  bool
	Gone       bool      // the receiver wants no more messages: its endpoint is to be disabled
	Next       time.Time // when the next attempt follows; zero and not Delivered: the schedule has ended
}

func (a AttemptRow) state() string {
	switch {
	case a.Delivered:
		return DeliveryDelivered
	case a.Gone:
		return DeliveryCancelled
	case a.Next.IsZero():
		return DeliveryExhausted
	}
	return DeliveryPending
}

// AttemptsRecorded is what came of recording attempts.
type AttemptsRecorded struct {
	Exhausted int      // messages that have failed for the endpoint
	Disabled  string   // why the endpoint was disabled by it; empty: it was not
	Endpoints []string // to be nudged, because they are to be told of either
}

// RecordAttempts writes attempts at one endpoint, at most one of each message, in one transaction: what they make of the deliveries,
// and what they say of the endpoint's health. An endpoint that the client API contract gives up is disabled; the team's operational
// endpoints are told of that, and of messages whose schedule has ended. Recording an attempt again changes nothing. A failure does
// not undo a success, nor the cancelling of a delivery; an attempt of an earlier round leaves the present one alone. Attempts of
// messages that are not there to be delivered are left out.
func (s *Store) RecordAttempts(ctx context.Context, endpointID string, attempts []AttemptRow) (AttemptsRecorded, error) {
	var out AttemptsRecorded
	err := s.inTx(ctx, func(tx *sql.Tx) (err error) {
		out, err = s.recordAttempts(ctx, tx, endpointID, attempts)
		return err
	})
	if err != nil {
		return AttemptsRecorded{}, fmt.Errorf("recording %d attempts at endpoint %s: %w", len(attempts), endpointID, err)
	}
	return out, nil
}

func (s *Store) recordAttempts(ctx context.Context, tx *sql.Tx, endpointID string, attempts []AttemptRow) (AttemptsRecorded, error) {
	var out AttemptsRecorded
	added, err := s.addAttempts(ctx, tx, endpointID, attempts)
	if err != nil || len(added) == 0 {
		return out, err
	}
	exhausted, err := s.advanceDeliveries(ctx, tx, endpointID, added)
	if err != nil {
		return out, err
	}
	for _, a := range exhausted {
		told, err := s.tellExhausted(ctx, tx, endpointID, a)
		if err != nil {
			return out, err
		}
		out.Endpoints = append(out.Endpoints, told...)
	}
	out.Exhausted = len(exhausted)
	told, reason, err := s.recordHealth(ctx, tx, endpointID, added)
	out.Disabled, out.Endpoints = reason, unrepeated(append(out.Endpoints, told...))
	return out, err
}

// addAttempts writes the attempts' rows and returns those that are new, in the order of their times.
func (s *Store) addAttempts(ctx context.Context, tx *sql.Tx, endpointID string, attempts []AttemptRow) ([]AttemptRow, error) {
	args := []any{endpointID}
	byMessage := map[string]AttemptRow{}
	for _, a := range attempts {
		args = append(args, a.MessageID)
		byMessage[a.MessageID] = a
	}
	there, err := collect(ctx, tx, scanText, `SELECT message_id FROM deliveries
		WHERE endpoint_id = $1 AND message_id IN (`+placeholders(2, len(attempts))+`) ORDER BY message_id`, args...)
	if err != nil || len(there) == 0 {
		return nil, err
	}
	const columns = 10
	var rows []string
	args = nil
	for _, id := range there {
		a := byMessage[id]
		rows = append(rows, "("+placeholders(len(args)+1, columns)+")")
		args = append(args, id, endpointID, a.Round, a.Number, micros(a.At), a.Duration.Microseconds(), a.StatusCode, a.Failure,
			s.sealBytes(excerptPlace(id, endpointID, a.Round, a.Number), a.Excerpt), micros(a.Next))
	}
	added, err := collect(ctx, tx, scanText, `INSERT INTO attempts
		(message_id, endpoint_id, round, number, at, duration, status_code, failure, excerpt, next_at)
		VALUES `+strings.Join(rows, ",")+` ON CONFLICT DO NOTHING RETURNING message_id`, args...)
	if err != nil {
		return nil, err
	}
	out := make([]AttemptRow, len(added))
	for i, id := range added {
		out[i] = byMessage[id]
	}
	slices.SortStableFunc(out, func(a, b AttemptRow) int { return a.At.Compare(b.At) })
	return out, nil
}

// advanceDeliveries moves the deliveries on, and returns the attempts after which a schedule has ended.
func (s *Store) advanceDeliveries(ctx context.Context, tx *sql.Tx, endpointID string, attempts []AttemptRow) ([]AttemptRow, error) {
	args := []any{endpointID, micros(s.now())}
	rows := make([]string, len(attempts))
	for i, a := range attempts {
		n := len(args)
		rows[i] = fmt.Sprintf("(CAST($%d AS TEXT), CAST($%d AS BIGINT), CAST($%d AS TEXT), CAST($%d AS BIGINT), CAST($%d AS BIGINT))",
			n+1, n+2, n+3, n+4, n+5)
		args = append(args, a.MessageID, a.Round, a.state(), a.Number, micros(a.Next))
	}
	ended, err := collect(ctx, tx, func(row scanner) (out [2]string, err error) {
		err = row.Scan(&out[0], &out[1])
		return out, err
	}, `WITH made (message_id, round, state, number, next_at) AS (VALUES `+strings.Join(rows, ",")+`)
		UPDATE deliveries SET state = made.state, attempts = made.number, next_attempt_at = made.next_at, updated_at = $2 FROM made
		WHERE deliveries.message_id = made.message_id AND deliveries.endpoint_id = $1 AND deliveries.round = made.round
			AND (deliveries.state = 'pending' OR made.state = 'delivered')
		RETURNING deliveries.message_id, deliveries.state`, args...)
	if err != nil {
		return nil, err
	}
	var exhausted []AttemptRow
	for _, a := range attempts {
		if slices.Contains(ended, [2]string{a.MessageID, DeliveryExhausted}) {
			exhausted = append(exhausted, a)
		}
	}
	return exhausted, nil
}

// recordHealth adds the attempts to the endpoint's health, and disables it when that is enough. It returns the endpoints to nudge and
// why it was disabled.
func (s *Store) recordHealth(ctx context.Context, tx *sql.Tx, endpointID string, attempts []AttemptRow) ([]string, string, error) {
	if !slices.ContainsFunc(attempts, func(a AttemptRow) bool { return !a.Delivered }) {
		// A healthy endpoint's row is left alone.
		_, err := tx.ExecContext(ctx, `UPDATE endpoints SET failing_since = 0, first_failure = 0, last_failure = 0, clock_started = 0
			WHERE id = $1 AND failing_since <> 0`, endpointID)
		return nil, "", err
	}
	// Writing first locks the row: health is told in turn.
	e, err := one(ctx, tx, s.scanEndpoint, `UPDATE endpoints SET last_failure = last_failure WHERE id = $1 RETURNING `+endpointColumns, endpointID)
	if err != nil {
		return nil, "", err
	}
	reason := ""
	for _, a := range attempts {
		e.observe(a)
		if a.Gone {
			reason = DisabledGone
		}
	}
	_, err = tx.ExecContext(ctx, `UPDATE endpoints SET failing_since = $1, first_failure = $2, last_failure = $3, clock_started = $4 WHERE id = $5`,
		micros(e.FailingSince), micros(e.Health.FirstFailure), micros(e.Health.LastFailure), micros(e.Health.FailingSince), endpointID)
	if err != nil {
		return nil, "", err
	}
	if reason == "" && e.Health.ShouldDisable() {
		reason = DisabledFailing
	}
	if reason == "" || e.Disabled {
		return nil, "", nil
	}
	if err := s.disable(ctx, tx, endpointID, reason); err != nil {
		return nil, "", err
	}
	told, err := s.tellDisabled(ctx, tx, e, reason)
	return told, reason, err
}

// observe takes one attempt into the endpoint's health. One success forgives everything.
func (e *Endpoint) observe(a AttemptRow) {
	if a.Delivered {
		e.FailingSince, e.Health = time.Time{}, webhooks.Health{}
		return
	}
	if e.FailingSince.IsZero() {
		e.FailingSince = a.At
	}
	e.Health = e.Health.Failed(a.At)
}

// attemptSpace makes the ids of attempts, which are derived from what they are the attempts of.
var attemptSpace = uuid.MustParse("5f0f3c0e-8d3f-4f1e-9b0a-2f6c7d1f1f10")

func attemptID(messageID, endpointID string, round, number int) string {
	return uuid.NewSHA1(attemptSpace, fmt.Appendf(nil, "%s %s %d %d", messageID, endpointID, round, number)).String()
}

func excerptPlace(messageID, endpointID string, round, number int) string {
	return place("attempts", fmt.Sprintf("%s %s %d %d", messageID, endpointID, round, number), "excerpt")
}
