package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// TableRows are rows of one table.
type TableRows struct {
	Table   string
	Columns []string
	Values  [][]any
}

// Add adds a row, with a value for each column.
func (r *TableRows) Add(values ...any) { r.Values = append(r.Values, values) }

// BulkInsert writes rows in one transaction, by the fastest method of the engine.
func (db *DB) BulkInsert(ctx context.Context, tables ...TableRows) error {
	if db.Dialect == Postgres {
		return db.copyRows(ctx, tables)
	}
	return db.InTx(ctx, func(tx *sql.Tx) error {
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
func (db *DB) copyRows(ctx context.Context, tables []TableRows) error {
	conn, err := db.Writer.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // only returns it to the pool
	return conn.Raw(func(driver any) error {
		raw, ok := driver.(*postgresConn)
		if !ok {
			return fmt.Errorf("COPY needs a connection of pgx, not a %T", driver)
		}
		return pgx.BeginFunc(ctx, raw.Conn.Conn(), func(tx pgx.Tx) error {
			for _, t := range tables {
				if _, err := tx.CopyFrom(ctx, pgx.Identifier{t.Table}, t.Columns, pgx.CopyFromRows(t.Values)); err != nil {
					return fmt.Errorf("writing %s: %w", t.Table, err)
				}
			}
			return nil
		})
	})
}
