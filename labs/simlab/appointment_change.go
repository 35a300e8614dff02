package simlab

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// appointmentChange is what a provider does about an appointment by itself: its new status, and for confirmed a time. Without one a confirmed
// appointment moves to the next free slot, and one that has a time keeps it.
type appointmentChange struct {
	Status string     `json:"status"`
	Slot   string     `json:"slot"`  // key of a slot that is free
	Start  *time.Time `json:"start"` // any time at all
	End    *time.Time `json:"end"`
}

var errNoSlot = errors.New("slot is not free")

// applyAppointmentChange changes the appointment. The provider may do what it likes: no status forbids another. The caller holds the mutex.
func (s *Server) applyAppointmentChange(a *appointment, v appointmentChange) error {
	a.changes++
	switch v.Status {
	case statusPending: // withdrawn: there is no time any more
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

// setAppointmentTime gives the appointment the time that was asked for, or one of its own where it has none or is moved.
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

// moveToNextFreeSlot takes the next free slot at the appointment's place.
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

// applyAppointmentStep lets the provider do something about the order's appointment that is ahead or under way, and returns the webhook
// that tells it. Without such an appointment nothing happens, unless the step names a provider: the patient has called it.
func (s *Server) applyAppointmentStep(ctx context.Context, o *order,
	step Step) (m webhookMessage, acted bool, err error) {
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

// scheduleConfirmation lets the provider confirm what it has answered as pending or reserved, unless the script says that it does not, or
// something else has become of it meanwhile.
func (s *Server) scheduleConfirmation(a *appointment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || !a.awaitsConfirmation() {
		return
	}
	delay := cmp.Or(time.Duration(s.behaviourOf(a.number).Book.ConfirmAfter), defaultConfirmDelay)
	acts := a.changes
	s.runs.Go(func() {
		if !sleep(s.ctx, s.cfg.realDelay(delay)) {
			return
		}
		if m, sent := s.confirmIfUnchanged(a, acts); sent {
			s.sender.deliver(s.ctx, m)
			s.markConfirmationSent(a)
		}
	})
}

// markConfirmationSent lets what waits for the confirmation go on.
func (s *Server) markConfirmationSent(a *appointment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.confirmationUnsent = false
	s.orders.byNumber[a.number].notifyChange()
}

func (a *appointment) awaitsConfirmation() bool {
	return a.status == statusPending || a.status == statusReserved
}

// confirmIfUnchanged confirms an appointment about which nothing was done since, and returns what is to be sent, if anything is.
func (s *Server) confirmIfUnchanged(a *appointment, acts int) (m webhookMessage, sent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	manner := s.behaviourOf(a.number).Book
	if a.changes != acts || !a.awaitsConfirmation() || manner.NeverConfirmed {
		return webhookMessage{}, false
	}
	if err := s.applyAppointmentChange(a, appointmentChange{Status: statusConfirmed}); err != nil {
		s.cfg.Logger.Error("sandbox: appointment not confirmed", "order", a.number, "error", err)
		return webhookMessage{}, false
	}
	m, err := s.applyNeutralFactLocked(s.orderOrStub(a.number), KindAppointment, Details{}, a)
	a.confirmationUnsent = err == nil && !manner.ConfirmationUnsent
	return m, a.confirmationUnsent
}

// orderOrStub is the order, or what stands for one that the lab does not have. The caller holds the mutex.
func (s *Server) orderOrStub(number string) *order {
	if o := s.orders.byNumber[number]; o != nil {
		return o
	}
	return &order{number: number, neutral: &neutralOrder{}}
}

// handleListAppointments is GET /sandbox/orders/{number}/appointments, oldest first; also of an order that the lab does not have.
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
	Provider  string     `json:"provider"` // of an appointment that the lab does not have: it is made
	Site      string     `json:"site"`     // the same
	At        *time.Time `json:"at"`
	WebhookID string     `json:"webhook_id"`
	Unsent    bool       `json:"lost"` // changed, and not told
}

// handleActOnAppointment is POST /sandbox/orders/{number}/appointments/{id}: the provider does something, and tells it at once, attempted
// once. The id "active" is that of the order's appointment that is ahead or under way.
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
		if status = s.sender.sendOnce(m, 1); status == 0 {
			writeError(w, http.StatusBadGateway, "the receiver did not answer")
			return
		}
	}
	writeJSON(w, http.StatusOK, struct {
		Status      int             `json:"status"` // answered by the receiver; 0: not told
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
