package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// InTx runs fn in one writing transaction. It repeats fn a few times when the database aborts the transaction because
// of a conflict, so fn must have no effect outside the transaction.
func (db *DB) InTx(ctx context.Context, fn func(tx *sql.Tx) error) error {
	const tries = 5
	var err error
	for range tries {
		if err = db.runTxOnce(ctx, fn); err == nil || !IsRetryable(err) {
			return err
		}
	}
	return err
}

func (db *DB) runTxOnce(ctx context.Context, fn func(tx *sql.Tx) error) error {
	tx, err := db.Writer.BeginTx(ctx, nil)
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

// InSnapshot runs fn on one snapshot of the database, so that a document that is read by several queries is consistent.
func (db *DB) InSnapshot(ctx context.Context, fn func(q Querier) error) error {
	return db.runSnapshot(ctx, db.Reader, fn)
}

// InRecentSnapshot is InSnapshot for reads that may be a little old: the replica answers them, if there is one that can
// be used. fn runs again on the primary after it has failed on the replica. Its context ends sooner on the replica.
func (db *DB) InRecentSnapshot(ctx context.Context, fn func(ctx context.Context, q Querier) error) error {
	read := func(ctx context.Context, on beginner) error {
		return db.runSnapshot(ctx, on, func(q Querier) error { return fn(ctx, q) })
	}
	if db.Replica.Read(ctx, Where{}, func(ctx context.Context, conn *sql.Conn) error { return read(ctx, conn) }) {
		return nil
	}
	return read(ctx, db.Reader)
}

// beginner is implemented by a database and by one of its connections.
type beginner interface {
	BeginTx(ctx context.Context, opts *sql.TxOptions) (*sql.Tx, error)
}

func (db *DB) runSnapshot(ctx context.Context, on beginner, fn func(q Querier) error) error {
	opts := &sql.TxOptions{} // a SQLite transaction always reads one snapshot
	if db.Dialect == Postgres {
		opts = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	tx, err := on.BeginTx(ctx, opts)
	if err != nil {
		return fmt.Errorf("beginning to read: %w", err)
	}
	return errors.Join(fn(tx), ignoreTxDone(tx.Rollback()))
}
