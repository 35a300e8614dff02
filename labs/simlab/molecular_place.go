package simlab

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// noMessage is the lab's error_msg for no error: a string, as in MTL's documented example.
const noMessage = " null "

// messageDuplicate is the error_msg for an order number that has been used.
const messageDuplicate = "order number already exists"

// placementAnswer is the answer to one element of a PlaceOrder call.
type placementAnswer struct {
	OrderNumber string  `json:"order_number"`
	KitID       *string `json:"kit_id"`
	Success     bool    `json:"success"`
	Message     string  `json:"error_msg"`
}

// placement is one element of a PlaceOrder call while it is processed.
type placement struct {
	request placeRequest
	refusal string // why it is refused; empty: it is not refused
	script  Script
	order   *order // set if it is accepted, or if the order existed already
	outcome string
}

// handlePlaceOrders is POST /PlaceOrder: a non-empty array of orders, each with its own answer.
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
	// The answer is sent before the first webhook. Without flushing only this sequence is not certain, so the error is
	// ignored.
	_ = http.NewResponseController(w).Flush()
	s.startScripts(batch)
}

// readBatch decodes and checks the elements. It has answered if it returns false.
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

// acceptBatch decides about all elements. It returns true, and records no order, if a script makes the lab unavailable.
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

// assignScript sets the element's script, and counts and reports whether the script makes this call fail.
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
	expected, err := s.orders.expectedOrder(number)
	if err != nil {
		p.refusal = err.Error()
		return false
	}
	expected.unavailableAnswers++
	return expected.unavailableAnswers <= script.Place.Unavailable
}

// scriptFor returns the script of an order: the one that was set for its number, or the one that the order names, or
// "happy". The prefix "sandbox:" of a name is optional. With the prefix an unknown name is an error; without it the
// text counts as a remark.
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
	if err := s.dropOldestOrderIfFull(); err != nil {
		p.refusal = err.Error()
		return
	}
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

// startScripts starts the scripts of the orders that the call has created.
func (s *Server) startScripts(batch []*placement) {
	for _, p := range batch {
		if p.outcome == OutcomeAccepted || p.outcome == OutcomeDropped {
			s.startFirstScript(p.order, p.script.Steps)
		}
	}
}

// holdConnection waits until the time is over, the caller has closed the connection, or the server is closed.
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
