package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// insertEvents appends the steps of a cause to an order's history, after the sequence number that it has. A fact that proved a step
// and was parked itself has steps when it is parked and when its turn comes; they are counted on.
func insertEvents(ctx context.Context, tx *sql.Tx, o order.State, cause string, steps []order.Step, after int64, now time.Time) error {
	for i, st := range steps {
		status, ok := lifecycle.FullStatus(o.Modality, st.To)
		if !ok {
			return fmt.Errorf("writing an event of order %s: %s has no status %s", o.OrderID, o.Modality, st.To)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO events (order_id, sequence, status, detail, implied, cause, step, occurred_at, recorded_at)
			VALUES ($1, $2, $3, $4, $5, $6, (SELECT COUNT(*) FROM events WHERE order_id = $1 AND cause = $6), $7, $8)`,
			o.OrderID, after+1+int64(i), status, st.Detail, st.Implied, cause, ToMicros(st.At), ToMicros(now))
		if err != nil {
			return fmt.Errorf("writing an event of order %s: %w", o.OrderID, err)
		}
	}
	return nil
}

// enqueueEventWebhook enqueues the message of the order's newest event and returns the endpoints to nudge.
func (s *Store) enqueueEventWebhook(ctx context.Context, tx *sql.Tx, o order.Order) ([]string, error) {
	last := o.Events[len(o.Events)-1]
	eventType := webhooks.OrderUpdated
	switch {
	case last.Sequence == firstSequence:
		eventType = webhooks.OrderCreated
	case last.Status.Low().In(lifecycle.StagePartialResults) && !o.State.Policy.PartialResultWebhooks:
		return nil, nil
	}
	data, err := s.renderOrder(o)
	if err != nil {
		return nil, fmt.Errorf("rendering order %s: %w", o.ID, err)
	}
	return s.enqueueOrderWebhook(ctx, tx, o, eventType, data)
}

// enqueueEventWebhooks does so for each of the newest n events, with the order as it was at that event.
func (s *Store) enqueueEventWebhooks(ctx context.Context, tx *sql.Tx, o order.Order, n int) ([]string, error) {
	var endpoints []string
	for i := len(o.Events) - n; i < len(o.Events); i++ {
		more, err := s.enqueueEventWebhook(ctx, tx, orderAtEvent(o, i))
		if err != nil {
			return nil, err
		}
		endpoints = append(endpoints, more...)
	}
	return sortedUnique(endpoints), nil
}

// orderAtEvent is the order as it was at its event i, when the later ones were recorded together with it: before the results that they
// show, and before the order that replaces or redraws it.
func orderAtEvent(o order.Order, i int) order.Order {
	if i == len(o.Events)-1 {
		return o
	}
	at := o.Events[i]
	o.Events = o.Events[:i+1]
	o.Status, o.Detail, o.Sequence, o.Results = at.Status.Low(), at.Detail, at.Sequence, nil
	siblings := slices.DeleteFunc(slices.Clone(o.Transaction.Orders), func(t order.TransactionOrder) bool { return t.ParentID == o.ID })
	for j := range siblings {
		if siblings[j].ID == o.ID {
			siblings[j].Status, siblings[j].StatusAt = o.Status, at.RecordedAt
		}
	}
	o.Transaction = newOrderTransaction(o.TransactionID, siblings)
	return o
}

func sortedUnique(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}
