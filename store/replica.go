package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// DefaultReplicaAge is the default of how old an answer of the replica may be.
const DefaultReplicaAge = 5 * time.Second

// openReplica prepares the use of the replica, if there is one.
func (s *Store) openReplica(o Options) error {
	if o.Replica.URL == "" {
		return nil
	}
	r := o.Replica
	r.PrimaryURL, r.MaxAge = o.URL, cmp.Or(r.MaxAge, DefaultReplicaAge)
	r.MaxConns, r.Logger = cmp.Or(r.MaxConns, o.MaxConns), cmp.Or(r.Logger, slog.Default())
	return s.db.UseReplica(r)
}

// CurrentOrder reads an order as Order does. The replica may answer, but the order is never older than the primary has
// it.
func (s *Store) CurrentOrder(ctx context.Context, teamID, id string) (*order.Order, error) {
	if s.db.Replica.Usable() {
		version, err := s.primaryVersion(ctx, orderFilter(teamID, id))
		if err != nil {
			return nil, err
		}
		if o := s.orderOnReplica(ctx, teamID, id, version); o != nil {
			return o, nil
		}
	}
	return s.Order(ctx, teamID, id)
}

// CurrentOrderAndResult reads an order and its newest visible result version; the replica may answer, as in
// CurrentOrder. The error is ErrNotFound without an order when the team has no such order, and ErrNotFound with it when
// the order has no results.
func (s *Store) CurrentOrderAndResult(ctx context.Context, teamID,
	id string) (*order.Order, order.ResultVersion, error) {
	var o *order.Order
	var v order.ResultVersion
	err := s.readCurrent(ctx, orderFilter(teamID, id), func(ctx context.Context, q sqldb.Querier) (err error) {
		if o, err = s.loadOrder(ctx, q, teamID, id); err != nil {
			return err
		}
		if v, err = s.newestResult(ctx, q, id, true); err != nil {
			return fmt.Errorf("reading the results of order %s: %w", id, err)
		}
		return nil
	})
	return o, v, err
}

// readAuditedOnReplica is ReadOrderAudited when the replica can be asked. The row is committed before the order is
// read.
func (s *Store) readAuditedOnReplica(ctx context.Context, teamID, id string, row AuditRow) (*order.Order, error) {
	where := orderFilter(teamID, id)
	statement, args := s.auditedStatement(where, row, `SELECT `+transactionsVersion(where.String()))
	version, err := sqldb.QueryOne(ctx, s.db.Writer, sqldb.ScanText, statement, args...)
	if err == nil && version == "" {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("auditing the reading of order %s: %w", id, err)
	}
	if o := s.orderOnReplica(ctx, teamID, id, version); o != nil {
		return o, nil
	}
	return s.Order(ctx, teamID, id)
}

// orderOnReplica reads an order on the replica. It returns nil when the replica has another version of it, or does not
// answer.
func (s *Store) orderOnReplica(ctx context.Context, teamID, id, version string) *order.Order {
	if version == "" { // there is no such order
		return nil
	}
	filter := orderFilter(teamID, id)
	condition := haveVersion(filter, version)
	condition.Terms = append(filter.Terms, condition.Terms...)
	var o *order.Order
	if !s.db.Replica.ReadStatement(ctx, condition, func(ctx context.Context, q sqldb.Querier, where sqldb.Where) error {
		found, err := s.loadOrders(ctx, q, where.String(), where.Args...)
		o, err = singleOrder(id, found, err)
		return err
	}) {
		return nil
	}
	return o
}

// readCurrent runs read, which reads orders o that a condition selects and what belongs to them. The replica answers if
// it has the same versions of these orders as the primary. Otherwise, and for what it does not find, the primary does.
// When there are no such orders, read runs on the primary.
func (s *Store) readCurrent(ctx context.Context, orders sqldb.Where,
	read func(ctx context.Context, q sqldb.Querier) error) error {
	if s.db.Replica.Usable() {
		version, err := s.primaryVersion(ctx, orders)
		if err != nil {
			return err
		}
		if version != "" && s.db.Replica.Read(ctx, haveVersion(orders, version),
			func(ctx context.Context, conn *sql.Conn) error { return read(ctx, conn) }) {
			return nil
		}
	}
	return read(ctx, s.db.Reader)
}

// readRecent runs read on the replica if it can be used, otherwise on the primary.
func (s *Store) readRecent(ctx context.Context, read func(ctx context.Context, q sqldb.Querier) error) error {
	if s.db.Replica.Read(ctx, sqldb.Where{}, func(ctx context.Context, conn *sql.Conn) error { return read(ctx, conn) }) {
		return nil
	}
	return read(ctx, s.db.Reader)
}

// primaryVersion reads the version of the orders o that a condition selects; empty: there are none.
func (s *Store) primaryVersion(ctx context.Context, orders sqldb.Where) (string, error) {
	version, err := sqldb.QueryOne(ctx, s.db.Reader, sqldb.ScanText, `SELECT `+transactionsVersion(orders.String()),
		orders.Args...)
	if err != nil {
		return "", fmt.Errorf("reading the version of an order: %w", err)
	}
	return version, nil
}

// haveVersion returns the condition that the orders o which another condition selects have a version. Its first
// arguments are those of the other condition.
func haveVersion(orders sqldb.Where, version string) sqldb.Where {
	same := sqldb.Where{Args: orders.Args}
	same.And(transactionsVersion(orders.String())+` = ?`, version)
	return same
}

// transactionsVersion returns the SQL expression of the version of orders o that a clause selects, together with the
// other orders of their order transactions, which clients see too. It lists the transactions (of PostgreSQL) that wrote
// the rows last. A replica has the same rows as its primary, with the same numbers. Each recording writes the order's
// row of order_states, so what else it writes belongs to the same version. Without orders the version is empty.
func transactionsVersion(clause string) string {
	return `(SELECT COALESCE(string_agg(concat_ws('.', t.xmin, w.xmin, d.xmin, x.xmin), ',' ORDER BY t.id), '')
		FROM orders t JOIN order_states w ON w.order_id = t.id JOIN order_documents d ON d.order_id = t.id
		LEFT JOIN shipments x ON x.order_id = t.id
		WHERE t.transaction_id IN (SELECT o.transaction_id FROM orders o` + clause + `))`
}
