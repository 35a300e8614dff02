package simlab

import (
	"encoding/json"
	"net/http"
)

// handleReplaceResults is PUT /sandbox/orders/{number}/results: the report, each part of it optional. Without observations they are
// generated. Each further report is a corrected version; no script overwrites it.
func (s *Server) handleReplaceResults(w http.ResponseWriter, r *http.Request) {
	if o := s.findOrder(r.PathValue("number")); o != nil && o.neutral != nil {
		s.replaceReport(w, r, o)
		return
	}
	var body struct {
		Status          string        `json:"status"`
		PDF             string        `json:"pdf_base64"`
		TempstripStatus string        `json:"tempstrip_status"`
		Observations    []Observation `json:"observations"`
	}
	if !decodeControlRequest(w, r, &body) {
		return
	}
	if body.Status != "" && body.Status != "final" && body.Status != "partial" {
		writeError(w, http.StatusBadRequest, "status must be final or partial")
		return
	}
	o := s.findOrder(r.PathValue("number"))
	if o == nil {
		writeError(w, http.StatusNotFound, "order number not found")
		return
	}
	s.mu.Lock()
	next := &molecularReport{
		Status: body.Status, PDF: body.PDF, TempstripStatus: body.TempstripStatus, Observations: body.Observations, viaControl: true,
	}
	if next.Observations == nil {
		next.Observations = s.newObservations(o)
	}
	s.publishMolecularReport(o, next)
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]int{"version": next.Version})
}

// handleCancelOrder is POST /CancelOrder, where it is offered: refused once the kit has shipped, the same answer when repeated.
func (s *Server) handleCancelOrder(w http.ResponseWriter, r *http.Request, call *callRecord) {
	var body struct {
		OrderNumber string `json:"order_number"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxPlaceBody)).Decode(&body); err != nil {
		writeError(w, http.StatusBadRequest, "body must be an object with an order_number")
		return
	}
	call.addOrder(body.OrderNumber, "")
	s.mu.Lock()
	problem := s.cancelByNumber(body.OrderNumber)
	s.mu.Unlock()
	if problem != "" {
		writeJSON(w, http.StatusOK, molecularAnswer{Message: problem})
		return
	}
	writeJSON(w, http.StatusOK, molecularAnswer{Success: true, Message: noMessage})
}

// cancelByNumber cancels an order, or says why it cannot be. The caller holds the mutex.
func (s *Server) cancelByNumber(number string) (problem string) {
	o := s.orders.byNumber[number]
	if o == nil {
		return "order number not found"
	}
	if o.shipped {
		return "kit has been shipped"
	}
	o.state = stateCancelled
	o.notifyChange()
	if o.run != nil {
		o.run.cancel()
	}
	return ""
}
