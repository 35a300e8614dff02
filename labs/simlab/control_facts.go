package simlab

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
)

// The protocols by which a fact can be sent.
const (
	protocolMolecular = "molecular"
	protocolNeutral   = "neutral"
)

// factRequest is the body of POST /sandbox/orders/{number}/facts.
type factRequest struct {
	Type string `json:"type"`
	// Protocol defaults to the protocol of the order. For a number without an order it defaults to the protocol that has
	// the type.
	Protocol string `json:"protocol"`
	Raw      string `json:"raw"` // neutral protocol only: this text is sent as the body
	Details
	Appointment string `json:"appointment"` // appointment only: its id; defaults to the order's newest appointment
	Repeat      bool   `json:"repeat"`      // the webhook is sent again where the receiver answers 5xx
}

// protocolFor returns the protocol by which the fact is sent. o is nil if the lab does not have the order.
func (f factRequest) protocolFor(o *order) string {
	switch {
	case f.Protocol != "":
		return f.Protocol
	case f.Type == KindCourier:
		return protocolMolecular
	case o != nil && o.neutral != nil, f.Data != nil, f.WebhookID != "", f.Raw != "":
		return protocolNeutral
	case slices.Contains(neutralKinds, f.Type) && !slices.Contains(labKinds, f.Type):
		return protocolNeutral
	}
	return protocolMolecular
}

// handleSendFact is POST /sandbox/orders/{number}/facts. It sends one webhook at once and answers with the receiver's
// status. It makes one attempt, or as many as a script's webhook has if repeat is set. For an order that the lab does
// not have, Molecular's protocol requires an accession number.
func (s *Server) handleSendFact(w http.ResponseWriter, r *http.Request) {
	var body factRequest
	if !decodeControlRequest(w, r, &body) {
		return
	}
	number := r.PathValue("number")
	o := s.findOrder(number)
	send := s.molecularFactFromRequest
	if body.protocolFor(o) == protocolNeutral {
		send = s.neutralFactFromRequest
	}
	m, problem := send(r.Context(), number, o, body)
	if problem != nil {
		writeError(w, problem.status, problem.Message)
		return
	}
	status := s.sender.send(r.Context(), m, body.Repeat)
	if status == 0 {
		writeError(w, http.StatusBadGateway, "the receiver did not answer")
		return
	}
	writeJSON(w, http.StatusOK, map[string]int{"status": status})
}

func (s *Server) molecularFactFromRequest(ctx context.Context, number string, o *order,
	body factRequest) (webhookMessage, *refusal) {
	if err := body.Details.check(body.Type); err != nil || body.Type != KindCourier &&
		!slices.Contains(labKinds, body.Type) {
		return webhookMessage{}, &refusal{status: http.StatusBadRequest,
			Message: errors.Join(errors.New("type is not a fact"), err).Error()}
	}
	if o == nil && (body.AccessionNumber == "" || body.Type == KindCourier) {
		return webhookMessage{}, &refusal{status: http.StatusNotFound, Message: "order number not found"}
	}
	if o == nil {
		o = &order{number: number, kitID: body.AccessionNumber}
	}
	m, err := s.applyMolecularOrCourierFact(ctx, o, body.Type, body.Details)
	if err != nil {
		return webhookMessage{}, &refusal{status: http.StatusConflict, Message: "the fact cannot be sent"}
	}
	return m, nil
}

func (s *Server) applyMolecularOrCourierFact(ctx context.Context, o *order, kind string,
	d Details) (webhookMessage, error) {
	if kind != KindCourier {
		return s.applyMolecularFact(ctx, o, kind, d)
	}
	if s.cfg.CourierURL == "" {
		return webhookMessage{}, errors.New("there is no courier")
	}
	return s.applyCourierEvent(o, d)
}

// neutralFactFromRequest builds a webhook of any type and content, so that receivers can be tested with invalid facts.
func (s *Server) neutralFactFromRequest(_ context.Context, number string, _ *order,
	body factRequest) (webhookMessage, *refusal) {
	if s.cfg.NeutralURL == "" {
		return webhookMessage{}, &refusal{status: http.StatusConflict, Message: "the neutral protocol is not offered"}
	}
	if body.Data != nil && !json.Valid(body.Data) {
		return webhookMessage{}, &refusal{status: http.StatusBadRequest, Message: "data is not JSON"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orderOrStub(number)
	if body.Raw != "" {
		id := body.WebhookID
		if id == "" {
			id = "fct_" + hexID()
		}
		return s.newNeutralWebhook(number, body.Type, id, s.accountForFact(o, nil), []byte(body.Raw)), nil
	}
	about := s.appointments.newest(number)
	if body.Appointment != "" {
		about = s.appointments.find(number, body.Appointment)
	}
	if body.Type == KindAppointment && body.Data == nil && about == nil {
		return webhookMessage{}, &refusal{status: http.StatusNotFound, Message: "appointment not found"}
	}
	if body.Type != KindAppointment {
		about = nil
	}
	m, err := s.applyNeutralFactLocked(o, body.Type, body.Details, about)
	if err != nil {
		return webhookMessage{}, &refusal{status: http.StatusBadRequest, Message: "the fact cannot be made"}
	}
	return m, nil
}

// replaceReport is handleReplaceResults for an order of the neutral protocol. The body is a report of that protocol;
// every part is optional.
func (s *Server) replaceReport(w http.ResponseWriter, r *http.Request, o *order) {
	var next neutralReport
	if !decodeControlRequest(w, r, &next) {
		return
	}
	if next.Status != "" && next.Status != statusFinal && next.Status != statusPartial {
		writeError(w, http.StatusBadRequest, "status must be final or partial")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next.viaControl = true
	if next.Results == nil {
		next.Results = s.newResults(o, Step{})
	}
	s.publishReport(o, &next)
	writeJSON(w, http.StatusOK, map[string]int{"version": next.Version})
}
