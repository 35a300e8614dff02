package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// PartnerCall is one attempt to call a partner about an order.
type PartnerCall struct {
	ID      string // of the attempt
	OrderID string
	Kind    string // place, results, cancel, track_outbound, …
	Attempt int    // from 1

	// The fields below are set by the store and read for a story.
	Outcome   string // a code; empty: in progress, or the process that made the call has ended
	StartedAt time.Time
	EndedAt   time.Time // zero without an outcome
}

// RecordPartnerCallStart records that an attempt is about to be made. Recording it again changes nothing.
func (s *Store) RecordPartnerCallStart(ctx context.Context, c PartnerCall) error {
	_, err := s.db.Writer.ExecContext(ctx,
		`INSERT INTO calls (id, order_id, kind, attempt, outcome, answer, started_at, ended_at)
		VALUES ($1, $2, $3, $4, '', NULL, $5, 0) ON CONFLICT (id) DO NOTHING`,
		c.ID, c.OrderID, c.Kind, c.Attempt, sqldb.ToMicros(s.now()))
	if err != nil {
		return fmt.Errorf("recording a call for order %s: %w", c.OrderID, err)
	}
	return nil
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

// ReserveCallStart reserves the start of one call, or one retry, with the credentials of a lab account. It is at least
// spacing after the previous reserved start, over all processes (molecular-api#d25). The start is in the database's
// time, which may differ from the caller's; wait is the time until the start. Unused starts are not reused. A spacing
// of 0 reserves nothing and means now.
func (s *Store) ReserveCallStart(ctx context.Context, account string,
	spacing time.Duration) (start time.Time, wait time.Duration, err error) {
	if spacing <= 0 {
		return s.now(), 0, nil
	}
	// The UPDATE evaluates the clock again, because it may have waited for the row.
	statement := strings.ReplaceAll(`INSERT INTO call_pacing (pair, next_start) VALUES ($1, {now} + $2)
		ON CONFLICT (pair) DO UPDATE
		SET next_start = CASE WHEN call_pacing.next_start > {now} THEN call_pacing.next_start ELSE {now} END + $2
		RETURNING next_start - $2, {now}`, "{now}", s.db.Dialect.NowMicrosExpr())
	var at, now int64
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, statement, account, spacing.Microseconds()).Scan(&at, &now)
	})
	if err != nil {
		return time.Time{}, 0, fmt.Errorf("reserving a call of %s: %w", account, err)
	}
	return sqldb.FromMicros(at), max(0, time.Duration(at-now)*time.Microsecond), nil
}
