package sqldb

import (
	"context"
	"database/sql/driver"
	"sync/atomic"
	"time"
)

// lostServer is what the connections of a pool know of a server that stopped answering. When one idle connection turns
// out to be dead, so are probably those that were idle at the same time, and nothing waits for them too.
type lostServer struct {
	since atomic.Int64 // in nanoseconds since 1970, the newest time at which one was asked in vain
}

// note notes that an idle connection was asked at a time and did not answer.
func (l *lostServer) note(asked time.Time) {
	for {
		known := l.since.Load()
		if asked.UnixNano() <= known || l.since.CompareAndSwap(known, asked.UnixNano()) {
			return
		}
	}
}

// includes reports whether a connection whose server was known to answer at a time is taken for dead.
func (l *lostServer) includes(usedAt time.Time) bool { return usedAt.UnixNano() < l.since.Load() }

// ResetSession implements driver.SessionResetter. It finds out soon that the server of an idle connection is gone: the
// statement then takes another connection.
func (c *postgresConn) ResetSession(ctx context.Context) error {
	if c.lost.includes(c.usedAt) {
		return driver.ErrBadConn
	}
	asked := time.Now()
	limited, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	if err := c.Conn.ResetSession(limited); err != nil {
		if limited.Err() != nil && ctx.Err() == nil {
			c.lost.note(asked)
		}
		return err //nolint:wrapcheck // database/sql compares it
	}
	c.usedAt = time.Now()
	return nil
}
