package simlab

import (
	"encoding/json"
	"errors"
	"net/http"
)

// handleReplaceResults is PUT /sandbox/orders/{number}/results. The body is a lab report; every part is optional, and
// missing observations are generated. Each further lab report is a corrected version. Scripts do not overwrite it.
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
		Status: body.Status, PDF: body.PDF, TempstripStatus: body.TempstripStatus, Observations: body.Observations,
		viaControl: true,
	}
	if next.Observations == nil {
		next.Observations = s.newObservations(o, Step{})
	}
	s.publishMolecularReport(o, next)
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]int{"version": next.Version})
}

// handleCancelOrder is POST /CancelOrder, if Config.CancelCall offers it. It refuses an order whose kit has shipped. A
// repeated call gets the same answer.
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

// cancelByNumber cancels an order and its script. It returns a text that says why the order cannot be cancelled; empty:
// cancelled. The caller holds the mutex.
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

// handleReplaceScript is PUT /sandbox/orders/{number}/script. The body has a script name, or steps with place, book and
// calls. It stops the running script first: after the answer, that script sends nothing. For a number without an order,
// the script is stored until the order comes.
func (s *Server) handleReplaceScript(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Script string        `json:"script"`
		Place  CallBehaviour `json:"place"`
		Steps  []Step        `json:"steps"`
		OrderBehaviour
	}
	if !decodeControlRequest(w, r, &body) {
		return
	}
	if body.Script == "" && body.Steps == nil {
		writeError(w, http.StatusBadRequest, "script or steps is missing")
		return
	}
	number := r.PathValue("number")
	script := Script{Name: "custom", Place: body.Place, Steps: body.Steps, OrderBehaviour: body.OrderBehaviour}
	if body.Script != "" {
		named, ok := s.scriptNamed(number, body.Script)
		if !ok || body.Steps != nil || body.Place != (CallBehaviour{}) || body.Book != (BookingBehaviour{}) ||
			body.Calls != nil {
			writeError(w, http.StatusBadRequest, "script must be a known name, without steps, place, book and calls")
			return
		}
		script = named
	}
	if err := script.check(); err != nil {
		writeError(w, http.StatusBadRequest, err.Error()) // our own text about the script
		return
	}
	switch err := s.assignScriptTo(number, script, body.Script != ""); {
	case errors.Is(err, errOtherProtocol):
		writeError(w, http.StatusBadRequest, err.Error())
	case err != nil:
		writeError(w, http.StatusServiceUnavailable, err.Error())
	default:
		writeJSON(w, http.StatusOK, map[string]string{"script": script.Name})
	}
}

var errOtherProtocol = errors.New("a step is not of the order's protocol")

// scriptNamed returns the script with this name for the order. For an order that has not come yet, it looks for the
// name in all flows.
func (s *Server) scriptNamed(number, name string) (Script, bool) {
	if o := s.findOrder(number); o != nil {
		if o.neutral != nil {
			return flowScript(o.neutral.flow, name)
		}
		return namedScript(name)
	}
	script, ok := namedScript(name)
	for _, flow := range flows() {
		if other, known := flowScript(flow, name); known &&
			(!ok || script.Calls == nil && script.Book == (BookingBehaviour{})) {
			script, ok = other, true
		}
	}
	return script, ok
}

// assignScriptTo starts the script for an order, or stores it until the order comes.
func (s *Server) assignScriptTo(number string, script Script, named bool) error {
	s.mu.Lock()
	o := s.orders.byNumber[number]
	if o == nil {
		defer s.mu.Unlock()
		expected, err := s.orders.expectedOrder(number)
		if err == nil {
			expected.script, expected.byName = &script, named
		}
		return err
	}
	s.mu.Unlock()
	if !script.isForProtocol(o.neutral != nil) {
		return errOtherProtocol
	}
	s.replaceScript(o, script)
	return nil
}
