package store

import (
	"context"
	"errors"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// clockSlack is how far the clocks of two processes may be apart. Ranges of ids are wider than those of times by it.
const clockSlack = time.Hour

// idRange is a range of ids: from first until before end. PostgreSQL reads only the partitions of a range.
type idRange struct{ first, end string }

// idsBetween returns the ids of rows from a time until another, and clockSlack more on both sides. A zero time is no
// limit.
func idsBetween(from, until time.Time) idRange {
	r := idRange{sqldb.NilID, sqldb.LastID}
	if !from.IsZero() {
		r.first = sqldb.FirstIDAt(from.Add(-clockSlack))
	}
	if !until.IsZero() {
		r.end = sqldb.FirstIDAt(until.Add(clockSlack))
	}
	return r
}

// restrict adds the range of a column to a condition.
func (r idRange) restrict(where *sqldb.Where, column string) {
	if r.first != sqldb.NilID {
		where.And(column+" >= ?", r.first)
	}
	if r.end != sqldb.LastID {
		where.And(column+" < ?", r.end)
	}
}

// messageIDs returns the range of the ids of an order's webhook messages. They are not older than the order and not
// younger than its last decision and the last change of its match reviews: what enqueues a message about an order
// writes one of these in the same transaction. The range of an order that is not there has no limits.
func messageIDs(ctx context.Context, q sqldb.Querier, orderID string) (idRange, error) {
	r, err := sqldb.QueryOne(ctx, q, func(row sqldb.Scanner) (idRange, error) {
		var created, decided, reviewed, resolved int64
		err := row.Scan(&created, &decided, &reviewed, &resolved)
		return idsBetween(sqldb.FromMicros(created), sqldb.FromMicros(max(created, decided, reviewed, resolved))), err
	}, `SELECT o.created_at,
			COALESCE((SELECT d.at FROM decisions d WHERE d.order_id = o.id ORDER BY d.revision DESC LIMIT 1), 0),
			COALESCE((SELECT MAX(r.updated_at) FROM reviews r WHERE r.order_id = o.id), 0),
			COALESCE((SELECT MAX(r.updated_at) FROM reviews r WHERE r.resolved_order_id = o.id), 0)
		FROM orders o WHERE o.id = $1`, orderID)
	if errors.Is(err, ErrNotFound) {
		return idsBetween(time.Time{}, time.Time{}), nil
	}
	return r, err
}

// auditIDsSince returns the range of the ids of the audit's rows about an order. Somebody may read an order at any
// later time, so the range has no end.
func auditIDsSince(ctx context.Context, q sqldb.Querier, orderID string) (idRange, error) {
	created, err := sqldb.QueryOne(ctx, q, sqldb.ScanTime, `SELECT created_at FROM orders WHERE id = $1`, orderID)
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return idsBetween(created, time.Time{}), err
}
