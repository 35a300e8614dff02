package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"time"

	"modernc.org/sqlite"
)

// busyTimeout is the longest wait for another process's lock.
const busyTimeout = 10 * time.Second

// openSQLite opens one connection for writing and several for reading. Writers take their lock at the start of a
// transaction, so two processes wait for each other (up to busyTimeout, the limit or the context's deadline) and do not
// fail in the middle. Statistics have no samples of values, because with samples SQLite would plan a prepared statement
// again for each value.
func openSQLite(path string, readers int, limit time.Duration) *DB {
	wait := busyTimeout
	if limit > 0 {
		wait = min(wait, limit)
	}
	pragmas := url.Values{"_pragma": {
		fmt.Sprintf("busy_timeout(%d)", wait.Milliseconds()), "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
		"analysis_limit(10000)",
	}}
	pragmas.Set("_txlock", "immediate")
	room := &disk{}
	w := sql.OpenDB(cachingConnector{path: path, options: pragmas.Encode(), wait: wait, disk: room})
	w.SetMaxOpenConns(1)
	pragmas.Del("_txlock")
	pragmas.Add("_pragma", "query_only(1)")
	r := sql.OpenDB(cachingConnector{path: path, options: pragmas.Encode(), wait: wait, disk: room})
	r.SetMaxOpenConns(readers)
	r.SetMaxIdleConns(readers)
	return &DB{Writer: w, Reader: r, Dialect: SQLite, disk: room}
}

// cachingConnector opens connections to a database. They cache prepared statements, as pgx does, because parsing costs
// SQLite more than running most statements.
type cachingConnector struct {
	path    string // of the file
	options string // of the driver, as a query
	wait    time.Duration
	disk    *disk
}

// Connect implements driver.Connector.
func (c cachingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := makePrivate(c.path); err != nil {
		return nil, err
	}
	opened, err := c.Driver().Open(fileURI(c.path) + "?" + c.options)
	if err != nil {
		return nil, fmt.Errorf("opening SQLite: %w", err)
	}
	conn, ok := opened.(sqliteConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("opening SQLite: its driver's connection is a %T", opened), opened.Close())
	}
	made := &cachingConn{sqliteConn: conn, idleStatements: map[string]driver.Stmt{}, longestWait: c.wait, wait: c.wait,
		disk: c.disk}
	return made, made.waitWithin(ctx)
}

// Driver implements driver.Connector.
func (c cachingConnector) Driver() driver.Driver { return &sqlite.Driver{} }

// sqliteConn lists the interfaces that a connection of the SQLite driver implements.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}
