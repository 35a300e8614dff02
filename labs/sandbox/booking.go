package sandbox

import (
	"errors"
	"net/http"
	"time"
)

// bookingRequest is the body of PUT /neutral/orders/{number}/appointments/{id}, as far as the provider looks at it.
type bookingRequest struct {
	Type    string          `json:"type"`
	Slot    string          `json:"slot"`
	Contact *patientRequest `json:"contact"`
	Address *addressRequest `json:"address"`
}

// book is PUT /neutral/orders/{number}/appointments/{id}. An appointment that has been made, or cancelled before it was, is answered
// as it stands.
func (s *Server) book(c *neutralCall) {
	var request bookingRequest
	if !c.decode(&request) {
		return
	}
	number, id := c.number(), c.r.PathValue("id")
	var booked *appointment
	s.respond(c, exchange{
		operation: opBook,
		repeated:  func() bool { return s.diary.find(number, id) != nil },
		do: func() reply {
			if existing := s.diary.find(number, id); existing != nil {
				return reply{status: http.StatusOK, answer: existing.view()}
			}
			a, problem := s.makeAppointment(c.account, number, id, request)
			if problem != nil {
				return reply{problem: problem}
			}
			booked = a
			return reply{status: http.StatusCreated, answer: a.view(), first: true}
		},
		after: func() { s.confirmLater(booked) },
	})
}

// makeAppointment books or requests. The caller holds the mutex.
func (s *Server) makeAppointment(account, number, id string, request bookingRequest) (*appointment, *refusal) {
	if problem := request.problem(); problem != nil {
		return nil, problem
	}
	a := &appointment{id: id, number: number, account: account, status: statusPending}
	if request.Slot == "" {
		a.provider = providerPhlebFinders
		if !serves(account, a.provider) || !inArea(request.Address, servedZip[a.provider]) {
			return nil, refuse(codeUnserved, "nobody takes requests there")
		}
		s.enter(a)
		return a, nil
	}
	at, problem := s.openSlot(account, request.Slot)
	if problem != nil {
		return nil, problem
	}
	if typeOf(at.provider) != request.Type {
		return nil, refuse(codeInvalid, "slot is of another type")
	}
	if request.Type == typePhlebotomy && !inArea(request.Address, at.place) {
		return nil, refuse(codeUnserved, "the address is not in the slot's area")
	}
	a.provider, a.site = at.provider, siteOf(at.place)
	s.diary.take(a, at)
	switch {
	case a.provider == providerSonora:
		a.status = statusReserved
	case !s.mannerOf(number).Book.Pending:
		s.diary.confirm(a)
	}
	s.enter(a)
	return a, nil
}

func (r bookingRequest) problem() *refusal {
	switch {
	case r.Type != typePhlebotomy && r.Type != typePSC:
		return refuse(codeInvalid, "type is unknown")
	case r.Contact == nil || r.Contact.FirstName == "" || r.Contact.LastName == "":
		return refuse(codeInvalid, "contact has no name")
	case r.Type == typePhlebotomy:
		return r.Address.problem("address")
	case r.Slot == "":
		return refuse(codeInvalid, "slot is missing")
	}
	return nil
}

// openSlot is the slot that a key stands for, if nobody has it. The caller holds the mutex.
func (s *Server) openSlot(account, key string) (slot, *refusal) {
	at, err := readKey(key, s.cfg.Now())
	switch {
	case errors.Is(err, errSlotPast) || err == nil && !s.diary.free(at):
		return slot{}, refuse(codeSlotGone, "the slot is not free any more")
	case err != nil || !serves(account, at.provider):
		return slot{}, refuse(codeInvalid, errBadKey.Error())
	}
	return at, nil
}

// enter puts a new appointment into the diary. The caller holds the mutex.
func (s *Server) enter(a *appointment) {
	s.diary.add(a)
	s.orders.byNumber[a.number].touch()
}

// reschedule is POST /neutral/orders/{number}/appointments/{id}/reschedule.
func (s *Server) reschedule(c *neutralCall) {
	var request struct {
		Slot string `json:"slot"`
	}
	if !c.decode(&request) {
		return
	}
	number, id := c.number(), c.r.PathValue("id")
	s.respond(c, exchange{
		operation: opReschedule,
		do: func() reply {
			a := s.diary.find(number, id)
			if a == nil || a.provider == "" {
				return refused(codeUnknownOrder, "there is no such appointment")
			}
			if !a.movable() {
				return refused(codeNotReschedule, "the appointment cannot be moved any more")
			}
			to, err := readKey(request.Slot, s.cfg.Now())
			if err == nil && a.slot.identity() == to.identity() {
				return reply{status: http.StatusOK, answer: a.view()}
			}
			to, problem := s.openSlot(c.account, request.Slot)
			if problem != nil {
				return reply{problem: problem}
			}
			if to.provider != a.provider {
				return refused(codeInvalid, errBadKey.Error())
			}
			a.site = siteOf(to.place)
			s.diary.take(a, to)
			s.orders.byNumber[number].touch()
			return reply{status: http.StatusOK, answer: a.view(), first: true}
		},
	})
}

// dropAppointment is POST /neutral/orders/{number}/appointments/{id}/cancel. An appointment that was never booked is cancelled too:
// a booking of it that comes late finds it so.
func (s *Server) dropAppointment(c *neutralCall) {
	number, id := c.number(), c.r.PathValue("id")
	s.respond(c, exchange{
		operation: opDrop,
		do: func() reply {
			a := s.diary.find(number, id)
			switch {
			case a == nil:
				a = &appointment{id: id, number: number, account: c.account, status: statusCancelled}
				s.enter(a)
				return reply{status: http.StatusOK, answer: a.view(), first: true}
			case a.status == statusCancelled:
				return reply{status: http.StatusOK, answer: a.view()}
			case a.status == statusInProgress || a.status == statusCompleted || a.provider == providerSonora:
				return refused(codeNotCancellable, "the appointment cannot be cancelled any more")
			}
			s.cancelAppointment(a)
			return reply{status: http.StatusOK, answer: a.view(), first: true}
		},
	})
}

// cancelAppointment ends an appointment and frees its slot; its time is kept. The caller holds the mutex.
func (s *Server) cancelAppointment(a *appointment) {
	a.status = statusCancelled
	s.diary.release(a)
	s.orders.byNumber[a.number].touch()
}

// confirmAfter is how long a provider takes to confirm, in simulated time.
const confirmAfter = 4 * time.Hour

// mannerOf is how the calls about an order are answered: as its script has it, or the script that was put for it. The caller holds the
// mutex.
func (s *Server) mannerOf(number string) Manner {
	if o := s.orders.byNumber[number]; o != nil {
		return o.manner
	}
	if p := s.orders.prospects[number]; p != nil && p.script != nil {
		return p.script.Manner
	}
	return Manner{Book: Booking{Unconfirmed: s.cfg.Manual}}
}
