package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/keyring"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// The states of a demand.
const (
	DemandOpen    = "open"
	DemandDone    = "done"
	DemandRefused = "refused"
)

// DemandRow is a stored demand.
type DemandRow struct {
	ID      string
	OrderID string
	Kind    order.DemandKind
	By      lifecycle.Actor
	Request order.Demand // what the order's run decides on; only written
	Body    []byte       // sealed in the store; may be empty

	// The fields below are set by the store and read for a story.
	State     string
	Reason    order.Reason // set when refused
	CreatedAt time.Time
	OutcomeAt time.Time // zero while open
}

// AddDemand stores a demand before the order's workflow is asked, so that its body is not sent through the workflow,
// and so that the demand is found if the workflow's answer is lost. A body that does not fit the demand's kind is
// refused here, because its recording would fail. The error is ErrConflict when there is a demand with that id.
func (s *Store) AddDemand(ctx context.Context, d DemandRow) error {
	if into := newDemandBody(d.Kind); into != nil && d.Body != nil {
		if err := keyring.DecodeOpened(d.Body, into); err != nil {
			return fmt.Errorf("adding demand %s: %w", d.ID, err)
		}
	}
	if err := sqldb.RequireIDs("the id", d.ID); err != nil {
		return fmt.Errorf("adding demand %s: %w", d.ID, err)
	}
	d.Request.ID, d.Request.Kind, d.Request.By = d.ID, d.Kind, d.By
	request, err := encodeJSON(d.Request)
	if err != nil {
		return err
	}
	body := s.sealBytes(sealContext("demands", d.ID, "body"), d.Body)
	_, err = s.db.Writer.ExecContext(ctx,
		`INSERT INTO demands (id, order_id, kind, actor, state, reason, body, created_at, settled_at, request)
		VALUES ($1, $2, $3, $4, $5, '', $6, $7, 0, $8)`,
		d.ID, d.OrderID, d.Kind, d.By, DemandOpen, body, sqldb.ToMicros(s.now()), request)
	if err != nil {
		return sqldb.WrapWriteError(err, "demand", d.ID)
	}
	return nil
}

const demandColumns = `id, order_id, kind, actor, state, reason, created_at, settled_at`

// Demand reads a demand without its body. The error is ErrNotFound when there is none with that id.
func (s *Store) Demand(ctx context.Context, id string) (DemandRow, error) {
	d, err := sqldb.QueryOne(ctx, s.db.Reader, scanDemand, `SELECT `+demandColumns+` FROM demands WHERE id = $1`, id)
	if err != nil {
		return DemandRow{}, fmt.Errorf("reading demand %s: %w", id, err)
	}
	return d, nil
}

// newDemandBody returns a value to decode the body of an applied demand into, or nil when the body stays with the
// demand.
func newDemandBody(kind order.DemandKind) any {
	switch {
	case kind == order.DemandRecover:
		return &order.Correction{}
	case kind == order.DemandRegister:
		return &order.Registration{}
	case kind.ConcernsAppointment():
		return &order.BookingBody{}
	default:
		return nil
	}
}

// refuseDemand records that a demand is refused, and erases its body. A demand that has an outcome is not changed.
func refuseDemand(ctx context.Context, q sqldb.Querier, id string, reason order.Reason, now time.Time) error {
	_, err := q.ExecContext(ctx,
		`UPDATE demands SET state = $1, reason = $2, body = NULL, settled_at = $3 WHERE id = $4 AND state = $5`,
		DemandRefused, reason, sqldb.ToMicros(now), id, DemandOpen)
	return err
}

// DemandBody opens a demand's body. It is nil when the demand had none, or when the body was moved to the order or its
// appointment. The error is ErrNotFound when there is no such demand.
func (s *Store) DemandBody(ctx context.Context, id string) ([]byte, error) {
	body, err := s.demandBody(ctx, s.db.Reader, id)
	if err != nil {
		return nil, fmt.Errorf("reading the body of demand %s: %w", id, err)
	}
	return body, nil
}

func (s *Store) demandBody(ctx context.Context, q sqldb.Querier, id string) ([]byte, error) {
	sealed, err := sqldb.QueryOne(ctx, q, sqldb.ScanBytes, `SELECT body FROM demands WHERE id = $1`, id)
	if err != nil {
		return nil, err
	}
	return s.keys.Open(sealContext("demands", id, "body"), sealed)
}

// recordDemandOutcome stores the outcome of a demand. The body of an applied demand moves to the order or its
// appointment; the body of a refused one is erased. A demand without a body has no row, so nothing is stored for it.
func (s *Store) recordDemandOutcome(ctx context.Context, tx *sql.Tx, r order.Recording, now time.Time) error {
	d := r.Decision
	if d.Next.PendingCancellation == nil {
		if err := recordOtherCancelOutcomes(ctx, tx, r, now); err != nil {
			return err
		}
	}
	if d.Outcome == order.OutcomeRefused {
		_, err := tx.ExecContext(ctx,
			`UPDATE demands SET state = $1, reason = $2, body = NULL, settled_at = $3 WHERE id = $4 AND order_id = $5`,
			DemandRefused, d.Reason, sqldb.ToMicros(now), r.DemandID, r.OrderID)
		return err
	}
	kind, err := sqldb.QueryOne(ctx, tx, sqldb.ScanText,
		`UPDATE demands SET state = $1, settled_at = $2 WHERE id = $3 AND order_id = $4 RETURNING kind`,
		DemandDone, sqldb.ToMicros(now), r.DemandID, r.OrderID)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	switch k := order.DemandKind(kind); {
	case k == order.DemandRecover:
		return s.applyCorrection(ctx, tx, r.OrderID, r.DemandID)
	case k == order.DemandRegister:
		return s.applyRegistration(ctx, tx, r.OrderID, r.DemandID)
	case k.ConcernsAppointment():
		return s.moveBookingOfDemand(ctx, tx, r, k)
	default:
		return nil
	}
}

// recordOtherCancelOutcomes stores the outcome of the other open cancellations too, when the lab's reply to one of them
// is recorded and the lab is no longer asked. The reply counts for all of them.
func recordOtherCancelOutcomes(ctx context.Context, tx *sql.Tx, r order.Recording, now time.Time) error {
	state := DemandDone
	if r.Decision.Outcome == order.OutcomeRefused {
		state = DemandRefused
	}
	_, err := tx.ExecContext(ctx, `UPDATE demands SET state = $1, reason = $2, body = NULL, settled_at = $3
		WHERE order_id = $4 AND id <> $5 AND kind = $6 AND state = $7
			AND EXISTS (SELECT 1 FROM demands d WHERE d.id = $5 AND d.order_id = $4 AND d.kind = $6)
			AND EXISTS (SELECT 1 FROM decisions WHERE order_id = $4 AND cause = CAST($8 AS TEXT) || CAST(demands.id AS TEXT))`,
		state, r.Decision.Reason, sqldb.ToMicros(now), r.OrderID, r.DemandID, order.DemandCancel, DemandOpen,
		order.CauseCall(order.CancelAskCallPrefix))
	return err
}

// applyCorrection moves the correction of a recovery to the order's documents. A note stays with the demand.
func (s *Store) applyCorrection(ctx context.Context, tx *sql.Tx, orderID, demandID string) error {
	body, err := s.demandBody(ctx, tx, demandID)
	if err != nil || body == nil {
		return err
	}
	var c order.Correction
	if err := keyring.DecodeOpened(body, &c); err != nil {
		return err
	}
	if err := s.setPatientAndAddress(ctx, tx, orderID, c.Patient, c.Address); err != nil {
		return err
	}
	var rest []byte
	if c.Note != "" {
		if rest, err = s.keys.SealJSON(sealContext("demands", demandID, "body"), order.Correction{Note: c.Note}); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `UPDATE demands SET body = $1 WHERE id = $2`, rest, demandID)
	return err
}

// setPatientAndAddress replaces an order's patient and the patient's address. A nil argument changes nothing.
func (s *Store) setPatientAndAddress(ctx context.Context, tx *sql.Tx, orderID string, p *order.Patient,
	a *order.Address) error {
	if p != nil {
		if err := s.updateSealedColumn(ctx, tx, orderID, "patient", p); err != nil {
			return err
		}
		if err := s.replacePatientSearchTerms(ctx, tx, orderID, p); err != nil {
			return err
		}
	}
	if a == nil {
		return nil
	}
	return s.updateSealedColumn(ctx, tx, orderID, "address", a)
}

// updateSealedColumn replaces one of the order's documents.
func (s *Store) updateSealedColumn(ctx context.Context, tx *sql.Tx, orderID, column string, document any) error {
	sealed, err := s.keys.SealJSON(sealContext("order_documents", orderID, column), document)
	if err != nil {
		return err
	}
	//nolint:gosec // the columns are named in this package
	_, err = tx.ExecContext(ctx, `UPDATE order_documents SET `+column+` = $1 WHERE order_id = $2`, sealed, orderID)
	return err
}
