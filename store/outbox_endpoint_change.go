package store

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// enqueueExhaustedWebhook enqueues the webhook message about an exhausted delivery, and returns the endpoints to nudge.
// It enqueues none when the delivery itself is of an operational message.
func (s *Store) enqueueExhaustedWebhook(ctx context.Context, tx *sql.Tx, endpointID string,
	last AttemptRow) ([]string, error) {
	m, err := sqldb.QueryOne(ctx, tx, scanWebhookMessage, selectMessages+` WHERE id = $1`, last.MessageID)
	if err != nil || webhooks.IsOperational(m.EventType) {
		return nil, err
	}
	body, err := webhooks.RenderExhausted(webhooks.ExhaustedPayload{
		AppID: m.TeamID, EndpointID: endpointID, MsgID: m.ID,
		LastAttempt: webhooks.LastAttempt{
			ID: attemptID(m.ID, endpointID, last.Round, last.Number), ResponseStatusCode: last.StatusCode,
			Timestamp: last.At.UTC(),
		},
	})
	if err != nil {
		return nil, err
	}
	return s.enqueueWebhookMessage(ctx, tx, WebhookMessage{ID: sqldb.NewIDAt(s.now()), TeamID: m.TeamID,
		EventType: webhooks.AttemptExhausted, Body: body})
}

// enqueueDisabledWebhook enqueues the webhook message that we have disabled an endpoint, and returns the endpoints to
// nudge.
func (s *Store) enqueueDisabledWebhook(ctx context.Context, tx *sql.Tx, e Endpoint, reason string) ([]string, error) {
	var since *time.Time
	if !e.FailingSince.IsZero() {
		since = &e.FailingSince
	}
	body, err := webhooks.RenderDisabled(webhooks.DisabledPayload{AppID: e.TeamID, EndpointID: e.ID, FailSince: since,
		Reason: reason})
	if err != nil {
		return nil, err
	}
	return s.enqueueWebhookMessage(ctx, tx, WebhookMessage{ID: sqldb.NewIDAt(s.now()), TeamID: e.TeamID,
		EventType: webhooks.EndpointDisabled, Body: body})
}

// The reasons for which the server disables an endpoint.
const (
	DisabledReasonFailing = "failing" // all attempts have failed for days
	DisabledReasonGone    = "gone"    // it responded with 410
)

// ErrEndpointDisabled means that nothing can be sent to an endpoint because it is disabled.
var ErrEndpointDisabled = errors.New("the endpoint is disabled")

// ChangeEndpoint changes the fields of an endpoint that a team can set. The function change gets the endpoint and
// modifies it. Disabling an endpoint cancels its pending deliveries (client-api#delivery); enabling it resets its
// health. The error is ErrNotFound when there is no such endpoint.
func (s *Store) ChangeEndpoint(ctx context.Context, id string, change func(*Endpoint)) (Endpoint, error) {
	var e Endpoint
	err := s.db.InTx(ctx, func(tx *sql.Tx) (err error) {
		// The first statement locks the row, so that two concurrent changes do not overwrite each other.
		e, err = sqldb.QueryOne(ctx, tx, s.scanEndpoint,
			`UPDATE endpoints SET updated_at = $1 WHERE id = $2 AND deleted_at = 0 RETURNING `+endpointColumns,
			sqldb.ToMicros(s.now()), id)
		if err != nil {
			return err
		}
		was := e.Disabled
		change(&e)
		if err := s.updateEndpoint(ctx, tx, e); err != nil || was == e.Disabled {
			return err
		}
		if !e.Disabled {
			e.DisabledReason, e.FailingSince, e.Health = "", time.Time{}, webhooks.EndpointHealth{}
			return s.enableEndpoint(ctx, tx, id)
		}
		return s.disableEndpoint(ctx, tx, id, e.DisabledReason)
	})
	if err != nil {
		return Endpoint{}, fmt.Errorf("changing endpoint %s: %w", id, err)
	}
	return e, nil
}

func (s *Store) updateEndpoint(ctx context.Context, tx *sql.Tx, e Endpoint) error {
	row, err := s.sealEndpoint(e)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx,
		`UPDATE endpoints SET url = $1, description = $2, secret = $3, previous_secret = $4, previous_until = $5,
		filter_types = $6, headers = $7, rate_limit = $8 WHERE id = $9`,
		e.URL, e.Description, row.secret, row.previous, sqldb.ToMicros(e.PreviousUntil), row.filter, row.headers, e.RateLimit,
		e.ID)
	return err
}

// SetEndpointDisabled disables or enables an endpoint. The reason is a code. The error is ErrNotFound when there is no
// such endpoint.
func (s *Store) SetEndpointDisabled(ctx context.Context, id string, disabled bool, reason string) error {
	_, err := s.ChangeEndpoint(ctx, id, func(e *Endpoint) { e.Disabled, e.DisabledReason = disabled, reason })
	return err
}

// RotateSecret gives an endpoint a new secret. The current one also signs for webhooks.SecretOverlap. A secret of an
// earlier rotation no longer signs. The error is ErrNotFound when there is no such endpoint.
func (s *Store) RotateSecret(ctx context.Context, id, secret string) error {
	_, err := s.ChangeEndpoint(ctx, id, func(e *Endpoint) {
		if subtle.ConstantTimeCompare([]byte(secret), []byte(e.Secret)) == 0 {
			e.PreviousSecret, e.PreviousUntil, e.Secret = e.Secret, s.now().Add(webhooks.SecretOverlap), secret
		}
	})
	return err
}

// DeleteEndpoint removes an endpoint with its secrets and cancels its pending deliveries. Past deliveries stay in the
// log. The error is ErrNotFound when there is no such endpoint.
func (s *Store) DeleteEndpoint(ctx context.Context, id string) error {
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		n, err := sqldb.ExecCount(ctx, tx,
			`UPDATE endpoints SET deleted_at = $1, secret = $2, previous_secret = NULL, headers = NULL
			WHERE id = $3 AND deleted_at = 0`, sqldb.ToMicros(s.now()), []byte{}, id)
		if err == nil && n == 0 {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		return s.disableEndpoint(ctx, tx, id, "deleted")
	})
	if err != nil {
		return fmt.Errorf("deleting endpoint %s: %w", id, err)
	}
	return nil
}

func (s *Store) enableEndpoint(ctx context.Context, tx *sql.Tx, id string) error {
	_, err := tx.ExecContext(ctx, `UPDATE endpoints SET disabled = FALSE, disabled_reason = '', failing_since = 0,
		first_failure = 0, last_failure = 0, clock_started = 0, updated_at = $1 WHERE id = $2`, sqldb.ToMicros(s.now()), id)
	return err
}

func (s *Store) disableEndpoint(ctx context.Context, tx *sql.Tx, id, reason string) error {
	now := sqldb.ToMicros(s.now())
	_, err := tx.ExecContext(ctx,
		`UPDATE endpoints SET disabled = TRUE, disabled_reason = $1, updated_at = $2 WHERE id = $3`, reason, now, id)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx,
		`UPDATE deliveries SET state = $1, updated_at = $2 WHERE endpoint_id = $3 AND state = 'pending'`,
		DeliveryCancelled, now, id)
	return err
}
