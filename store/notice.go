package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/webhooks"
)

// enqueueExhaustedWebhook enqueues the notice that a message has failed for an endpoint, and returns the endpoints to nudge. There is none of a
// notice that has failed itself.
func (s *Store) enqueueExhaustedWebhook(ctx context.Context, tx *sql.Tx, endpointID string, last AttemptRow) ([]string, error) {
	m, err := QueryOne(ctx, tx, scanWebhookMessage, selectMessages+` WHERE id = $1`, last.MessageID)
	if err != nil || webhooks.IsOperational(m.EventType) {
		return nil, err
	}
	body, err := webhooks.RenderExhausted(webhooks.ExhaustedPayload{
		AppID: m.TeamID, EndpointID: endpointID, MsgID: m.ID,
		LastAttempt: webhooks.LastAttempt{
			ID: attemptID(m.ID, endpointID, last.Round, last.Number), ResponseStatusCode: last.StatusCode, Timestamp: last.At.UTC(),
		},
	})
	if err != nil {
		return nil, err
	}
	return s.enqueueWebhookMessage(ctx, tx, WebhookMessage{ID: NewID(), TeamID: m.TeamID, EventType: webhooks.AttemptExhausted, Body: body})
}

// enqueueDisabledWebhook enqueues the notice that we have disabled an endpoint, notes it in the audit, and returns the endpoints to nudge.
func (s *Store) enqueueDisabledWebhook(ctx context.Context, tx *sql.Tx, e Endpoint, reason string) ([]string, error) {
	var since *time.Time
	if !e.FailingSince.IsZero() {
		since = &e.FailingSince
	}
	body, err := webhooks.RenderDisabled(webhooks.DisabledPayload{AppID: e.TeamID, EndpointID: e.ID, FailSince: since, Reason: reason})
	if err != nil {
		return nil, err
	}
	row := AuditRow{At: s.now(), TeamID: e.TeamID, Action: "endpoint.disable", Detail: fmt.Sprintf("endpoint=%s reason=%s", e.ID, reason)}
	if err := appendAudit(ctx, tx, row); err != nil {
		return nil, err
	}
	return s.enqueueWebhookMessage(ctx, tx, WebhookMessage{ID: NewID(), TeamID: e.TeamID, EventType: webhooks.EndpointDisabled, Body: body})
}
