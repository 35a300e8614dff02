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

// openSQLite opens one connection for writing and several for reading. Writers take their lock at the start of a
// transaction, so two processes wait for each other (up to 10 s) and do not fail in the middle. Statistics have no
// samples of values, because with samples SQLite would plan a prepared statement again for each value.
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

// cachingConnector opens connections to the database that it names. They cache prepared statements, as pgx does,
// because parsing costs SQLite more than running most statements.
type cachingConnector string

// Connect implements driver.Connector.
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
