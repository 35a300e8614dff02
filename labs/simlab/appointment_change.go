package simlab

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// appointmentChange is a change that the provider makes without a call: the new status and, for confirmed, a time.
// Without a time, a confirmed appointment moves to the next free slot; an appointment of another status keeps its time,
// if it has one.
type appointmentChange struct {
	Status string     `json:"status"`
	Slot   string     `json:"slot"`  // key of a free slot
	Start  *time.Time `json:"start"` // any time
	End    *time.Time `json:"end"`
}

var errNoSlot = errors.New("slot is not free")

// applyAppointmentChange changes the appointment. Every status can follow every other. The caller holds the mutex.
func (s *Server) applyAppointmentChange(a *appointment, v appointmentChange) error {
	a.changes++
	switch v.Status {
	// The provider withdraws the time.
	case statusPending:
		s.appointments.releaseSlot(a)
		a.status, a.start, a.end = v.Status, time.Time{}, time.Time{}
	case statusCancelled:
		s.cancelAppointment(a)
	case statusConfirmed, statusReserved:
		if err := s.setAppointmentTime(a, v); err != nil {
			return err
		}
		a.status = v.Status
		if v.Status == statusConfirmed {
			s.appointments.setConfirmed(a)
		}
	default:
		a.status = v.Status
	}
	s.orders.byNumber[a.number].notifyChange()
	return nil
}

// setAppointmentTime sets the requested time. Without one it chooses a slot, if the appointment has no time or is
// confirmed already.
func (s *Server) setAppointmentTime(a *appointment, v appointmentChange) error {
	switch {
	case v.Start != nil:
		s.appointments.releaseSlot(a)
		a.start, a.end = *v.Start, v.Start.Add(slot{provider: a.provider}.length())
		if v.End != nil {
			a.end = *v.End
		}
		return nil
	case v.Slot != "":
		to, err := parseSlotKey(v.Slot, s.cfg.Now())
		if err != nil || !s.appointments.isFree(to) {
			return errNoSlot
		}
		a.site = siteOf(to.location)
		s.appointments.assignSlot(a, to)
		return nil
	case !a.start.IsZero() && a.status != statusConfirmed:
		return nil
	}
	return s.moveToNextFreeSlot(a)
}

// moveToNextFreeSlot moves the appointment to the next free slot at its location.
func (s *Server) moveToNextFreeSlot(a *appointment) error {
	location := serviceAreaZip[a.provider]
	if a.site != nil {
		location = a.site.code
	}
	if providerZones[a.provider] == nil {
		return errNoSlot
	}
	to, ok := s.nextFreeSlot(a.provider, location)
	if !ok {
		return errNoSlot
	}
	s.appointments.assignSlot(a, to)
	return nil
}

// applyAppointmentStep lets the provider change the active appointment of the order, and returns the webhook of that
// change. If the order has no active appointment, a step with a provider creates one, as if the patient had called the
// provider; any other step does nothing.
func (s *Server) applyAppointmentStep(ctx context.Context, o *order,
	step Step) (m webhookMessage, changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return webhookMessage{}, false, err
	}
	a := s.appointments.active(o.number)
	if a == nil && step.Provider == "" {
		return webhookMessage{}, false, nil
	}
	if a == nil {
		a = &appointment{id: uuid.NewString(), number: o.number, provider: step.Provider, site: siteOf(step.Site)}
		s.addAppointment(a)
	}
	if err := s.applyAppointmentChange(a, appointmentChange{Status: step.Status}); err != nil {
		return webhookMessage{}, false, err
	}
	m, err = s.applyNeutralFactLocked(o, KindAppointment, step.Details, a)
	return m, true, err
}

// scheduleConfirmation starts the provider's confirmation of a pending or reserved appointment, after the script's
// delay. It is not confirmed if the script says so, or if the provider changes it before.
func (s *Server) scheduleConfirmation(a *appointment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || !a.awaitsConfirmation() {
		return
	}
	delay := cmp.Or(time.Duration(s.behaviourOf(a.number).Book.ConfirmAfter), defaultConfirmDelay)
	changes := a.changes
	s.runs.Go(func() {
		if !sleep(s.ctx, s.cfg.realDelay(delay)) {
			return
		}
		if m, sent := s.confirmIfUnchanged(a, changes); sent {
			s.sender.deliver(s.ctx, m)
			s.recordConfirmationSent(a)
		}
	})
}

// recordConfirmationSent ends the wait of steps for the confirmation.
func (s *Server) recordConfirmationSent(a *appointment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.confirmationUnsent = false
	s.orders.byNumber[a.number].notifyChange()
}

func (a *appointment) awaitsConfirmation() bool {
	return a.status == statusPending || a.status == statusReserved
}

// confirmIfUnchanged confirms an appointment if the provider has not changed it since it had made this number of
// changes. It returns the webhook of the confirmation and whether it is to be sent.
func (s *Server) confirmIfUnchanged(a *appointment, changes int) (m webhookMessage, sent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	behaviour := s.behaviourOf(a.number).Book
	if a.changes != changes || !a.awaitsConfirmation() || behaviour.NeverConfirmed {
		return webhookMessage{}, false
	}
	if err := s.applyAppointmentChange(a, appointmentChange{Status: statusConfirmed}); err != nil {
		s.cfg.Logger.Error("simulated lab: appointment not confirmed", "order", a.number, "error", err)
		return webhookMessage{}, false
	}
	m, err := s.applyNeutralFactLocked(s.orderOrStub(a.number), KindAppointment, Details{}, a)
	a.confirmationUnsent = err == nil && !behaviour.ConfirmationUnsent
	return m, a.confirmationUnsent
}

// orderOrStub returns the order, or an empty one if the lab does not have the order. The caller holds the mutex.
func (s *Server) orderOrStub(number string) *order {
	if o := s.orders.byNumber[number]; o != nil {
		return o
	}
	return &order{number: number, neutral: &neutralOrder{}}
}

// handleListAppointments is GET /sandbox/orders/{number}/appointments, oldest first. The lab need not have the order.
func (s *Server) handleListAppointments(w http.ResponseWriter, r *http.Request) {
	views := []appointmentView{}
	s.mu.Lock()
	for _, a := range s.appointments.byNumber[r.PathValue("number")] {
		views = append(views, a.view())
	}
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string][]appointmentView{"appointments": views})
}

// appointmentChangeRequest is the body of POST /sandbox/orders/{number}/appointments/{id}.
type appointmentChangeRequest struct {
	appointmentChange
	Provider  string     `json:"provider"` // of an unknown appointment, which is created
	Site      string     `json:"site"`     // the same
	At        *time.Time `json:"at"`
	WebhookID string     `json:"webhook_id"`
	Unsent    bool       `json:"lost"`   // the change is not sent
	Repeat    bool       `json:"repeat"` // the webhook is sent again where the receiver answers 5xx
}

// handleActOnAppointment is POST /sandbox/orders/{number}/appointments/{id}: the provider changes the appointment and
// sends the webhook at once, in one attempt or, if repeat is set, as a script's webhook. The id "active" means the
// active appointment of the order.
func (s *Server) handleActOnAppointment(w http.ResponseWriter, r *http.Request) {
	var body appointmentChangeRequest
	if !decodeControlRequest(w, r, &body) {
		return
	}
	if s.cfg.NeutralURL == "" {
		writeError(w, http.StatusConflict, "the neutral protocol is not offered")
		return
	}
	m, view, problem := s.changeAppointmentByRequest(r.PathValue("number"), r.PathValue("id"), body)
	if problem != nil {
		writeError(w, problem.status, problem.Message)
		return
	}
	status := 0
	if !body.Unsent {
		if status = s.sender.send(r.Context(), m, body.Repeat); status == 0 {
			writeError(w, http.StatusBadGateway, "the receiver did not answer")
			return
		}
	}
	writeJSON(w, http.StatusOK, struct {
		Status      int             `json:"status"` // status of the receiver's answer; 0: not sent
		Appointment appointmentView `json:"appointment"`
	}{status, view})
}

func (s *Server) changeAppointmentByRequest(number, id string,
	body appointmentChangeRequest) (webhookMessage, appointmentView, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bad := func(status int, text string) (webhookMessage, appointmentView, *refusal) {
		return webhookMessage{}, appointmentView{}, &refusal{status: status, Message: text}
	}
	details := Details{Status: body.Status, At: body.At, WebhookID: body.WebhookID}
	if err := details.check(KindAppointment); err != nil {
		return bad(http.StatusBadRequest, err.Error())
	}
	a := s.appointments.find(number, id)
	if id == "active" {
		a = s.appointments.active(number)
	}
	if a == nil {
		if providerZones[body.Provider] == nil {
			return bad(http.StatusNotFound, "appointment not found")
		}
		a = &appointment{id: id, number: number, provider: body.Provider, site: siteOf(body.Site)}
		s.addAppointment(a)
	}
	if err := s.applyAppointmentChange(a, body.appointmentChange); err != nil {
		return bad(http.StatusConflict, err.Error())
	}
	m, err := s.applyNeutralFactLocked(s.orderOrStub(number), KindAppointment, details, a)
	if err != nil {
		return bad(http.StatusBadRequest, "the fact cannot be made")
	}
	return m, a.view(), nil
}
