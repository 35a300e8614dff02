package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// selectOrdersBehind is the query of OrdersBehind. Its first terms are those of the index order_states_by_deadline,
// which has no finished order. Orders that were woken longest ago come first, so that orders that stay behind do not
// keep others from their turn.
const selectOrdersBehind = `SELECT order_id FROM order_states
	WHERE next_deadline > 0 AND next_deadline < $1 AND woken_at <= $2
	ORDER BY woken_at, next_deadline, order_id LIMIT $3`

// OrdersBehind lists the ids of up to limit unfinished orders whose run should have recorded something before a time,
// and that ClaimWake has not claimed since another one. Those that were never claimed come first, and of these the one
// that is behind for longest.
func (s *Store) OrdersBehind(ctx context.Context, dueBefore, wokenBefore time.Time, limit int) ([]string, error) {
	ids, err := sqldb.QueryAll(ctx, s.db.Reader, sqldb.ScanText, selectOrdersBehind, sqldb.ToMicros(dueBefore),
		sqldb.ToMicros(wokenBefore), limit)
	if err != nil {
		return nil, fmt.Errorf("listing orders that are behind: %w", err)
	}
	return ids, nil
}

// selectUnsettledOrders is the query of UnsettledOrders. Each part of the union has an index of its own.
const selectUnsettledOrders = `SELECT u.order_id FROM (
		SELECT order_id, state_at AS since FROM inbox WHERE state = '` + InboxReceived + `' AND state_at < $2
		UNION ALL SELECT order_id, created_at AS since FROM demands WHERE state = $1 AND created_at < $2
	) AS u JOIN order_states o ON o.order_id = u.order_id WHERE o.woken_at <= $3
	GROUP BY u.order_id ORDER BY MIN(o.woken_at), MIN(u.since), u.order_id LIMIT $4`

// UnsettledOrders lists the ids of up to limit orders with a fact or a demand that has had no outcome since before a
// time, and that ClaimWake has not claimed since another one.
func (s *Store) UnsettledOrders(ctx context.Context, before, wokenBefore time.Time, limit int) ([]string, error) {
	ids, err := sqldb.QueryAll(ctx, s.db.Reader, sqldb.ScanText, selectUnsettledOrders, DemandOpen,
		sqldb.ToMicros(before), sqldb.ToMicros(wokenBefore), limit)
	if err != nil {
		return nil, fmt.Errorf("listing orders with unsettled facts and demands: %w", err)
	}
	return ids, nil
}

// ClaimWake records that the order's run is woken at a time, without a change of the revision. It reports whether the
// caller has to wake it: false if it was woken after wokenBefore, perhaps by another caller.
func (s *Store) ClaimWake(ctx context.Context, orderID string, wokenBefore, at time.Time) (bool, error) {
	n, err := sqldb.ExecCount(ctx, s.db.Writer, `UPDATE order_states SET woken_at = $1
		WHERE order_id = $2 AND woken_at <= $3`,
		sqldb.ToMicros(at), orderID, sqldb.ToMicros(wokenBefore))
	if err != nil {
		return false, fmt.Errorf("claiming to wake order %s: %w", orderID, err)
	}
	return n == 1, nil
}

// PostponeActing records that an order's run need not record anything before a time: a call to its lab waits for its
// turn. A deadline of the order before that time counts all the same, and the next recording computes the time anew.
func (s *Store) PostponeActing(ctx context.Context, orderID string, until time.Time) error {
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		o, err := s.lockOrder(ctx, tx, orderID)
		if err != nil {
			return err
		}
		if dl, ok := o.state.NextDeadline(); ok && dl.Due.Before(until) {
			until = dl.Due
		}
		_, err = tx.ExecContext(ctx, `UPDATE order_states SET next_deadline = $1
			WHERE order_id = $2 AND next_deadline > 0 AND next_deadline < $1`, sqldb.ToMicros(until), orderID)
		return err
	})
	if err != nil {
		return fmt.Errorf("postponing when order %s has to act: %w", orderID, err)
	}
	return nil
}
