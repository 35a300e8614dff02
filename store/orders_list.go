package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aliquot-labs/aliquot/order"
)

// countedOrders is how far the orders of a list are counted. Beyond that it only costs.
const countedOrders = 10_000

// MaxSortedByPatient is how many orders are sorted by their patients, whose names have to be decrypted for that.
const MaxSortedByPatient = 5_000

// ErrTooMany says that more orders are to be sorted by their patients than MaxSortedByPatient.
var ErrTooMany = errors.New("too many orders to be sorted by patient")

// Orders lists a team's orders, newest first unless the query says otherwise, and counts all of them: total is nil when there are
// more than countedOrders. The error is ErrTooMany when they cannot be sorted.
func (s *Store) Orders(ctx context.Context, by OrderQuery) (orders []order.Order, total *int, err error) {
	err = s.inSnapshot(ctx, func(q querier) error {
		if err := s.planForValues(ctx, q); err != nil {
			return err
		}
		ids, n, err := s.listIDs(ctx, q, by)
		if err != nil {
			return err
		}
		total = n
		orders, err = s.loadAll(ctx, q, ids)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("listing orders: %w", err)
	}
	return orders, total, nil
}

// planForValues makes PostgreSQL plan each query of the transaction for its values: the plan that is good for every name or span of time
// is bad for most. And it is to read indexes in their order, which it would leave where it expects few rows of a join: what reads a table,
// or one side of a join, to its end before it gives the first row costs more the more orders there are.
func (s *Store) planForValues(ctx context.Context, q querier) error {
	if s.dialect != postgres {
		return nil
	}
	_, err := q.ExecContext(ctx, `SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL jit = off;
		SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL enable_hashjoin = off; SET LOCAL enable_seqscan = off;
		SET LOCAL enable_bitmapscan = off; SET LOCAL enable_material = off`)
	return err
}

func (s *Store) listIDs(ctx context.Context, q querier, by OrderQuery) (ids []string, total *int, err error) {
	l := s.listing(by)
	limit, offset := window(by.Page, by.Size)
	if by.ByPatient {
		if ids, err = s.idsByPatient(ctx, q, l); err != nil {
			return nil, nil, err
		}
		n := len(ids)
		return ids[min(offset, n):min(offset+limit, n)], &n, nil
	}
	if ids, err = collect(ctx, q, scanText, l.ids(limit, offset), l.args...); err != nil {
		return nil, nil, err
	}
	if n := len(ids); n < limit && (n > 0 || offset == 0) { // the last page
		n += offset
		return ids, upTo(countedOrders, n), nil
	}
	var n int
	all := s.listing(by.unsorted())
	if err := q.QueryRowContext(ctx, all.count(countedOrders+1), all.args...).Scan(&n); err != nil {
		return nil, nil, err
	}
	return ids, upTo(countedOrders, n), nil
}

func upTo(limit, n int) *int {
	if n > limit {
		return nil
	}
	return &n
}

// idsByPatient lists all orders, in the order of their patients' names.
func (s *Store) idsByPatient(ctx context.Context, q querier, l listing) ([]string, error) {
	type named struct {
		id, last, first string
	}
	ids, err := collect(ctx, q, scanText, l.ids(MaxSortedByPatient+1, 0), l.args...)
	if err != nil {
		return nil, err
	}
	if len(ids) > MaxSortedByPatient {
		return nil, ErrTooMany
	}
	all := make([]named, 0, len(ids))
	for chunk := range slices.Chunk(ids, maxPageSize*5) {
		some, err := collect(ctx, q, func(row scanner) (n named, err error) {
			var sealed []byte
			var patient *order.Patient
			if err = row.Scan(&n.id, &sealed); err != nil {
				return n, err
			}
			err = s.keys.openJSON(place("orders", n.id, "patient"), sealed, &patient)
			if patient != nil {
				n.last, n.first = normalise(patient.LastName), normalise(patient.FirstName)
			}
			return n, err
		}, `SELECT id, patient FROM orders WHERE id IN (`+placeholders(1, len(chunk))+`)`, anys(chunk)...)
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

// loadAll reads orders in the order of their ids.
func (s *Store) loadAll(ctx context.Context, q querier, ids []string) ([]order.Order, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	orders, err := s.load(ctx, q, ` WHERE o.id IN (`+placeholders(1, len(ids))+`)`, anys(ids)...)
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

func anys(values []string) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}
