package store

import (
	"context"
	"fmt"
	"time"
)

// The states of a delivery.
const (
	DeliveryPending   = "pending"
	DeliveryDelivered = "delivered"
	DeliveryExhausted = "exhausted" // the schedule has ended without success
	DeliveryCancelled = "cancelled" // the endpoint was disabled
)

// DueDelivery is a message to be posted to an endpoint now.
type DueDelivery struct {
	MessageID  string
	EndpointID string
	Attempts   int // made so far; the next attempt's number is one more
	Body       []byte
	EventType  string
}

// DueDeliveries reads up to limit deliveries of an endpoint that are due, the longest due first, and when the next one after now is
// due (zero: none). A disabled endpoint has none.
func (s *Store) DueDeliveries(ctx context.Context, endpointID string, now time.Time, limit int) ([]DueDelivery, time.Time, error) {
	due, err := collect(ctx, s.read, s.scanDueDelivery, `SELECT d.message_id, d.endpoint_id, d.attempts, m.body, m.event_type
		FROM deliveries d JOIN messages m ON m.id = d.message_id JOIN endpoints e ON e.id = d.endpoint_id
		WHERE d.endpoint_id = $1 AND d.state = 'pending' AND d.next_attempt_at <= $2 AND NOT e.disabled
		ORDER BY d.next_attempt_at, d.message_id LIMIT $3`, endpointID, micros(now), limit)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("reading what is due at endpoint %s: %w", endpointID, err)
	}
	next, err := one(ctx, s.read, scanInstant, `SELECT COALESCE(MIN(d.next_attempt_at), 0)
		FROM deliveries d JOIN endpoints e ON e.id = d.endpoint_id
		WHERE d.endpoint_id = $1 AND d.state = 'pending' AND d.next_attempt_at > $2 AND NOT e.disabled`, endpointID, micros(now))
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("reading what is next at endpoint %s: %w", endpointID, err)
	}
	return due, next, nil
}

// EndpointsWithDue lists up to limit enabled endpoints that have deliveries due, by id.
func (s *Store) EndpointsWithDue(ctx context.Context, now time.Time, limit int) ([]string, error) {
	ids, err := collect(ctx, s.read, scanText, `SELECT e.id FROM endpoints e WHERE NOT e.disabled AND EXISTS (
			SELECT 1 FROM deliveries d WHERE d.endpoint_id = e.id AND d.state = 'pending' AND d.next_attempt_at <= $1)
		ORDER BY e.id LIMIT $2`, micros(now), limit)
	if err != nil {
		return nil, fmt.Errorf("listing endpoints with deliveries due: %w", err)
	}
	return ids, nil
}

func (s *Store) scanDueDelivery(row scanner) (DueDelivery, error) {
	var d DueDelivery
	var sealed []byte
	if err := row.Scan(&d.MessageID, &d.EndpointID, &d.Attempts, &sealed, &d.EventType); err != nil {
		return DueDelivery{}, err
	}
	var err error
	d.Body, err = s.keys.Open(place("messages", d.MessageID, "body"), sealed)
	return d, err
}
