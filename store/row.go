package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// querier is what a database and a transaction have in common.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// statementOf makes a prepared statement a querier; the text of the query is the statement's.
type statementOf struct{ *sql.Stmt }

func (s statementOf) ExecContext(ctx context.Context, _ string, args ...any) (sql.Result, error) {
	return s.Stmt.ExecContext(ctx, args...)
}

func (s statementOf) QueryContext(ctx context.Context, _ string, args ...any) (*sql.Rows, error) {
	return s.Stmt.QueryContext(ctx, args...)
}

func (s statementOf) QueryRowContext(ctx context.Context, _ string, args ...any) *sql.Row {
	return s.Stmt.QueryRowContext(ctx, args...)
}

// scanner is one row, whether it came alone or among others.
type scanner interface{ Scan(dest ...any) error }

// one scans a query's only row. No row is ErrNotFound.
func one[T any](ctx context.Context, q querier, scan func(scanner) (T, error), query string, args ...any) (T, error) {
	v, err := scan(q.QueryRowContext(ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return v, ErrNotFound
	}
	return v, err
}

// collect runs a query and reads every row with scan.
func collect[T any](ctx context.Context, q querier, scan func(scanner) (T, error), query string, args ...any) (all []T, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		row, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// Scan functions of rows with a single column.

func scanText(row scanner) (text string, err error) {
	err = row.Scan(&text)
	return text, err
}

func scanBytes(row scanner) (b []byte, err error) {
	err = row.Scan(&b)
	return b, err
}

func scanInt(row scanner) (n int, err error) {
	err = row.Scan(&n)
	return n, err
}

func scanInstant(row scanner) (time.Time, error) {
	var at int64
	err := row.Scan(&at)
	return instant(at), err
}

// change runs a statement and counts the rows that it touched.
func change(ctx context.Context, q querier, query string, args ...any) (int64, error) {
	result, err := q.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// exists turns the violation of a unique key into ErrConflict, and says which row of which kind was written.
func exists(err error, kind, id string) error {
	return fmt.Errorf("writing %s %s: %w", kind, id, conflict(err))
}

// digest is the SHA-256 of a text in hex: enough to find again what is itself random, such as the secret of a key.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
