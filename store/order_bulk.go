package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// BulkInsertOrders writes orders as they are, each with its events, state and results, to fill a database for
// measurements. It enqueues no webhooks, and the orders' workflows count as started. It does not update the counts of
// orders: call CorrectOrderCounts afterwards. The error is ErrConflict when one of the orders exists.
func (s *Store) BulkInsertOrders(ctx context.Context, orders []order.Order) error {
	transactions := sqldb.TableRows{Table: "order_transactions",
		Columns: []string{"id", "team_id", "created_at", "updated_at"}}
	events := sqldb.TableRows{Table: "events", Columns: []string{
		"order_id", "sequence", "status", "detail", "implied", "cause", "step", "occurred_at", "recorded_at",
	}}
	terms := sqldb.TableRows{Table: "order_search", Columns: []string{"order_id", "field", "hash", "team_id",
		"created_at"}}
	var written [len(orderTables)]sqldb.TableRows
	for i, t := range orderTables {
		written[i].Table, written[i].Columns = t.name, t.columns
	}
	counts := map[countKey]int{}
	for i := range orders {
		o := &orders[i]
		counts[countKeyOf(o.Modality, o.State.Status, isUnfinished(o.State))]++
		rows, err := s.orderRows(o, o.UpdatedAt, o.CreatedAt)
		if err != nil {
			return fmt.Errorf("adding order %s: %w", o.ID, err)
		}
		for i := range rows {
			written[i].Add(rows[i]...)
		}
		transactions.Add(o.TransactionID, o.TeamID, sqldb.ToMicros(o.CreatedAt), sqldb.ToMicros(o.UpdatedAt))
		for _, e := range o.Events {
			events.Add(o.ID, e.Sequence, string(e.Status), string(e.Detail), e.Implied, e.Cause, e.StepIndex,
				sqldb.ToMicros(e.OccurredAt), sqldb.ToMicros(e.RecordedAt))
		}
		for _, t := range uniqueTerms(orderTerms(o)) {
			terms.Add(o.ID, t.field, s.keys.SearchHash(t.field, t.value), o.TeamID, sqldb.ToMicros(o.CreatedAt))
		}
	}
	if err := s.db.BulkInsert(ctx, slices.Concat([]sqldb.TableRows{transactions}, written[:],
		[]sqldb.TableRows{events, terms})...); err != nil {
		return fmt.Errorf("adding %d orders: %w", len(orders), sqldb.MapUniqueViolation(err))
	}
	delete(counts, countKey{})
	return s.db.InTx(ctx, func(tx *sql.Tx) error { return addCounts(ctx, tx, counts, 0) })
}

func uniqueTerms(terms []searchTerm) []searchTerm {
	seen := make(map[searchTerm]bool, len(terms))
	out := terms[:0]
	for _, t := range terms {
		if !seen[t] {
			seen[t] = true
			out = append(out, t)
		}
	}
	return out
}

// BulkInsertUsers writes users as they are, to fill a database for measurements. It ignores the user limit of a sandbox
// team.
func (s *Store) BulkInsertUsers(ctx context.Context, users []User) error {
	written := sqldb.TableRows{Table: "users", Columns: []string{"id", "team_id", "client_user_id", "created_at",
		"updated_at"}}
	for _, u := range users {
		written.Add(u.ID, u.TeamID, u.ClientUserID, sqldb.ToMicros(u.CreatedAt), sqldb.ToMicros(u.CreatedAt))
	}
	if err := s.db.BulkInsert(ctx, written); err != nil {
		return fmt.Errorf("adding %d users: %w", len(users), sqldb.MapUniqueViolation(err))
	}
	return nil
}

// HasOrders reports whether there is any order.
func (s *Store) HasOrders(ctx context.Context) (bool, error) {
	var found bool
	err := s.db.Reader.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM orders)`).Scan(&found)
	if err != nil {
		return false, fmt.Errorf("looking for orders: %w", err)
	}
	return found, nil
}

// Analyze updates the statistics by which the database plans queries. PostgreSQL also does that on its own after a
// while.
func (s *Store) Analyze(ctx context.Context) error {
	statement := "ANALYZE"
	if s.db.Dialect == sqldb.Postgres {
		statement = "VACUUM (ANALYZE)"
	}
	if _, err := s.db.Writer.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("analysing the database: %w", err)
	}
	return nil
}
