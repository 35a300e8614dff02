package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aliquot-labs/aliquot/internal/tracing"
	"github.com/aliquot-labs/aliquot/store/sqldb"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// WebhookMessage is one outgoing webhook message: what all endpoints of a team get about one event of an order, an
// appointment or results.
type WebhookMessage struct {
	ID        string
	TeamID    string
	OrderID   string // empty: the message is about an endpoint
	EventType string
	Sequence  int64  // of the order's newest event
	Body      []byte // the exact bytes to send; sealed
}

// enqueueWebhookMessage stores a webhook message and one delivery, due at once, for each enabled endpoint of the team
// whose filter takes the event type. The message belongs to the trace of the context. It runs in the transaction that
// records the event, so that neither exists without the other. The returned endpoints have to be nudged after the
// commit.
func (s *Store) enqueueWebhookMessage(ctx context.Context, tx *sql.Tx, m WebhookMessage) ([]string, error) {
	now := sqldb.ToMicros(s.now())
	_, err := tx.ExecContext(ctx,
		`INSERT INTO messages (id, team_id, order_id, event_type, sequence, body, created_at, trace)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		m.ID, m.TeamID, sqldb.IDOrNull(m.OrderID), m.EventType, m.Sequence,
		s.keys.Seal(sealContext("messages", m.ID, "body"), m.Body), now,
		tracing.ParentHeader(ctx))
	if err != nil {
		return nil, fmt.Errorf("writing message %s: %w", m.ID, err)
	}
	return s.addDueDeliveries(ctx, tx, m)
}

// addDueDeliveries makes the message due at each endpoint that takes it.
func (s *Store) addDueDeliveries(ctx context.Context, tx *sql.Tx, m WebhookMessage) ([]string, error) {
	endpoints, err := subscribedEndpoints(ctx, tx, m.TeamID, m.EventType)
	if err != nil {
		return nil, fmt.Errorf("finding the endpoints of message %s: %w", m.ID, err)
	}
	return endpoints, s.upsertDeliveries(ctx, tx, m.ID, endpoints)
}

// The statement that inserts deliveries, before and after its rows. Existing deliveries become due again.
const (
	insertDeliveries = `INSERT INTO deliveries
		(message_id, endpoint_id, state, round, attempts, next_attempt_at, created_at, updated_at) VALUES `
	onConflictDueAgain = ` ON CONFLICT (message_id, endpoint_id) DO UPDATE SET state = excluded.state,
		round = deliveries.round + 1, attempts = 0, next_attempt_at = excluded.next_attempt_at,
		updated_at = excluded.updated_at`
)

// upsertDeliveries inserts the message's deliveries. An existing delivery begins a new round.
func (s *Store) upsertDeliveries(ctx context.Context, tx *sql.Tx, messageID string, endpoints []string) error {
	if len(endpoints) == 0 {
		return nil
	}
	args := []any{messageID, DeliveryPending, sqldb.ToMicros(s.now())}
	rows := make([]string, len(endpoints))
	for i, id := range endpoints {
		args = append(args, id)
		rows[i] = fmt.Sprintf("($1, $%d, $2, 1, 0, $3, $3, $3)", len(args))
	}
	query := insertDeliveries + strings.Join(rows, ",") + onConflictDueAgain //nolint:gosec // the rows are placeholders
	_, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("writing the deliveries of message %s: %w", messageID, err)
	}
	return nil
}

// subscribedEndpoints lists the enabled endpoints of a team that take an event type, by id.
func subscribedEndpoints(ctx context.Context, tx *sql.Tx, teamID, eventType string) ([]string, error) {
	type subscriber struct {
		id    string
		types []string
	}
	scan := func(row sqldb.Scanner) (e subscriber, err error) {
		var filter sql.Null[string]
		if err := row.Scan(&e.id, &filter); err != nil {
			return e, err
		}
		if filter.Valid {
			err = json.Unmarshal([]byte(filter.V), &e.types)
		}
		return e, err
	}
	all, err := sqldb.QueryAll(ctx, tx, scan,
		`SELECT id, filter_types FROM endpoints WHERE team_id = $1 AND NOT disabled ORDER BY id`, teamID)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, e := range all {
		if webhooks.FilterAccepts(e.types, eventType) {
			ids = append(ids, e.id)
		}
	}
	return ids, nil
}

const selectMessages = `SELECT id, team_id, order_id, event_type, sequence FROM messages`

// scanWebhookMessage scans a message without its body.
func scanWebhookMessage(row sqldb.Scanner) (m WebhookMessage, err error) {
	err = row.Scan(&m.ID, &m.TeamID, sqldb.EmptyIfNull(&m.OrderID), &m.EventType, &m.Sequence)
	return m, err
}
