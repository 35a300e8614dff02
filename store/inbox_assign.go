package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/aliquot-labs/aliquot/order"
)

// ErrUnderMatchReview means that somebody has to decide about the results that a report announced, and not about the report.
var ErrUnderMatchReview = errors.New("the report is under review")

// AssignInboxItem says which order an unmatched report is about, and, of a courier's, on which leg: its order's workflow is then to be
// told. The error is ErrNotFound when there is no such report or order, ErrConflict when the report is not unmatched or has no fact
// on that leg, and ErrUnderReview.
func (s *Store) AssignInboxItem(ctx context.Context, id, orderID, leg string) (ReceivedItem, error) {
	var out ReceivedItem
	err := s.InTx(ctx, func(tx *sql.Tx) (err error) {
		out, err = s.assignInboxItem(ctx, tx, id, orderID, leg)
		return err
	})
	if err != nil {
		return ReceivedItem{}, fmt.Errorf("assigning inbox row %s to order %s: %w", id, orderID, err)
	}
	return out, nil
}

func (s *Store) assignInboxItem(ctx context.Context, tx *sql.Tx, id, orderID, leg string) (ReceivedItem, error) {
	row, err := QueryOne(ctx, tx, scanReceivedItem, `SELECT `+receivedItemColumns+` FROM inbox WHERE id = $1`, id)
	if err != nil {
		return row, err
	}
	if row.State != InboxUnmatched {
		return row, ErrConflict
	}
	if _, err := loadOrderPosition(ctx, tx, orderID); err != nil {
		return row, err
	}
	reviews, err := QueryOne(ctx, tx, ScanInt, `SELECT COUNT(*) FROM reviews v JOIN inbox i ON `+reviewOfInboxItemCondition+`
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
	return row, err
}
