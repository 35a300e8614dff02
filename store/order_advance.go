package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// advanceOrder updates the order to its next state, if its revision is still the expected one, and appends the events.
// Every recording writes order_states. The other tables are written only when their columns change.
func (s *Store) advanceOrder(ctx context.Context, tx *sql.Tx, r order.Recording, d order.RecordingResult,
	before lockedOrder, now time.Time) error {
	next := r.Decision.Next
	next.Revision, next.Sequence = d.Revision, d.Sequence
	if err := s.updateState(ctx, tx, r, next, before.text, now); err != nil {
		return err
	}
	copies := stateCopiesOf(next)
	if copies.progress != before.copies.progress || changesClientView(r) {
		if err := updateProgress(ctx, tx, r, copies.progress, now); err != nil {
			return err
		}
	}
	if copies.numbers != before.copies.numbers {
		if err := updateNumbers(ctx, tx, r.OrderID, copies.numbers); err != nil {
			return err
		}
	}
	if err := replaceAttentionMarks(ctx, tx, r.OrderID, len(before.state.Attention) > 0, next.Attention); err != nil {
		return err
	}
	steps := r.Decision.Steps
	if len(steps) == 0 {
		return nil
	}
	if err := upsertOrderTransaction(ctx, tx, before.transactionID, before.teamID, now); err != nil {
		return err
	}
	return insertEvents(ctx, tx, next, r.Cause, steps, before.copies.progress.sequence, now)
}

// updateState replaces the state of an order. The error is ErrStale when the order has another revision than the
// recording expects.
func (s *Store) updateState(ctx context.Context, tx *sql.Tx, r order.Recording, next order.State, stored string,
	now time.Time) error {
	c, err := stateColumnsOf(next, now)
	if err != nil {
		return err
	}
	if c.state, err = s.keepUnknownFields(stored, c.state); err != nil {
		return err
	}
	n, err := sqldb.ExecCount(ctx, tx, `UPDATE order_states SET revision = $1, state = $2, next_deadline = $3
		WHERE order_id = $4 AND revision = $5`, c.revision, c.state, c.nextDeadline, r.OrderID, r.Revision)
	if err != nil {
		return fmt.Errorf("writing the state of the order: %w", err)
	}
	if n == 0 {
		return ErrStale
	}
	return nil
}

func updateProgress(ctx context.Context, tx *sql.Tx, r order.Recording, c progressCopies, now time.Time) error {
	eventAt := sql.NullInt64{Int64: sqldb.ToMicros(now), Valid: len(r.Decision.Steps) > 0}
	changedAt := sql.NullInt64{Int64: sqldb.ToMicros(now), Valid: changesClientView(r)}
	_, err := tx.ExecContext(ctx, `UPDATE order_progress SET status = $1, detail = $2, sequence = $3, unfinished = $4,
			activate_by = $5, status_at = COALESCE($6, status_at), updated_at = COALESCE($7, updated_at)
		WHERE order_id = $8`,
		c.status, c.detail, c.sequence, c.unfinished, c.activateBy, eventAt, changedAt, r.OrderID)
	if err != nil {
		return fmt.Errorf("writing the progress of the order: %w", err)
	}
	return nil
}

// changesClientView reports whether the recording changes anything that the client sees: an event, activate_by, patient
// data, the shipment, results or an appointment.
func changesClientView(r order.Recording) bool {
	d := r.Decision
	return len(d.Steps) > 0 || d.StoreShipment || len(d.Appointments) > 0 || r.ResultID != "" || r.DemandID != "" &&
		d.Outcome == order.OutcomeApplied
}

func updateNumbers(ctx context.Context, tx *sql.Tx, orderID string, c numberCopies) error {
	_, err := tx.ExecContext(ctx, `UPDATE orders SET registered = $1, accession = $2, sample_id = COALESCE($3, sample_id),
			sample_key = COALESCE($4, sample_key)
		WHERE id = $5`, c.registered, c.accession, sqldb.NullIfEmpty(c.sampleID), sqldb.NullIfEmpty(foldNumber(c.sampleID)),
		orderID)
	if err != nil {
		return fmt.Errorf("writing the numbers of the order: %w", err)
	}
	return nil
}
