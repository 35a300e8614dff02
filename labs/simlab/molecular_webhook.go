package simlab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// stampFormat is the lab's format of times: RFC 3339, UTC, six fractional digits.
const stampFormat = "2006-01-02T15:04:05.000000Z"

// envelope is a lab webhook. It has seven keys; the infos of other types are null (molecular-api#41-envelope).
type envelope struct {
	OrderNumber     string        `json:"order_number"`
	AccessionNumber string        `json:"accession_number"`
	Type            string        `json:"type"`
	ShipInfo        *shipInfo     `json:"ship_info"`
	ReceivedInfo    *receivedInfo `json:"rcvd_info"`
	RejectedInfo    *rejectedInfo `json:"rej_info"`
	ReportInfo      *reportInfo   `json:"report_ready_info"`
}

type shipInfo struct {
	Outbound           string  `json:"outbound"`
	Inbound            string  `json:"inbound"`
	ShippedAt          string  `json:"shipped_datetime"`
	RegistrationCode   *string `json:"kit_reg_code"`
	OraquickExpiration string  `json:"oraquick_lot_exp"`
}

type receivedInfo struct {
	ReceivedAt string `json:"received_datetime"`
}

type rejectedInfo struct {
	RejectedAt  string `json:"rejected_datetime"`
	Reason      string `json:"rejected_reason"`
	Recoverable *bool  `json:"recoverable,omitempty"`
}

type reportInfo struct {
	SentAt string `json:"report_sent_datetime"`
}

// applyMolecularFact records a fact about the order and returns its webhook. It returns an error, and changes nothing,
// if the context has ended: a cancelled order is not shipped.
func (s *Server) applyMolecularFact(ctx context.Context, o *order, kind string, d Details) (webhookMessage, error) {
	e, err := s.recordMolecularFact(ctx, o, kind, d)
	if err != nil {
		return webhookMessage{}, err
	}
	body, err := json.Marshal(e)
	if err != nil {
		return webhookMessage{}, fmt.Errorf("encoding a webhook: %w", err)
	}
	s.recordNotification(o, body)
	return webhookMessage{
		order: o.number, kind: kind, url: s.cfg.WebhookURL, body: body,
		authorize: func(r *http.Request) { r.SetBasicAuth(s.cfg.User, s.cfg.Token) },
	}, nil
}

// maxNotifications is the greatest number of webhooks per order that GET /Notifications returns.
const maxNotifications = 100

// recordNotification stores a webhook for GET /Notifications, once.
func (s *Server) recordNotification(o *order, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := slices.ContainsFunc(o.notifications, func(n json.RawMessage) bool { return bytes.Equal(n, body) })
	if !known && len(o.notifications) < maxNotifications {
		o.notifications = append(o.notifications, body)
	}
}

// recordMolecularFact sets the order's state after the fact and returns the fact's envelope.
func (s *Server) recordMolecularFact(ctx context.Context, o *order, kind string, d Details) (envelope, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return envelope{}, err
	}
	at := o.factTime(kind, d.At, s.cfg.Now()).Format(stampFormat)
	o.setStateAfterFact(kind)
	return o.newEnvelope(kind, d, at), nil
}

func (o *order) newEnvelope(kind string, d Details, at string) envelope {
	e := envelope{OrderNumber: o.number, AccessionNumber: o.kitID, Type: kind}
	if d.AccessionNumber != "" {
		e.AccessionNumber = d.AccessionNumber
	}
	switch kind {
	case KindShipped:
		e.ShipInfo = &shipInfo{
			Outbound: valueOr(d.Outbound, o.outbound), Inbound: valueOr(d.Inbound, o.inbound), ShippedAt: at,
			RegistrationCode: d.RegistrationCode, OraquickExpiration: d.OraquickExpiration,
		}
	case KindReceived:
		e.ReceivedInfo = &receivedInfo{ReceivedAt: at}
	case KindRejected:
		e.RejectedInfo = &rejectedInfo{RejectedAt: at, Reason: d.Reason, Recoverable: d.Recoverable}
	case KindReport:
		e.ReportInfo = &reportInfo{SentAt: at}
	}
	return e
}

// factTime returns when a fact happened: the given time, or the time that the order has for the fact.
func (o *order) factTime(kind string, given *time.Time, now time.Time) time.Time {
	if given != nil {
		return given.UTC()
	}
	return o.takeFactTime(kind, now)
}

// setStateAfterFact sets the order's state to the fact. Every fact about the kit proves that the kit was shipped.
func (o *order) setStateAfterFact(kind string) {
	o.state = kind
	o.shipped = true
}

func valueOr(given *string, fallback string) string {
	if given == nil {
		return fallback
	}
	return *given
}
