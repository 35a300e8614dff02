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

// CurrentOrder reads an order as Order does. The replica may answer, but the order is never older than the primary has it.
func (s *Store) CurrentOrder(ctx context.Context, teamID, id string) (o *order.Order, err error) {
	err = s.readCurrent(ctx, orderFilter(teamID, id), func(ctx context.Context, q sqldb.Querier) error {
		o, err = s.loadOrder(ctx, q, teamID, id)
		return err
	})
	return o, err
}

// CurrentOrderAndResult reads an order and its newest visible result version; the replica may answer, as in CurrentOrder. The
// error is ErrNotFound without an order when the team has no such order, and ErrNotFound with it when the order has no
// results.
func (s *Store) CurrentOrderAndResult(ctx context.Context, teamID, id string) (*order.Order, order.ResultVersion, error) {
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

// readAuditedOnReplica is ReadOrderAudited when the replica can be asked. The row is committed before the order is read.
func (s *Store) readAuditedOnReplica(ctx context.Context, teamID, id string, row AuditRow) (o *order.Order, err error) {
	where := orderFilter(teamID, id)
	statement, args := s.auditedStatement(where, row, `SELECT `+transactionsVersion(where.String()))
	version, err := sqldb.QueryOne(ctx, s.db.Writer, sqldb.ScanText, statement, args...)
	if err == nil && version == "" {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("auditing the reading of order %s: %w", id, err)
	}
	read := func(ctx context.Context, q sqldb.Querier) error {
		o, err = s.loadOrder(ctx, q, teamID, id)
		return err
	}
	if s.readOnReplica(ctx, where, version, read) {
		return o, nil
	}
	return o, read(ctx, s.db.Reader)
}

// readCurrent runs read, which reads orders o that a condition selects and what belongs to them. The replica answers if
// it has the same versions of these orders as the primary. Otherwise, and for what it does not find, the primary does.
// When there are no such orders, read runs on the primary.
func (s *Store) readCurrent(ctx context.Context, orders sqldb.Where,
	read func(ctx context.Context, q sqldb.Querier) error) error {
	if s.db.Replica.Usable() {
		version, err := sqldb.QueryOne(ctx, s.db.Reader, sqldb.ScanText,
			`SELECT `+transactionsVersion(orders.String()), orders.Args...)
		if err != nil {
			return fmt.Errorf("reading the version of an order: %w", err)
		}
		if version != "" && s.readOnReplica(ctx, orders, version, read) {
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

// readOnReplica runs read on the replica if the replica has a version of the orders that a condition selects. It reports
// whether read has succeeded.
func (s *Store) readOnReplica(ctx context.Context, orders sqldb.Where, version string,
	read func(ctx context.Context, q sqldb.Querier) error) bool {
	same := sqldb.Where{Args: orders.Args}
	same.And(transactionsVersion(orders.String())+` = ?`, version)
	return s.db.Replica.Read(ctx, same, func(ctx context.Context, conn *sql.Conn) error { return read(ctx, conn) })
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
