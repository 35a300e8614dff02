package store

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// The states of a delivery.
const (
	DeliveryPending   = "pending"
	DeliveryDelivered = "delivered"
	DeliveryExhausted = "exhausted" // the schedule has ended without success
	DeliveryCancelled = "cancelled" // the endpoint was disabled or removed
)

// DueDelivery is a webhook message that has to be posted to an endpoint now.
type DueDelivery struct {
	MessageID  string
	EndpointID string
	Round      int // from 1; increases when the message is sent again on request
	Attempts   int // made so far in this round
	Body       []byte
	EventType  string
	DueAt      time.Time
	ChangedAt  time.Time // when the endpoint was last changed
	Trace      string    // traceparent of the trace of the message; empty: none
}

// DueQuery selects due deliveries of an endpoint.
type DueQuery struct {
	EndpointID string
	Now        time.Time
	After      DueDelivery // the last of the previous page, by DueAt and MessageID; zero: the first page
	Limit      int
}

// dueDeliveriesStatement reads, on PostgreSQL, the index of pending deliveries of each partition, which is small.
const dueDeliveriesStatement = `SELECT d.message_id, d.endpoint_id, d.round, d.attempts, m.body, m.event_type,
		d.next_attempt_at, e.updated_at, m.trace
	FROM deliveries d JOIN messages m ON m.id = d.message_id JOIN endpoints e ON e.id = d.endpoint_id
	WHERE d.endpoint_id = $1 AND d.state = 'pending' AND d.next_attempt_at <= $2
		AND (d.next_attempt_at, d.message_id) > ($3, $4) AND NOT e.disabled
	ORDER BY d.next_attempt_at, d.message_id LIMIT $5`

// DueDeliveries reads the due deliveries of an endpoint, those due longest first, and of those due at the same time the
// oldest message first. A disabled endpoint has none.
func (s *Store) DueDeliveries(ctx context.Context, q DueQuery) ([]DueDelivery, error) {
	due, err := sqldb.QueryAll(ctx, s.db.Reader, s.scanDueDelivery, dueDeliveriesStatement,
		q.EndpointID, sqldb.ToMicros(q.Now), sqldb.ToMicros(q.After.DueAt),
		cmp.Or(q.After.MessageID, sqldb.NilID), q.Limit)
	if err != nil {
		return nil, fmt.Errorf("reading the due deliveries of endpoint %s: %w", q.EndpointID, err)
	}
	return due, nil
}

// EndpointBacklog summarizes the deliveries that an endpoint still has to get. A disabled endpoint has none.
type EndpointBacklog struct {
	Pending        int       // counted up to countLimit
	NextAttemptAt  time.Time // zero: nothing is pending
	FailingSince   time.Time // first failed attempt since the last success; zero: none
	DisabledReason string    // why it is disabled; empty: it is not
}

// EndpointBacklog reads an endpoint's backlog. The error is ErrNotFound when there is no such endpoint.
func (s *Store) EndpointBacklog(ctx context.Context, endpointID string) (EndpointBacklog, error) {
	b, err := sqldb.QueryOne(ctx, s.db.Reader, scanEndpointBacklog, fmt.Sprintf(`SELECT
			CASE WHEN e.disabled THEN 0 ELSE
				(SELECT COUNT(*) FROM (
					SELECT 1 FROM deliveries WHERE endpoint_id = $1 AND state = 'pending' LIMIT %d) AS bounded) END,
			(SELECT COALESCE(MIN(d.next_attempt_at), 0) FROM deliveries d
				WHERE d.endpoint_id = e.id AND d.state = 'pending' AND NOT e.disabled),
			e.failing_since, e.disabled, e.disabled_reason
		FROM endpoints e WHERE e.id = $1`, s.countLimit), endpointID)
	if err != nil {
		return EndpointBacklog{}, fmt.Errorf("reading the backlog of endpoint %s: %w", endpointID, err)
	}
	return b, nil
}

func scanEndpointBacklog(row sqldb.Scanner) (EndpointBacklog, error) {
	var b EndpointBacklog
	var next, failing int64
	var disabled bool
	var reason string
	err := row.Scan(&b.Pending, &next, &failing, &disabled, &reason)
	b.NextAttemptAt, b.FailingSince = sqldb.FromMicros(next), sqldb.FromMicros(failing)
	if disabled {
		b.DisabledReason = reason
		if reason == "" {
			b.DisabledReason = "disabled"
		}
	}
	return b, err
}

// EndpointsWithDue lists up to limit enabled endpoints that have deliveries due, by id.
func (s *Store) EndpointsWithDue(ctx context.Context, now time.Time, limit int) ([]string, error) {
	ids, err := sqldb.QueryAll(ctx, s.db.Reader, sqldb.ScanText,
		`SELECT e.id FROM endpoints e WHERE NOT e.disabled AND EXISTS (
			SELECT 1 FROM deliveries d WHERE d.endpoint_id = e.id AND d.state = 'pending' AND d.next_attempt_at <= $1)
		ORDER BY e.id LIMIT $2`, sqldb.ToMicros(now), limit)
	if err != nil {
		return nil, fmt.Errorf("listing endpoints with deliveries due: %w", err)
	}
	return ids, nil
}

// DeliveryLag is how far the deliveries of all endpoints are behind.
type DeliveryLag struct {
	Pending     int       // deliveries still to be made, due or not; counted up to countLimit
	OldestDueAt time.Time // since when the oldest due delivery is due; zero: none is due
}

// DeliveryLag reads the lag of all enabled endpoints.
func (s *Store) DeliveryLag(ctx context.Context, now time.Time) (o DeliveryLag, err error) {
	o.Pending, err = s.countUpTo(ctx,
		`deliveries d JOIN endpoints e ON e.id = d.endpoint_id WHERE d.state = 'pending' AND NOT e.disabled`)
	if err == nil {
		// This reads the first due delivery of each endpoint from the index, not all due deliveries.
		o.OldestDueAt, err = sqldb.QueryOne(ctx, s.db.Reader, sqldb.ScanTime, `SELECT COALESCE(MIN(due), 0) FROM (
				SELECT (SELECT MIN(d.next_attempt_at) FROM deliveries d WHERE d.endpoint_id = e.id AND d.state = 'pending') AS due
				FROM endpoints e WHERE NOT e.disabled
			) AS firsts WHERE due <= $1`, sqldb.ToMicros(now))
	}
	if err != nil {
		return DeliveryLag{}, fmt.Errorf("reading the delivery lag: %w", err)
	}
	return o, nil
}

func (s *Store) scanDueDelivery(row sqldb.Scanner) (DueDelivery, error) {
	var d DueDelivery
	var sealed []byte
	var due, changed int64
	if err := row.Scan(&d.MessageID, &d.EndpointID, &d.Round, &d.Attempts, &sealed, &d.EventType, &due, &changed,
		&d.Trace); err != nil {
		return DueDelivery{}, err
	}
	d.DueAt, d.ChangedAt = sqldb.FromMicros(due), sqldb.FromMicros(changed)
	var err error
	d.Body, err = s.keys.Open(sealContext("messages", d.MessageID, "body"), sealed)
	return d, err
}
