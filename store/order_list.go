package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// orderCountLimit is the limit up to which the orders of a list are counted, to bound the cost.
const orderCountLimit = 10_000

// MaxOrdersSortedByPatient is the most orders that are sorted by patient. Sorting has to decrypt the names of all of
// them.
const MaxOrdersSortedByPatient = 5_000

// ErrTooManyToSort means that more than MaxOrdersSortedByPatient orders would have to be sorted by patient.
var ErrTooManyToSort = errors.New("too many orders to be sorted by patient")

// Orders lists one page of a team's orders, newest first unless the query says otherwise, and counts all of them. total
// is nil when there are more than orderCountLimit. The replica may answer, a little late. The error is ErrTooManyToSort
// when there are too many to sort by patient.
func (s *Store) Orders(ctx context.Context, by OrderQuery) (orders []order.Order, total *int, err error) {
	err = s.db.InRecentSnapshot(ctx, func(ctx context.Context, q sqldb.Querier) error {
		if err := s.planQueriesForValues(ctx, q); err != nil {
			return err
		}
		ids, n, err := s.listIDs(ctx, q, by)
		if err != nil {
			return err
		}
		total = n
		if err := s.planQueriesOnce(ctx, q); err != nil {
			return err
		}
		orders, err = s.loadOrdersInSequence(ctx, q, ids)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("listing orders: %w", err)
	}
	return orders, total, nil
}

// planQueriesForValues makes PostgreSQL plan each query of the transaction for its parameter values, because a plan
// that is good for one name or time span is bad for most others. It also makes PostgreSQL prefer to read indexes in
// their order. A plan that reads a table or one side of a join completely before the first row becomes slower with the
// number of orders.
func (s *Store) planQueriesForValues(ctx context.Context, q sqldb.Querier) error {
	if s.db.Dialect != sqldb.Postgres {
		return nil
	}
	_, err := q.ExecContext(ctx, `SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL jit = off;
		SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL enable_hashjoin = off; SET LOCAL enable_seqscan = off;
		SET LOCAL enable_bitmapscan = off; SET LOCAL enable_material = off`)
	return err
}

// planQueriesOnce ends what planQueriesForValues began, for reading orders by their ids: one plan is good for all of
// them.
func (s *Store) planQueriesOnce(ctx context.Context, q sqldb.Querier) error {
	if s.db.Dialect != sqldb.Postgres {
		return nil
	}
	_, err := q.ExecContext(ctx, `SET LOCAL plan_cache_mode = force_generic_plan`)
	return err
}

func (s *Store) listIDs(ctx context.Context, q sqldb.Querier, by OrderQuery) (ids []string, total *int, err error) {
	l := s.newOrderListQuery(by)
	limit, offset := sqldb.LimitOffset(by.Page, by.Size)
	if by.ByPatient {
		if ids, err = s.idsSortedByPatient(ctx, q, l); err != nil {
			return nil, nil, err
		}
		n := len(ids)
		return ids[min(offset, n):min(offset+limit, n)], &n, nil
	}
	if ids, err = sqldb.QueryAll(ctx, q, sqldb.ScanText, l.pageStatement(limit, offset), l.Args...); err != nil {
		return nil, nil, err
	}
	if n := len(ids); n < limit && (n > 0 || offset == 0) { // the last page
		n += offset
		return ids, countUnlessAbove(orderCountLimit, n), nil
	}
	var n int
	all := s.newOrderListQuery(by.withoutSort())
	if err := q.QueryRowContext(ctx, all.countStatement(orderCountLimit+1), all.Args...).Scan(&n); err != nil {
		return nil, nil, err
	}
	return ids, countUnlessAbove(orderCountLimit, n), nil
}

func countUnlessAbove(limit, n int) *int {
	if n > limit {
		return nil
	}
	return &n
}

// idsSortedByPatient lists the ids of all selected orders, sorted by the patient's name.
func (s *Store) idsSortedByPatient(ctx context.Context, q sqldb.Querier, l orderListQuery) ([]string, error) {
	type named struct {
		id, last, first string
	}
	ids, err := sqldb.QueryAll(ctx, q, sqldb.ScanText, l.pageStatement(MaxOrdersSortedByPatient+1, 0), l.Args...)
	if err != nil {
		return nil, err
	}
	if len(ids) > MaxOrdersSortedByPatient {
		return nil, ErrTooManyToSort
	}
	all := make([]named, 0, len(ids))
	for chunk := range slices.Chunk(ids, sqldb.MaxPageSize*5) {
		some, err := sqldb.QueryAll(ctx, q, func(row sqldb.Scanner) (n named, err error) {
			var sealed []byte
			var patient *order.Patient
			if err = row.Scan(&n.id, &sealed); err != nil {
				return n, err
			}
			err = s.keys.OpenJSON(sealContext("order_documents", n.id, "patient"), sealed, &patient)
			if patient != nil {
				n.last, n.first = normaliseName(patient.LastName), normaliseName(patient.FirstName)
			}
			return n, err
		}, `SELECT order_id, patient FROM order_documents WHERE order_id IN (`+sqldb.Placeholders(1, len(chunk))+`)`,
			toAny(chunk)...)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b named) int {
		return cmp.Or(strings.Compare(a.last, b.last), strings.Compare(a.first, b.first), strings.Compare(a.id, b.id))
	})
	if l.direction == "DESC" {
		slices.Reverse(all)
	}
	for i, n := range all {
		ids[i] = n.id
	}
	return ids, nil
}

// loadOrdersInSequence reads orders and returns them in the sequence of the ids.
func (s *Store) loadOrdersInSequence(ctx context.Context, q sqldb.Querier, ids []string) ([]order.Order, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	orders, err := s.loadOrders(ctx, q, ` WHERE o.id IN (`+sqldb.Placeholders(1, len(ids))+`)`, toAny(ids)...)
	if err != nil {
		return nil, err
	}
	at := make(map[string]int, len(ids))
	for i, id := range ids {
		at[id] = i
	}
	slices.SortFunc(orders, func(a, b order.Order) int { return at[a.ID] - at[b.ID] })
	return orders, nil
}

func toAny(values []string) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}
