package simlab

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"
)

// Observation is one measurement of a lab report.
type Observation struct {
	TestName       string `json:"test_name"`
	Result         string `json:"result"`       // Detected or Not Detected
	ResultValue    string `json:"result_value"` // a number as text, or the text of Result
	Units          string `json:"units,omitempty"`
	ReferenceRange string `json:"reference_range,omitempty"` // low-high
	LOINC          string `json:"loinc,omitempty"`
	AssayedAt      string `json:"assay_datetime"`
	// Interpretation is normal, abnormal, critical or unknown; empty: by the reference range, or by the word.
	Interpretation string `json:"interpretation,omitempty"`
}

// missingObservation is a test that was ordered and has no observation.
type missingObservation struct {
	TestName string `json:"test_name"`
	LOINC    string `json:"loinc,omitempty"`
	Failure  string `json:"failure"` // one of failureTypes
	Note     string `json:"note,omitempty"`
}

// molecularReport is a version of an order's lab report. If Observations and Missing are empty, the results are not
// complete yet.
type molecularReport struct {
	Status          string        `json:"status"` // final or partial
	Version         int           `json:"version"`
	PDF             string        `json:"pdf_base64"`
	TempstripStatus string        `json:"tempstrip_status"`
	Observations    []Observation `json:"observations"`
	// Interpretation is that of the report; empty: the worst of the observations.
	Interpretation string               `json:"interpretation,omitempty"`
	Missing        []missingObservation `json:"missing,omitempty"`

	viaControl bool // set by the control endpoint; scripts do not overwrite it
	fetched    bool
}

// handleResults is GET /Results?order_number=, a call that only the simulated lab has.
func (s *Server) handleResults(w http.ResponseWriter, r *http.Request, call *callRecord) {
	number := r.URL.Query().Get("order_number")
	call.addOrder(number, "")
	s.mu.Lock()
	o := s.orders.byNumber[number]
	var current *molecularReport
	if o != nil {
		current = o.molecularReport
		if current != nil {
			current.fetched = true
			o.notifyChange()
		}
	}
	s.mu.Unlock()
	switch {
	case o == nil:
		writeError(w, http.StatusNotFound, "order number not found")
	case current == nil:
		writeError(w, http.StatusNotFound, "results are not ready")
	default:
		writeJSON(w, http.StatusOK, struct {
			OrderNumber string `json:"order_number"`
			KitID       string `json:"kit_id"`
			*molecularReport
		}{o.number, o.kitID, current})
	}
}

// generateResults generates the order's results, or a corrected version of them. Results from the control endpoint stay
// unchanged.
func (s *Server) generateResults(o *order, step Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.molecularReport != nil && o.molecularReport.viaControl {
		return
	}
	next := &molecularReport{Observations: []Observation{}}
	if !step.Empty {
		next.Observations = s.newObservations(o, step)
		next.shape(step)
	}
	s.publishMolecularReport(o, next)
}

// newObservations generates observations. They differ from those of the present lab report, if there is one. The caller
// holds the mutex.
func (s *Server) newObservations(o *order, step Step) []Observation {
	at := s.cfg.Now().UTC().Format(stampFormat)
	observations := generateObservations(o.number, o.panels, at)
	if step.Interpretation != "" || len(step.ResultTypes) > 0 {
		observations = generateShapedObservations(o.number, o.panels, step, at)
	}
	if o.molecularReport != nil && o.molecularReport.Status == statusFinal && len(o.molecularReport.Observations) > 0 {
		correctObservations(observations, o.molecularReport.Version)
	}
	return observations
}

// publishMolecularReport fills in missing parts of a lab report and makes it the order's newest version. A published
// lab report is not changed later. The caller holds the mutex.
func (s *Server) publishMolecularReport(o *order, next *molecularReport) {
	next.Version = 1
	if o.molecularReport != nil {
		next.Version = o.molecularReport.Version + 1
	}
	if next.Status == "" {
		next.Status = "final"
	}
	if next.TempstripStatus == "" {
		next.TempstripStatus = "pass"
	}
	assayed := s.cfg.Now().UTC().Format(stampFormat)
	if next.PDF == "" {
		next.PDF = base64.StdEncoding.EncodeToString(next.document(o, assayed).render())
	}
	for i := range next.Observations {
		if next.Observations[i].AssayedAt == "" {
			next.Observations[i].AssayedAt = assayed
		}
	}
	o.molecularReport = next
}

// handleOrderInfo is GET /OrderInfo?order_number=, a call that only the simulated lab has.
func (s *Server) handleOrderInfo(w http.ResponseWriter, r *http.Request, call *callRecord) {
	number := r.URL.Query().Get("order_number")
	call.addOrder(number, "")
	s.mu.Lock()
	o := s.orders.byNumber[number]
	var current string
	if o != nil {
		current = o.state
	}
	s.mu.Unlock()
	if o == nil {
		writeError(w, http.StatusNotFound, "order number not found")
		return
	}
	writeJSON(w, http.StatusOK, struct {
		placementAnswer
		Status   string    `json:"status"`
		PlacedAt time.Time `json:"placed_at"`
	}{placementAnswer{OrderNumber: o.number, KitID: &o.kitID, Success: true, Message: noMessage}, current, o.placedAt})
}

// handleNotifications is GET /Notifications?order_number=. It lists all webhooks about an order, oldest first, whether
// or not they arrived. Only the simulated lab has it.
func (s *Server) handleNotifications(w http.ResponseWriter, r *http.Request, call *callRecord) {
	number := r.URL.Query().Get("order_number")
	call.addOrder(number, "")
	s.mu.Lock()
	o := s.orders.byNumber[number]
	notifications := []json.RawMessage{}
	if o != nil {
		notifications = append(notifications, o.notifications...)
	}
	s.mu.Unlock()
	if o == nil {
		writeError(w, http.StatusNotFound, "order number not found")
		return
	}
	writeJSON(w, http.StatusOK, notifications)
}
