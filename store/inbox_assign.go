package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/aliquot-labs/aliquot/order"
)

// ErrUnderReview means that somebody has to decide about the results that a report announced, and not about the report.
var ErrUnderReview = errors.New("the report is under review")

// AssignInbox says which order an unmatched report is about, and, of a courier's, on which leg: its order's workflow is then to be
// told. The error is ErrNotFound when there is no such report or order, ErrConflict when the report is not unmatched or has no fact
// on that leg, and ErrUnderReview.
func (s *Store) AssignInbox(ctx context.Context, id, orderID, leg string) (Received, error) {
	var out Received
	err := s.inTx(ctx, func(tx *sql.Tx) (err error) {
		out, err = s.assignInbox(ctx, tx, id, orderID, leg)
		return err
	})
	if err != nil {
		return Received{}, fmt.Errorf("assigning inbox row %s to order %s: %w", id, orderID, err)
	}
	return out, nil
}

func (s *Store) assignInbox(ctx context.Context, tx *sql.Tx, id, orderID, leg string) (Received, error) {
	row, err := one(ctx, tx, scanReceived, `SELECT `+receivedColumns+` FROM inbox WHERE id = $1`, id)
	if err != nil {
		return row, err
	}
	if row.State != InboxUnmatched {
		return row, ErrConflict
	}
	if _, err := orderPosition(ctx, tx, orderID); err != nil {
		return row, err
	}
	reviews, err := one(ctx, tx, scanInt, `SELECT COUNT(*) FROM reviews v JOIN inbox i ON `+sameSubject+`
		WHERE i.id = $1 AND v.status IN ($2, $3)`, id, order.ReviewCustomer, order.ReviewOps)
	if err != nil {
		return row, err
	}
	if reviews > 0 {
		return row, ErrUnderReview
	}
	if row, err = s.matchOne(ctx, tx, id, orderID, leg); err == nil && row.Fact == nil {
		err = ErrConflict
	}
	return row, err
}
