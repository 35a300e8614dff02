package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// loadOrders reads the orders o that a clause selects, each with everything that belongs to it. It uses one statement,
// which needs no transaction for a consistent result and only one round trip.
func (s *Store) loadOrders(ctx context.Context, q sqldb.Querier, clause string, args ...any) ([]order.Order, error) {
	return sqldb.QueryAll(ctx, q, s.scanWholeOrder, selectWholeOrders+clause, args...)
}

// selectWholeOrders is the query of loadOrders without its clause.
var selectWholeOrders = `SELECT ` + orderColumns + `, ` + sqldb.QualifyOptionalColumns("s", shipmentColumns) + `, ` +
	sqldb.RowsAsText(`sequence, status, detail, CASE WHEN implied THEN 1 ELSE 0 END,
		cause, step, occurred_at, recorded_at`,
		`events WHERE order_id = o.id`) + `, ` +
	sqldb.RowsAsText(`t.id, tp.status, tp.status_at, t.origin, COALESCE(CAST(t.parent_id AS TEXT), ''),
		t.created_at, tp.updated_at`,
		`orders t JOIN order_progress tp ON tp.order_id = t.id WHERE t.transaction_id = o.transaction_id`) +
	` FROM orders o JOIN order_progress p ON p.order_id = o.id JOIN order_states w ON w.order_id = o.id
	JOIN order_documents d ON d.order_id = o.id LEFT JOIN shipments s ON s.order_id = o.id`

func (s *Store) scanWholeOrder(row sqldb.Scanner) (o order.Order, err error) {
	var shipment shipmentScan
	var events, siblings string
	if o, err = s.scanOrder(withExtraDest(row, append(shipment.dest(), &events, &siblings)...)); err != nil {
		return o, err
	}
	if shipment.shipment.ID != "" {
		read, err := s.openShipment(shipment)
		if err != nil {
			return o, err
		}
		o.Shipment = &read.shipment
	}
	if o.Events, err = parseEvents(events); err != nil {
		return o, err
	}
	o.Transaction, err = parseOrderTransaction(o.TransactionID, siblings)
	return o, err
}

func parseEvents(list string) ([]order.Event, error) {
	var events []order.Event
	for row := range sqldb.TextRows(list) {
		events = append(events, order.Event{
			Sequence: row.Int64(), Status: lifecycle.Status(row.Text()), Detail: lifecycle.Detail(row.Text()),
			Implied: row.Int64() != 0,
			Cause:   row.Text(), StepIndex: int(row.Int64()), OccurredAt: sqldb.FromMicros(row.Int64()),
			RecordedAt: sqldb.FromMicros(row.Int64()),
		})
		if err := row.Finish(); err != nil {
			return nil, fmt.Errorf("reading events: %w", err)
		}
	}
	slices.SortFunc(events, func(a, b order.Event) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return events, nil
}

func parseOrderTransaction(id, list string) (order.Transaction, error) {
	var orders []order.TransactionOrder
	for row := range sqldb.TextRows(list) {
		orders = append(orders, order.TransactionOrder{
			ID: row.Text(), Status: lifecycle.LowStatus(row.Text()), StatusAt: sqldb.FromMicros(row.Int64()),
			Origin:   order.Origin(row.Text()),
			ParentID: row.Text(), CreatedAt: sqldb.FromMicros(row.Int64()), UpdatedAt: sqldb.FromMicros(row.Int64()),
		})
		if err := row.Finish(); err != nil {
			return order.Transaction{}, fmt.Errorf("reading an order transaction: %w", err)
		}
	}
	return newOrderTransaction(id, orders), nil
}

// newOrderTransaction returns an order transaction with its orders, oldest first, and the status that follows from
// theirs.
func newOrderTransaction(id string, orders []order.TransactionOrder) order.Transaction {
	slices.SortFunc(orders, func(a, b order.TransactionOrder) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	statuses := make([]lifecycle.LowStatus, len(orders))
	for i, o := range orders {
		statuses[i] = o.Status
	}
	return order.Transaction{ID: id, Status: order.TransactionStatusOf(statuses), Orders: orders}
}

// orderColumns are the columns that scanOrder reads.
var orderColumns = sqldb.QualifyColumns("o", `id, team_id, user_id, client_user_id, transaction_id, lab_account_id,
	details_id, number, accession, sample_id, modality, registrable, registered, imported, origin, parent_id, depth,
	priority, billing_type, creator_member_id, created_at`) + `, ` +
	sqldb.QualifyColumns("p", `status, detail, sequence, activate_by, updated_at`) + `, ` +
	sqldb.QualifyColumns("w", `revision, state`) + `, ` +
	sqldb.QualifyColumns("d", `lab_test, patient, address, shipping, physician, clinical, results`)

func (s *Store) scanOrder(row sqldb.Scanner) (o order.Order, err error) {
	var (
		parent, activateBy   sql.NullString
		labTest, state       string
		sealed               sealedDocuments
		createdAt, updatedAt int64
	)
	err = row.Scan(&o.ID, &o.TeamID, &o.UserID, &o.ClientUserID, &o.TransactionID, &o.LabAccountID, &o.ModalityPartID,
		&o.Number,
		&o.Accession, &o.SampleID, &o.Modality, &o.Registrable, &o.Registered, &o.Imported, &o.Origin, &parent,
		&o.ReplacementDepth, &o.Priority, &o.BillingType, &o.CreatorMemberID, &createdAt,
		&o.Status, &o.Detail, &o.Sequence, &activateBy, &updatedAt,
		&o.Revision, &state,
		&labTest, &sealed.patient, &sealed.address, &sealed.shipping, &sealed.physician, &sealed.clinical, &sealed.results)
	if err != nil {
		return o, err
	}
	o.ParentID = parent.String
	o.CreatedAt, o.UpdatedAt = sqldb.FromMicros(createdAt), sqldb.FromMicros(updatedAt)
	if activateBy.Valid {
		day, err := order.ParseDate(activateBy.String)
		if err != nil {
			return o, fmt.Errorf("reading activate_by of order %s: %w", o.ID, err)
		}
		o.ActivateBy = &day
	}
	if o.LabTest, err = s.labTestCache.decode(labTest); err != nil {
		return o, err
	}
	if o.State, err = s.decodeState(state); err != nil {
		return o, err
	}
	if err := s.openDocuments(&o, sealed); err != nil {
		return o, err
	}
	o.RequisitionURL, err = s.requisitionURL(&o)
	return o, err
}
