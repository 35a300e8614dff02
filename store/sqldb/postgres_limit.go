package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// serverGrace is how much longer the server may work on a statement than this process waits for it. The process gives
// up first, and its error then names its own limit.
const serverGrace = time.Second

// limited returns a context for one statement.
func (c *postgresConn) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.limit <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, c.limit)
}

// ExecContext implements driver.ExecerContext.
func (c *postgresConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	ctx, cancel := c.limited(ctx)
	defer cancel()
	result, err := c.Conn.ExecContext(ctx, query, args)
	return result, c.disk.note(err)
}

// QueryContext implements driver.QueryerContext. The limit holds until the rows are closed.
func (c *postgresConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	ctx, cancel := c.limited(ctx)
	rows, err := c.Conn.QueryContext(ctx, query, args)
	if err != nil {
		cancel()
		return nil, c.disk.note(err) //nolint:wrapcheck // callers decide on the driver's errors
	}
	return &limitedRows{Rows: rows, cancel: cancel}, nil
}

// Ping implements driver.Pinger.
func (c *postgresConn) Ping(ctx context.Context) error {
	ctx, cancel := c.limited(ctx)
	defer cancel()
	return c.Conn.Ping(ctx)
}

// BeginTx implements driver.ConnBeginTx. The server ends a transaction that outlives its process's patience, because it
// may hold locks, and a process that is cut off cannot end it. The settings are those of the transaction and not of the
// session, so that a pooler of connections may stand between.
func (c *postgresConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if c.Conn.Conn().IsClosed() {
		return nil, driver.ErrBadConn
	}
	begin, err := beginStatement(opts)
	if err != nil {
		return nil, err
	}
	if most := c.serverLimit(ctx); most > 0 {
		text := strconv.FormatInt(most.Milliseconds(), 10)
		begin += "; SET LOCAL statement_timeout = " + text + "; SET LOCAL idle_in_transaction_session_timeout = " + text
	}
	limited, cancel := c.limited(ctx)
	defer cancel()
	tx, err := c.Conn.Conn().BeginTx(limited, pgx.TxOptions{BeginQuery: begin})
	if err != nil {
		return nil, err //nolint:wrapcheck // callers decide on the driver's errors
	}
	return &postgresTx{conn: c, tx: tx, ctx: ctx}, nil
}

// serverLimit returns how long the server may work on one statement of a transaction; 0: as long as it needs.
func (c *postgresConn) serverLimit(ctx context.Context) time.Duration {
	most := c.limit
	if deadline, ok := ctx.Deadline(); ok {
		if left := max(time.Until(deadline), time.Millisecond); most <= 0 || left < most {
			most = left
		}
	}
	if most <= 0 {
		return 0
	}
	return most + serverGrace
}

// beginStatement returns the statement that begins a transaction.
func beginStatement(opts driver.TxOptions) (string, error) {
	begin := "BEGIN"
	switch sql.IsolationLevel(opts.Isolation) {
	case sql.LevelDefault:
	case sql.LevelReadCommitted:
		begin += " ISOLATION LEVEL READ COMMITTED"
	case sql.LevelRepeatableRead, sql.LevelSnapshot:
		begin += " ISOLATION LEVEL REPEATABLE READ"
	case sql.LevelSerializable:
		begin += " ISOLATION LEVEL SERIALIZABLE"
	default:
		return "", fmt.Errorf("beginning a transaction: its isolation level %d is not known", opts.Isolation)
	}
	if opts.ReadOnly {
		begin += " READ ONLY"
	}
	return begin, nil
}

// postgresTx is a transaction whose end has a limit too.
type postgresTx struct {
	conn *postgresConn
	tx   pgx.Tx
	ctx  context.Context //nolint:containedctx // driver.Tx gets none
}

// Commit implements driver.Tx.
func (t *postgresTx) Commit() error {
	ctx, cancel := t.conn.limited(t.ctx)
	defer cancel()
	return t.conn.disk.note(t.tx.Commit(ctx))
}

// Rollback implements driver.Tx.
func (t *postgresTx) Rollback() error {
	ctx, cancel := t.conn.limited(t.ctx)
	defer cancel()
	return t.tx.Rollback(ctx)
}

// limitedRows are the rows of a statement with a limit.
type limitedRows struct {
	driver.Rows
	cancel context.CancelFunc
}

// Close implements driver.Rows.
func (r *limitedRows) Close() error {
	defer r.cancel()
	return r.Rows.Close()
}
