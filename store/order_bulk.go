package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/aliquot-labs/aliquot/order"
)

// TableRows are rows of one table.
type TableRows struct {
	Table   string
	Columns []string
	Values  [][]any
}

func (r *TableRows) Add(values ...any) { r.Values = append(r.Values, values) }

// BulkInsertOrders writes orders as they are, each with its events, state and results, to fill a database for
// measurements. It enqueues no webhooks, and the orders' workflows count as started. It does not update the counts of
// orders: call CorrectOrderCounts afterwards. The error is ErrConflict when one of the orders exists.
func (s *Store) BulkInsertOrders(ctx context.Context, orders []order.Order) error {
	transactions := TableRows{Table: "order_transactions", Columns: []string{"id", "team_id", "created_at", "updated_at"}}
	written := TableRows{Table: "orders", Columns: orderInsertColumns}
	events := TableRows{Table: "events", Columns: []string{
		"order_id", "sequence", "status", "detail", "implied", "cause", "step", "occurred_at", "recorded_at",
	}}
	terms := TableRows{Table: "order_search", Columns: []string{"order_id", "field", "hash", "team_id", "created_at"}}
	counts := map[countKey]int{}
	for i := range orders {
		o := &orders[i]
		counts[countKeyOf(o.Modality, o.State.Status, isUnfinished(o.State))]++
		values, err := s.orderInsertValues(o, o.UpdatedAt, o.CreatedAt)
		if err != nil {
			return fmt.Errorf("adding order %s: %w", o.ID, err)
		}
		written.Values = append(written.Values, values)
		transactions.Add(o.TransactionID, o.TeamID, ToMicros(o.CreatedAt), ToMicros(o.UpdatedAt))
		for _, e := range o.Events {
			events.Add(o.ID, e.Sequence, string(e.Status), string(e.Detail), e.Implied, e.Cause, e.StepIndex,
				ToMicros(e.OccurredAt), ToMicros(e.RecordedAt))
		}
		for _, t := range uniqueTerms(orderTerms(o)) {
			terms.Add(o.ID, t.field, s.keys.SearchHash(t.field, t.value), o.TeamID, ToMicros(o.CreatedAt))
		}
	}
	if err := s.BulkInsert(ctx, transactions, written, events, terms); err != nil {
		return fmt.Errorf("adding %d orders: %w", len(orders), MapUniqueViolation(err))
	}
	delete(counts, countKey{})
	return s.InTx(ctx, func(tx *sql.Tx) error { return addCounts(ctx, tx, counts, 0) })
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

// BulkInsertUsers writes users as BulkInsertOrders writes orders. It ignores the user limit of a sandbox team.
func (s *Store) BulkInsertUsers(ctx context.Context, users []User) error {
	written := TableRows{Table: "users", Columns: []string{"id", "team_id", "client_user_id", "created_at", "updated_at"}}
	for _, u := range users {
		written.Add(u.ID, u.TeamID, u.ClientUserID, ToMicros(u.CreatedAt), ToMicros(u.CreatedAt))
	}
	if err := s.BulkInsert(ctx, written); err != nil {
		return fmt.Errorf("adding %d users: %w", len(users), MapUniqueViolation(err))
	}
	return nil
}

// HasOrders reports whether there is any order.
func (s *Store) HasOrders(ctx context.Context) (bool, error) {
	var found bool
	err := s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM orders)`).Scan(&found)
	if err != nil {
		return false, fmt.Errorf("looking for orders: %w", err)
	}
	return found, nil
}

// Analyze updates the statistics by which the database plans queries. PostgreSQL also does that on its own after a
// while.
func (s *Store) Analyze(ctx context.Context) error {
	statement := "ANALYZE"
	if s.dialect == Postgres {
		statement = "VACUUM (ANALYZE)"
	}
	if _, err := s.write.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("analysing the database: %w", err)
	}
	return nil
}

// BulkInsert writes rows in one transaction, by the fastest method of the engine.
func (s *Store) BulkInsert(ctx context.Context, tables ...TableRows) error {
	if s.dialect == Postgres {
		return s.copyRows(ctx, tables)
	}
	return s.InTx(ctx, func(tx *sql.Tx) error {
		for _, t := range tables {
			if err := insertRows(ctx, tx, t); err != nil {
				return fmt.Errorf("writing %s: %w", t.Table, err)
			}
		}
		return nil
	})
}

// InsertStatement returns the statement that inserts one row of a table.
func InsertStatement(table string, columns []string) string {
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table, strings.Join(columns, ", "),
		Placeholders(1, len(columns)))
}

func insertRows(ctx context.Context, tx *sql.Tx, t TableRows) error {
	insert, err := tx.PrepareContext(ctx, InsertStatement(t.Table, t.Columns))
	if err != nil {
		return err
	}
	defer func() { _ = insert.Close() }() // the transaction ends it
	for _, values := range t.Values {
		if _, err := insert.ExecContext(ctx, values...); err != nil {
			return err
		}
	}
	return nil
}

// copyRows is BulkInsert by PostgreSQL's COPY.
func (s *Store) copyRows(ctx context.Context, tables []TableRows) error {
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // only returns it to the pool
	return conn.Raw(func(driver any) error {
		raw, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("COPY needs a connection of pgx, not a %T", driver)
		}
		return pgx.BeginFunc(ctx, raw.Conn(), func(tx pgx.Tx) error {
			for _, t := range tables {
				if _, err := tx.CopyFrom(ctx, pgx.Identifier{t.Table}, t.Columns, pgx.CopyFromRows(t.Values)); err != nil {
					return fmt.Errorf("writing %s: %w", t.Table, err)
				}
			}
			return nil
		})
	})
}
