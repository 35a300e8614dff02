package store

import (
	"context"
	"database/sql"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// lockedOrder is what a recording needs of an order before it changes the order.
type lockedOrder struct {
	teamID, transactionID string
	modality              lifecycle.Modality
	text                  string      // the state as stored, JSON
	state                 order.State // without parked facts
	copies                stateCopies // as stored: they follow from the state
}

func (o lockedOrder) countKey() countKey {
	return countKeyOf(o.modality, o.copies.progress.status, o.copies.progress.unfinished)
}

// lockOrder locks an order and reads its state. The error is ErrNotFound when there is no such order.
func (s *Store) lockOrder(ctx context.Context, tx *sql.Tx, id string) (lockedOrder, error) {
	o, err := s.lockOrderRow(ctx, tx, id)
	if err != nil {
		return o, err
	}
	if o.state, err = s.decodeState(o.text); err != nil {
		return o, err
	}
	o.copies = stateCopiesOf(o.state)
	return o, nil
}

// lockOrderRow locks an order: recordings and erasures of the order wait until the transaction ends. It reads what
// lockOrder decodes.
//
// The lock is that of the row of order_states. While the statement waits for it, the statement keeps an older view of
// other tables. So of these it may read only columns that never change.
func (s *Store) lockOrderRow(ctx context.Context, tx *sql.Tx, id string) (lockedOrder, error) {
	lock := ""
	if s.db.Dialect == sqldb.Postgres {
		lock = " FOR NO KEY UPDATE OF s"
	}
	return sqldb.QueryOne(ctx, tx, func(row sqldb.Scanner) (o lockedOrder, err error) {
		err = row.Scan(&o.text, &o.teamID, &o.transactionID, &o.modality)
		return o, err
	}, `SELECT s.state, o.team_id, o.transaction_id, o.modality
		FROM order_states s JOIN orders o ON o.id = s.order_id WHERE s.order_id = $1`+lock, id)
}
