package sandbox

import (
	"net/http"
	"strings"
	"time"
)

// neutralPlaced is the answer to a call that places an order or registers its patient.
type neutralPlaced struct {
	Accession string `json:"accession,omitempty"`
	KitID     string `json:"kit_id,omitempty"`
}

func (o *order) placed() neutralPlaced {
	return neutralPlaced{Accession: o.neutral.accession, KitID: o.kitID}
}

// neutralPlace is PUT /neutral/orders/{number}.
func (s *Server) neutralPlace(c *neutralCall) {
	var request neutralRequest
	if !c.decode(&request) {
		return
	}
	var (
		o      *order
		script Script
	)
	number, problem := c.number(), request.problem(c.number(), s.cfg.Now())
	s.respond(c, exchange{
		operation: opPlace,
		repeated:  func() bool { return problem != nil || s.orders.byNumber[number] != nil },
		conduct: func() Place {
			script, problem = s.lifeScriptFor(request)
			return script.Place
		},
		do: func() reply {
			if existing := s.orders.byNumber[number]; existing != nil {
				return placedBefore(existing)
			}
			if problem != nil {
				return reply{problem: problem}
			}
			o, problem = s.acceptNeutral(c.account, request, script)
			if problem != nil {
				return reply{problem: problem}
			}
			return reply{status: http.StatusCreated, answer: o.placed(), first: true}
		},
		after: func() { s.start(o, script.Steps) },
	})
}

func placedBefore(o *order) reply {
	if o.neutral == nil {
		return refused(codeInvalid, "number is that of an order of another protocol")
	}
	return reply{status: http.StatusOK, answer: o.placed()}
}

// lifeScriptFor returns the script of an order: the one put for its number, else the one that it names, else "happy". An order that
// replaces another takes what its script has for that. The caller holds the mutex.
func (s *Server) lifeScriptFor(request neutralRequest) (Script, *refusal) {
	name, life := strings.TrimPrefix(request.Script, "sandbox:"), request.life()
	if p := s.orders.prospects[request.Number]; p != nil && p.script != nil {
		if !p.named {
			return speaking(*p.script, true)
		}
		name = p.script.Name
		script, ok := lifeScript(life, name)
		return speaking(script, ok)
	}
	if name == "" {
		name = "happy"
	}
	script, ok := lifeScript(life, name)
	if ok && request.Replaces != "" && script.Redraw != "" {
		script, ok = lifeScript(life, script.Redraw)
	}
	if s.cfg.Manual {
		script.Steps, script.Book.Unconfirmed = nil, true
	}
	return speaking(script, ok)
}

func speaking(script Script, known bool) (Script, *refusal) {
	if !known {
		return Script{}, refuse(codeInvalid, "script is unknown for this kind of order")
	}
	if !script.speaks(true) {
		return Script{}, refuse(codeInvalid, "the script is not of the neutral protocol")
	}
	return script, nil
}

// acceptNeutral makes the order. The caller holds the mutex.
func (s *Server) acceptNeutral(account string, request neutralRequest, script Script) (*order, *refusal) {
	forgotten, err := s.orders.makeRoom()
	if err != nil {
		return nil, &refusal{http.StatusServiceUnavailable, codeUnavailable, err.Error()}
	}
	s.forgetTrackers(forgotten)
	o := &order{
		number: request.Number, script: script.Name, manner: script.Manner, state: stateAccepted, happened: map[string]time.Time{},
		neutral: &neutralOrder{account: account, life: request.life(), tests: request.Tests, replaces: request.Replaces},
	}
	if request.Method == LifeTestkit {
		o.fulfil, o.kitID = true, newKitID(s.orders.kitIDs)
		o.neutral.accession = o.kitID // as Molecular has it
		o.outbound, o.inbound = s.newTracker(outboundPrefix), s.newTracker(inboundPrefix)
	}
	o.placedAt = o.stamp(s.cfg.Now())
	if !request.Registrable {
		s.bind(o, request.Patient)
	}
	s.orders.add(o)
	return o, nil
}

// bind makes a requisition of an order whose patient is known now. The caller holds the mutex.
func (s *Server) bind(o *order, patient *patientRequest) {
	o.neutral.bound, o.neutral.patient = true, s.standIn(patient)
	if o.neutral.accession == "" {
		o.neutral.accession = newAccession()
	}
	o.touch()
}

// neutralRegister is PUT /neutral/orders/{number}/patient: who has the kit, or what the lab holds a sample up for.
func (s *Server) neutralRegister(c *neutralCall) {
	var request neutralRequest
	if !c.decode(&request) {
		return
	}
	number := c.number()
	problem := request.whoAndWhere(s.cfg.Now())
	s.respond(c, exchange{
		operation: opRegister,
		repeated: func() bool {
			o := s.orders.byNumber[number]
			return problem != nil || o == nil || o.neutral == nil || o.neutral.bound && !o.neutral.blocked
		},
		do: func() reply {
			o := s.orders.byNumber[number]
			switch {
			case o == nil || o.neutral == nil:
				return refused(codeUnknownOrder, "there is no order with this number")
			case problem != nil:
				return reply{problem: problem}
			case o.state == stateCancelled:
				return refused(codeNotRegistrable, "the order is cancelled")
			case !o.neutral.bound:
				s.bind(o, request.Patient)
			case o.neutral.blocked:
				s.correctPatient(o, request.Patient)
			case o.neutral.patient == s.standIn(request.Patient):
				return reply{status: http.StatusOK, answer: o.placed()}
			default:
				return refused(codeRegistered, "the order has another patient")
			}
			return reply{status: http.StatusCreated, answer: o.placed(), first: true}
		},
	})
}

// correctPatient takes the information that the lab held the sample up for. The caller holds the mutex.
func (s *Server) correctPatient(o *order, patient *patientRequest) {
	o.neutral.patient = s.standIn(patient)
	o.neutral.blocked, o.neutral.corrected = false, true
	o.touch()
}

// neutralCancel is POST /neutral/orders/{number}/cancel: refused once the kit has shipped or the sample has been taken.
func (s *Server) neutralCancel(c *neutralCall) {
	number := c.number()
	s.respond(c, exchange{
		operation: opCancel,
		do: func() reply {
			if s.orders.byNumber[number] == nil {
				return refused(codeUnknownOrder, "there is no order with this number")
			}
			again := s.orders.byNumber[number].state == stateCancelled
			if problem := s.cancelNumber(number); problem != "" {
				return refused(codeNotCancellable, problem)
			}
			return reply{status: http.StatusOK, answer: struct{}{}, first: !again}
		},
	})
}
