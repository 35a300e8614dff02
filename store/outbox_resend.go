package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// ResendWebhookMessage makes a webhook message due at once, under the same id and with a new round, whatever the state
// of its deliveries. With an endpointID it is sent to that endpoint of the team, even if the endpoint's filter does not
// take it. Without one it is sent to all enabled endpoints whose filter takes it now. It returns the endpoints to
// nudge. The error is ErrNotFound when there is no such message or the team has no such endpoint, or
// ErrEndpointDisabled.
func (s *Store) ResendWebhookMessage(ctx context.Context, id, endpointID string) ([]string, error) {
	var endpoints []string
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		m, err := sqldb.QueryOne(ctx, tx, scanWebhookMessage,
			selectMessages+` WHERE id = $1`+s.db.Dialect.LockUnremoved("messages"), id)
		if err != nil {
			return err
		}
		if endpointID == "" {
			endpoints, err = s.addDueDeliveries(ctx, tx, m)
			return err
		}
		if e, err := s.enabledEndpoint(ctx, tx, endpointID); err != nil || e.TeamID != m.TeamID {
			return firstError(err, ErrNotFound)
		}
		endpoints = []string{endpointID}
		return s.upsertDeliveries(ctx, tx, m.ID, endpoints)
	})
	if err != nil {
		return nil, fmt.Errorf("sending message %s again: %w", id, err)
	}
	return endpoints, nil
}

func firstError(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// enabledEndpoint reads an endpoint that is not disabled. The error is ErrNotFound or ErrEndpointDisabled.
func (s *Store) enabledEndpoint(ctx context.Context, q sqldb.Querier, id string) (Endpoint, error) {
	e, err := sqldb.QueryOne(ctx, q, s.scanEndpoint,
		`SELECT `+endpointColumns+` FROM endpoints WHERE id = $1 AND deleted_at = 0`, id)
	if err == nil && e.Disabled {
		err = ErrEndpointDisabled
	}
	return e, err
}

// LatestWebhooksQuery selects orders for ResendLatestWebhooks: by OrderIDs, by the time of their messages (from Since
// until before Until), or by both.
type LatestWebhooksQuery struct {
	TeamID       string
	OrderIDs     []string
	Since, Until time.Time // zero: no limit
}

// resendBatch is the number of orders that one transaction processes.
const resendBatch = 200

// ResendLatestWebhooks sends the webhook message of each selected order's newest event again, as ResendWebhookMessage
// does. It returns the ids of the orders whose message an endpoint takes, and the endpoints to nudge.
func (s *Store) ResendLatestWebhooks(ctx context.Context,
	of LatestWebhooksQuery) (orders, endpoints []string, err error) {
	for after := sqldb.NilID; ; {
		page, err := s.selectLatestMessages(ctx, of, after)
		if err != nil {
			return orders, endpoints, fmt.Errorf("selecting messages to send again: %w", err)
		}
		for _, m := range page {
			after = m.OrderID
		}
		err = s.db.InTx(ctx, func(tx *sql.Tx) error {
			for _, m := range page {
				added, err := s.addUnremovedDueDeliveries(ctx, tx, m)
				if err != nil {
					return err
				}
				if len(added) > 0 {
					orders, endpoints = append(orders, m.OrderID), append(endpoints, added...)
				}
			}
			return nil
		})
		if err != nil || len(page) < resendBatch {
			return sortedUnique(orders), sortedUnique(endpoints), err
		}
	}
}

// addUnremovedDueDeliveries is addDueDeliveries for a message that may have been removed since it was read.
func (s *Store) addUnremovedDueDeliveries(ctx context.Context, tx *sql.Tx, m WebhookMessage) ([]string, error) {
	found, err := hasRow(ctx, tx, `SELECT 1 FROM messages WHERE id = $1`+s.db.Dialect.LockUnremoved("messages"), m.ID)
	if err != nil || !found {
		return nil, err
	}
	return s.addDueDeliveries(ctx, tx, m)
}

// selectLatestMessages reads the message of the newest event of each order of a page, by order.
func (s *Store) selectLatestMessages(ctx context.Context, of LatestWebhooksQuery,
	after string) ([]WebhookMessage, error) {
	var where sqldb.Where
	where.And("m.team_id = ?", of.TeamID)
	where.And("m.order_id > ?", after)
	if len(of.OrderIDs) > 0 {
		n := len(where.Args)
		for _, id := range of.OrderIDs {
			where.Args = append(where.Args, id)
		}
		where.AndTerm("m.order_id IN (" + sqldb.Placeholders(n+1, len(of.OrderIDs)) + ")")
	}
	since, err := s.latestMessagesSince(ctx, of)
	if err != nil {
		return nil, err
	}
	ids := idsBetween(since, time.Time{})
	ids.restrict(&where, "m.id")
	if !of.Since.IsZero() {
		where.And("EXISTS (SELECT 1 FROM messages w WHERE w.order_id = m.order_id AND w.created_at >= ?",
			sqldb.ToMicros(of.Since))
		n := len(where.Terms) - 1
		where.Args = append(where.Args, sqldb.ToMicros(of.Until))
		where.Args = append(where.Args, ids.first, idsBetween(of.Since, of.Until).end)
		where.Terms[n] += fmt.Sprintf(" AND w.created_at < $%[1]d AND w.id >= $%[2]d AND w.id < $%[3]d)", len(where.Args)-2,
			len(where.Args)-1, len(where.Args))
	}
	ofEvents := fmt.Sprintf(`event_type IN ('%s', '%s')`, webhooks.OrderCreated, webhooks.OrderUpdated)
	where.AndTerm("m." + ofEvents)
	where.And(`NOT EXISTS (SELECT 1 FROM messages l WHERE l.order_id = m.order_id AND l.team_id = m.team_id AND l.`+
		ofEvents+` AND l.id >= ? AND (l.sequence, l.id) > (m.sequence, m.id))`, ids.first)
	return sqldb.QueryAll(ctx, s.db.Reader, scanWebhookMessage,
		`SELECT m.id, m.team_id, m.order_id, m.event_type, m.sequence FROM messages m`+where.String()+
			fmt.Sprintf(` ORDER BY m.order_id LIMIT %d`, resendBatch), where.Args...)
}

// latestMessagesSince returns the time from which the messages are that selectLatestMessages may select. Zero: unknown.
func (s *Store) latestMessagesSince(ctx context.Context, of LatestWebhooksQuery) (time.Time, error) {
	if len(of.OrderIDs) == 0 || !of.Since.IsZero() {
		return of.Since, nil
	}
	var orders sqldb.Where
	orders.AndIn("id IN (?)", of.OrderIDs)
	return sqldb.QueryOne(ctx, s.db.Reader, sqldb.ScanTime,
		`SELECT COALESCE(MIN(created_at), 0) FROM orders`+orders.String(), orders.Args...)
}

// ReplayQuery selects deliveries of one endpoint for ReplayFailedDeliveries.
type ReplayQuery struct {
	EndpointID   string
	Since, Until time.Time // when the messages were created, until before Until; zero: no limit
	Missed       bool      // also messages without a delivery, because the endpoint was disabled or did not exist
}

// ReplayFailedDeliveries makes all exhausted deliveries of an endpoint due again, each with a new round, and returns
// how many. With Missed it also adds and counts deliveries of messages for which the endpoint has none. The endpoint
// has to be nudged. The error is ErrNotFound when there is no such endpoint, or ErrEndpointDisabled.
func (s *Store) ReplayFailedDeliveries(ctx context.Context, r ReplayQuery) (int, error) {
	if r.Until.IsZero() {
		r.Until = s.now().Add(time.Second)
	}
	var total int
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		e, err := s.enabledEndpoint(ctx, tx, r.EndpointID)
		if err != nil {
			return err
		}
		n, err := sqldb.ExecCount(ctx, tx,
			`UPDATE deliveries SET state = 'pending', round = round + 1, attempts = 0, next_attempt_at = $1, updated_at = $1
			WHERE endpoint_id = $2 AND state IN ('exhausted', 'cancelled') AND created_at >= $3 AND created_at < $4`,
			sqldb.ToMicros(s.now()), e.ID, sqldb.ToMicros(r.Since), sqldb.ToMicros(r.Until))
		if err != nil || !r.Missed {
			total = int(n)
			return err
		}
		missed, err := s.addMissedDeliveries(ctx, tx, e, r)
		total = int(n + missed)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("replaying failed deliveries of endpoint %s: %w", r.EndpointID, err)
	}
	return total, nil
}

// addMissedDeliveries inserts the deliveries of messages that the endpoint takes and has no delivery of.
func (s *Store) addMissedDeliveries(ctx context.Context, tx *sql.Tx, e Endpoint, r ReplayQuery) (int64, error) {
	args := []any{e.ID, sqldb.ToMicros(s.now()), e.TeamID, sqldb.ToMicros(r.Since), sqldb.ToMicros(r.Until)}
	for _, t := range webhooks.EventTypes() {
		if webhooks.FilterAccepts(e.FilterTypes, t) {
			args = append(args, t)
		}
	}
	types := len(args) - 5
	if types == 0 {
		return 0, nil
	}
	ids := idsBetween(r.Since, r.Until)
	args = append(args, ids.first, ids.end)
	return sqldb.ExecCount(ctx, tx,
		`INSERT INTO deliveries (message_id, endpoint_id, state, round, attempts, next_attempt_at, created_at, updated_at)
		SELECT m.id, $1, 'pending', 1, 0, $2, $2, $2 FROM messages m
		WHERE m.team_id = $3 AND m.created_at >= $4 AND m.created_at < $5
			AND m.event_type IN (`+sqldb.Placeholders(6, types)+`)`+fmt.Sprintf(` AND m.id >= $%[1]d AND m.id < $%[2]d
			AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.message_id = m.id AND d.endpoint_id = $1
				AND d.message_id >= $%[1]d AND d.message_id < $%[2]d)`, 6+types, 7+types)+s.db.Dialect.LockUnremoved("m"), args...)
}
