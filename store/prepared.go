package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
)

// keptStatements is how many statements a connection keeps prepared at most. The store has about as many, and lists of different
// lengths make more of them.
const keptStatements = 256

// preparedConn prepares a statement once. A connection is used by one goroutine at a time, which database/sql sees to.
type preparedConn struct {
	sqliteConn
	idle map[string]driver.Stmt // by their text; those in use are taken out
}

// preparedStmt is a prepared statement that can be run.
type preparedStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// ExecContext is driver.ExecerContext's.
func (c *preparedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if !keeps(query) {
		return c.sqliteConn.ExecContext(ctx, query, args)
	}
	stmt, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	result, err := stmt.ExecContext(ctx, args)
	return result, c.giveBack(query, stmt, err)
}

// QueryContext is driver.QueryerContext's. The statement is in use until the rows are closed.
func (c *preparedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if !keeps(query) {
		return c.sqliteConn.QueryContext(ctx, query, args)
	}
	stmt, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(ctx, args)
	if err != nil {
		return nil, c.giveBack(query, stmt, err)
	}
	return &preparedRows{Rows: rows, close: func(err error) error { return c.giveBack(query, stmt, err) }}, nil
}

// Close ends the connection, and its statements before it.
func (c *preparedConn) Close() error {
	var errs []error
	for _, stmt := range c.idle {
		errs = append(errs, stmt.Close())
	}
	clear(c.idle)
	return errors.Join(append(errs, c.sqliteConn.Close())...)
}

// keeps tells what is worth keeping: neither the scripts of migrations, nor pragmas, which take effect when they are prepared.
func keeps(query string) bool {
	verb, _, _ := strings.Cut(query, " ")
	switch verb {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "WITH":
		return !strings.Contains(query, ";")
	}
	return false
}

// take is a statement that nobody uses.
func (c *preparedConn) take(ctx context.Context, query string) (preparedStmt, error) {
	stmt, kept := c.idle[query]
	if kept {
		delete(c.idle, query)
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

// giveBack ends the use of a statement, with what came of it. One that failed is not kept, and room is made at the cost of any other.
func (c *preparedConn) giveBack(query string, stmt driver.Stmt, err error) error {
	if _, twice := c.idle[query]; twice || err != nil {
		return errors.Join(err, stmt.Close())
	}
	if len(c.idle) >= keptStatements {
		for other, last := range c.idle {
			delete(c.idle, other)
			err = last.Close()
			break
		}
	}
	c.idle[query] = stmt
	return err
}

// preparedRows are the rows of a prepared statement.
type preparedRows struct {
	driver.Rows
	close func(err error) error
}

// Close is driver.Rows'.
func (r *preparedRows) Close() error { return r.close(r.Rows.Close()) }
