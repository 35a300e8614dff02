package simlab

import (
	"net/http"
	"time"
)

// neutralReply is the result of a call.
type neutralReply struct {
	status  int
	answer  any
	changed bool     // the call changed something; a repeated call does not
	problem *refusal // nil: the call succeeded
}

func refusedReply(code, message string) neutralReply {
	return neutralReply{problem: refuse(code, message)}
}

// neutralExchange is a call that the order's script may fail, refuse, delay or leave without an answer.
type neutralExchange struct {
	operation string
	// reports whether the call repeats an earlier one; scripts do not change repeats. nil: never
	isRepeat    func() bool
	behaviour   func() CallBehaviour // nil: the behaviour of the order's script
	run         func() neutralReply  // makes the call; the server's mutex is held
	afterAnswer func()               // runs once after the answer of a call that changed something; nil: nothing
}

// respond makes the call, records its outcome and writes the answer as the order's script says.
func (s *Server) respond(c *neutralCall, e neutralExchange) {
	behaviour, r := s.runExchange(c, e)
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
	case behaviour.DropAnswer:
		c.recordOutcome(e.operation, OutcomeDropped)
		e.runAfterAnswer()
		s.holdConnection(c.r, time.Duration(behaviour.HoldOpen))
		panic(http.ErrAbortHandler) // closes the connection without an answer
	case behaviour.HoldOpen > 0:
		c.recordOutcome(e.operation, OutcomeAccepted)
		e.runAfterAnswer() // webhooks do not wait for a delayed answer
		s.holdConnection(c.r, time.Duration(behaviour.HoldOpen))
		writeJSON(c.w, r.status, r.answer)
	default:
		c.recordOutcome(e.operation, OutcomeAccepted)
		writeJSON(c.w, r.status, r.answer)
		// The answer is sent before the first webhook. Without flushing only this sequence is not certain, so the error is
		// ignored.
		_ = http.NewResponseController(c.w).Flush()
		e.runAfterAnswer()
	}
}

func (e neutralExchange) runAfterAnswer() {
	if e.afterAnswer != nil {
		e.afterAnswer()
	}
}

// runExchange makes the call, unless the script fails or refuses it.
func (s *Server) runExchange(c *neutralCall, e neutralExchange) (CallBehaviour, neutralReply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.isRepeat != nil && e.isRepeat() {
		return CallBehaviour{}, e.run()
	}
	behaviour := s.callBehaviour(c.number(), e)
	if s.countScriptedFailure(c.number(), e.operation, behaviour.Unavailable) {
		return behaviour,
			neutralReply{problem: &refusal{http.StatusServiceUnavailable, codeUnavailable, "service is temporarily unavailable"}}
	}
	if behaviour.RefuseWith != "" {
		return behaviour, neutralReply{problem: refuseAsScripted(behaviour.RefuseWith)}
	}
	return behaviour, e.run()
}

// callBehaviour returns how the script answers the call. The caller holds the mutex.
func (s *Server) callBehaviour(number string, e neutralExchange) CallBehaviour {
	if e.behaviour != nil {
		return e.behaviour()
	}
	behaviour := s.behaviourOf(number)
	if e.operation == opBook {
		return behaviour.Book.CallBehaviour
	}
	return behaviour.Calls[e.operation]
}

// countScriptedFailure counts a call whose first calls are to fail, and reports whether this one fails. times is the
// number of failures. The caller holds the mutex.
func (s *Server) countScriptedFailure(number, operation string, times int) bool {
	if times == 0 {
		return false
	}
	counts, err := s.orders.callCounts(number)
	if err != nil {
		return false // calls cannot be counted, so the call does not fail
	}
	counts[operation]++
	return counts[operation] <= times
}

// recordOutcome records the outcome of an operation that has outcomes. The order of any other operation is recorded
// when the call begins.
func (c *neutralCall) recordOutcome(operation, outcome string) {
	if hasOutcome(operation) {
		c.record.addOrder(c.number(), outcome)
	}
}

func hasOutcome(operation string) bool {
	return operation == opPlace || operation == opRegister || operation == opBook
}
