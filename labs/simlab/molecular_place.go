package simlab

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// noMessage is what the lab writes where there is no message: a string, as in its documented example.
const noMessage = " null "

// messageDuplicate tells that an order number was used before.
const messageDuplicate = "order number already exists"

// placementAnswer is the answer to one element of a PlaceOrder call.
type placementAnswer struct {
	OrderNumber string  `json:"order_number"`
	KitID       *string `json:"kit_id"`
	Success     bool    `json:"success"`
	Message     string  `json:"error_msg"`
}

// placement is one element of a PlaceOrder call on its way.
type placement struct {
	request placeRequest
	refusal string // why it is refused; empty: it is not
	script  Script
	order   *order // set once it is accepted, or found to exist
	outcome string
}

// handlePlaceOrders is POST /PlaceOrder: a non-empty array of orders, answered one by one.
func (s *Server) handlePlaceOrders(w http.ResponseWriter, r *http.Request, call *callRecord) {
	batch, ok := readBatch(w, r, s.cfg.Now())
	if !ok {
		return
	}
	unavailable := s.acceptBatch(batch)
	drops, hold := false, time.Duration(0)
	for _, p := range batch {
		call.addOrder(p.request.OrderNumber, p.outcome)
		if p.outcome == OutcomeDropped {
			drops, hold = true, max(hold, time.Duration(p.script.Place.HoldOpen))
		}
	}
	if unavailable {
		writeError(w, http.StatusServiceUnavailable, "service is temporarily unavailable")
		return
	}
	if drops {
		s.startScripts(batch)
		s.holdConnection(r, hold)
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}
	writeJSON(w, http.StatusOK, placementAnswers(batch))
	// The answer leaves before the first webhook does. A writer that cannot flush only loses that order.
	_ = http.NewResponseController(w).Flush()
	s.startScripts(batch)
}

// readBatch reads and checks the elements; it has answered when it returns false.
func readBatch(w http.ResponseWriter, r *http.Request, now time.Time) ([]*placement, bool) {
	var elements []json.RawMessage
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxPlaceBody)).Decode(&elements)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		writeError(w, http.StatusRequestEntityTooLarge, "request is too large")
		return nil, false
	}
	if err != nil || len(elements) == 0 {
		writeError(w, http.StatusBadRequest, "body must be a non-empty array of orders")
		return nil, false
	}
	batch := make([]*placement, len(elements))
	for i, element := range elements {
		request, problem := readPlaceRequest(element, now)
		batch[i] = &placement{request: request, refusal: problem}
	}
	return batch, true
}

// acceptBatch decides about every element at once. It reports whether the lab plays unavailable; nothing is recorded then.
func (s *Server) acceptBatch(batch []*placement) (unavailable bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range batch {
		unavailable = s.assignScript(p) || unavailable
	}
	for _, p := range batch {
		if unavailable {
			p.outcome = OutcomeUnavailable
			continue
		}
		s.acceptPlacement(p)
	}
	return unavailable
}

// assignScript sets the element's script and reports whether this script fails the call.
func (s *Server) assignScript(p *placement) (unavailable bool) {
	number := p.request.OrderNumber
	if p.refusal != "" || s.orders.byNumber[number] != nil {
		return false
	}
	script, ok := s.scriptFor(p.request)
	if !ok {
		p.refusal = "custom_01 names an unknown sandbox script"
		return false
	}
	if !script.isForProtocol(false) {
		p.refusal = "the script is of the neutral protocol"
		return false
	}
	p.script = script
	p.refusal = script.Place.RefuseWith
	if script.Place.Unavailable == 0 {
		return false
	}
	prospect, err := s.orders.expectedOrder(number)
	if err != nil {
		p.refusal = err.Error()
		return false
	}
	prospect.unavailableAnswers++
	return prospect.unavailableAnswers <= script.Place.Unavailable
}

// scriptFor returns the script of an order: the one put for its number, else the one that it names, else "happy". A name
// is taken with or without the prefix "sandbox:"; with it, an unknown one is an error and not just somebody's remark.
func (s *Server) scriptFor(request placeRequest) (Script, bool) {
	if p := s.orders.expected[request.OrderNumber]; p != nil && p.script != nil {
		if p.byName {
			return namedScript(p.script.Name)
		}
		return *p.script, true
	}
	name, explicit := strings.CutPrefix(strings.TrimSpace(request.Custom.Custom01), "sandbox:")
	script, ok := namedScript(name)
	if !ok && explicit {
		return Script{}, false
	}
	if !ok {
		script = happyScript()
	}
	if s.cfg.Manual {
		script.Steps, script.Book.NeverConfirmed = nil, true
	}
	return script, true
}

func (s *Server) acceptPlacement(p *placement) {
	p.outcome = OutcomeRefused
	if p.refusal != "" {
		return
	}
	if existing := s.orders.byNumber[p.request.OrderNumber]; existing != nil {
		p.order, p.outcome, p.refusal = existing, OutcomeDuplicate, messageDuplicate
		return
	}
	kitID := p.request.requestedKitID()
	if s.orders.kitIDs[kitID] {
		p.refusal = "kit_id already exists"
		return
	}
	forgotten, err := s.orders.dropOldestIfFull()
	if err != nil {
		p.refusal = err.Error()
		return
	}
	s.removeTrackers(forgotten)
	if kitID == "" {
		kitID = newKitID(s.orders.kitIDs)
	}
	p.order = s.newOrder(p.request, kitID, p.script.Name)
	p.order.behaviour = p.script.OrderBehaviour
	s.orders.add(p.order)
	p.outcome = OutcomeAccepted
	if p.script.Place.DropAnswer {
		p.outcome = OutcomeDropped
	}
}

func (s *Server) newOrder(request placeRequest, kitID, script string) *order {
	o := &order{
		number:          request.OrderNumber,
		kitID:           kitID,
		panels:          request.PanelID,
		labShipsKit:     *request.Fulfillment,
		script:          script,
		state:           stateAccepted,
		unsentFactTimes: map[string]time.Time{},
	}
	o.outbound = s.newTracker(outboundPrefix)
	o.inbound = s.newTracker(inboundPrefix)
	o.placedAt = o.nextFactTime(s.cfg.Now())
	return o
}

// startScripts starts the scripts of the orders that the call brought.
func (s *Server) startScripts(batch []*placement) {
	for _, p := range batch {
		if p.outcome == OutcomeAccepted || p.outcome == OutcomeDropped {
			s.startFirstScript(p.order, p.script.Steps)
		}
	}
}

// holdConnection waits until the time is over, the caller has gone or the server is closed.
func (s *Server) holdConnection(r *http.Request, hold time.Duration) {
	timer := time.NewTimer(hold)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	case <-s.ctx.Done():
	}
}

func placementAnswers(batch []*placement) []placementAnswer {
	list := make([]placementAnswer, len(batch))
	for i, p := range batch {
		list[i] = placementAnswer{OrderNumber: p.request.OrderNumber, Success: p.refusal == "", Message: noMessage}
		if p.refusal != "" {
			list[i].Message = p.refusal
		}
		if p.order != nil {
			list[i].KitID = &p.order.kitID
		}
	}
	return list
}
