package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
)

// The protocols that a fact can be sent by.
const (
	protocolMolecular = "molecular"
	protocolNeutral   = "neutral"
)

// factRequest is the body of POST /sandbox/orders/{number}/facts.
type factRequest struct {
	Type     string `json:"type"`
	Protocol string `json:"protocol"` // defaults to the order's own; for a number without an order, to the one that knows the type
	Raw      string `json:"raw"`      // neutral only: this is sent, whatever it is
	Details
	Appointment string `json:"appointment"` // appointment only: its id; defaults to the order's newest
}

// protocol is what the fact is sent by. o is nil where the lab has no such order.
func (f factRequest) protocol(o *order) string {
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

// sendFact is POST /sandbox/orders/{number}/facts: one webhook, now, attempted once. The answer names the receiver's status. For an
// order that the lab does not know, Molecular's protocol needs an accession number.
func (s *Server) sendFact(w http.ResponseWriter, r *http.Request) {
	var body factRequest
	if !readControl(w, r, &body) {
		return
	}
	number := r.PathValue("number")
	o := s.find(number)
	send := s.molecularFact
	if body.protocol(o) == protocolNeutral {
		send = s.neutralFact
	}
	m, problem := send(r.Context(), number, o, body)
	if problem != nil {
		writeError(w, problem.status, problem.Message)
		return
	}
	status := s.sender.attempt(m, 1)
	if status == 0 {
		writeError(w, http.StatusBadGateway, "the receiver did not answer")
		return
	}
	writeJSON(w, http.StatusOK, map[string]int{"status": status})
}

func (s *Server) molecularFact(ctx context.Context, number string, o *order, body factRequest) (message, *refusal) {
	if err := body.Details.check(body.Type); err != nil || body.Type != KindCourier && !slices.Contains(labKinds, body.Type) {
		return message{}, &refusal{status: http.StatusBadRequest, Message: errors.Join(errors.New("type is not a fact"), err).Error()}
	}
	if o == nil && (body.AccessionNumber == "" || body.Type == KindCourier) {
		return message{}, &refusal{status: http.StatusNotFound, Message: "order number not found"}
	}
	if o == nil {
		o = &order{number: number, kitID: body.AccessionNumber}
	}
	m, err := s.factMessage(ctx, o, body.Type, body.Details)
	if err != nil {
		return message{}, &refusal{status: http.StatusConflict, Message: "the fact cannot be sent"}
	}
	return m, nil
}

func (s *Server) factMessage(ctx context.Context, o *order, kind string, d Details) (message, error) {
	if kind != KindCourier {
		return s.labMessage(ctx, o, kind, d)
	}
	if s.cfg.CourierURL == "" {
		return message{}, errors.New("there is no courier")
	}
	return s.courierMessage(o, d)
}

// neutralFact makes a fact of any type and content: what a receiver makes of nonsense is its own affair.
func (s *Server) neutralFact(_ context.Context, number string, _ *order, body factRequest) (message, *refusal) {
	if s.cfg.NeutralURL == "" {
		return message{}, &refusal{status: http.StatusConflict, Message: "the neutral protocol is not offered"}
	}
	if body.Data != nil && !json.Valid(body.Data) {
		return message{}, &refusal{status: http.StatusBadRequest, Message: "data is not JSON"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orderOrStub(number)
	if body.Raw != "" {
		id := body.WebhookID
		if id == "" {
			id = "fct_" + hexID()
		}
		return s.signed(number, body.Type, id, s.accountOf(o, nil), []byte(body.Raw)), nil
	}
	about := s.diary.newest(number)
	if body.Appointment != "" {
		about = s.diary.find(number, body.Appointment)
	}
	if body.Type == KindAppointment && body.Data == nil && about == nil {
		return message{}, &refusal{status: http.StatusNotFound, Message: "appointment not found"}
	}
	if body.Type != KindAppointment {
		about = nil
	}
	m, err := s.newFact(o, body.Type, body.Details, about)
	if err != nil {
		return message{}, &refusal{status: http.StatusBadRequest, Message: "the fact cannot be made"}
	}
	return m, nil
}

// replaceReport is replaceResults for an order of the neutral protocol: the body is a report of that protocol, each part optional.
func (s *Server) replaceReport(w http.ResponseWriter, r *http.Request, o *order) {
	var next neutralReport
	if !readControl(w, r, &next) {
		return
	}
	if next.Status != "" && next.Status != statusFinal && next.Status != statusPartial {
		writeError(w, http.StatusBadRequest, "status must be final or partial")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next.byHand = true
	if next.Results == nil {
		next.Results = s.measured(o, Step{})
	}
	s.publishReport(o, &next)
	writeJSON(w, http.StatusOK, map[string]int{"version": next.Version})
}
