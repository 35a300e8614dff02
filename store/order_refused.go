package store

import (
	"cmp"
	"context"
	"fmt"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// RefusedOrderQuery selects orders of all teams whose requisition was refused.
type RefusedOrderQuery struct {
	LabAccountID string // empty: of all lab accounts
	AfterID      string // only orders after this one, in order of creation; empty: from the first
	Limit        int    // greatest number of orders
}

// RefusedOrders lists the ids of orders with the mark placement_refused, the oldest first.
func (s *Store) RefusedOrders(ctx context.Context, by RefusedOrderQuery) ([]string, error) {
	ids, err := sqldb.QueryAll(ctx, s.db.Reader, sqldb.ScanText,
		`SELECT a.order_id FROM order_attention a JOIN orders o ON o.id = a.order_id
		WHERE a.reason = $1 AND a.order_id > $2 AND ($3 OR o.lab_account_id = $4) ORDER BY a.order_id LIMIT $5`,
		string(order.AttentionPlacementRefused), cmp.Or(by.AfterID, sqldb.NilID), by.LabAccountID == "",
		cmp.Or(by.LabAccountID, sqldb.NilID), by.Limit)
	if err != nil {
		return nil, fmt.Errorf("listing refused orders: %w", err)
	}
	return ids, nil
}
