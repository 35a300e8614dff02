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

// Order reads the whole document of an order. With a team, only an order of that team is found. Otherwise the error is ErrNotFound.
func (s *Store) Order(ctx context.Context, teamID, id string) (*order.Order, error) {
	var o *order.Order
	err := s.inSnapshot(ctx, func(q querier) (err error) {
		o, err = s.order(ctx, q, teamID, id)
		return err
	})
	return o, err
}

// order is Order within a transaction.
func (s *Store) order(ctx context.Context, q querier, teamID, id string) (*order.Order, error) {
	var where filter
	where.and("id = ?", id)
	if teamID != "" {
		where.and("team_id = ?", teamID)
	}
	found, err := s.load(ctx, q, where.String(), where.args...)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("reading order %s: %w", id, err)
	}
	return &found[0], nil
}

// OrderRef says whose an order is.
type OrderRef struct {
	ID           string
	TeamID       string
	LabAccountID string // through which it is placed
}

// OrderByNumber finds an order by its number at the lab, else the error is ErrNotFound.
func (s *Store) OrderByNumber(ctx context.Context, number string) (OrderRef, error) {
	ref, err := one(ctx, s.read, scanOrderRef, `SELECT id, team_id, lab_account_id FROM orders WHERE number = $1`, number)
	if err != nil {
		return OrderRef{}, fmt.Errorf("finding an order by its number: %w", err)
	}
	return ref, nil
}

func scanOrderRef(row scanner) (ref OrderRef, err error) {
	err = row.Scan(&ref.ID, &ref.TeamID, &ref.LabAccountID)
	return ref, err
}

// OrderIDBySample finds a team's order by its sample_id, which is printed on a kit; the newest, should a lab use an id again. Else the
// error is ErrNotFound.
func (s *Store) OrderIDBySample(ctx context.Context, teamID, sampleID string) (string, error) {
	id, err := one(ctx, s.read, scanText, `SELECT id FROM orders WHERE sample_id = $1 AND sample_id <> '' AND ($2 = '' OR team_id = $2)
		ORDER BY created_at DESC, id DESC LIMIT 1`, sampleID, teamID)
	if err != nil {
		return "", fmt.Errorf("finding an order by its sample: %w", err)
	}
	return id, nil
}

// TransactionOrders lists the orders of a team's order transaction, oldest first. The error is ErrNotFound when the team has no such
// transaction.
func (s *Store) TransactionOrders(ctx context.Context, teamID, transactionID string) ([]order.Order, error) {
	var where filter
	where.and("transaction_id = ?", transactionID)
	if teamID != "" {
		where.and("team_id = ?", teamID)
	}
	var orders []order.Order
	err := s.inSnapshot(ctx, func(q querier) (err error) {
		orders, err = s.load(ctx, q, where.String()+` ORDER BY created_at, id`, where.args...)
		return err
	})
	if err == nil && len(orders) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("reading the orders of transaction %s: %w", transactionID, err)
	}
	return orders, nil
}

// load reads the orders that a clause selects, each with all that belongs to it, in four queries however many they are.
func (s *Store) load(ctx context.Context, q querier, clause string, args ...any) ([]order.Order, error) {
	orders, err := collect(ctx, q, s.scanOrder, `SELECT `+orderColumns+` FROM orders`+clause, args...)
	if err != nil || len(orders) == 0 {
		return nil, err
	}
	for _, part := range []func(context.Context, querier, []order.Order) error{
		s.loadEvents, s.loadShipments, s.loadTransactions,
	} {
		if err := part(ctx, q, orders); err != nil {
			return nil, err
		}
	}
	return orders, nil
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
	if err := decode(labTest, &o.LabTest); err != nil {
		return o, err
	}
	if err := decode(state, &o.State); err != nil {
		return o, err
	}
	if err := s.open(&o, sealed); err != nil {
		return o, err
	}
	o.RequisitionURL, err = s.requisitionURL(&o)
	return o, err
}

func (s *Store) loadEvents(ctx context.Context, q querier, orders []order.Order) error {
	args := ids(orders)
	type row struct {
		orderID string
		event   order.Event
	}
	rows, err := collect(ctx, q, func(r scanner) (out row, err error) {
		var occurred, recorded int64
		e := &out.event
		err = r.Scan(&out.orderID, &e.Sequence, &e.Status, &e.Detail, &e.Implied, &e.Cause, &e.Step, &occurred, &recorded)
		e.OccurredAt, e.RecordedAt = instant(occurred), instant(recorded)
		return out, err
	}, `SELECT order_id, sequence, status, detail, implied, cause, step, occurred_at, recorded_at
		FROM events WHERE order_id IN (`+placeholders(1, len(args))+`) ORDER BY order_id, sequence`, args...)
	if err != nil {
		return fmt.Errorf("reading events: %w", err)
	}
	of := map[string][]order.Event{}
	for _, r := range rows {
		of[r.orderID] = append(of[r.orderID], r.event)
	}
	for i := range orders {
		orders[i].Events = of[orders[i].ID]
	}
	return nil
}

func (s *Store) loadTransactions(ctx context.Context, q querier, orders []order.Order) error {
	var args []any
	for _, o := range orders {
		if !slices.Contains(args, any(o.TransactionID)) {
			args = append(args, o.TransactionID)
		}
	}
	type row struct {
		transactionID string
		order         order.TransactionOrder
	}
	rows, err := collect(ctx, q, func(r scanner) (out row, err error) {
		var statusAt, created, updated int64
		var parent sql.NullString
		o := &out.order
		err = r.Scan(&out.transactionID, &o.ID, &o.Status, &statusAt, &o.Origin, &parent, &created, &updated)
		o.ParentID, o.StatusAt, o.CreatedAt, o.UpdatedAt = parent.String, instant(statusAt), instant(created), instant(updated)
		return out, err
	}, `SELECT transaction_id, id, status, status_at, origin, parent_id, created_at, updated_at
		FROM orders WHERE transaction_id IN (`+placeholders(1, len(args))+`)`, args...)
	if err != nil {
		return fmt.Errorf("reading order transactions: %w", err)
	}
	of := map[string][]order.TransactionOrder{}
	for _, r := range rows {
		of[r.transactionID] = append(of[r.transactionID], r.order)
	}
	for i := range orders {
		orders[i].Transaction = transaction(orders[i].TransactionID, of[orders[i].TransactionID])
	}
	return nil
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

func ids(orders []order.Order) []any {
	out := make([]any, len(orders))
	for i, o := range orders {
		out[i] = o.ID
	}
	return out
}

func count(ctx context.Context, q querier, table string, where filter) (n int, err error) {
	err = q.QueryRowContext(ctx, `SELECT COUNT(*) FROM `+table+where.String(), where.args...).Scan(&n)
	return n, err
}
