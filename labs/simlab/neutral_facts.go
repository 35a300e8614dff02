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

// neutralFact is the body of a webhook of the neutral protocol (docs/partners.md#facts).
type neutralFact struct {
	Type        string          `json:"type"`
	OrderNumber string          `json:"order_number"`
	At          string          `json:"at"`
	Accession   string          `json:"accession,omitempty"`
	Data        json.RawMessage `json:"data"`
}

// polledFact is a fact in the answer of GET /neutral/orders/{number}/facts: the body of its webhook and the webhook's
// id.
type polledFact struct {
	ID string `json:"id"`
	neutralFact
}

type shippedData struct {
	Outbound string `json:"outbound,omitempty"`
	Inbound  string `json:"inbound,omitempty"`
	KitID    string `json:"kit_id,omitempty"`
}

type transitData struct {
	Leg    string `json:"leg"`
	Status string `json:"status"`
}

type collectedData struct {
	CollectedAt string `json:"collected_at,omitempty"`
}

type rejectedData struct {
	Reason      string `json:"reason"`
	Recoverable *bool  `json:"recoverable,omitempty"`
	Detail      string `json:"detail,omitempty"`
}

// performNeutralStep performs a step of an order of the neutral protocol and sends its webhooks.
func (s *Server) performNeutralStep(ctx context.Context, o *order, step Step) {
	var (
		m   webhookMessage
		err error
	)
	switch step.Kind {
	case KindResults:
		s.generateReport(o, step)
		return
	case KindAppointment:
		var changed bool
		if m, changed, err = s.applyAppointmentStep(ctx, o, step); err == nil && !changed {
			return
		}
	default:
		m, err = s.applyNeutralFact(ctx, o, step.Kind, step.Details, nil)
	}
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		s.cfg.Logger.Error("simulated lab: fact not encoded", "order", o.number, "kind", step.Kind, "error", err)
		return
	}
	if step.Unsent {
		return
	}
	for range max(step.Times, 1) {
		s.sender.deliver(ctx, m)
	}
}

// applyNeutralFact records a fact about the order and returns its webhook. about is the fact's appointment; nil for
// other facts. It returns an error, and changes nothing, if the context has ended.
func (s *Server) applyNeutralFact(ctx context.Context, o *order, kind string, d Details,
	about *appointment) (webhookMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return webhookMessage{}, err
	}
	return s.applyNeutralFactLocked(o, kind, d, about)
}

// applyNeutralFactLocked is applyNeutralFact for a caller that holds the mutex.
func (s *Server) applyNeutralFactLocked(o *order, kind string, d Details, about *appointment) (webhookMessage, error) {
	at := o.factTime(kind, d.At, s.cfg.Now())
	o.applyNeutralFact(kind, d, at)
	data, err := o.factData(kind, d, about, at)
	if err != nil {
		return webhookMessage{}, err
	}
	f := polledFact{ID: d.WebhookID, neutralFact: neutralFact{
		Type: kind, OrderNumber: o.number, At: at.Format(stampFormat), Accession: o.accessionFor(d), Data: data,
	}}
	if f.ID == "" {
		f.ID = "fct_" + hexID()
	}
	body, err := json.Marshal(f.neutralFact)
	if err != nil {
		return webhookMessage{}, fmt.Errorf("encoding a fact: %w", err)
	}
	s.recordPolledFact(o, f)
	o.notifyChange()
	return s.newNeutralWebhook(o.number, kind, f.ID, s.accountForFact(o, about), body), nil
}

// newNeutralWebhook returns a webhook of the neutral protocol. Every attempt has a new signature with the real time.
func (s *Server) newNeutralWebhook(number, kind, id, account string, body []byte) webhookMessage {
	return webhookMessage{
		order: number, id: id, kind: kind, url: s.cfg.NeutralURL, body: body,
		authorize: func(r *http.Request) {
			r.Header.Set(headerAccount, account)
			signWebhook(r.Header, s.neutralKeys, id, time.Now(), body)
		},
	}
}

// accountForFact returns the account of a fact: the one that booked the appointment or placed the order.
func (s *Server) accountForFact(o *order, about *appointment) string {
	switch {
	case about != nil && about.account != "":
		return about.account
	case o.neutral != nil && o.neutral.account != "":
		return o.neutral.account
	}
	return s.cfg.NeutralAccount
}

func (o *order) accessionFor(d Details) string {
	switch {
	case d.AccessionNumber != "":
		return d.AccessionNumber
	case o.neutral != nil:
		return o.neutral.accession
	}
	return o.kitID
}

// applyNeutralFact changes the order's state after a fact. Facts about appointments and facts of unknown types do not
// change the order.
func (o *order) applyNeutralFact(kind string, d Details, at time.Time) {
	if kind == KindAppointment || !slices.Contains(neutralKinds, kind) {
		return
	}
	o.setStateAfterFact(kind)
	n := o.neutral
	if n == nil {
		return
	}
	switch kind {
	case KindDraw, KindSample:
		if n.collectedAt.IsZero() {
			n.collectedAt = at
		}
		if d.CollectedAt != nil {
			n.collectedAt = *d.CollectedAt
		}
		if kind == KindSample {
			n.receivedAt = at
		}
	case KindSampleRejected:
		n.awaitsCorrection = d.Recoverable == nil || *d.Recoverable
	}
}

// factData returns the data of a fact, from the details or from the order.
func (o *order) factData(kind string, d Details, about *appointment, at time.Time) (json.RawMessage, error) {
	if d.Data != nil {
		return d.Data, nil
	}
	var value any = struct{}{}
	switch kind {
	case KindShipped:
		value = shippedData{Outbound: valueOr(d.Outbound, o.outbound), Inbound: valueOr(d.Inbound, o.inbound),
			KitID: valueOr(d.KitID, o.kitID)}
	case KindTransit:
		value = transitData{Leg: d.Leg, Status: d.Status}
	case KindDraw, KindSample:
		if o.neutral != nil {
			at = o.neutral.collectedAt
		}
		if d.CollectedAt != nil {
			at = *d.CollectedAt
		}
		value = collectedData{CollectedAt: at.UTC().Format(stampFormat)}
	case KindSampleRejected:
		value = rejectedData{Reason: d.Reason, Recoverable: d.Recoverable, Detail: d.Detail}
	case KindAppointment:
		if about != nil {
			value = about.view()
		}
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encoding the data of a fact: %w", err)
	}
	return raw, nil
}

// recordPolledFact stores a fact for GET /neutral/orders/{number}/facts. A fact about an order that the lab does not
// have is stored until the order comes. The caller holds the mutex.
func (s *Server) recordPolledFact(o *order, f polledFact) {
	facts := &o.polledFacts
	if s.orders.byNumber[o.number] != o {
		expected, err := s.orders.expectedOrder(o.number)
		if err != nil {
			return // the webhook is still sent
		}
		facts = &expected.polledFacts
	}
	known := slices.ContainsFunc(*facts, func(other polledFact) bool { return other.equals(f) })
	if !known && len(*facts) < maxNotifications {
		*facts = append(*facts, f)
	}
}

func (f polledFact) equals(other polledFact) bool {
	return f.ID == other.ID && f.Type == other.Type && f.At == other.At && f.Accession == other.Accession &&
		bytes.Equal(f.Data, other.Data)
}

// handleNeutralFacts is GET /neutral/orders/{number}/facts.
func (s *Server) handleNeutralFacts(c *neutralCall) {
	s.respond(c, neutralExchange{
		operation: opFacts,
		run: func() neutralReply {
			facts := []polledFact{}
			switch o, expected := s.orders.byNumber[c.number()], s.orders.expected[c.number()]; {
			case o != nil:
				facts = append(facts, o.polledFacts...)
			case expected != nil && len(expected.polledFacts) > 0: // appointments before the order
				facts = append(facts, expected.polledFacts...)
			default:
				return refusedReply(codeUnknownOrder, "there is no order with this number")
			}
			return neutralReply{status: http.StatusOK, answer: map[string][]polledFact{"facts": facts}}
		},
	})
}
