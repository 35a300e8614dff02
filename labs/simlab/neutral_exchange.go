package simlab

import (
	"net/http"
	"time"
)

// neutralReply is what a call comes to.
type neutralReply struct {
	status  int
	answer  any
	changed bool     // it changed something; a repeated call does not
	problem *refusal // nil: it was not refused
}

func refusedReply(code, message string) neutralReply {
	return neutralReply{problem: refuse(code, message)}
}

// neutralExchange is a call that the order's script may fail, refuse, slow down or leave unanswered.
type neutralExchange struct {
	operation   string
	isRepeat    func() bool          // this has been done already: the script has no say. nil: never
	behaviour   func() CallBehaviour // nil: as the order's script has it
	run         func() neutralReply  // under the server's mutex
	afterAnswer func()               // what follows from a first reply, once it has left; nil: nothing
}

// respond answers a call.
func (s *Server) respond(c *neutralCall, e neutralExchange) {
	conduct, r := s.runExchange(c, e)
	switch {
	case r.problem != nil && r.problem.status == http.StatusServiceUnavailable:
		c.recordOutcome(e.operation, OutcomeUnavailable)
		c.w.Header().Set("Retry-After", "1")
		c.refuse(r.problem)
	case r.problem != nil:
		c.recordOutcome(e.operation, OutcomeRefused)
		c.refuse(r.problem)
	case !r.changed:
		c.recordOutcome(e.operation, OutcomeDuplicate)
		writeJSON(c.w, r.status, r.answer)
	case conduct.DropAnswer:
		c.recordOutcome(e.operation, OutcomeDropped)
		e.runAfterAnswer()
		s.holdConnection(c.r, time.Duration(conduct.HoldOpen))
		panic(http.ErrAbortHandler) // closes the connection without an answer
	case conduct.HoldOpen > 0:
		c.recordOutcome(e.operation, OutcomeAccepted)
		e.runAfterAnswer() // what follows does not wait for a slow answer
		s.holdConnection(c.r, time.Duration(conduct.HoldOpen))
		writeJSON(c.w, r.status, r.answer)
	default:
		c.recordOutcome(e.operation, OutcomeAccepted)
		writeJSON(c.w, r.status, r.answer)
		// The answer leaves before the first webhook does. A writer that cannot flush only loses that order.
		_ = http.NewResponseController(c.w).Flush()
		e.runAfterAnswer()
	}
}

func (e neutralExchange) runAfterAnswer() {
	if e.afterAnswer != nil {
		e.afterAnswer()
	}
}

// runExchange carries the call out, unless the script fails or refuses it.
func (s *Server) runExchange(c *neutralCall, e neutralExchange) (CallBehaviour, neutralReply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.isRepeat != nil && e.isRepeat() {
		return CallBehaviour{}, e.run()
	}
	conduct := s.callBehaviour(c.number(), e)
	if s.countScriptedFailure(c.number(), e.operation, conduct.Unavailable) {
		return conduct,
			neutralReply{problem: &refusal{http.StatusServiceUnavailable, codeUnavailable, "service is temporarily unavailable"}}
	}
	if conduct.RefuseWith != "" {
		return conduct, neutralReply{problem: refuseAsScripted(conduct.RefuseWith)}
	}
	return conduct, e.run()
}

// callBehaviour is how the script has the call answered. The caller holds the mutex.
func (s *Server) callBehaviour(number string, e neutralExchange) CallBehaviour {
	if e.behaviour != nil {
		return e.behaviour()
	}
	manner := s.behaviourOf(number)
	if e.operation == opBook {
		return manner.Book.CallBehaviour
	}
	return manner.Calls[e.operation]
}

// countScriptedFailure counts a call that is to fail so many times first, and reports whether it does. The caller holds the mutex.
func (s *Server) countScriptedFailure(number, operation string, times int) bool {
	if times == 0 {
		return false
	}
	tries, err := s.orders.callCounts(number)
	if err != nil {
		return false // no room to count: better to go on
	}
	tries[operation]++
	return tries[operation] <= times
}

// recordOutcome books what became of a call that may bring something new; the other calls are booked when they begin.
func (c *neutralCall) recordOutcome(operation, outcome string) {
	if hasOutcome(operation) {
		c.record.addOrder(c.number(), outcome)
	}
}

func hasOutcome(operation string) bool {
	return operation == opPlace || operation == opRegister || operation == opBook
}
