package store

import (
	"context"
	"fmt"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// Order reads an order with all its documents. With a teamID, only an order of that team is found. The error is
// ErrNotFound when there is none.
func (s *Store) Order(ctx context.Context, teamID, id string) (*order.Order, error) {
	return s.loadOrder(ctx, s.db.Reader, teamID, id)
}

// ReadOrderAudited reads an order as CurrentOrder does, and appends a row to the audit log before it returns the order.
// It sets the row's order and team. PostgreSQL does both in one statement, with one round trip and one commit. If the
// replica can be asked, that statement reads the version of the order instead. While the disk is full, the row waits as
// in AppendReadAudit.
func (s *Store) ReadOrderAudited(ctx context.Context, teamID, id string, row AuditRow) (*order.Order, error) {
	o, err := s.readOrderAudited(ctx, teamID, id, row)
	if IsDiskFull(err) {
		return s.readOrderDeferringAudit(ctx, teamID, id, row)
	}
	return o, err
}

func (s *Store) readOrderAudited(ctx context.Context, teamID, id string, row AuditRow) (*order.Order, error) {
	where := orderFilter(teamID, id)
	if s.db.Replica.Usable() {
		return s.readAuditedOnReplica(ctx, teamID, id, row)
	}
	if s.db.Dialect == sqldb.Postgres {
		statement, args := s.auditedStatement(where, row, selectWholeOrders+where.String())
		found, err := sqldb.QueryAll(ctx, s.db.Writer, s.scanWholeOrder, statement, args...)
		return singleOrder(id, found, err)
	}
	o, err := s.Order(ctx, teamID, id)
	if err != nil {
		return nil, err
	}
	row.TeamID, row.OrderID = o.TeamID, o.ID
	if err := s.AppendAudit(ctx, row); err != nil {
		return nil, err
	}
	return o, nil
}

// auditedStatement returns a statement, with its arguments, that runs a query about the orders o which a condition
// selects, and appends a row to the audit log for each of them. The query has the arguments of the condition.
func (s *Store) auditedStatement(orders sqldb.Where, row AuditRow, query string) (string, []any) {
	return `WITH noted AS (` + auditOrdersStatement(len(orders.Args)+1) + orders.String() + `) ` + query,
		append(orders.Args, auditValues(s.withTime(row))...)
}

// loadOrder is Order within a transaction.
func (s *Store) loadOrder(ctx context.Context, q sqldb.Querier, teamID, id string) (*order.Order, error) {
	where := orderFilter(teamID, id)
	found, err := s.loadOrders(ctx, q, where.String(), where.Args...)
	return singleOrder(id, found, err)
}

// orderFilter returns the condition that selects one order.
func orderFilter(teamID, id string) (where sqldb.Where) {
	where.And("o.id = ?", id)
	where.AndIfSet("o.team_id = ?", teamID)
	return where
}

func singleOrder(id string, found []order.Order, err error) (*order.Order, error) {
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("reading order %s: %w", id, err)
	}
	return &found[0], nil
}

// OrderRef identifies an order, its team and its lab account.
type OrderRef struct {
	ID           string
	TeamID       string
	LabAccountID string // through which the order is placed
}

// OrderByNumber finds an order by its number at the lab. The error is ErrNotFound when there is none.
func (s *Store) OrderByNumber(ctx context.Context, number string) (OrderRef, error) {
	ref, err := sqldb.QueryOne(ctx, s.db.Reader, scanOrderRef,
		`SELECT id, team_id, lab_account_id FROM orders WHERE number = $1`,
		number)
	if err != nil {
		return OrderRef{}, fmt.Errorf("finding an order by its number: %w", err)
	}
	return ref, nil
}

func scanOrderRef(row sqldb.Scanner) (ref OrderRef, err error) {
	err = row.Scan(&ref.ID, &ref.TeamID, &ref.LabAccountID)
	return ref, err
}

// TransactionOrders lists the orders of a team's order transaction, oldest first. The replica may answer, as in
// CurrentOrder. The error is ErrNotFound when the team has no such transaction.
func (s *Store) TransactionOrders(ctx context.Context, teamID, transactionID string) ([]order.Order, error) {
	var where sqldb.Where
	where.And("o.transaction_id = ?", transactionID)
	where.AndIfSet("o.team_id = ?", teamID)
	var orders []order.Order
	err := s.readCurrent(ctx, where, func(ctx context.Context, q sqldb.Querier) (err error) {
		orders, err = s.loadOrders(ctx, q, where.String()+` ORDER BY o.created_at, o.id`, where.Args...)
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

func countRows(ctx context.Context, q sqldb.Querier, table string, where sqldb.Where) (n int, err error) {
	err = q.QueryRowContext(ctx, `SELECT COUNT(*) FROM `+table+where.String(), where.Args...).Scan(&n)
	return n, err
}

// SetSMSEnabled stores whether the patient of an order may be sent text messages. The error is ErrNotFound when the
// team has no such order.
func (s *Store) SetSMSEnabled(ctx context.Context, teamID, orderID string, enabled bool) error {
	n, err := sqldb.ExecCount(ctx, s.db.Writer, `UPDATE orders SET sms_enabled = $1 WHERE id = $2 AND team_id = $3`,
		enabled,
		orderID, teamID)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("writing the communication settings of order %s: %w", orderID, err)
	}
	return nil
}

// SMSEnabled reports whether the patient of an order may be sent text messages. The error is ErrNotFound when the team
// has no such order.
func (s *Store) SMSEnabled(ctx context.Context, teamID, orderID string) (bool, error) {
	enabled, err := sqldb.QueryOne(ctx, s.db.Reader, func(row sqldb.Scanner) (enabled bool, err error) {
		err = row.Scan(&enabled)
		return enabled, err
	}, `SELECT sms_enabled FROM orders WHERE id = $1 AND team_id = $2`, orderID, teamID)
	if err != nil {
		return false, fmt.Errorf("reading the communication settings of order %s: %w", orderID, err)
	}
	return enabled, nil
}
