package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"

	"modernc.org/sqlite"
)

// openSQLite opens one writing connection and several reading ones. Writers take their lock at the start of the transaction, so
// that two processes wait for each other (10 s) instead of failing half-way. Statistics are without samples of values: SQLite would
// plan a prepared statement anew for each value that it is run with.
func openSQLite(path string, readers int) *DB {
	pragmas := url.Values{"_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "analysis_limit(10000)",
	}}
	pragmas.Set("_txlock", "immediate")
	w := sql.OpenDB(cachingConnector("file:" + path + "?" + pragmas.Encode()))
	w.SetMaxOpenConns(1)
	pragmas.Del("_txlock")
	pragmas.Add("_pragma", "query_only(1)")
	r := sql.OpenDB(cachingConnector("file:" + path + "?" + pragmas.Encode()))
	r.SetMaxOpenConns(readers)
	r.SetMaxIdleConns(readers)
	return &DB{Writer: w, Reader: r, Dialect: SQLite}
}

// cachingConnector opens connections to what it names. They keep their statements prepared, as pgx's do by themselves: SQLite's parsing
// costs more than most of our statements.
type cachingConnector string

// Connect is driver.Connector's.
func (c cachingConnector) Connect(context.Context) (driver.Conn, error) {
	opened, err := c.Driver().Open(string(c))
	if err != nil {
		return nil, fmt.Errorf("opening SQLite: %w", err)
	}
	conn, ok := opened.(sqliteConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("opening SQLite: its driver's connection is a %T", opened), opened.Close())
	}
	return &cachingConn{sqliteConn: conn, idleStatements: map[string]driver.Stmt{}}, nil
}

// Driver is driver.Connector's.
func (c cachingConnector) Driver() driver.Driver { return &sqlite.Driver{} }

// sqliteConn is what a connection of SQLite's driver can do.
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
