package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// Look is everything that an order's run may not have settled yet.
type Look struct {
	State    order.State
	Received []order.Fact // without an outcome, in order of arrival
	Demands  []OpenDemand // without an outcome, oldest first
}

// OpenDemand is a demand without an outcome.
type OpenDemand struct {
	order.Demand
	CreatedAt time.Time
}

// State reads the state of an order and changes nothing. The error is ErrNotFound when there is no such order.
func (s *Store) State(ctx context.Context, id string) (order.State, error) {
	look, _, err := s.readOrder(ctx, id)
	return look.State, err
}

// LookAtOrder reads an order for its run, and records that a run has begun. The error is ErrNotFound when there is no
// such order.
func (s *Store) LookAtOrder(ctx context.Context, id string) (Look, error) {
	look, begun, err := s.readOrder(ctx, id)
	if err == nil && !begun {
		err = s.recordWorkflowStart(ctx, id)
	}
	if err != nil {
		return Look{}, err
	}
	return look, nil
}

// readOrder reads an order, and whether a run has begun with it.
func (s *Store) readOrder(ctx context.Context, id string) (look Look, begun bool, err error) {
	var started int64
	err = s.db.InSnapshot(ctx, func(q sqldb.Querier) error {
		text, err := sqldb.QueryOne(ctx, q, func(row sqldb.Scanner) (text string, err error) {
			err = row.Scan(&text, &started)
			return text, err
		}, `SELECT state, started_at FROM order_states WHERE order_id = $1`, id)
		if err != nil {
			return err
		}
		if look.State, look.Received, err = s.openState(ctx, q, id, text); err != nil {
			return err
		}
		look.Demands, err = openDemands(ctx, q, id)
		return err
	})
	if err != nil {
		return Look{}, false, fmt.Errorf("reading order %s: %w", id, err)
	}
	return look, started > 0, nil
}

// openDemands lists the demands of an order that have no outcome, oldest first.
func openDemands(ctx context.Context, q sqldb.Querier, orderID string) ([]OpenDemand, error) {
	demands, err := sqldb.QueryAll(ctx, q, func(row sqldb.Scanner) (d OpenDemand, err error) {
		var request string
		var createdAt int64
		var inRow order.Demand
		if err = row.Scan(&inRow.ID, &inRow.Kind, &inRow.By, &request, &createdAt); err != nil {
			return d, err
		}
		d.CreatedAt = sqldb.FromMicros(createdAt)
		err = decodeJSON(request, &d.Demand)
		d.ID, d.Kind, d.By = inRow.ID, inRow.Kind, inRow.By // an older row has no request
		return d, err
	}, `SELECT id, kind, actor, request, created_at FROM demands
		WHERE order_id = $1 AND state = $2 ORDER BY created_at, id`, orderID, DemandOpen)
	if err != nil {
		return nil, fmt.Errorf("reading the order's open demands: %w", err)
	}
	return demands, nil
}

// recordWorkflowStart records when an order's run first looked at it.
func (s *Store) recordWorkflowStart(ctx context.Context, id string) error {
	_, err := s.db.Writer.ExecContext(ctx, `UPDATE order_states SET started_at = $1
		WHERE order_id = $2 AND started_at = 0`,
		sqldb.ToMicros(s.now()), id)
	if err != nil {
		return fmt.Errorf("recording the start of the workflow of order %s: %w", id, err)
	}
	return nil
}

// CountUnknownItems returns how many of the ids are no inbox item of the order. An id may be any text.
func (s *Store) CountUnknownItems(ctx context.Context, orderID string, ids []string) (int, error) {
	if len(ids) == 0 {
		return 0, nil
	}
	distinct := slices.Compact(slices.Sorted(slices.Values(ids)))
	args := []any{orderID}
	for _, id := range distinct {
		args = append(args, storableText(id)) // somebody may have sent it by hand
	}
	known, err := sqldb.QueryOne(ctx, s.db.Reader, sqldb.ScanInt,
		`SELECT COUNT(*) FROM inbox WHERE order_id = $1 AND id IN (`+sqldb.Placeholders(2, len(distinct))+`)`, args...)
	if err != nil {
		return 0, fmt.Errorf("looking for inbox items of order %s: %w", orderID, err)
	}
	return len(distinct) - known, nil
}
