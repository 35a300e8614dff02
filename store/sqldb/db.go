// Package sqldb runs one set of portable SQL on PostgreSQL and SQLite: connections, transactions, queries and their
// rows, conditions, and rows in bulk. It knows no table.
package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Dialect is the engine that a database runs on.
type Dialect string

// The engines.
const (
	Postgres Dialect = "postgres"
	SQLite   Dialect = "sqlite"
)

// NowMicrosExpr returns the SQL expression of the database's clock in microseconds. In it the SQL of the two engines
// differs: processes that share credentials have no other clock in common. SQLite counts whole milliseconds.
func (d Dialect) NowMicrosExpr() string {
	if d == SQLite {
		return `CAST(unixepoch('subsec') * 1000000 AS BIGINT)`
	}
	return `(extract(epoch FROM clock_timestamp()) * 1000000)::bigint`
}

// IDType returns the SQL type of ids. SQLite would cast a text to uuid as a number.
func (d Dialect) IDType() string {
	if d == SQLite {
		return "TEXT"
	}
	return "uuid"
}

// BytesType returns the SQL type of bytes. SQLite would cast bytes to BYTEA as a number.
func (d Dialect) BytesType() string {
	if d == SQLite {
		return "BLOB"
	}
	return "bytea"
}

// LockUnremoved returns the end of a statement that reads rows of a table, given by its name in the statement, which no
// other transaction may remove until this one ends. On SQLite one transaction writes at a time anyway.
func (d Dialect) LockUnremoved(table string) string {
	if d == SQLite {
		return ""
	}
	return " FOR KEY SHARE OF " + table
}

// DB is a database. Writer and Reader are the same pool on PostgreSQL. On SQLite the Writer has one connection, and
// those of the Reader cannot write. Replica is nil unless UseReplica was called.
type DB struct {
	Writer  *sql.DB
	Reader  *sql.DB
	Replica *Replica
	Dialect Dialect

	disk *disk
}

// Open prepares connections to postgres://... or sqlite:PATH, at most maxConns at a time (SQLite: that many readers and
// one writer). It does not connect.
func Open(url string, maxConns int) (*DB, error) { return OpenLimited(url, maxConns, 0) }

// OpenLimited is Open for a process whose statements each end after a limit, also where the context has no deadline.
// SQLite's statements wait for no other machine, so for them the limit bounds the wait for another process's lock. 0:
// no limit but the context's.
func OpenLimited(url string, maxConns int, limit time.Duration) (*DB, error) {
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		if err := CheckSQLitePath(path); err != nil {
			return nil, fmt.Errorf("opening SQLite: the URL %w", err)
		}
		return openSQLite(path, maxConns, limit), nil
	}
	if !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://") {
		return nil, errors.New("the URL begins with neither sqlite: nor postgres://")
	}
	return openPostgres(url, maxConns, limit)
}

// WaitUntilReachable pings the database until it responds. When several processes open a new SQLite file at the same
// time, one switches it to WAL mode. The others get an error meanwhile instead of waiting for the lock, and have to try
// again.
func (db *DB) WaitUntilReachable(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		err := db.Ping(ctx)
		if !IsRetryable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Ping reports whether the database responds.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.Writer.PingContext(ctx); err != nil {
		return fmt.Errorf("reaching the database: %w", err)
	}
	return nil
}

// Close closes all connections.
func (db *DB) Close() error {
	err := db.Replica.close()
	if db.Reader == db.Writer {
		return errors.Join(err, db.Writer.Close())
	}
	return errors.Join(err, db.Reader.Close(), db.Writer.Close())
}
