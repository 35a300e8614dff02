package sqldb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
)

// maxIdleStatements is how many statements a connection keeps prepared at most. The store has about as many, and lists of different
// lengths make more of them.
const maxIdleStatements = 256

// cachingConn prepares a statement once. A connection is used by one goroutine at a time, which database/sql sees to.
type cachingConn struct {
	sqliteConn
	idleStatements map[string]driver.Stmt // by their text; those in use are taken out
}

// preparedStmt is a prepared statement that can be run.
type preparedStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// ExecContext is driver.ExecerContext's.
func (c *cachingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if !isCacheable(query) {
		return c.sqliteConn.ExecContext(ctx, query, args)
	}
	stmt, err := c.takeStatement(ctx, query)
	if err != nil {
		return nil, err
	}
	result, err := stmt.ExecContext(ctx, args)
	return result, c.returnStatement(query, stmt, err)
}

// QueryContext is driver.QueryerContext's. The statement is in use until the rows are closed.
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
		return nil, c.returnStatement(query, stmt, err)
	}
	return &cachedRows{Rows: rows, release: func(err error) error { return c.returnStatement(query, stmt, err) }}, nil
}

// Close ends the connection, and its statements before it.
func (c *cachingConn) Close() error {
	var errs []error
	for _, stmt := range c.idleStatements {
		errs = append(errs, stmt.Close())
	}
	clear(c.idleStatements)
	return errors.Join(append(errs, c.sqliteConn.Close())...)
}

// isCacheable tells what is worth keeping: neither the scripts of migrations, nor pragmas, which take effect when they are prepared.
func isCacheable(query string) bool {
	verb, _, _ := strings.Cut(query, " ")
	switch verb {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "WITH":
		return !strings.Contains(query, ";")
	}
	return false
}

// takeStatement is a statement that nobody uses.
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

// returnStatement ends the use of a statement, with what came of it. One that failed is not kept, and room is made at the cost of any other.
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

// Close is driver.Rows'.
func (r *cachedRows) Close() error { return r.release(r.Rows.Close()) }
