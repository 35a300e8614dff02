package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// load reads the orders o that a clause selects, each with all that belongs to it. One statement reads everything, so that it fits
// together without a transaction, in one round trip.
func (s *Store) load(ctx context.Context, q querier, clause string, args ...any) ([]order.Order, error) {
	return collect(ctx, q, s.scanWhole, wholeOrders+clause, args...)
}

// wholeOrders is what load asks, up to the clause.
var wholeOrders = `SELECT ` + qualified("o", orderColumns) + `, ` + optional("s", shipmentColumns) + `, ` +
	listed(`sequence, status, detail, CASE WHEN implied THEN 1 ELSE 0 END, cause, step, occurred_at, recorded_at`,
		`events WHERE order_id = o.id`) + `, ` +
	listed(`t.id, t.status, t.status_at, t.origin, COALESCE(t.parent_id, ''), t.created_at, t.updated_at`,
		`orders t WHERE t.transaction_id = o.transaction_id`) +
	` FROM orders o LEFT JOIN shipments s ON s.order_id = o.id`

func (s *Store) scanWhole(row scanner) (o order.Order, err error) {
	var shipment shipmentScan
	var events, siblings string
	if o, err = s.scanOrder(alsoInto(row, append(shipment.dest(), &events, &siblings)...)); err != nil {
		return o, err
	}
	if shipment.shipment.ID != "" {
		read, err := s.openShipment(shipment)
		if err != nil {
			return o, err
		}
		o.Shipment = &read.shipment
	}
	if o.Events, err = readEvents(events); err != nil {
		return o, err
	}
	o.Transaction, err = readTransaction(o.TransactionID, siblings)
	return o, err
}

func readEvents(list string) ([]order.Event, error) {
	var events []order.Event
	for row := range rowsOf(list) {
		events = append(events, order.Event{
			Sequence: row.number(), Status: lifecycle.Status(row.text()), Detail: lifecycle.Detail(row.text()), Implied: row.number() != 0,
			Cause: row.text(), Step: int(row.number()), OccurredAt: instant(row.number()), RecordedAt: instant(row.number()),
		})
		if err := row.end(); err != nil {
			return nil, fmt.Errorf("reading events: %w", err)
		}
	}
	slices.SortFunc(events, func(a, b order.Event) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return events, nil
}

func readTransaction(id, list string) (order.Transaction, error) {
	var orders []order.TransactionOrder
	for row := range rowsOf(list) {
		orders = append(orders, order.TransactionOrder{
			ID: row.text(), Status: lifecycle.Low(row.text()), StatusAt: instant(row.number()), Origin: order.Origin(row.text()),
			ParentID: row.text(), CreatedAt: instant(row.number()), UpdatedAt: instant(row.number()),
		})
		if err := row.end(); err != nil {
			return order.Transaction{}, fmt.Errorf("reading an order transaction: %w", err)
		}
	}
	return transaction(id, orders), nil
}

// transaction lists its orders oldest first and computes its status from theirs.
func transaction(id string, orders []order.TransactionOrder) order.Transaction {
	slices.SortFunc(orders, func(a, b order.TransactionOrder) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	statuses := make([]lifecycle.Low, len(orders))
	for i, o := range orders {
		statuses[i] = o.Status
	}
	return order.Transaction{ID: id, Status: order.StatusOf(statuses), Orders: orders}
}

const orderColumns = `id, team_id, user_id, client_user_id, transaction_id, lab_account_id, details_id, number, accession, sample_id,
	modality, registrable, registered, imported, origin, parent_id, depth, status, detail, sequence, revision, activate_by, priority,
	billing_type, creator_member_id, lab_test, state, patient, address, shipping, physician, clinical, results, created_at, updated_at`

func (s *Store) scanOrder(row scanner) (o order.Order, err error) {
	var (
		parent, activateBy   sql.NullString
		labTest, state       string
		sealed               documents
		createdAt, updatedAt int64
	)
	err = row.Scan(&o.ID, &o.TeamID, &o.UserID, &o.ClientUserID, &o.TransactionID, &o.LabAccountID, &o.DetailsID, &o.Number,
		&o.Accession, &o.SampleID, &o.Modality, &o.Registrable, &o.Registered, &o.Imported, &o.Origin, &parent, &o.Depth, &o.Status, &o.Detail,
		&o.Sequence, &o.Revision, &activateBy, &o.Priority, &o.BillingType, &o.CreatorMemberID, &labTest, &state,
		&sealed.patient, &sealed.address, &sealed.shipping, &sealed.physician, &sealed.clinical, &sealed.results, &createdAt, &updatedAt)
	if err != nil {
		return o, err
	}
	o.ParentID = parent.String
	o.CreatedAt, o.UpdatedAt = instant(createdAt), instant(updatedAt)
	if activateBy.Valid {
		day, err := order.ParseDate(activateBy.String)
		if err != nil {
			return o, fmt.Errorf("reading activate_by of order %s: %w", o.ID, err)
		}
		o.ActivateBy = &day
	}
	if o.LabTest, err = s.labTests.of(labTest); err != nil {
		return o, err
	}
	if o.State, err = s.decodeState(state); err != nil {
		return o, err
	}
	if err := s.open(&o, sealed); err != nil {
		return o, err
	}
	o.RequisitionURL, err = s.requisitionURL(&o)
	return o, err
}
