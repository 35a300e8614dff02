package sandbox

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

// report is the newest version of an order's results. An empty list of observations is a report that waits for them.
type report struct {
	Status          string        `json:"status"` // final or partial
	Version         int           `json:"version"`
	PDF             string        `json:"pdf_base64"`
	TempstripStatus string        `json:"tempstrip_status"`
	Observations    []Observation `json:"observations"`

	byHand bool // put through the control endpoint: no script overwrites it
}

// results is GET /Results?order_number=, which only the simulated lab has.
func (s *Server) results(w http.ResponseWriter, r *http.Request, call *callRecord) {
	number := r.URL.Query().Get("order_number")
	call.about(number, "")
	s.mu.Lock()
	o := s.orders.byNumber[number]
	var current *report
	if o != nil {
		current = o.report
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
			*report
		}{o.number, o.kitID, current})
	}
}

// generateResults makes results exist, or corrects those that exist already. Results put by hand stand.
func (s *Server) generateResults(o *order, empty bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.report != nil && o.report.byHand {
		return
	}
	next := &report{Observations: []Observation{}}
	if !empty {
		next.Observations = s.observe(o)
	}
	s.publish(o, next)
}

// observe returns generated observations, corrected if the order has some already. The caller holds the mutex.
func (s *Server) observe(o *order) []Observation {
	at := s.cfg.Now().UTC().Format(stampFormat)
	observations := generate(o.number, o.panels, at)
	if o.report != nil && len(o.report.Observations) > 0 {
		correct(observations, o.report.Version)
	}
	return observations
}

// publish completes a report and makes it the order's newest version. The caller holds the mutex. A published report is not changed.
func (s *Server) publish(o *order, next *report) {
	next.Version = 1
	if o.report != nil {
		next.Version = o.report.Version + 1
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
	o.report = next
}

// orderInfo is GET /OrderInfo?order_number=, which only the simulated lab has.
func (s *Server) orderInfo(w http.ResponseWriter, r *http.Request, call *callRecord) {
	number := r.URL.Query().Get("order_number")
	call.about(number, "")
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
		placeAnswer
		Status   string    `json:"status"`
		PlacedAt time.Time `json:"placed_at"`
	}{placeAnswer{OrderNumber: o.number, KitID: &o.kitID, Success: true, Message: noMessage}, current, o.placedAt})
}

// notifications is GET /Notifications?order_number=, the polling twin of the webhooks: all that were made about an order, oldest
// first, whether they arrived or not. Only the simulated lab has it.
func (s *Server) notifications(w http.ResponseWriter, r *http.Request, call *callRecord) {
	number := r.URL.Query().Get("order_number")
	call.about(number, "")
	s.mu.Lock()
	o := s.orders.byNumber[number]
	notices := []json.RawMessage{}
	if o != nil {
		notices = append(notices, o.notices...)
	}
	s.mu.Unlock()
	if o == nil {
		writeError(w, http.StatusNotFound, "order number not found")
		return
	}
	writeJSON(w, http.StatusOK, notices)
}
