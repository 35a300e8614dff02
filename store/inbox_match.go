package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// ErrUnderMatchReview means that the lab report that an inbox item announced has a match review. The review has to be
// decided instead of assigning the item.
var ErrUnderMatchReview = errors.New("the lab report has a match review")

// AssignInboxItem assigns an unmatched inbox item to an order and, if a courier sent it, to a leg. The caller has to
// signal the order's workflow afterwards. The error is ErrNotFound when there is no such item or order, ErrConflict
// when the item is not unmatched or has no fact on that leg, or ErrUnderMatchReview.
func (s *Store) AssignInboxItem(ctx context.Context, id, orderID, leg string) (ReceivedItem, error) {
	var out ReceivedItem
	err := s.db.InTx(ctx, func(tx *sql.Tx) (err error) {
		out, err = s.assignInboxItem(ctx, tx, id, orderID, leg)
		return err
	})
	if err != nil {
		return ReceivedItem{}, fmt.Errorf("assigning inbox row %s to order %s: %w", id, orderID, err)
	}
	return out, nil
}

func (s *Store) assignInboxItem(ctx context.Context, tx *sql.Tx, id, orderID, leg string) (ReceivedItem, error) {
	row, err := sqldb.QueryOne(ctx, tx, scanReceivedItem, `SELECT `+receivedItemColumns+` FROM inbox WHERE id = $1`, id)
	if err != nil {
		return row, err
	}
	if row.State != InboxUnmatched {
		return row, ErrConflict
	}
	if _, err := s.lockOrderRow(ctx, tx, orderID); err != nil {
		return row, err
	}
	reviews, err := sqldb.QueryOne(ctx, tx, sqldb.ScanInt, `SELECT COUNT(*) FROM reviews v JOIN inbox i ON `+
		reviewOfInboxItemCondition+`
		WHERE i.id = $1 AND v.status IN ($2, $3)`, id, order.MatchReviewPendingCustomer, order.MatchReviewPendingOps)
	if err != nil {
		return row, err
	}
	if reviews > 0 {
		return row, ErrUnderMatchReview
	}
	if row, err = s.matchInboxItem(ctx, tx, id, orderID, leg); err == nil && row.Fact == nil {
		err = ErrConflict
	}
	if err != nil {
		return row, err
	}
	return row, s.finishInboxMatch(ctx, tx, row)
}

// receivedItemRow holds the columns of an inbox item that determine its fact.
type receivedItemRow struct {
	ReceivedItem
	leg        string
	amendments int
	receivedAt time.Time
	facts      map[string]*order.Fact // by leg; a lab's fact is under ""
}

const receivedItemColumns = `id, order_id, state, leg, variant, received_at, facts`

func scanReceivedItem(row sqldb.Scanner) (ReceivedItem, error) {
	var r receivedItemRow
	var receivedAt int64
	var facts string
	err := row.Scan(&r.ID, sqldb.EmptyIfNull(&r.OrderID), &r.State, &r.leg, &r.amendments, &receivedAt, &facts)
	if err != nil {
		return ReceivedItem{}, err
	}
	r.receivedAt = sqldb.FromMicros(receivedAt)
	if err := decodeJSON(facts, &r.facts); err != nil {
		return ReceivedItem{}, fmt.Errorf("reading the fact of inbox row %s: %w", r.ID, err)
	}
	return r.toReceivedItem(), nil
}

// toReceivedItem returns the item. It adds the item's id, time of receipt and amendment to the fact.
func (r receivedItemRow) toReceivedItem() ReceivedItem {
	out := r.ReceivedItem
	if f := r.facts[r.leg]; f != nil && r.OrderID != "" {
		fact := *f
		fact.InboxID, fact.ReceivedAt, fact.Amendment = r.ID, r.receivedAt, r.amendments > 0
		out.Fact = &fact
	}
	return out
}

// findOrderOfItem finds the order that an item is about, and the leg. Couriers reuse tracking numbers, so the newest
// order with the number is used.
func findOrderOfItem(ctx context.Context, q sqldb.Querier, r NewInboxItem) (orderID, leg string, err error) {
	if r.OrderNumber != "" {
		err = q.QueryRowContext(ctx, `SELECT id FROM orders WHERE number = $1`, r.OrderNumber).Scan(&orderID)
	} else {
		err = q.QueryRowContext(ctx, `SELECT order_id, leg FROM tracking_numbers WHERE number = $1
			ORDER BY created_at DESC, order_id DESC, leg DESC LIMIT 1`, r.TrackingNumber).Scan(&orderID, &leg)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return "", "", nil
	}
	return orderID, leg, err
}

// Unmatched inbox items and the orders that they are about, if these exist. An item of one lab account does not match
// an order of another account, with one exception: a provider of appointments reports visits for all labs of its team.
const (
	unmatchedByOrderNumber = `SELECT i.id, o.id, '' FROM inbox i JOIN orders o ON o.number = i.order_number
		WHERE i.state = '` + InboxUnmatched + `' AND (i.account_id IS NULL OR i.account_id = o.lab_account_id
			OR i.kind IN ('appointment', 'draw_completed') AND EXISTS (
				SELECT 1 FROM lab_accounts a JOIN lab_accounts l ON l.id = o.lab_account_id
				WHERE a.id = i.account_id AND (a.team_id IS NULL OR a.team_id = o.team_id) AND a.environment = l.environment))`
	unmatchedByTrackingNumber = `SELECT i.id, t.order_id, t.leg FROM inbox i
		JOIN tracking_numbers t ON t.number = i.tracking
		WHERE i.state = '` + InboxUnmatched + `'
		AND NOT EXISTS (SELECT 1 FROM tracking_numbers n WHERE n.number = t.number AND n.created_at > t.created_at)`
)

// matchInboxItems assigns the unmatched items that the query selects to their orders, and returns the items.
func (s *Store) matchInboxItems(ctx context.Context, tx *sql.Tx, query string, args ...any) ([]ReceivedItem, error) {
	type pair struct{ id, orderID, leg string }
	pairs, err := sqldb.QueryAll(ctx, tx, func(row sqldb.Scanner) (p pair, err error) {
		err = row.Scan(&p.id, &p.orderID, &p.leg)
		return p, err
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("selecting unmatched inbox items: %w", err)
	}
	var matched []ReceivedItem
	for _, p := range pairs {
		r, err := s.matchInboxItem(ctx, tx, p.id, p.orderID, p.leg)
		if errors.Is(err, ErrNotFound) { // another transaction has matched it
			continue
		}
		if err == nil {
			err = s.finishInboxMatch(ctx, tx, r)
		}
		if err != nil {
			return nil, fmt.Errorf("matching inbox row %s: %w", p.id, err)
		}
		matched = append(matched, r)
	}
	return matched, nil
}

// matchInboxItem gives an unmatched inbox item its order. An item that has no fact on the leg becomes unknown. The
// error is ErrNotFound when the item is not unmatched.
func (s *Store) matchInboxItem(ctx context.Context, tx *sql.Tx, id, orderID, leg string) (ReceivedItem, error) {
	r, err := sqldb.QueryOne(ctx, tx, scanReceivedItem,
		`UPDATE inbox SET state = $1, order_id = $2, leg = $3, state_at = $4
		WHERE id = $5 AND state = $6 RETURNING `+receivedItemColumns,
		InboxReceived, orderID, leg, sqldb.ToMicros(s.now()), id, InboxUnmatched)
	if err != nil || r.Fact != nil {
		return r, err
	}
	r.State = InboxUnknown // the item means nothing on this leg
	_, err = tx.ExecContext(ctx, `UPDATE inbox SET state = $1 WHERE id = $2`, r.State, id)
	return r, err
}

// finishInboxMatch does what follows from a match: it marks an erased order for erasure again, because new data has
// come, and closes the match review of the item.
func (s *Store) finishInboxMatch(ctx context.Context, tx *sql.Tx, r ReceivedItem) error {
	if err := s.rescheduleErasure(ctx, tx, r.OrderID); err != nil {
		return err
	}
	if r.Fact == nil {
		return nil
	}
	return s.closeReviewOfMatchedItem(ctx, tx, r.ID)
}

// MatchUnmatchedInboxItems assigns unmatched items to orders that exist by now: a partner can report on an order before
// its creation is committed. Items without an order are not changed.
func (s *Store) MatchUnmatchedInboxItems(ctx context.Context, limit int) (matched []ReceivedItem, err error) {
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		matched, err = s.matchInboxItems(ctx, tx, unmatchedByOrderNumber+` ORDER BY i.state_at, i.id LIMIT $1`, limit)
		if err != nil {
			return err
		}
		more, err := s.matchInboxItems(ctx, tx, unmatchedByTrackingNumber+` ORDER BY i.state_at, i.id LIMIT $1`, limit)
		matched = append(matched, more...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return matched, nil
}
