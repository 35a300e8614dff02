package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Querier is implemented by a database and by a transaction.
type Querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Prepared makes a prepared statement a Querier. It ignores the text of the query.
func Prepared(stmt *sql.Stmt) Querier { return preparedQuerier{stmt} }

type preparedQuerier struct{ *sql.Stmt }

func (s preparedQuerier) ExecContext(ctx context.Context, _ string, args ...any) (sql.Result, error) {
	return s.Stmt.ExecContext(ctx, args...)
}

func (s preparedQuerier) QueryContext(ctx context.Context, _ string, args ...any) (*sql.Rows, error) {
	return s.Stmt.QueryContext(ctx, args...)
}

func (s preparedQuerier) QueryRowContext(ctx context.Context, _ string, args ...any) *sql.Row {
	return s.Stmt.QueryRowContext(ctx, args...)
}

// Scanner is one row, of a query for one row or for many.
type Scanner interface{ Scan(dest ...any) error }

// QueryOne scans the only row of a query. The error is ErrNotFound when there is no row.
func QueryOne[T any](ctx context.Context, q Querier, scan func(Scanner) (T, error), query string,
	args ...any) (T, error) {
	v, err := scan(q.QueryRowContext(ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return v, ErrNotFound
	}
	return v, err
}

// QueryAll runs a query and scans every row.
func QueryAll[T any](ctx context.Context, q Querier, scan func(Scanner) (T, error), query string,
	args ...any) (all []T, err error) {
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

// ScanText reads a row with one text column.
func ScanText(row Scanner) (text string, err error) {
	err = row.Scan(&text)
	return text, err
}

// ScanOptionalText reads a row with one text column, and NULL as an empty text.
func ScanOptionalText(row Scanner) (text string, err error) {
	err = row.Scan(EmptyIfNull(&text))
	return text, err
}

// ScanBytes reads a row with one column of bytes.
func ScanBytes(row Scanner) (b []byte, err error) {
	err = row.Scan(&b)
	return b, err
}

// ScanInt reads a row with one number column.
func ScanInt(row Scanner) (n int, err error) {
	err = row.Scan(&n)
	return n, err
}

// ScanTime reads a row with one time column, in microseconds.
func ScanTime(row Scanner) (time.Time, error) {
	var at int64
	err := row.Scan(&at)
	return FromMicros(at), err
}

// ExecCount runs a statement and returns the number of affected rows.
func ExecCount(ctx context.Context, q Querier, query string, args ...any) (int64, error) {
	result, err := q.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
