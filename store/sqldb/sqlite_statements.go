package sqldb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"
)

// maxIdleStatements is the most prepared statements that a connection caches. The store has about as many statements;
// lists of different lengths add more.
const maxIdleStatements = 256

// cachingConn is a connection that prepares each statement once. database/sql uses a connection in one goroutine at a
// time.
type cachingConn struct {
	sqliteConn
	idleStatements map[string]driver.Stmt // by their text, without those in use

	disk              *disk
	longestWait, wait time.Duration // for another process's lock: by default, and now
}

// preparedStmt is a prepared statement that can be run.
type preparedStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// ExecContext implements driver.ExecerContext.
func (c *cachingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if !isCacheable(query) {
		result, err := c.sqliteConn.ExecContext(ctx, query, args)
		return result, c.disk.note(err)
	}
	stmt, err := c.takeStatement(ctx, query)
	if err != nil {
		return nil, err
	}
	result, err := stmt.ExecContext(ctx, args)
	return result, c.returnStatement(query, stmt, c.disk.note(err))
}

// QueryContext implements driver.QueryerContext. The statement is in use until the rows are closed.
func (c *cachingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if !isCacheable(query) {
		return c.sqliteConn.QueryContext(ctx, query, args)
	}
	stmt, err := c.takeStatement(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(ctx, args)
	if err != nil {
		return nil, c.returnStatement(query, stmt, c.disk.note(err))
	}
	return &cachedRows{Rows: rows, release: func(err error) error { return c.returnStatement(query, stmt, err) }}, nil
}

// BeginTx implements driver.ConnBeginTx.
func (c *cachingConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	tx, err := c.sqliteConn.BeginTx(ctx, opts)
	if err != nil {
		return nil, c.disk.note(err)
	}
	return &cachingTx{Tx: tx, disk: c.disk}, nil
}

// cachingTx is a transaction of a cachingConn.
type cachingTx struct {
	driver.Tx
	disk *disk
}

// Commit implements driver.Tx. Most writes reach the disk here.
func (t *cachingTx) Commit() error { return t.disk.note(t.Tx.Commit()) }

// Close closes the statements and the connection.
func (c *cachingConn) Close() error {
	var errs []error
	for _, stmt := range c.idleStatements {
		errs = append(errs, stmt.Close())
	}
	clear(c.idleStatements)
	return errors.Join(append(errs, c.sqliteConn.Close())...)
}

// isCacheable reports whether a statement is cached. Scripts of migrations are not, and neither are pragmas, which take
// effect when they are prepared.
func isCacheable(query string) bool {
	verb, _, _ := strings.Cut(query, " ")
	switch verb {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "WITH":
		return !strings.Contains(query, ";")
	}
	return false
}

// takeStatement takes an idle statement from the cache, or prepares one.
func (c *cachingConn) takeStatement(ctx context.Context, query string) (preparedStmt, error) {
	stmt, kept := c.idleStatements[query]
	if kept {
		delete(c.idleStatements, query)
	} else {
		var err error
		if stmt, err = c.PrepareContext(ctx, query); err != nil {
			return nil, err
		}
	}
	usable, ok := stmt.(preparedStmt)
	if !ok {
		return nil, errors.Join(fmt.Errorf("preparing a statement: it is a %T", stmt), stmt.Close())
	}
	return usable, nil
}

// returnStatement puts a statement back after its use. A statement that failed is closed instead. When the cache is
// full, another statement is closed.
func (c *cachingConn) returnStatement(query string, stmt driver.Stmt, err error) error {
	if _, twice := c.idleStatements[query]; twice || err != nil {
		return errors.Join(err, stmt.Close())
	}
	if len(c.idleStatements) >= maxIdleStatements {
		for other, last := range c.idleStatements {
			delete(c.idleStatements, other)
			err = last.Close()
			break
		}
	}
	c.idleStatements[query] = stmt
	return err
}

// cachedRows are the rows of a prepared statement.
type cachedRows struct {
	driver.Rows
	release func(err error) error
}

// Close implements driver.Rows.
func (r *cachedRows) Close() error { return r.release(r.Rows.Close()) }
