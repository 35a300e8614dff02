package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// replaceScript is PUT /sandbox/orders/{number}/script: {"script": name} or {"steps": [...], "place": {...}}. What still runs is
// stopped first; when the answer comes, the old script sends nothing more. For a number without an order the script is kept.
func (s *Server) replaceScript(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Script string `json:"script"`
		Place  Place  `json:"place"`
		Steps  []Step `json:"steps"`
	}
	if !readControl(w, r, &body) {
		return
	}
	if body.Script == "" && body.Steps == nil {
		writeError(w, http.StatusBadRequest, "script or steps is missing")
		return
	}
	script := Script{Name: "custom", Place: body.Place, Steps: body.Steps}
	if body.Script != "" {
		named, ok := NamedScript(body.Script)
		if !ok || body.Steps != nil || body.Place != (Place{}) {
			writeError(w, http.StatusBadRequest, "script must be a known name, without steps and place")
			return
		}
		script = named
	}
	if err := script.check(); err != nil {
		writeError(w, http.StatusBadRequest, err.Error()) // our own words about the script
		return
	}
	if err := s.assign(r.PathValue("number"), script); err != nil {
		writeError(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"script": script.Name})
}

// assign gives a script to an order, or keeps it for the order to come.
func (s *Server) assign(number string, script Script) error {
	s.mu.Lock()
	o := s.orders.byNumber[number]
	if o == nil {
		defer s.mu.Unlock()
		p, err := s.orders.prospect(number)
		if err == nil {
			p.script = &script
		}
		return err
	}
	s.mu.Unlock()
	s.restart(o, script)
	return nil
}

// replaceResults is PUT /sandbox/orders/{number}/results: the report, each part of it optional. Without observations they are
// generated. Each further report is a corrected version; no script overwrites it.
func (s *Server) replaceResults(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Status          string        `json:"status"`
		PDF             string        `json:"pdf_base64"`
		TempstripStatus string        `json:"tempstrip_status"`
		Observations    []Observation `json:"observations"`
	}
	if !readControl(w, r, &body) {
		return
	}
	if body.Status != "" && body.Status != "final" && body.Status != "partial" {
		writeError(w, http.StatusBadRequest, "status must be final or partial")
		return
	}
	o := s.find(r.PathValue("number"))
	if o == nil {
		writeError(w, http.StatusNotFound, "order number not found")
		return
	}
	s.mu.Lock()
	next := &report{
		Status: body.Status, PDF: body.PDF, TempstripStatus: body.TempstripStatus, Observations: body.Observations, byHand: true,
	}
	if next.Observations == nil {
		next.Observations = s.observe(o)
	}
	s.publish(o, next)
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]int{"version": next.Version})
}

// sendFact is POST /sandbox/orders/{number}/facts: one webhook, now, attempted once. The answer names the receiver's status. For an
// order that the lab does not know, an accession number must be given.
func (s *Server) sendFact(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Type string `json:"type"`
		Details
	}
	if !readControl(w, r, &body) {
		return
	}
	if err := body.Details.check(body.Type); err != nil {
		writeError(w, http.StatusBadRequest, err.Error()) // our own words about the fact
		return
	}
	o := s.find(r.PathValue("number"))
	if o == nil && (body.AccessionNumber == "" || body.Type == KindCourier) {
		writeError(w, http.StatusNotFound, "order number not found")
		return
	}
	if o == nil {
		o = &order{number: r.PathValue("number"), kitID: body.AccessionNumber}
	}
	m, err := s.factMessage(r.Context(), o, body.Type, body.Details)
	if err != nil {
		writeError(w, http.StatusConflict, "the fact cannot be sent")
		return
	}
	status := s.sender.attempt(m, 1)
	if status == 0 {
		writeError(w, http.StatusBadGateway, "the receiver did not answer")
		return
	}
	writeJSON(w, http.StatusOK, map[string]int{"status": status})
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

// cancelOrder is POST /CancelOrder, where it is offered: refused once the kit has shipped, the same answer when repeated.
func (s *Server) cancelOrder(w http.ResponseWriter, r *http.Request, call *callRecord) {
	var body struct {
		OrderNumber string `json:"order_number"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxPlaceBody)).Decode(&body); err != nil {
		writeError(w, http.StatusBadRequest, "body must be an object with an order_number")
		return
	}
	call.about(body.OrderNumber, "")
	if problem := s.cancelNumber(body.OrderNumber); problem != "" {
		writeJSON(w, http.StatusOK, labAnswer{Message: problem})
		return
	}
	writeJSON(w, http.StatusOK, labAnswer{Success: true, Message: noMessage})
}

func (s *Server) cancelNumber(number string) (problem string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders.byNumber[number]
	if o == nil {
		return "order number not found"
	}
	if o.shipped {
		return "kit has been shipped"
	}
	o.state = stateCancelled
	if o.run != nil {
		o.run.cancel()
	}
	return ""
}
