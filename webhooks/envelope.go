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

	// The operational event types inform a team about its endpoints. Their bodies have another form than the
	// envelope (RenderExhausted, RenderDisabled), and only endpoints that name them get them.

	// AttemptExhausted means that all attempts of a delivery have failed.
	AttemptExhausted = "message.attempt.exhausted"
	// EndpointDisabled means that the server has disabled an endpoint. The event type is an addition of Aliquot
	// (client-api#delivery).
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

// FilterAccepts reports whether an endpoint with these filter types takes webhook messages of the event type. A nil
// filter takes all event types except the operational ones. Those have to be named, because a receiver of orders
// does not know the form of their bodies.
func FilterAccepts(filterTypes []string, eventType string) bool {
	if filterTypes == nil {
		return !IsOperational(eventType)
	}
	return slices.Contains(filterTypes, eventType)
}

// Envelope is the body of every labtest webhook message. Its fields have the order of the sample in
// client-api#22-fixtures. UserID and ClientUserID may be empty in the messages of a match review only, because its
// patient may not be a user.
type Envelope struct {
	EventType    string          `json:"event_type"`
	TeamID       string          `json:"team_id"`
	UserID       string          `json:"user_id,omitempty"`
	ClientUserID string          `json:"client_user_id,omitempty"`
	Data         json.RawMessage `json:"data"`
}

// Render returns the body of a labtest webhook message: the bytes to store, sign and send. It is an error when a
// field that client-api#envelope requires is empty, or Data is not a JSON object.
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

// ExhaustedPayload says which webhook message could not be delivered to which endpoint, and how the last attempt
// ended.
type ExhaustedPayload struct {
	AppID       string      `json:"appId"`
	AppUID      string      `json:"appUid,omitempty"`
	EndpointID  string      `json:"endpointId"`
	MsgID       string      `json:"msgId"`
	MsgEventID  string      `json:"msgEventId,omitempty"`
	LastAttempt LastAttempt `json:"lastAttempt"`
}

// LastAttempt is the last attempt of an exhausted delivery.
type LastAttempt struct {
	ID                 string    `json:"id"`
	ResponseStatusCode int       `json:"responseStatusCode"` // 0 without a response
	Timestamp          time.Time `json:"timestamp"`
}

// RenderExhausted returns the body of an AttemptExhausted message. Instead of the envelope it has the keys type and
// data, with keys in camel case (client-api#envelope). It is an error when AppID, EndpointID or MsgID is empty.
func RenderExhausted(x ExhaustedPayload) ([]byte, error) {
	if x.AppID == "" || x.EndpointID == "" || x.MsgID == "" {
		return nil, errors.New("rendering exhausted message: an id is missing")
	}
	return encode(struct {
		Type string           `json:"type"`
		Data ExhaustedPayload `json:"data"`
	}{AttemptExhausted, x})
}

// DisabledPayload says which endpoint the server has disabled, and why.
type DisabledPayload struct {
	AppID      string     `json:"appId"`
	EndpointID string     `json:"endpointId"`
	FailSince  *time.Time `json:"failSince,omitempty"` // the first failure after the last success
	Reason     string     `json:"reason"`              // failing or gone
}

// RenderDisabled returns the body of an EndpointDisabled message. It is an error when AppID, EndpointID or Reason is
// empty.
func RenderDisabled(d DisabledPayload) ([]byte, error) {
	if d.AppID == "" || d.EndpointID == "" || d.Reason == "" {
		return nil, errors.New("rendering disabled message: an id or the reason is missing")
	}
	return encode(struct {
		Type string          `json:"type"`
		Data DisabledPayload `json:"data"`
	}{EndpointDisabled, d})
}

// encode encodes v as JSON. It does not escape <, > and &, because the body is never part of an HTML page.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding message: %w", err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
