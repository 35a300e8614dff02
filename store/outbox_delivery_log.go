package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// DeliveryLog is the state of one webhook message at one endpoint. A message that no endpoint takes has one with an
// empty EndpointID and State.
type DeliveryLog struct {
	MessageID  string
	EventType  string
	Sequence   int64
	EndpointID string
	State      string
	NextAt     time.Time // of the next attempt; zero unless pending
	CreatedAt  time.Time // of the message
	Attempts   []AttemptLog
}

// AttemptLog is one attempt of a delivery.
type AttemptLog struct {
	ID         string
	Round      int // from 1; increases when the message is sent again on request
	Number     int // from 1 within its round
	At         time.Time
	Duration   time.Duration
	StatusCode int
	Failure    string
	NextAt     time.Time
	Excerpt    []byte // the beginning of the receiver's response; read on request only
}

// loadDeliveryLog reads all webhook messages of an order with their deliveries, in order of the events.
func loadDeliveryLog(ctx context.Context, q sqldb.Querier, orderID string) ([]DeliveryLog, error) {
	ids, err := messageIDs(ctx, q, orderID)
	if err != nil {
		return nil, err
	}
	log, err := sqldb.QueryAll(ctx, q, scanDeliveryLog, deliveryLogStatement, orderID, ids.first, ids.end)
	if err != nil {
		return nil, err
	}
	tries, err := sqldb.QueryAll(ctx, q, scanAttempt, attemptLogStatement, orderID, ids.first, ids.end)
	if err != nil {
		return nil, err
	}
	assignAttempts(log, tries)
	return log, nil
}

// The statements that read the messages of the order $1 with their deliveries, and their attempts. The ids of the
// messages are from $2 until before $3, in each table, so that PostgreSQL reads only these partitions of it.
const (
	deliveryLogStatement = `SELECT m.id, m.event_type, m.sequence, m.created_at, d.endpoint_id, d.state, d.next_attempt_at
		FROM messages m LEFT JOIN deliveries d ON d.message_id = m.id AND d.message_id >= $2 AND d.message_id < $3
		WHERE m.order_id = $1 AND m.id >= $2 AND m.id < $3 ORDER BY m.sequence, m.id, d.endpoint_id`
	attemptLogStatement = selectAttempts + ` JOIN messages m ON m.id = a.message_id
		WHERE m.order_id = $1 AND m.id >= $2 AND m.id < $3 AND a.message_id >= $2 AND a.message_id < $3
		ORDER BY a.round, a.number`
)

// assignAttempts adds the attempts to their deliveries.
func assignAttempts(log []DeliveryLog, tries []attemptOfDelivery) {
	byDelivery := map[[2]string][]AttemptLog{}
	for _, t := range tries {
		byDelivery[t.delivery] = append(byDelivery[t.delivery], t.AttemptLog)
	}
	for i, d := range log {
		log[i].Attempts = byDelivery[[2]string{d.MessageID, d.EndpointID}]
	}
}

func scanDeliveryLog(row sqldb.Scanner) (DeliveryLog, error) {
	var d DeliveryLog
	var created int64
	var endpoint, state sql.Null[string]
	var next sql.Null[int64]
	if err := row.Scan(&d.MessageID, &d.EventType, &d.Sequence, &created, &endpoint, &state, &next); err != nil {
		return DeliveryLog{}, err
	}
	d.EndpointID, d.State, d.CreatedAt = endpoint.V, state.V, sqldb.FromMicros(created)
	if d.State == DeliveryPending {
		d.NextAt = sqldb.FromMicros(next.V)
	}
	return d, nil
}

// attemptOfDelivery is an attempt and the delivery that it belongs to.
type attemptOfDelivery struct {
	delivery [2]string
	AttemptLog
}

const selectAttempts = `SELECT a.message_id, a.endpoint_id, a.round, a.number, a.at, a.duration, a.status_code,
	a.failure, a.next_at FROM attempts a`

func scanAttempt(row sqldb.Scanner) (attemptOfDelivery, error) {
	var t attemptOfDelivery
	var at, duration, next int64
	err := row.Scan(&t.delivery[0], &t.delivery[1], &t.Round, &t.Number, &at, &duration, &t.StatusCode, &t.Failure, &next)
	t.ID = attemptID(t.delivery[0], t.delivery[1], t.Round, t.Number)
	t.At, t.Duration, t.NextAt = sqldb.FromMicros(at), time.Duration(duration)*time.Microsecond, sqldb.FromMicros(next)
	return t, err
}
