package simlab

import (
	"errors"
	"net/http"
	"time"
)

// bookingRequest is the body of PUT /neutral/orders/{number}/appointments/{id}, with the fields that the provider
// checks.
type bookingRequest struct {
	Type    string          `json:"type"`
	Slot    string          `json:"slot"`
	Contact *patientRequest `json:"contact"`
	Address *addressRequest `json:"address"`
}

// handleBook is PUT /neutral/orders/{number}/appointments/{id}. If an appointment with this id exists, even a cancelled
// one, the answer is its present state.
func (s *Server) handleBook(c *neutralCall) {
	var request bookingRequest
	if !c.decodeBody(&request) {
		return
	}
	number, id := c.number(), c.r.PathValue("id")
	var booked *appointment
	s.respond(c, neutralExchange{
		operation: opBook,
		isRepeat:  func() bool { return s.appointments.find(number, id) != nil },
		run: func() neutralReply {
			if existing := s.appointments.find(number, id); existing != nil {
				return neutralReply{status: http.StatusOK, answer: existing.view()}
			}
			a, problem := s.makeAppointment(c.account, number, id, request)
			if problem != nil {
				return neutralReply{problem: problem}
			}
			booked = a
			return neutralReply{status: http.StatusCreated, answer: a.view(), changed: true}
		},
		afterAnswer: func() { s.scheduleConfirmation(booked) },
	})
}

// makeAppointment books or requests an appointment. The caller holds the mutex.
func (s *Server) makeAppointment(account, number, id string, request bookingRequest) (*appointment, *refusal) {
	if problem := request.validate(); problem != nil {
		return nil, problem
	}
	a := &appointment{id: id, number: number, account: account, status: statusPending}
	if request.Slot == "" {
		a.provider = providerPhlebFinders
		if !accountServes(account, a.provider) || !inArea(request.Address, serviceAreaZip[a.provider]) {
			return nil, refuse(codeOutsideServiceArea, "no phlebotomist serves this address")
		}
		s.addAppointment(a)
		return a, nil
	}
	at, problem := s.freeSlotByKey(account, request.Slot)
	if problem != nil {
		return nil, problem
	}
	if typeOf(at.provider) != request.Type {
		return nil, refuse(codeInvalid, "slot is of another type")
	}
	if request.Type == typePhlebotomy && !inArea(request.Address, at.location) {
		return nil, refuse(codeOutsideServiceArea, "the address is not in the slot's area")
	}
	a.provider, a.site = at.provider, siteOf(at.location)
	s.appointments.assignSlot(a, at)
	switch {
	case a.provider == providerSonora:
		a.status = statusReserved
	case !s.behaviourOf(number).Book.Pending:
		s.appointments.setConfirmed(a)
	}
	s.addAppointment(a)
	return a, nil
}

func (r bookingRequest) validate() *refusal {
	switch {
	case r.Type != typePhlebotomy && r.Type != typePSC:
		return refuse(codeInvalid, "type is unknown")
	case r.Contact == nil || r.Contact.FirstName == "" || r.Contact.LastName == "":
		return refuse(codeInvalid, "contact has no name")
	case r.Type == typePhlebotomy:
		return r.Address.validate("address")
	case r.Slot == "":
		return refuse(codeInvalid, "slot is missing")
	}
	return nil
}

// freeSlotByKey returns the slot with this key if it is free. The caller holds the mutex.
func (s *Server) freeSlotByKey(account, key string) (slot, *refusal) {
	at, err := parseSlotKey(key, s.cfg.Now())
	switch {
	case errors.Is(err, errSlotPast) || err == nil && !s.appointments.isFree(at):
		return slot{}, refuse(codeSlotGone, "the slot is not free any more")
	case err != nil || !accountServes(account, at.provider):
		return slot{}, refuse(codeInvalid, errBadSlotKey.Error())
	}
	return at, nil
}

// addAppointment adds a new appointment and notifies the order's script. The caller holds the mutex.
func (s *Server) addAppointment(a *appointment) {
	s.appointments.add(a)
	s.orders.byNumber[a.number].notifyChange()
}

// handleReschedule is POST /neutral/orders/{number}/appointments/{id}/reschedule.
func (s *Server) handleReschedule(c *neutralCall) {
	var request struct {
		Slot string `json:"slot"`
	}
	if !c.decodeBody(&request) {
		return
	}
	number, id := c.number(), c.r.PathValue("id")
	s.respond(c, neutralExchange{
		operation: opReschedule,
		run: func() neutralReply {
			a := s.appointments.find(number, id)
			if a == nil || a.provider == "" {
				return refusedReply(codeUnknownOrder, "there is no such appointment")
			}
			if !a.canReschedule() {
				return refusedReply(codeNotReschedulable, "the appointment cannot be moved any more")
			}
			to, err := parseSlotKey(request.Slot, s.cfg.Now())
			if err == nil && a.slot.identity() == to.identity() {
				return neutralReply{status: http.StatusOK, answer: a.view()}
			}
			to, problem := s.freeSlotByKey(c.account, request.Slot)
			if problem != nil {
				return neutralReply{problem: problem}
			}
			if to.provider != a.provider {
				return refusedReply(codeInvalid, errBadSlotKey.Error())
			}
			a.site = siteOf(to.location)
			s.appointments.assignSlot(a, to)
			s.orders.byNumber[number].notifyChange()
			return neutralReply{status: http.StatusOK, answer: a.view(), changed: true}
		},
	})
}

// handleCancelAppointment is POST /neutral/orders/{number}/appointments/{id}/cancel. An unknown appointment is added as
// cancelled, so that a later booking with its id has no effect.
func (s *Server) handleCancelAppointment(c *neutralCall) {
	number, id := c.number(), c.r.PathValue("id")
	s.respond(c, neutralExchange{
		operation: opCancelAppointment,
		run: func() neutralReply {
			a := s.appointments.find(number, id)
			switch {
			case a == nil:
				a = &appointment{id: id, number: number, account: c.account, status: statusCancelled}
				s.addAppointment(a)
				return neutralReply{status: http.StatusOK, answer: a.view(), changed: true}
			case a.status == statusCancelled:
				return neutralReply{status: http.StatusOK, answer: a.view()}
			case a.status == statusInProgress || a.status == statusCompleted || a.provider == providerSonora:
				return refusedReply(codeNotCancellable, "the appointment cannot be cancelled any more")
			}
			s.cancelAppointment(a)
			return neutralReply{status: http.StatusOK, answer: a.view(), changed: true}
		},
	})
}

// cancelAppointment cancels an appointment and frees its slot. Its time stays as it was. The caller holds the mutex.
func (s *Server) cancelAppointment(a *appointment) {
	a.status = statusCancelled
	s.appointments.releaseSlot(a)
	s.orders.byNumber[a.number].notifyChange()
}

// defaultConfirmDelay is how long a provider takes to confirm an appointment, in simulated time.
const defaultConfirmDelay = 4 * time.Hour

// behaviourOf returns how calls about an order are answered: by the order's script, or by the script that was set for
// its number before the order came. The caller holds the mutex.
func (s *Server) behaviourOf(number string) OrderBehaviour {
	if o := s.orders.byNumber[number]; o != nil {
		return o.behaviour
	}
	if e := s.orders.expected[number]; e != nil && e.script != nil {
		return e.script.OrderBehaviour
	}
	return OrderBehaviour{Book: BookingBehaviour{NeverConfirmed: s.cfg.Manual}}
}
