package webhooks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The event types of client-api#19-webhooks.
const (
	OrderCreated       = "labtest.order.created"
	OrderUpdated       = "labtest.order.updated"
	AppointmentCreated = "labtest.appointment.created"
	AppointmentUpdated = "labtest.appointment.updated"
	ResultCritical     = "labtest.result.critical"
	MatchReviewCreated = "labtest.match_review.created"
	MatchReviewUpdated = "labtest.match_review.updated"

	// The operational ones tell the account of its endpoints, in a shape of their own
	// (RenderExhausted, RenderDisabled). They go to endpoints that name them only.

	// AttemptExhausted says that a message has failed for an endpoint.
	AttemptExhausted = "message.attempt.exhausted"
	// EndpointDisabled says that we have disabled an endpoint. It is ours (client-api#delivery).
	EndpointDisabled = "endpoint.disabled"
)

// EventTypes lists every event type that an endpoint can subscribe to.
func EventTypes() []string {
	return []string{
		OrderCreated, OrderUpdated, AppointmentCreated, AppointmentUpdated, ResultCritical,
		MatchReviewCreated, MatchReviewUpdated, AttemptExhausted, EndpointDisabled,
	}
}

// IsOperational reports whether an event type is about endpoints instead of orders.
func IsOperational(eventType string) bool {
	return eventType == AttemptExhausted || eventType == EndpointDisabled
}

// FilterAccepts reports whether an endpoint with these filter types (nil: all) takes messages of an event
// type. The operational ones have to be named: a receiver of orders does not know their shape.
func FilterAccepts(filterTypes []string, eventType string) bool {
	if filterTypes == nil {
		return !IsOperational(eventType)
	}
	return slices.Contains(filterTypes, eventType)
}

// Envelope is the body of every labtest message. Its fields stand in the order of the
// sample in client-api#22-fixtures. The user is absent only from a match review, whose patient may be nobody's user
// yet.
type Envelope struct {
	EventType    string          `json:"event_type"`
	TeamID       string          `json:"team_id"`
	UserID       string          `json:"user_id,omitempty"`
	ClientUserID string          `json:"client_user_id,omitempty"`
	Data         json.RawMessage `json:"data"`
}

// Render gives the bytes to store, sign and send. It is an error when a field that
// client-api#envelope requires is missing or the data is not a JSON object.
func Render(e Envelope) ([]byte, error) {
	if err := e.validate(); err != nil {
		return nil, fmt.Errorf("rendering %q message: %w", e.EventType, err)
	}
	return encode(e)
}

func (e Envelope) validate() error {
	if e.EventType == "" || e.TeamID == "" {
		return errors.New("no event type or no team")
	}
	userless := strings.HasPrefix(e.EventType, "labtest.match_review.")
	if !userless && (e.UserID == "" || e.ClientUserID == "") {
		return errors.New("no user")
	}
	if !bytes.HasPrefix(bytes.TrimSpace(e.Data), []byte("{")) || !json.Valid(e.Data) {
		return errors.New("data is not a JSON object")
	}
	return nil
}

// ExhaustedPayload says which message has failed for which endpoint, and how its last attempt ended.
type ExhaustedPayload struct {
	AppID       string      `json:"appId"`
	AppUID      string      `json:"appUid,omitempty"`
	EndpointID  string      `json:"endpointId"`
	MsgID       string      `json:"msgId"`
	MsgEventID  string      `json:"msgEventId,omitempty"`
	LastAttempt LastAttempt `json:"lastAttempt"`
}

// LastAttempt is the attempt after which a message was given up.
type LastAttempt struct {
	ID                 string    `json:"id"`
	ResponseStatusCode int       `json:"responseStatusCode"` // 0 when there was no answer
	Timestamp          time.Time `json:"timestamp"`
}

// RenderExhausted gives the body of an AttemptExhausted message. It has the keys type
// and data, in camel case, instead of the envelope (client-api#envelope).
func RenderExhausted(x ExhaustedPayload) ([]byte, error) {
	if x.AppID == "" || x.EndpointID == "" || x.MsgID == "" {
		return nil, errors.New("rendering exhausted message: an id is missing")
	}
	return encode(struct {
		Type string           `json:"type"`
		Data ExhaustedPayload `json:"data"`
	}{AttemptExhausted, x})
}

// DisabledPayload says which endpoint we have disabled, and why.
type DisabledPayload struct {
	AppID      string     `json:"appId"`
	EndpointID string     `json:"endpointId"`
	FailSince  *time.Time `json:"failSince,omitempty"` // the first failure after the last success
	Reason     string     `json:"reason"`              // failing, gone
}

// RenderDisabled gives the body of an EndpointDisabled message.
func RenderDisabled(d DisabledPayload) ([]byte, error) {
	if d.AppID == "" || d.EndpointID == "" || d.Reason == "" {
		return nil, errors.New("rendering disabled message: an id or the reason is missing")
	}
	return encode(struct {
		Type string          `json:"type"`
		Data DisabledPayload `json:"data"`
	}{EndpointDisabled, d})
}

// encode leaves <, > and & as they are: the body is never part of a page.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding message: %w", err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
