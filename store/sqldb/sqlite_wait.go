package sqldb

import (
	"context"
	"fmt"
	"time"
)

// ResetSession implements driver.SessionResetter, which database/sql calls when a connection is taken for a statement
// or a transaction.
func (c *cachingConn) ResetSession(ctx context.Context) error {
	if err := c.sqliteConn.ResetSession(ctx); err != nil {
		return err //nolint:wrapcheck // database/sql compares it
	}
	return c.waitWithin(ctx)
}

// waitWithin makes the connection wait for another process's lock until the context's deadline at most, because SQLite
// does not look at the context while it waits.
func (c *cachingConn) waitWithin(ctx context.Context) error {
	wait := c.longestWait
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(wait, max(time.Until(deadline), time.Millisecond))
	}
	if wait == c.wait {
		return nil
	}
	pragma := fmt.Sprintf("PRAGMA busy_timeout = %d", wait.Milliseconds())
	if _, err := c.sqliteConn.ExecContext(context.WithoutCancel(ctx), pragma, nil); err != nil {
		return fmt.Errorf("limiting the wait for a lock: %w", err)
	}
	c.wait = wait
	return nil
}
