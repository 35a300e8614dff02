package simlab

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
)

const (
	maxTrackers    = 4 * maxOrders
	maxTrackerBody = 64 << 10
	defaultCarrier = "USPS"
)

// tracker is the courier's state of one tracking number. The lab creates trackers for its own numbers; the courier
// reports on them after a client has requested them.
type tracker struct {
	id           string
	code         string
	carrier      string
	status       string
	detail       string
	updatedAt    time.Time
	history      []trackingDetail
	requested    chan struct{} // closed when a client has requested the tracker
	waitTimedOut bool          // a script has waited for the request until its timeout and does not wait again
}

// trackerView is the JSON form of a tracker in the tracker API.
type trackerView struct {
	ID           string           `json:"id"`
	Object       string           `json:"object"`
	TrackingCode string           `json:"tracking_code"`
	Status       string           `json:"status"`
	StatusDetail string           `json:"status_detail"`
	Carrier      string           `json:"carrier"`
	UpdatedAt    string           `json:"updated_at"`
	History      []trackingDetail `json:"tracking_details"`
}

type trackingDetail struct {
	Object       string `json:"object"`
	Status       string `json:"status"`
	StatusDetail string `json:"status_detail"`
	At           string `json:"datetime"`
	Message      string `json:"message"`
}

// render returns the JSON form. The caller holds the server's mutex.
func (t *tracker) render() trackerView {
	return trackerView{
		ID: t.id, Object: "Tracker", TrackingCode: t.code, Status: t.status, StatusDetail: t.detail, Carrier: t.carrier,
		UpdatedAt: t.updatedAt.Format(stampFormat), History: append([]trackingDetail{}, t.history...),
	}
}

func (t *tracker) isRequested() bool {
	select {
	case <-t.requested:
		return true
	default:
		return false
	}
}

// newTracker creates a tracking number and its tracker, not requested yet. The caller holds the mutex.
func (s *Server) newTracker(prefix string) (code string) {
	code = newTrackingNumber(prefix, s.trackers)
	s.addTracker(code, defaultCarrier)
	return code
}

func (s *Server) addTracker(code, carrier string) *tracker {
	t := &tracker{
		id: "trk_" + hexID(), code: code, carrier: carrier, status: "unknown", detail: "unknown",
		updatedAt: s.cfg.Now().UTC(), requested: make(chan struct{}),
	}
	s.trackers[code] = t
	return t
}

// removeTrackers removes the trackers of an order; nil is allowed.
func (s *Server) removeTrackers(o *order) {
	if o != nil {
		delete(s.trackers, o.outbound)
		delete(s.trackers, o.inbound)
	}
}

// handleCreateTracker is POST /v2/trackers. A repeated tracking code returns the same tracker.
func (s *Server) handleCreateTracker(w http.ResponseWriter, r *http.Request) {
	key, _, _ := r.BasicAuth()
	if s.cfg.CourierAPIKey == "" || !equal(key, s.cfg.CourierAPIKey) {
		writeTrackerError(w, http.StatusUnauthorized, "UNAUTHORIZED", "API key is missing or invalid")
		return
	}
	var body struct {
		Tracker struct {
			TrackingCode string `json:"tracking_code"`
			Carrier      string `json:"carrier"`
		} `json:"tracker"`
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxTrackerBody)).Decode(&body)
	code := strings.TrimSpace(body.Tracker.TrackingCode)
	if err != nil || code == "" {
		writeTrackerError(w, http.StatusUnprocessableEntity, "TRACKER.CREATE.ERROR", "tracking_code is required")
		return
	}
	object, ok := s.requestTracker(code, body.Tracker.Carrier)
	if !ok {
		writeTrackerError(w, http.StatusTooManyRequests, "RATE_LIMITED", "too many trackers")
		return
	}
	writeJSON(w, http.StatusCreated, object)
}

func (s *Server) requestTracker(code, carrier string) (trackerView, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.trackers[code]
	if t == nil && len(s.trackers) >= maxTrackers {
		return trackerView{}, false
	}
	if carrier == "" {
		carrier = defaultCarrier
	}
	if t == nil {
		t = s.addTracker(code, carrier)
	}
	if !t.isRequested() {
		t.carrier = carrier
		close(t.requested)
	}
	return t.render(), true
}

// awaitTrackerRequest waits at most Config.TrackerWait for the request of the leg's tracker. It returns false if the
// context ended first.
func (s *Server) awaitTrackerRequest(ctx context.Context, o *order, leg string) bool {
	s.mu.Lock()
	t := s.legTracker(o, leg)
	timedOut := t.waitTimedOut
	s.mu.Unlock()
	if timedOut {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(s.cfg.TrackerWait)
	defer timer.Stop()
	select {
	case <-t.requested:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	case <-timer.C:
	}
	s.mu.Lock()
	t.waitTimedOut = true
	s.mu.Unlock()
	return true
}

// legTracker returns the tracker of a leg, and creates it if there is none. The caller holds the mutex.
func (s *Server) legTracker(o *order, leg string) *tracker {
	code := o.outbound
	if leg == LegInbound {
		code = o.inbound
	}
	if t := s.trackers[code]; t != nil {
		return t
	}
	return s.addTracker(code, defaultCarrier)
}

func hexID() string { return strings.ReplaceAll(uuid.NewString(), "-", "") }

func writeTrackerError(w http.ResponseWriter, status int, code, message string) {
	type problem struct {
		Code    string   `json:"code"`
		Message string   `json:"message"`
		Errors  []string `json:"errors"`
	}
	writeJSON(w, status, map[string]problem{"error": {Code: code, Message: message, Errors: []string{}}})
}
