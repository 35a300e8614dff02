package simlab

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"
)

// Observation is one measured value of a report.
type Observation struct {
	TestName       string `json:"test_name"`
	Result         string `json:"result"`       // Detected or Not Detected
	ResultValue    string `json:"result_value"` // a number as text, or the result again
	Units          string `json:"units,omitempty"`
	ReferenceRange string `json:"reference_range,omitempty"` // low-high
	LOINC          string `json:"loinc,omitempty"`
	AssayedAt      string `json:"assay_datetime"`
}

// molecularReport is the newest version of an order's results. An empty list of observations is a report that waits for them.
type molecularReport struct {
	Status          string        `json:"status"` // final or partial
	Version         int           `json:"version"`
	PDF             string        `json:"pdf_base64"`
	TempstripStatus string        `json:"tempstrip_status"`
	Observations    []Observation `json:"observations"`

	viaControl bool // put through the control endpoint: no script overwrites it
}

// handleResults is GET /Results?order_number=, which only the simulated lab has.
func (s *Server) handleResults(w http.ResponseWriter, r *http.Request, call *callRecord) {
	number := r.URL.Query().Get("order_number")
	call.addOrder(number, "")
	s.mu.Lock()
	o := s.orders.byNumber[number]
	var current *molecularReport
	if o != nil {
		current = o.molecularReport
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

// generateResults makes results exist, or corrects those that exist already. Results put by hand stand.
func (s *Server) generateResults(o *order, empty bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.molecularReport != nil && o.molecularReport.viaControl {
		return
	}
	next := &molecularReport{Observations: []Observation{}}
	if !empty {
		next.Observations = s.newObservations(o)
	}
	s.publishMolecularReport(o, next)
}

// newObservations returns generated observations, corrected if the order has some already. The caller holds the mutex.
func (s *Server) newObservations(o *order) []Observation {
	at := s.cfg.Now().UTC().Format(stampFormat)
	observations := generateObservations(o.number, o.panels, at)
	if o.molecularReport != nil && len(o.molecularReport.Observations) > 0 {
		correctObservations(observations, o.molecularReport.Version)
	}
	return observations
}

// publishMolecularReport completes a report and makes it the order's newest version. The caller holds the mutex. A published report is not changed.
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
	if next.PDF == "" {
		next.PDF = base64.StdEncoding.EncodeToString(reportPDF(o.number, o.kitID, next.Version))
	}
	assayed := s.cfg.Now().UTC().Format(stampFormat)
	for i := range next.Observations {
		if next.Observations[i].AssayedAt == "" {
			next.Observations[i].AssayedAt = assayed
		}
	}
	o.molecularReport = next
}

// handleOrderInfo is GET /OrderInfo?order_number=, which only the simulated lab has.
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

// handleNotifications is GET /Notifications?order_number=, the polling twin of the webhooks: all that were made about an order, oldest
// first, whether they arrived or not. Only the simulated lab has it.
func (s *Server) handleNotifications(w http.ResponseWriter, r *http.Request, call *callRecord) {
	number := r.URL.Query().Get("order_number")
	call.addOrder(number, "")
	s.mu.Lock()
	o := s.orders.byNumber[number]
	notices := []json.RawMessage{}
	if o != nil {
		notices = append(notices, o.notifications...)
	}
	s.mu.Unlock()
	if o == nil {
		writeError(w, http.StatusNotFound, "order number not found")
		return
	}
	writeJSON(w, http.StatusOK, notices)
}
