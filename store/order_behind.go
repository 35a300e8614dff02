package store

import (
	"context"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// BehindQuery selects orders whose workflow should have acted and has not: they are unfinished, and their next deadline
// is past.
type BehindQuery struct {
	DueBefore  time.Time // the next deadline was before this time
	RungBefore time.Time // and the order was not claimed by ClaimOrderBehind at this time or after it
}

// isBehind is the condition of a BehindQuery, with its two times as the first arguments. Its first two terms are those
// of the index orders_by_deadline.
const isBehind = `unfinished AND next_deadline > 0 AND next_deadline < $1 AND rung_at < $2`

// selectOrdersBehind is the query of OrdersBehind. Orders that were claimed longest ago come first, so that orders that
// stay behind do not keep others from their turn.
const selectOrdersBehind = `SELECT id FROM orders WHERE ` + isBehind + ` ORDER BY rung_at, next_deadline, id LIMIT $3`

// OrdersBehind lists the ids of up to limit orders that are behind: first those that were never claimed, and of these
// the one with the oldest deadline.
func (s *Store) OrdersBehind(ctx context.Context, q BehindQuery, limit int) ([]string, error) {
	ids, err := sqldb.QueryAll(ctx, s.db.Reader, sqldb.ScanText, selectOrdersBehind, sqldb.ToMicros(q.DueBefore),
		sqldb.ToMicros(q.RungBefore), limit)
	if err != nil {
		return nil, fmt.Errorf("listing orders that are behind: %w", err)
	}
	return ids, nil
}

// ClaimOrderBehind records that the order's run is woken at the time at, without a change of the revision. It reports
// whether the caller has to wake it: false if the order is not behind any more, or if another caller has claimed it.
func (s *Store) ClaimOrderBehind(ctx context.Context, orderID string, q BehindQuery, at time.Time) (bool, error) {
	n, err := sqldb.ExecCount(ctx, s.db.Writer, `UPDATE orders SET rung_at = $3 WHERE id = $4 AND `+isBehind,
		sqldb.ToMicros(q.DueBefore), sqldb.ToMicros(q.RungBefore), sqldb.ToMicros(at), orderID)
	if err != nil {
		return false, fmt.Errorf("claiming order %s, which is behind: %w", orderID, err)
	}
	return n == 1, nil
}
