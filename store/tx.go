package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// InTx runs fn in one writing transaction. It repeats fn a few times when the database aborts the transaction because
// of a conflict, so fn must have no effect outside the transaction.
func (s *Store) InTx(ctx context.Context, fn func(tx *sql.Tx) error) error {
	const tries = 5
	var err error
	for range tries {
		if err = s.runTxOnce(ctx, fn); err == nil || !IsRetryable(err) {
			return err
		}
	}
	return err
}

func (s *Store) runTxOnce(ctx context.Context, fn func(tx *sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, ignoreTxDone(tx.Rollback()))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

func ignoreTxDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// IsRetryable reports whether the database aborted the transaction because of another one: serialization failure,
// deadlock or busy.
func IsRetryable(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "40001" || pg.Code == "40P01"
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		return lite.Code()&0xff == sqlite3.SQLITE_BUSY
	}
	return false
}

// IsUniqueViolation reports whether a statement failed because a row with that key exists.
func IsUniqueViolation(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "23505"
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		return lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return false
}

// IsMissingSchema reports whether an error means that the database has no schema, or an older one.
func IsMissingSchema(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "42P01" || pg.Code == "42703"
	}
	lite, ok := errors.AsType[*sqlite.Error](err) // SQLite has no error code for it
	return ok && (strings.Contains(lite.Error(), "no such table") || strings.Contains(lite.Error(), "no such column"))
}

// IsForeignKeyViolation reports whether a statement failed because a row that it refers to does not exist.
func IsForeignKeyViolation(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "23503"
	}
	lite, ok := errors.AsType[*sqlite.Error](err)
	return ok && lite.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
}

// InSnapshot runs fn on one snapshot of the database, so that a document that is read by several queries is consistent.
func (s *Store) InSnapshot(ctx context.Context, fn func(q Querier) error) error {
	opts := &sql.TxOptions{} // a SQLite transaction always reads one snapshot
	if s.dialect == Postgres {
		opts = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	tx, err := s.read.BeginTx(ctx, opts)
	if err != nil {
		return fmt.Errorf("beginning to read: %w", err)
	}
	return errors.Join(fn(tx), ignoreTxDone(tx.Rollback()))
}
