package simlab

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

const (
	defaultPage = 100
	maxPage     = 1000
)

// orderView is the JSON form of an order in the control endpoints.
type orderView struct {
	OrderNumber string    `json:"order_number"`
	KitID       string    `json:"kit_id"`
	Status      string    `json:"status"`
	Script      string    `json:"script"`
	Running     bool      `json:"running"`
	Outbound    string    `json:"outbound"`
	Inbound     string    `json:"inbound"`
	PlacedAt    time.Time `json:"placed_at"`
	Version     int       `json:"results_version"` // 0: no results

	// The following fields are set for orders of the neutral protocol only.
	Flow         string            `json:"life,omitempty"`
	Accession    string            `json:"accession,omitempty"`
	Replaces     string            `json:"replaces,omitempty"`
	Tests        []orderedTest     `json:"tests,omitempty"`
	Appointments []appointmentView `json:"appointments,omitempty"`
}

// view returns the JSON form. The caller holds the server's mutex.
func (o *order) view() orderView {
	v := orderView{
		OrderNumber: o.number, KitID: o.kitID, Status: o.state, Script: o.script, Running: o.run.isRunning(),
		Outbound: o.outbound, Inbound: o.inbound, PlacedAt: o.placedAt,
	}
	if o.molecularReport != nil {
		v.Version = o.molecularReport.Version
	}
	if n := o.neutral; n != nil {
		v.Flow, v.Accession, v.Replaces, v.Tests = n.flow, n.accession, n.replaces, n.tests
		if n.report != nil {
			v.Version = n.report.Version
		}
	}
	return v
}

// handleListScripts is GET /sandbox/scripts: the scripts of Molecular's protocol, and those of each flow of the neutral
// protocol.
func (s *Server) handleListScripts(w http.ResponseWriter, _ *http.Request) {
	all := map[string][]Script{"scripts": scripts()}
	for _, flow := range flows() {
		all[flow] = flowScripts(flow)
	}
	writeJSON(w, http.StatusOK, all)
}

// handleTraffic is GET /sandbox/account: the newest calls and webhook attempts, at most limit of each.
func (s *Server) handleTraffic(w http.ResponseWriter, r *http.Request) {
	limit := pageSize(r)
	traffic := s.Traffic()
	traffic.Calls = traffic.Calls[max(0, len(traffic.Calls)-limit):]
	traffic.WebhookAttempts = append([]WebhookAttempt{},
		traffic.WebhookAttempts[max(0, len(traffic.WebhookAttempts)-limit):]...)
	writeJSON(w, http.StatusOK, traffic)
}

// handleListOrders is GET /sandbox/orders: orders, oldest first, after the given cursor.
func (s *Server) handleListOrders(w http.ResponseWriter, r *http.Request) {
	limit := pageSize(r)
	after, err := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	if err != nil {
		after = 0
	}
	page := struct {
		Orders []orderView `json:"orders"`
		Next   *int64      `json:"next"` // cursor of the next page; null: this is the last page
	}{Orders: []orderView{}}
	s.mu.Lock()
	var last int64
	for _, o := range s.orders.byAge {
		if o.sequence <= after {
			continue
		}
		if len(page.Orders) == limit {
			page.Next = &last
			break
		}
		page.Orders = append(page.Orders, o.view())
		last = o.sequence
	}
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, page)
}

// handleOrder is GET /sandbox/orders/{number}: the order with its calls and webhook attempts.
func (s *Server) handleOrder(w http.ResponseWriter, r *http.Request) {
	o := s.findOrder(r.PathValue("number"))
	if o == nil {
		writeError(w, http.StatusNotFound, "order number not found")
		return
	}
	s.mu.Lock()
	view := o.view()
	for _, a := range s.appointments.byNumber[o.number] {
		view.Appointments = append(view.Appointments, a.view())
	}
	s.mu.Unlock()
	traffic := s.Traffic()
	writeJSON(w, http.StatusOK, struct {
		orderView
		Calls    []Call           `json:"calls"`
		Webhooks []WebhookAttempt `json:"webhooks"`
	}{view, append([]Call{}, traffic.CallsFor(o.number)...),
		append([]WebhookAttempt{}, traffic.WebhookAttemptsFor(o.number)...)})
}

func (s *Server) findOrder(number string) *order {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.orders.byNumber[number]
}

// pageSize returns the limit parameter of a list, or its default.
func pageSize(r *http.Request) int {
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || limit < 1 {
		return defaultPage
	}
	return min(limit, maxPage)
}

// decodeControlRequest decodes the body of a control request. It has answered if it returns false. An unknown key is an
// error, so that misspelt keys are found.
func decodeControlRequest(w http.ResponseWriter, r *http.Request, into any) bool {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		writeError(w, http.StatusBadRequest, "body is not valid")
		return false
	}
	return true
}
