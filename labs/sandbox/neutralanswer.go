package sandbox

import (
	"net/http"
	"time"
)

// reply is what a call comes to.
type reply struct {
	status  int
	answer  any
	first   bool     // it changed something; a repeated call does not
	problem *refusal // nil: it was not refused
}

func refused(code, message string) reply { return reply{problem: refuse(code, message)} }

// exchange is a call that the order's script may fail, refuse, slow down or leave unanswered.
type exchange struct {
	operation string
	repeated  func() bool  // this has been done already: the script has no say. nil: never
	conduct   func() Place // nil: as the order's script has it
	do        func() reply // under the server's mutex
	after     func()       // what follows from a first reply, once it has left; nil: nothing
}

// respond answers a call.
func (s *Server) respond(c *neutralCall, e exchange) {
	conduct, r := s.decide(c, e)
	switch {
	case r.problem != nil && r.problem.status == http.StatusServiceUnavailable:
		c.outcome(e.operation, OutcomeUnavailable)
		c.w.Header().Set("Retry-After", "1")
		c.refuse(r.problem)
	case r.problem != nil:
		c.outcome(e.operation, OutcomeRefused)
		c.refuse(r.problem)
	case !r.first:
		c.outcome(e.operation, OutcomeDuplicate)
		writeJSON(c.w, r.status, r.answer)
	case conduct.DropAnswer:
		c.outcome(e.operation, OutcomeDropped)
		e.follow()
		s.holdConnection(c.r, time.Duration(conduct.Hold))
		panic(http.ErrAbortHandler) // closes the connection without an answer
	case conduct.Hold > 0:
		c.outcome(e.operation, OutcomeAccepted)
		e.follow() // what follows does not wait for a slow answer
		s.holdConnection(c.r, time.Duration(conduct.Hold))
		writeJSON(c.w, r.status, r.answer)
	default:
		c.outcome(e.operation, OutcomeAccepted)
		writeJSON(c.w, r.status, r.answer)
		// The answer leaves before the first webhook does. A writer that cannot flush only loses that order.
		_ = http.NewResponseController(c.w).Flush()
		e.follow()
	}
}

func (e exchange) follow() {
	if e.after != nil {
		e.after()
	}
}

// decide carries the call out, unless the script fails or refuses it.
func (s *Server) decide(c *neutralCall, e exchange) (Place, reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.repeated != nil && e.repeated() {
		return Place{}, e.do()
	}
	conduct := s.conduct(c.number(), e)
	if s.fails(c.number(), e.operation, conduct.Unavailable) {
		return conduct, reply{problem: &refusal{http.StatusServiceUnavailable, codeUnavailable, "service is temporarily unavailable"}}
	}
	if conduct.Refuse != "" {
		return conduct, reply{problem: refuseAsScripted(conduct.Refuse)}
	}
	return conduct, e.do()
}

// conduct is how the script has the call answered. The caller holds the mutex.
func (s *Server) conduct(number string, e exchange) Place {
	if e.conduct != nil {
		return e.conduct()
	}
	manner := s.mannerOf(number)
	if e.operation == opBook {
		return manner.Book.Place
	}
	return manner.Calls[e.operation]
}

// fails counts a call that is to fail so many times first, and reports whether it does. The caller holds the mutex.
func (s *Server) fails(number, operation string, times int) bool {
	if times == 0 {
		return false
	}
	tries, err := s.orders.tries(number)
	if err != nil {
		return false // no room to count: better to go on
	}
	tries[operation]++
	return tries[operation] <= times
}

// outcome books what became of a call that may bring something new; the other calls are booked when they begin.
func (c *neutralCall) outcome(operation, outcome string) {
	if hasOutcome(operation) {
		c.record.about(c.number(), outcome)
	}
}

func hasOutcome(operation string) bool {
	return operation == opPlace || operation == opRegister || operation == opBook
}
