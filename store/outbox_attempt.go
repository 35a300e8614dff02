package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/aliquot-labs/aliquot/store/sqldb"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// AttemptRow is one attempt to deliver a webhook message to an endpoint.
type AttemptRow struct {
	MessageID  string
	Round      int // the delivery's round when the attempt was made
	Number     int // from 1 within the round
	At         time.Time
	Duration   time.Duration
	StatusCode int    // 0: there was no response
	Failure    string // a code; empty for success
	Excerpt    []byte // the beginning of the receiver's response; sealed
	Delivered  bool
	Gone       bool      // the receiver wants no more messages, so its endpoint has to be disabled
	NextAt     time.Time // time of the next attempt; zero and not Delivered: the schedule is exhausted
}

func (a AttemptRow) deliveryState() string {
	switch {
	case a.Delivered:
		return DeliveryDelivered
	case a.Gone:
		return DeliveryCancelled
	case a.NextAt.IsZero():
		return DeliveryExhausted
	}
	return DeliveryPending
}

// AttemptsResult is the result of RecordAttempts.
type AttemptsResult struct {
	ExhaustedDeliveries int      // deliveries whose schedule is exhausted
	DisabledReason      string   // why the endpoint was disabled now; empty: it was not
	EndpointsToNudge    []string // operational endpoints with new deliveries
	// DroppedAttempts were made by a batch that had lost its lease, and left out: the delivery has another attempt of the
	// same number.
	DroppedAttempts int
	LeaseLost       bool // another batch has taken the lease; the attempts are recorded all the same
}

// RecordAttempts records attempts at one endpoint, at most one of each message, in one transaction. It updates the
// deliveries and the endpoint's health. An endpoint with failures only is disabled (client-api#delivery). The team's
// operational endpoints get webhook messages about that and about exhausted deliveries.
//
// Recording an attempt again changes nothing. A failure does not change a delivery that has succeeded or was cancelled,
// and an attempt of an earlier round does not change the current round. Attempts without a delivery are left out.
func (s *Store) RecordAttempts(ctx context.Context, endpointID string, attempts []AttemptRow) (AttemptsResult, error) {
	return s.recordAttemptsAnd(ctx, endpointID, attempts, func(*sql.Tx, *AttemptsResult) error { return nil })
}

// RecordAttemptsUnderLease is RecordAttempts, and renews the lease in the same transaction. The attempts are recorded
// even when the lease is lost, because they were made.
func (s *Store) RecordAttemptsUnderLease(ctx context.Context, lease DeliveryLease,
	attempts []AttemptRow) (AttemptsResult, error) {
	return s.recordAttemptsAnd(ctx, lease.EndpointID, attempts, func(tx *sql.Tx, out *AttemptsResult) error {
		renewed, err := s.renewDeliveryLease(ctx, tx, lease)
		out.LeaseLost = !renewed
		return err
	})
}

// recordAttemptsAnd records attempts, and then does more in the same transaction.
func (s *Store) recordAttemptsAnd(ctx context.Context, endpointID string, attempts []AttemptRow,
	then func(*sql.Tx, *AttemptsResult) error) (AttemptsResult, error) {
	var out AttemptsResult
	err := s.db.InTx(ctx, func(tx *sql.Tx) (err error) {
		if out, err = s.recordAttempts(ctx, tx, endpointID, attempts); err != nil {
			return err
		}
		return then(tx, &out)
	})
	if err != nil {
		return AttemptsResult{}, fmt.Errorf("recording %d attempts at endpoint %s: %w", len(attempts), endpointID, err)
	}
	return out, nil
}

func (s *Store) recordAttempts(ctx context.Context, tx *sql.Tx, endpointID string,
	attempts []AttemptRow) (AttemptsResult, error) {
	var out AttemptsResult
	added, err := s.insertAttempts(ctx, tx, endpointID, attempts)
	if err != nil {
		return out, err
	}
	if len(added) < len(attempts) {
		if out.DroppedAttempts, err = countReplacedAttempts(ctx, tx, endpointID, attempts); err != nil {
			return out, err
		}
	}
	if len(added) == 0 {
		return out, nil
	}
	exhausted, err := s.advanceDeliveries(ctx, tx, endpointID, added)
	if err != nil {
		return out, err
	}
	for _, a := range exhausted {
		endpoints, err := s.enqueueExhaustedWebhook(ctx, tx, endpointID, a)
		if err != nil {
			return out, err
		}
		out.EndpointsToNudge = append(out.EndpointsToNudge, endpoints...)
	}
	out.ExhaustedDeliveries = len(exhausted)
	e, reason, err := s.updateEndpointHealth(ctx, tx, endpointID, added)
	if err == nil && reason != "" {
		out.DisabledReason = reason
		var endpoints []string
		endpoints, err = s.disableUnhealthyEndpoint(ctx, tx, e, reason)
		out.EndpointsToNudge = append(out.EndpointsToNudge, endpoints...)
	}
	out.EndpointsToNudge = sortedUnique(out.EndpointsToNudge)
	return out, err
}

// disableUnhealthyEndpoint disables an endpoint for a reason, writes that to the audit, and enqueues the webhook
// message about it. It returns the endpoints to nudge.
func (s *Store) disableUnhealthyEndpoint(ctx context.Context, tx *sql.Tx, e Endpoint, reason string) ([]string, error) {
	if err := s.disableEndpoint(ctx, tx, e.ID, reason); err != nil {
		return nil, err
	}
	row := AuditRow{At: s.now(), TeamID: e.TeamID, Action: "endpoint.disable",
		Detail: fmt.Sprintf("endpoint=%s reason=%s", e.ID, reason)}
	if err := appendAudit(ctx, tx, row); err != nil {
		return nil, err
	}
	return s.enqueueDisabledWebhook(ctx, tx, e, reason)
}

// attemptChunkSize is the number of attempts that one statement writes. More would save round trips, but the time in
// which the SQLite driver binds parameters grows with the square of their number.
const attemptChunkSize = 8

// queryAttemptsInChunks runs a statement for all attempts, in chunks of attemptChunkSize, and collects the message ids
// that it returns. The function statement returns the statement for n attempts.
func queryAttemptsInChunks(ctx context.Context, tx *sql.Tx, attempts []AttemptRow, statement func(n int) string,
	args func([]AttemptRow) []any) (ids []string, err error) {
	run := func(q sqldb.Querier, part []AttemptRow) error {
		more, err := sqldb.QueryAll(ctx, q, sqldb.ScanText, statement(len(part)), args(part)...)
		ids = append(ids, more...)
		return err
	}
	full := len(attempts) / attemptChunkSize * attemptChunkSize
	if full > 0 {
		prepared, err := tx.PrepareContext(ctx, statement(attemptChunkSize))
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, prepared.Close()) }()
		for part := range slices.Chunk(attempts[:full], attemptChunkSize) {
			if err := run(sqldb.Prepared(prepared), part); err != nil {
				return nil, err
			}
		}
	}
	for part := range slices.Chunk(attempts[full:], 1) {
		if err := run(tx, part); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// sortedByMessage sorts attempts by message, the order in which all transactions lock rows.
func sortedByMessage(attempts []AttemptRow) []AttemptRow {
	return slices.SortedFunc(slices.Values(attempts),
		func(a, b AttemptRow) int { return strings.Compare(a.MessageID, b.MessageID) })
}

// insertAttempts inserts the attempts that have a delivery, which stays until the transaction ends (see the schema on
// foreign keys). It returns those that are new, in order of time. The ids of the messages are compared with the
// smallest and the greatest too, so that PostgreSQL reads only their partitions.
func (s *Store) insertAttempts(ctx context.Context, tx *sql.Tx, endpointID string,
	attempts []AttemptRow) ([]AttemptRow, error) {
	attempts = sortedByMessage(attempts)
	types := []string{s.db.Dialect.IDType(), "BIGINT", "BIGINT", "BIGINT", "BIGINT", "BIGINT", "TEXT",
		s.db.Dialect.BytesType(), "BIGINT"}
	added, err := queryAttemptsInChunks(ctx, tx, attempts, func(n int) string {
		return `WITH made (message_id, round, number, at, duration, status_code, failure, excerpt, next_at) AS (VALUES ` +
			sqldb.TypedRows(4, n, types...) + `)
			INSERT INTO attempts (message_id, endpoint_id, round, number, at, duration, status_code, failure, excerpt, next_at)
			SELECT made.message_id, d.endpoint_id, made.round, made.number, made.at, made.duration, made.status_code,
				made.failure, made.excerpt, made.next_at
			FROM made JOIN deliveries d ON d.message_id = made.message_id AND d.endpoint_id = $1
				AND d.message_id >= $2 AND d.message_id <= $3
			WHERE TRUE` + s.db.Dialect.LockUnremoved("d") + ` ON CONFLICT DO NOTHING RETURNING message_id`
	}, func(part []AttemptRow) []any {
		args := []any{endpointID, part[0].MessageID, part[len(part)-1].MessageID}
		for _, a := range part {
			args = append(args, a.MessageID, a.Round, a.Number, sqldb.ToMicros(a.At), a.Duration.Microseconds(), a.StatusCode,
				a.Failure,
				s.sealBytes(excerptSealContext(a.MessageID, endpointID, a.Round, a.Number), a.Excerpt), sqldb.ToMicros(a.NextAt))
		}
		return args
	})
	if err != nil {
		return nil, err
	}
	isNew := make(map[string]bool, len(added))
	for _, id := range added {
		isNew[id] = true
	}
	out := slices.DeleteFunc(slices.Clone(attempts), func(a AttemptRow) bool { return !isNew[a.MessageID] })
	slices.SortStableFunc(out, func(a, b AttemptRow) int { return a.At.Compare(b.At) })
	return out, nil
}

// countReplacedAttempts counts the attempts in whose place another attempt of the same number is recorded: one that was
// made at another time.
func countReplacedAttempts(ctx context.Context, tx *sql.Tx, endpointID string, attempts []AttemptRow) (int, error) {
	replaced := 0
	for _, a := range attempts {
		n, err := sqldb.QueryOne(ctx, tx, sqldb.ScanInt, `SELECT COUNT(*) FROM attempts
			WHERE message_id = $1 AND endpoint_id = $2 AND round = $3 AND number = $4 AND at <> $5`,
			a.MessageID, endpointID, a.Round, a.Number, sqldb.ToMicros(a.At))
		if err != nil {
			return 0, err
		}
		replaced += n
	}
	return replaced, nil
}

// advanceDeliveries updates the deliveries after the attempts, and returns the attempts that exhausted a schedule.
func (s *Store) advanceDeliveries(ctx context.Context, tx *sql.Tx, endpointID string,
	attempts []AttemptRow) ([]AttemptRow, error) {
	attempts = sortedByMessage(attempts)
	now := sqldb.ToMicros(s.now())
	moved, err := queryAttemptsInChunks(ctx, tx, attempts, func(n int) string {
		return `WITH made (message_id, round, state, number, next_at) AS (VALUES ` +
			sqldb.TypedRows(5, n, s.db.Dialect.IDType(), "BIGINT", "TEXT", "BIGINT", "BIGINT") + `)
			UPDATE deliveries SET state = made.state, attempts = made.number, next_attempt_at = made.next_at,
				updated_at = $2 FROM made
			WHERE deliveries.message_id = made.message_id AND deliveries.message_id >= $3 AND deliveries.message_id <= $4
				AND deliveries.endpoint_id = $1 AND deliveries.round = made.round
				AND (deliveries.state = 'pending' OR made.state = 'delivered')
			RETURNING deliveries.message_id`
	}, func(part []AttemptRow) []any {
		args := []any{endpointID, now, part[0].MessageID, part[len(part)-1].MessageID}
		for _, a := range part {
			args = append(args, a.MessageID, a.Round, a.deliveryState(), a.Number, sqldb.ToMicros(a.NextAt))
		}
		return args
	})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(attempts, func(a AttemptRow) bool {
		return a.deliveryState() != DeliveryExhausted || !slices.Contains(moved, a.MessageID)
	}), nil
}

// updateEndpointHealth adds the attempts to the endpoint's health. When that is a reason to disable the endpoint, it
// returns the endpoint and the reason, a code. Otherwise the reason is empty.
func (s *Store) updateEndpointHealth(ctx context.Context, tx *sql.Tx, endpointID string,
	attempts []AttemptRow) (Endpoint, string, error) {
	if !slices.ContainsFunc(attempts, func(a AttemptRow) bool { return !a.Delivered }) {
		// The row of a healthy endpoint is not written.
		_, err := tx.ExecContext(ctx,
			`UPDATE endpoints SET failing_since = 0, first_failure = 0, last_failure = 0, clock_started = 0
			WHERE id = $1 AND failing_since <> 0`, endpointID)
		return Endpoint{}, "", err
	}
	// The first statement locks the row, so that concurrent calls update the health one after the other.
	e, err := sqldb.QueryOne(ctx, tx, s.scanEndpoint,
		`UPDATE endpoints SET last_failure = last_failure WHERE id = $1 RETURNING `+endpointColumns, endpointID)
	if err != nil {
		return Endpoint{}, "", err
	}
	reason := ""
	for _, a := range attempts {
		e.updateHealth(a)
		if a.Gone {
			reason = DisabledReasonGone
		}
	}
	_, err = tx.ExecContext(ctx,
		`UPDATE endpoints SET failing_since = $1, first_failure = $2, last_failure = $3, clock_started = $4 WHERE id = $5`,
		sqldb.ToMicros(e.FailingSince), sqldb.ToMicros(e.Health.FirstFailure), sqldb.ToMicros(e.Health.LastFailure),
		sqldb.ToMicros(e.Health.ClockStarted), endpointID)
	if err != nil {
		return Endpoint{}, "", err
	}
	if reason == "" && e.Health.ShouldDisable() {
		reason = DisabledReasonFailing
	}
	if e.Disabled {
		reason = ""
	}
	return e, reason, nil
}

// updateHealth updates the endpoint's health after one attempt. A success resets it.
func (e *Endpoint) updateHealth(a AttemptRow) {
	if a.Delivered {
		e.FailingSince, e.Health = time.Time{}, webhooks.EndpointHealth{}
		return
	}
	if e.FailingSince.IsZero() {
		e.FailingSince = a.At
	}
	e.Health = e.Health.AfterFailure(a.At)
}

// attemptIDNamespace is the namespace of the ids of attempts, which are derived from the message, the endpoint, the
// round and the number of the attempt.
var attemptIDNamespace = uuid.MustParse("5f0f3c0e-8d3f-4f1e-9b0a-2f6c7d1f1f10")

func attemptID(messageID, endpointID string, round, number int) string {
	return uuid.NewSHA1(attemptIDNamespace, fmt.Appendf(nil, "%s %s %d %d", messageID, endpointID, round, number)).String()
}

func excerptSealContext(messageID, endpointID string, round, number int) string {
	return sealContext("attempts", fmt.Sprintf("%s %s %d %d", messageID, endpointID, round, number), "excerpt")
}
