package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// RecordResult is the result of a recording.
type RecordResult struct {
	order.RecordingResult
	EndpointsToNudge []string       // they have new deliveries
	MatchedItems     []ReceivedItem // items that were waiting for this recording; their workflows have to be woken
}

// Record stores a decision that the caller has made, in one transaction: the events, the order's state, its
// appointments, the webhook messages about them, the outcome of the cause, and the replacement or redraw if there is
// one. Runs use SettleCause, which decides in the same transaction.
//
// A cause is recorded once. Recording it again changes nothing and returns the earlier result with Duplicate set. The
// exception is a parked fact, which is recorded again when the status allows it. The error is ErrStale when another
// cause was recorded since the revision that the decision was based on. The error is ErrNotFound when there is no such
// order.
func (s *Store) Record(ctx context.Context, r order.Recording) (RecordResult, error) {
	var out RecordResult
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		before, err := s.lockOrder(ctx, tx, r.OrderID)
		if err != nil {
			return err
		}
		out, err = s.record(ctx, tx, r, before)
		return err
	})
	if err != nil {
		return RecordResult{}, fmt.Errorf("recording %s of order %s: %w", r.Cause, r.OrderID, sqldb.MapUniqueViolation(err))
	}
	return out, nil
}

func (s *Store) record(ctx context.Context, tx *sql.Tx, r order.Recording, before lockedOrder) (RecordResult, error) {
	now := s.now()
	d := newRecordResult(r, before.copies.progress.sequence)
	var err error
	if d.ReplacementID, err = replacementID(ctx, tx, r); err != nil {
		return RecordResult{}, err
	}
	if r.Decision.Outcome == order.OutcomeParked {
		// A parked fact is decided again. If it has been decided meanwhile, it must not stay parked, because it would be
		// retried endlessly.
		if earlier, err := repeatedResult(ctx, tx, r); !errors.Is(err, ErrStale) {
			return earlier, err
		}
	}
	claimed, err := insertDecision(ctx, tx, r, d, now)
	if err != nil {
		return RecordResult{}, err
	}
	if !claimed {
		return repeatedResult(ctx, tx, r)
	}
	if err := s.advanceOrder(ctx, tx, r, d, before, now); err != nil {
		return RecordResult{}, err
	}
	if err := s.storeAppointments(ctx, tx, r, before.teamID, now); err != nil {
		return RecordResult{}, err
	}
	out := RecordResult{RecordingResult: d}
	if out.MatchedItems, err = s.recordCauseOutcome(ctx, tx, r, now); err != nil {
		return RecordResult{}, err
	}
	for _, step := range []func() ([]string, error){
		// The replacement comes first, because the order's webhooks name it in the order transaction.
		func() ([]string, error) { return s.createReplacementOrder(ctx, tx, r, d.ReplacementID) },
		func() ([]string, error) { return s.enqueueRecordingWebhooks(ctx, tx, r) },
		func() ([]string, error) { return s.openReviewOfHeldResult(ctx, tx, r) },
		func() ([]string, error) { return s.resolveAcceptedReview(ctx, tx, r) },
		func() ([]string, error) { return s.closeReplacedReview(ctx, tx, r) },
	} {
		endpoints, err := step()
		if err != nil {
			return RecordResult{}, err
		}
		out.EndpointsToNudge = append(out.EndpointsToNudge, endpoints...)
	}
	out.EndpointsToNudge = sortedUnique(out.EndpointsToNudge)
	return out, moveOrderCount(ctx, tx, r.OrderID, before.countKey(),
		countKeyOf(before.modality, r.Decision.Next.Status, isUnfinished(r.Decision.Next)))
}

// newRecordResult returns the result that the recording will have. Its sequence is correct whenever the revision is.
func newRecordResult(r order.Recording, sequence int64) order.RecordingResult {
	return order.RecordingResult{
		Revision: r.Revision + 1,
		Sequence: sequence + int64(len(r.Decision.Steps)),
		Outcome:  r.Decision.Outcome,
		Reason:   r.Decision.Reason,
	}
}

// insertDecision inserts the decision. It returns false when the cause was recorded before, or when the revision is
// outdated: both are unique. A concurrent transaction with the same cause or revision waits here for the first one.
func insertDecision(ctx context.Context, tx *sql.Tx, r order.Recording, d order.RecordingResult,
	now time.Time) (bool, error) {
	to := ""
	if n := len(r.Decision.Steps); n > 0 {
		to = string(r.Decision.Steps[n-1].To)
	}
	n, err := sqldb.ExecCount(ctx, tx,
		`INSERT INTO decisions (order_id, revision, sequence, cause, outcome, reason, from_status, to_status, child_id, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
		r.OrderID, d.Revision, d.Sequence, r.Cause, d.Outcome, d.Reason, r.Decision.From, to,
		sqldb.IDOrNull(d.ReplacementID),
		sqldb.ToMicros(now))
	if err != nil {
		return false, fmt.Errorf("writing the decision: %w", err)
	}
	return n == 1, nil
}

// repeatedResult returns the earlier result of a cause that is recorded again. The error is ErrStale when the cause has
// no earlier result.
func repeatedResult(ctx context.Context, tx *sql.Tx, r order.Recording) (RecordResult, error) {
	d, err := previousDecision(ctx, tx, r.OrderID, r.Cause)
	if errors.Is(err, ErrNotFound) {
		return RecordResult{}, ErrStale
	}
	if err != nil {
		return RecordResult{}, err
	}
	d.result.Duplicate = true
	return RecordResult{RecordingResult: d.result}, nil
}

// settledDecision is a decision that was recorded before.
type settledDecision struct {
	result order.RecordingResult
	from   lifecycle.LowStatus
}

// previousDecision returns the decision that was recorded on a cause. The error is ErrNotFound when there is none; a
// parked fact has none yet.
func previousDecision(ctx context.Context, tx *sql.Tx, orderID, cause string) (settledDecision, error) {
	return sqldb.QueryOne(ctx, tx, func(row sqldb.Scanner) (d settledDecision, err error) {
		r := &d.result
		err = row.Scan(&r.Revision, &r.Sequence, &r.Outcome, &r.Reason, sqldb.EmptyIfNull(&r.ReplacementID), &d.from)
		return d, err
	}, `SELECT revision, sequence, outcome, reason, child_id, from_status FROM decisions
		WHERE order_id = $1 AND cause = $2 AND outcome <> $3`, orderID, cause, order.OutcomeParked)
}
