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

// orderView is an order as the control endpoints show it.
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

	Flow         string            `json:"life,omitempty"` // of an order of the neutral protocol, as the rest
	Accession    string            `json:"accession,omitempty"`
	Replaces     string            `json:"replaces,omitempty"`
	Tests        []orderedTest     `json:"tests,omitempty"`
	Appointments []appointmentView `json:"appointments,omitempty"`
}

// view shows the order. The server's mutex is held.
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

// handleListScripts is GET /sandbox/scripts: those of Molecular's protocol, and of each life of the neutral one.
func (s *Server) handleListScripts(w http.ResponseWriter, _ *http.Request) {
	all := map[string][]Script{"scripts": scripts()}
	for _, life := range lives() {
		all[life] = lifeScripts(life)
	}
	writeJSON(w, http.StatusOK, all)
}

// handleTraffic is GET /sandbox/account: the newest calls and webhooks, at most limit of each.
func (s *Server) handleTraffic(w http.ResponseWriter, r *http.Request) {
	limit := pageSize(r)
	account := s.Traffic()
	account.Calls = account.Calls[max(0, len(account.Calls)-limit):]
	account.WebhookAttempts = append([]WebhookAttempt{},
		account.WebhookAttempts[max(0, len(account.WebhookAttempts)-limit):]...)
	writeJSON(w, http.StatusOK, account)
}

// handleListOrders is GET /sandbox/orders: oldest first, a page from after the given cursor.
func (s *Server) handleListOrders(w http.ResponseWriter, r *http.Request) {
	limit := pageSize(r)
	after, err := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	if err != nil {
		after = 0
	}
	page := struct {
		Orders []orderView `json:"orders"`
		Next   *int64      `json:"next"` // cursor of the next page; null: this is the last
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

// handleOrder is GET /sandbox/orders/{number}: its state and its part of the account.
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
	account := s.Traffic()
	writeJSON(w, http.StatusOK, struct {
		orderView
		Calls    []Call           `json:"calls"`
		Webhooks []WebhookAttempt `json:"webhooks"`
	}{view, append([]Call{}, account.CallsFor(o.number)...),
		append([]WebhookAttempt{}, account.WebhookAttemptsFor(o.number)...)})
}

func (s *Server) findOrder(number string) *order {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.orders.byNumber[number]
}

// pageSize reads the limit of a list.
func pageSize(r *http.Request) int {
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || limit < 1 {
		return defaultPage
	}
	return min(limit, maxPage)
}

// decodeControlRequest decodes a control request; it has answered when it returns false. An unknown key is an error, so that a misspelt
// parameter does not go unnoticed.
func decodeControlRequest(w http.ResponseWriter, r *http.Request, into any) bool {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		writeError(w, http.StatusBadRequest, "body is not valid")
		return false
	}
	return true
}
