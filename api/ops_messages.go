package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/store"
)

// OpsMessage is one webhook message and its deliveries.
type OpsMessage struct {
	ID         string        `json:"id" format:"uuid"`
	TeamID     string        `json:"team_id" format:"uuid"`
	OrderID    string        `json:"order_id" doc:"Empty: the message is about an endpoint."`
	EventType  string        `json:"event_type"`
	Sequence   int64         `json:"sequence" doc:"Of the order's event."`
	CreatedAt  time.Time     `json:"created_at"`
	Deliveries []OpsDelivery `json:"deliveries" nullable:"false"`
}

// OpsDelivery is the delivery of a webhook message to one endpoint.
type OpsDelivery struct {
	EndpointID string       `json:"endpoint_id" format:"uuid"`
	State      string       `json:"state" enum:"pending,delivered,exhausted,cancelled"`
	NextAt     *time.Time   `json:"next_at" doc:"When the next attempt is due; null: there is none."`
	Attempts   []OpsAttempt `json:"attempts" nullable:"false"`
}

// OpsAttempt is one attempt of a delivery.
type OpsAttempt struct {
	ID         string     `json:"id" format:"uuid"`
	Round      int        `json:"round" doc:"Increases when the message is sent again on request."`
	Number     int        `json:"number"`
	At         time.Time  `json:"at"`
	DurationMS int64      `json:"duration_ms"`
	StatusCode int        `json:"status_code" doc:"HTTP status of the receiver; 0: it did not answer."`
	Failure    string     `json:"failure" doc:"Empty: the attempt succeeded."`
	Response   string     `json:"response,omitempty" doc:"The first KB of the receiver's answer; not in lists."`
	NextAt     *time.Time `json:"next_at" doc:"When the next attempt was due after this one; null: none."`
}

// OpsMessageItem is a webhook message with its body.
type OpsMessageItem struct {
	OpsMessage
	Body string `json:"body" doc:"The body that is sent to endpoints."`
}

// OpsMessagesPage is a page of the message log, newest first.
type OpsMessagesPage struct {
	Messages   []OpsMessage `json:"messages" nullable:"false"`
	NextCursor *string      `json:"next_cursor" doc:"Null on the last page."`
}

type messagesInput struct {
	TeamID     string          `query:"team_id" format:"uuid"`
	OrderID    string          `query:"order_id" format:"uuid"`
	EndpointID string          `query:"endpoint_id" format:"uuid"`
	EventType  EventTypeFilter `query:"event_type"`
	State      string          `query:"state" enum:"pending,delivered,exhausted,cancelled" doc:"Of a delivery."`
	Since      time.Time       `query:"since" doc:"Messages created at or after this time."`
	Until      time.Time       `query:"until" doc:"Messages created before this time."`
	Limit      int             `query:"limit" minimum:"1" maximum:"100" default:"50"`
	Cursor     string          `query:"next_cursor" maxLength:"100"`
}

// Resolve checks what a schema cannot say.
func (in *messagesInput) Resolve(huma.Context) []error {
	if in.Cursor != "" && !store.IsMessageCursor(in.Cursor) {
		return []error{newProblem("value_error", "Value is not a cursor", "query.next_cursor")}
	}
	return nil
}

// MessagePath names a webhook message.
type MessagePath struct {
	MessageID string `path:"message_id" format:"uuid"`
}

type resendMessageInput struct {
	MessagePath
	Body *struct {
		EndpointID *string `json:"endpoint_id,omitempty" format:"uuid"`
	}
}

type replayInput struct {
	EndpointID string `path:"endpoint_id" format:"uuid"`
	Body       struct {
		Since  time.Time  `json:"since" doc:"Messages created at or after this time."`
		Until  *time.Time `json:"until,omitempty" doc:"Messages created before this time. Defaults to now."`
		Missed *bool      `json:"missed,omitempty"`
	}
}

// OpsResent names the endpoints to which a message is sent again.
type OpsResent struct {
	EndpointIDs []string `json:"endpoint_ids" nullable:"false"`
}

// OpsReplayed counts the messages that are sent to an endpoint again.
type OpsReplayed struct {
	Messages int `json:"messages"`
}

func (s *server) opsMessageRoutes() {
	registerOperation(s, scopeAllRead, huma.Operation{
		OperationID: "ops-list-messages", Method: http.MethodGet, Path: "/ops/messages", Tags: []string{tagOperations},
		Summary: "List webhook messages and their deliveries, newest first",
	}, s.opsListMessages)
	registerOperation(s, scopeAllRead, huma.Operation{
		OperationID: "ops-get-message", Method: http.MethodGet, Path: "/ops/messages/{message_id}",
		Tags:    []string{tagOperations},
		Summary: "Read a webhook message with its body and the receivers' answers", Errors: []int{http.StatusNotFound},
	}, s.opsGetMessage)
	registerOperation(s, scopeAllChange, huma.Operation{
		OperationID: "ops-resend-message", Method: http.MethodPost, Path: "/ops/messages/{message_id}/resend",
		Tags:    []string{tagOperations},
		Summary: "Send a webhook message again", Errors: []int{http.StatusBadRequest, http.StatusNotFound},
	}, s.opsResendMessage)
	registerOperation(s, scopeAllChange, huma.Operation{
		OperationID: "ops-replay-endpoint", Method: http.MethodPost, Path: "/ops/endpoints/{endpoint_id}/replay",
		Tags:    []string{tagOperations},
		Summary: "Send messages whose delivery to an endpoint failed again",
		Errors:  []int{http.StatusBadRequest, http.StatusNotFound},
	}, s.opsReplay)
}

func (s *server) opsListMessages(ctx context.Context, in *messagesInput) (*body[OpsMessagesPage], error) {
	page, err := s.Store.WebhookMessages(ctx, store.WebhookMessageQuery{
		TeamID: canonicalUUID(in.TeamID), OrderID: canonicalUUID(in.OrderID), EndpointID: canonicalUUID(in.EndpointID),
		EventType: string(in.EventType), State: in.State, Since: in.Since, Until: in.Until, Cursor: in.Cursor, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	out := OpsMessagesPage{Messages: convertAll(page.Messages, opsMessage)}
	if page.Next != "" {
		out.NextCursor = &page.Next
	}
	return newAnswer(out), nil
}

func (s *server) opsGetMessage(ctx context.Context, in *MessagePath) (*body[OpsMessageItem], error) {
	m, err := s.Store.WebhookMessage(ctx, canonicalUUID(in.MessageID))
	if err != nil {
		return nil, mapNotFound(err, "Message")
	}
	if err := s.appendReadAudit(ctx, "ops.message.read", m.TeamID, m.OrderID, "message="+m.ID); err != nil {
		return nil, err
	}
	return newAnswer(OpsMessageItem{OpsMessage: opsMessage(m), Body: string(m.Body)}), nil
}

func (s *server) opsResendMessage(ctx context.Context, in *resendMessageInput) (*body[OpsResent], error) {
	id, endpoint := canonicalUUID(in.MessageID), ""
	if in.Body != nil && in.Body.EndpointID != nil {
		endpoint = canonicalUUID(*in.Body.EndpointID)
	}
	endpoints, err := s.Store.ResendWebhookMessage(ctx, id, endpoint)
	if err != nil {
		return nil, mapDisabled(mapNotFound(err, "Message, or endpoint of its team,"))
	}
	s.appendChangeAudit(ctx, "ops.message.resend", "", "", "message="+id)
	s.nudgeEndpoints(ctx, endpoints)
	return newAnswer(OpsResent{EndpointIDs: append([]string{}, endpoints...)}), nil
}

func (s *server) opsReplay(ctx context.Context, in *replayInput) (*body[OpsReplayed], error) {
	r := store.ReplayQuery{
		EndpointID: canonicalUUID(in.EndpointID), Since: in.Body.Since,
		Missed: in.Body.Missed != nil && *in.Body.Missed,
	}
	if in.Body.Until != nil {
		r.Until = *in.Body.Until
	}
	n, err := s.Store.ReplayFailedDeliveries(ctx, r)
	if err != nil {
		return nil, mapDisabled(mapNotFound(err, "Endpoint"))
	}
	s.appendChangeAudit(ctx, "ops.endpoint.replay", "", "", "endpoint="+r.EndpointID)
	s.nudgeEndpoints(ctx, []string{r.EndpointID})
	return newAnswer(OpsReplayed{Messages: n}), nil
}

// mapDisabled turns the store's error of a disabled endpoint into an answer.
func mapDisabled(err error) error {
	if errors.Is(err, store.ErrEndpointDisabled) {
		return badRequest("The endpoint is disabled: enable it first")
	}
	return err
}

func opsMessage(m store.WebhookMessageLog) OpsMessage {
	return OpsMessage{
		ID: m.ID, TeamID: m.TeamID, OrderID: m.OrderID, EventType: m.EventType, Sequence: m.Sequence,
		CreatedAt: m.CreatedAt, Deliveries: convertAll(m.Deliveries, opsDelivery),
	}
}

func opsDelivery(d store.DeliveryLog) OpsDelivery {
	return OpsDelivery{EndpointID: d.EndpointID, State: d.State, NextAt: nilIfZero(d.NextAt),
		Attempts: convertAll(d.Attempts, opsAttempt)}
}

func opsAttempt(a store.AttemptLog) OpsAttempt {
	return OpsAttempt{
		ID: a.ID, Round: a.Round, Number: a.Number, At: a.At, DurationMS: a.Duration.Milliseconds(),
		StatusCode: a.StatusCode, Failure: a.Failure, Response: string(a.Excerpt), NextAt: nilIfZero(a.NextAt),
	}
}
