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
		before, err := s.lockOrderPosition(ctx, tx, r.OrderID)
		if err != nil {
			return err
		}
		state, err := s.decodeState(before.state)
		if err != nil {
			return err
		}
		before.hasAttention = len(state.Attention) > 0
		out, err = s.record(ctx, tx, r, before)
		return err
	})
	if err != nil {
		return RecordResult{}, fmt.Errorf("recording %s of order %s: %w", r.Cause, r.OrderID, sqldb.MapUniqueViolation(err))
	}
	return out, nil
}

func (s *Store) record(ctx context.Context, tx *sql.Tx, r order.Recording, before orderPosition) (RecordResult, error) {
	now := s.now()
	d := newRecordResult(r, before.sequence)
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
	} {
		endpoints, err := step()
		if err != nil {
			return RecordResult{}, err
		}
		out.EndpointsToNudge = append(out.EndpointsToNudge, endpoints...)
	}
	out.EndpointsToNudge = sortedUnique(out.EndpointsToNudge)
	return out, moveOrderCount(ctx, tx, r.OrderID, before.countKey,
		countKeyOf(before.modality, r.Decision.Next.Status, isUnfinished(r.Decision.Next)))
}

// orderPosition holds the columns of an order that a recording checks before it changes the order.
type orderPosition struct {
	sequence              int64
	sampleID              string
	teamID, transactionID string
	modality              lifecycle.Modality
	countKey              countKey
	hasAttention          bool   // the state has open attention marks
	state                 string // JSON
}

// lockOrderPosition reads these columns. Other recordings of the order wait until the transaction ends. The statement
// must read no other table: while it waits for the row, it keeps an older view of other tables.
func (s *Store) lockOrderPosition(ctx context.Context, tx *sql.Tx, id string) (orderPosition, error) {
	lock := ""
	if s.db.Dialect == sqldb.Postgres {
		lock = " FOR UPDATE OF orders"
	}
	return sqldb.QueryOne(ctx, tx, func(row sqldb.Scanner) (p orderPosition, err error) {
		var status lifecycle.LowStatus
		var unfinished bool
		err = row.Scan(&p.sequence, &p.sampleID, &p.teamID, &p.transactionID, &p.modality, &status, &unfinished, &p.state)
		p.countKey = countKeyOf(p.modality, status, unfinished)
		return p, err
	}, `SELECT sequence, sample_id, team_id, transaction_id, modality, status, unfinished, state
		FROM orders WHERE id = $1`+lock, id)
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

// changesClientView reports whether the recording changes anything that the client sees: an event, activate_by, patient
// data, the shipment, results or an appointment.
func changesClientView(r order.Recording) bool {
	d := r.Decision
	return len(d.Steps) > 0 || d.StoreShipment || len(d.Appointments) > 0 || r.ResultID != "" || r.DemandID != "" &&
		d.Outcome == order.OutcomeApplied
}

// advanceOrder updates the order to its next state, if its revision is still the expected one, and appends the events.
func (s *Store) advanceOrder(ctx context.Context, tx *sql.Tx, r order.Recording, d order.RecordingResult,
	before orderPosition, now time.Time) error {
	next := r.Decision.Next
	next.Revision, next.Sequence = d.Revision, d.Sequence
	c, err := stateColumnsOf(next, before.sampleID, now)
	if err != nil {
		return err
	}
	if c.state, err = s.keepUnknownFields(before.state, c.state); err != nil {
		return err
	}
	steps := r.Decision.Steps
	eventAt := sql.NullInt64{Int64: sqldb.ToMicros(now), Valid: len(steps) > 0}
	changedAt := sql.NullInt64{Int64: sqldb.ToMicros(now), Valid: changesClientView(r)}
	n, err := sqldb.ExecCount(ctx, tx,
		`UPDATE orders SET status = $1, detail = $2, sequence = $3, revision = $4, registered = $5, shipped = $6,
			unfinished = $7, accession = $8, sample_id = $9, next_deadline = $10, activate_by = $11, state = $12,
			status_at = COALESCE($13, status_at), updated_at = COALESCE($14, updated_at)
		WHERE id = $15 AND revision = $16`,
		c.status, c.detail, c.sequence, c.revision, c.registered, c.shipped, c.unfinished, c.accession, c.sampleID,
		c.nextDeadline,
		c.activateBy, c.state, eventAt, changedAt, r.OrderID, r.Revision)
	if err != nil {
		return fmt.Errorf("writing the order: %w", err)
	}
	if n == 0 {
		return ErrStale
	}
	if err := replaceAttentionMarks(ctx, tx, r.OrderID, before.hasAttention, next.Attention); err != nil {
		return err
	}
	if len(steps) == 0 {
		return nil
	}
	if err := upsertOrderTransaction(ctx, tx, before.transactionID, before.teamID, now); err != nil {
		return err
	}
	return insertEvents(ctx, tx, next, r.Cause, steps, before.sequence, now)
}
