package simlab

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

func (o *order) placedAnswer() neutralPlaced {
	return neutralPlaced{Accession: o.neutral.accession, KitID: o.kitID}
}

// handleNeutralPlace is PUT /neutral/orders/{number}.
func (s *Server) handleNeutralPlace(c *neutralCall) {
	var request neutralRequest
	if !c.decodeBody(&request) {
		return
	}
	var (
		o      *order
		script Script
	)
	number, problem := c.number(), request.validate(c.number(), s.cfg.Now())
	s.respond(c, neutralExchange{
		operation: opPlace,
		isRepeat:  func() bool { return problem != nil || s.orders.byNumber[number] != nil },
		behaviour: func() CallBehaviour {
			script, problem = s.flowScriptFor(request)
			return script.Place
		},
		run: func() neutralReply {
			if existing := s.orders.byNumber[number]; existing != nil {
				return duplicatePlacement(existing)
			}
			if problem != nil {
				return neutralReply{problem: problem}
			}
			o, problem = s.acceptNeutral(c.account, request, script)
			if problem != nil {
				return neutralReply{problem: problem}
			}
			return neutralReply{status: http.StatusCreated, answer: o.placedAnswer(), changed: true}
		},
		afterAnswer: func() { s.startFirstScript(o, script.Steps) },
	})
}

func duplicatePlacement(o *order) neutralReply {
	if o.neutral == nil {
		return refusedReply(codeInvalid, "number is that of an order of another protocol")
	}
	return neutralReply{status: http.StatusOK, answer: o.placedAnswer()}
}

// flowScriptFor returns the script of an order: the one that was set for its number, or the one that the order names,
// or "happy". An order that replaces another has the Redraw of the script, if there is one. The caller holds the mutex.
func (s *Server) flowScriptFor(request neutralRequest) (Script, *refusal) {
	name, flow := strings.TrimPrefix(request.Script, "sandbox:"), request.flow()
	if e := s.orders.expected[request.Number]; e != nil && e.script != nil {
		if !e.byName {
			return requireNeutralScript(*e.script, true)
		}
		name = e.script.Name
		script, ok := flowScript(flow, name)
		return requireNeutralScript(script, ok)
	}
	if name == "" {
		name = "happy"
	}
	script, ok := flowScript(flow, name)
	if ok && request.Replaces != "" && script.Redraw != "" {
		script, ok = flowScript(flow, script.Redraw)
	}
	if s.cfg.Manual {
		script.Steps, script.Book.NeverConfirmed = nil, true
	}
	return requireNeutralScript(script, ok)
}

func requireNeutralScript(script Script, known bool) (Script, *refusal) {
	if !known {
		return Script{}, refuse(codeInvalid, "script is unknown for this kind of order")
	}
	if !script.isForProtocol(true) {
		return Script{}, refuse(codeInvalid, "the script is not of the neutral protocol")
	}
	return script, nil
}

// acceptNeutral adds the order to the lab. The caller holds the mutex.
func (s *Server) acceptNeutral(account string, request neutralRequest, script Script) (*order, *refusal) {
	if err := s.dropOldestOrderIfFull(); err != nil {
		return nil, &refusal{http.StatusServiceUnavailable, codeUnavailable, err.Error()}
	}
	o := &order{
		number: request.Number, script: script.Name, behaviour: script.OrderBehaviour, state: stateAccepted,
		unsentFactTimes: map[string]time.Time{},
		neutral: &neutralOrder{account: account, flow: request.flow(), tests: request.Tests,
			replaces: request.Replaces},
	}
	if request.Method == FlowTestkit {
		o.labShipsKit, o.kitID = true, newKitID(s.orders.kitIDs)
		o.neutral.accession = o.kitID // as in Molecular's protocol
		o.outbound, o.inbound = s.newTracker(outboundPrefix), s.newTracker(inboundPrefix)
	}
	o.placedAt = o.nextFactTime(s.cfg.Now())
	if !request.Registrable {
		s.registerPatient(o, request.Patient)
	}
	s.orders.add(o)
	return o, nil
}

// registerPatient registers the patient of an order and assigns its accession number. The caller holds the mutex.
func (s *Server) registerPatient(o *order, patient *patientRequest) {
	o.neutral.registered, o.neutral.patientHash = true, s.patientHash(patient)
	if o.neutral.accession == "" {
		o.neutral.accession = newAccession()
	}
	o.notifyChange()
}

// handleNeutralRegister is PUT /neutral/orders/{number}/patient. It registers the patient of a kit, or takes the
// patient data for which the lab holds a sample.
func (s *Server) handleNeutralRegister(c *neutralCall) {
	var request neutralRequest
	if !c.decodeBody(&request) {
		return
	}
	number := c.number()
	problem := request.validatePatientAndAddress(s.cfg.Now())
	s.respond(c, neutralExchange{
		operation: opRegister,
		isRepeat: func() bool {
			o := s.orders.byNumber[number]
			return problem != nil || o == nil || o.neutral == nil || o.neutral.registered && !o.neutral.awaitsCorrection
		},
		run: func() neutralReply {
			o := s.orders.byNumber[number]
			switch {
			case o == nil || o.neutral == nil:
				return refusedReply(codeUnknownOrder, "there is no order with this number")
			case problem != nil:
				return neutralReply{problem: problem}
			case o.state == stateCancelled:
				return refusedReply(codeNotRegistrable, "the order is cancelled")
			case !o.neutral.registered:
				s.registerPatient(o, request.Patient)
			case o.neutral.awaitsCorrection:
				s.correctPatient(o, request.Patient)
			case o.neutral.patientHash == s.patientHash(request.Patient):
				return neutralReply{status: http.StatusOK, answer: o.placedAnswer()}
			default:
				return refusedReply(codeAlreadyRegistered, "the order has another patient")
			}
			return neutralReply{status: http.StatusCreated, answer: o.placedAnswer(), changed: true}
		},
	})
}

// correctPatient takes the patient data for which the lab holds the sample. The caller holds the mutex.
func (s *Server) correctPatient(o *order, patient *patientRequest) {
	o.neutral.patientHash = s.patientHash(patient)
	o.neutral.awaitsCorrection, o.neutral.corrected = false, true
	o.notifyChange()
}

// handleNeutralCancel is POST /neutral/orders/{number}/cancel. It refuses an order whose kit has shipped or whose
// sample has been collected.
func (s *Server) handleNeutralCancel(c *neutralCall) {
	number := c.number()
	s.respond(c, neutralExchange{
		operation: opCancel,
		run: func() neutralReply {
			if s.orders.byNumber[number] == nil {
				return refusedReply(codeUnknownOrder, "there is no order with this number")
			}
			again := s.orders.byNumber[number].state == stateCancelled
			if problem := s.cancelByNumber(number); problem != "" {
				return refusedReply(codeNotCancellable, problem)
			}
			return neutralReply{status: http.StatusOK, answer: struct{}{}, changed: !again}
		},
	})
}
