package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aliquot-labs/aliquot/webhooks"
)

// Message is one outgoing webhook: what all endpoints of a team are told of one event, of an order, an appointment or its results.
type Message struct {
	ID        string
	TeamID    string
	OrderID   string
	EventType string
	Sequence  int64  // of the order's newest event
	Body      []byte // the exact bytes to send; sealed
}

// EnqueueMessage writes a message and one delivery, due at once, for every enabled endpoint of the team whose filter takes the event
// type. It does so inside the transaction that records the event, so that neither exists without the other. The endpoints are to be
// nudged once the transaction is committed.
func (s *Store) EnqueueMessage(ctx context.Context, tx *sql.Tx, m Message) ([]string, error) {
	now := micros(s.now())
	_, err := tx.ExecContext(ctx, `INSERT INTO messages (id, team_id, order_id, event_type, sequence, body, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		m.ID, m.TeamID, m.OrderID, m.EventType, m.Sequence, s.keys.Seal(place("messages", m.ID, "body"), m.Body), now)
	if err != nil {
		return nil, fmt.Errorf("writing message %s: %w", m.ID, err)
	}
	return s.deliver(ctx, tx, m)
}

// ResendMessage makes a message due at once at every enabled endpoint whose filter takes it now, under the same id and with a fresh
// schedule, whatever became of it before. The endpoints are to be nudged. The error is ErrNotFound when there is no such message.
func (s *Store) ResendMessage(ctx context.Context, id string) ([]string, error) {
	m, err := one(ctx, s.read, scanMessage, selectMessages+` WHERE id = $1`, id)
	if err != nil {
		return nil, fmt.Errorf("reading message %s: %w", id, err)
	}
	return s.resend(ctx, m)
}

// ResendNewest does the same for the message of the newest event of a team's order. The error is ErrNotFound when there is none.
func (s *Store) ResendNewest(ctx context.Context, teamID, orderID string) ([]string, error) {
	m, err := one(ctx, s.read, scanMessage, selectMessages+` WHERE order_id = $1 AND ($2 = '' OR team_id = $2) AND event_type IN ($3, $4)
		ORDER BY sequence DESC, created_at DESC, id DESC LIMIT 1`, orderID, teamID, webhooks.OrderCreated, webhooks.OrderUpdated)
	if err != nil {
		return nil, fmt.Errorf("reading the newest message of order %s: %w", orderID, err)
	}
	return s.resend(ctx, m)
}

func (s *Store) resend(ctx context.Context, m Message) (endpoints []string, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		endpoints, err = s.deliver(ctx, tx, m)
		return err
	})
	return endpoints, err
}

// deliver writes the message's deliveries. One that exists begins a new round.
func (s *Store) deliver(ctx context.Context, tx *sql.Tx, m Message) ([]string, error) {
	endpoints, err := subscribers(ctx, tx, m.TeamID, m.EventType)
	if err != nil {
		return nil, fmt.Errorf("finding the endpoints of message %s: %w", m.ID, err)
	}
	for _, id := range endpoints {
		_, err := tx.ExecContext(ctx, `INSERT INTO deliveries (message_id, endpoint_id, state, round, attempts, next_attempt_at, created_at, updated_at)
			VALUES ($1, $2, $3, 1, 0, $4, $4, $4)
			ON CONFLICT (message_id, endpoint_id) DO UPDATE SET state = excluded.state, round = deliveries.round + 1, attempts = 0,
				next_attempt_at = excluded.next_attempt_at, updated_at = excluded.updated_at`,
			m.ID, id, DeliveryPending, micros(s.now()))
		if err != nil {
			return nil, fmt.Errorf("writing the delivery of message %s to endpoint %s: %w", m.ID, id, err)
		}
	}
	return endpoints, nil
}

// subscribers lists the enabled endpoints of a team that take an event type, by id.
func subscribers(ctx context.Context, tx *sql.Tx, teamID, eventType string) ([]string, error) {
	type subscriber struct {
		id    string
		types []string
	}
	scan := func(row scanner) (e subscriber, err error) {
		var filter sql.Null[string]
		if err := row.Scan(&e.id, &filter); err != nil {
			return e, err
		}
		if filter.Valid {
			err = json.Unmarshal([]byte(filter.V), &e.types)
		}
		return e, err
	}
	all, err := collect(ctx, tx, scan, `SELECT id, filter_types FROM endpoints WHERE team_id = $1 AND NOT disabled ORDER BY id`, teamID)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, e := range all {
		if e.types == nil || slices.Contains(e.types, eventType) {
			ids = append(ids, e.id)
		}
	}
	return ids, nil
}

const selectMessages = `SELECT id, team_id, order_id, event_type, sequence FROM messages`

// scanMessage leaves the body sealed away.
func scanMessage(row scanner) (m Message, err error) {
	err = row.Scan(&m.ID, &m.TeamID, &m.OrderID, &m.EventType, &m.Sequence)
	return m, err
}
