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

// rows are many rows of one table.
type rows struct {
	table   string
	columns []string
	values  [][]any
}

func (r *rows) add(values ...any) { r.values = append(r.values, values) }

// AddOrders writes orders as they are, each with its history, its state and its results, for a database to measure with: nobody is
// told of them, and their workflows count as started. What is counted of them (RecountOrders) is written after them. The error is
// ErrConflict when one of them exists.
func (s *Store) AddOrders(ctx context.Context, orders []order.Order) error {
	transactions := rows{table: "order_transactions", columns: []string{"id", "team_id", "created_at", "updated_at"}}
	written := rows{table: "orders", columns: orderValueColumns}
	events := rows{table: "events", columns: []string{
		"order_id", "sequence", "status", "detail", "implied", "cause", "step", "occurred_at", "recorded_at",
	}}
	terms := rows{table: "order_search", columns: []string{"order_id", "field", "hash", "team_id", "created_at"}}
	counts := map[counted]int{}
	for i := range orders {
		o := &orders[i]
		counts[countedAs(o.Modality, o.State.Status, unfinished(o.State))]++
		values, err := s.orderValues(o, o.UpdatedAt, o.CreatedAt)
		if err != nil {
			return fmt.Errorf("adding order %s: %w", o.ID, err)
		}
		written.values = append(written.values, values)
		transactions.add(o.TransactionID, o.TeamID, micros(o.CreatedAt), micros(o.UpdatedAt))
		for _, e := range o.Events {
			events.add(o.ID, e.Sequence, string(e.Status), string(e.Detail), e.Implied, e.Cause, e.Step, micros(e.OccurredAt), micros(e.RecordedAt))
		}
		for _, t := range unrepeatedTerms(termsOf(o)) {
			terms.add(o.ID, t.field, s.keys.Hash(t.field, t.value), o.TeamID, micros(o.CreatedAt))
		}
	}
	if err := s.bulk(ctx, transactions, written, events, terms); err != nil {
		return fmt.Errorf("adding %d orders: %w", len(orders), conflict(err))
	}
	delete(counts, counted{})
	return s.inTx(ctx, func(tx *sql.Tx) error { return addCounts(ctx, tx, counts, 0) })
}

func unrepeatedTerms(terms []searchTerm) []searchTerm {
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

// AddUsers writes users as AddOrders writes orders. The limit of a sandbox team does not hold for them.
func (s *Store) AddUsers(ctx context.Context, users []User) error {
	written := rows{table: "users", columns: []string{"id", "team_id", "client_user_id", "created_at", "updated_at"}}
	for _, u := range users {
		written.add(u.ID, u.TeamID, u.ClientUserID, micros(u.CreatedAt), micros(u.CreatedAt))
	}
	if err := s.bulk(ctx, written); err != nil {
		return fmt.Errorf("adding %d users: %w", len(users), conflict(err))
	}
	return nil
}

// AnyOrders reports whether there is an order.
func (s *Store) AnyOrders(ctx context.Context) (bool, error) {
	var found bool
	err := s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM orders)`).Scan(&found)
	if err != nil {
		return false, fmt.Errorf("looking for orders: %w", err)
	}
	return found, nil
}

// Analyze lets the database look at its tables and plan for what they hold, as PostgreSQL does by itself after a while.
func (s *Store) Analyze(ctx context.Context) error {
	statement := "ANALYZE"
	if s.dialect == postgres {
		statement = "VACUUM (ANALYZE)"
	}
	if _, err := s.write.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("analysing the database: %w", err)
	}
	return nil
}

// bulk writes rows in one transaction, by the fastest way that the engine has.
func (s *Store) bulk(ctx context.Context, tables ...rows) error {
	if s.dialect == postgres {
		return s.copyIn(ctx, tables)
	}
	return s.inTx(ctx, func(tx *sql.Tx) error {
		for _, t := range tables {
			if err := insertAll(ctx, tx, t); err != nil {
				return fmt.Errorf("writing %s: %w", t.table, err)
			}
		}
		return nil
	})
}

// insertInto is the statement that writes one row of a table of ours.
func insertInto(table string, columns []string) string {
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table, strings.Join(columns, ", "), placeholders(1, len(columns)))
}

func insertAll(ctx context.Context, tx *sql.Tx, t rows) error {
	insert, err := tx.PrepareContext(ctx, insertInto(t.table, t.columns))
	if err != nil {
		return err
	}
	defer func() { _ = insert.Close() }() // the transaction ends it
	for _, values := range t.values {
		if _, err := insert.ExecContext(ctx, values...); err != nil {
			return err
		}
	}
	return nil
}

// copyIn is bulk by PostgreSQL's COPY.
func (s *Store) copyIn(ctx context.Context, tables []rows) error {
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
				if _, err := tx.CopyFrom(ctx, pgx.Identifier{t.table}, t.columns, pgx.CopyFromRows(t.values)); err != nil {
					return fmt.Errorf("writing %s: %w", t.table, err)
				}
			}
			return nil
		})
	})
}
