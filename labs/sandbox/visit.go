package sandbox

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// visit is what a provider does about an appointment by itself: its new status, and for confirmed a time. Without one a confirmed
// appointment moves to the next free slot, and one that has a time keeps it.
type visit struct {
	Status string     `json:"status"`
	Slot   string     `json:"slot"`  // key of a slot that is free
	Start  *time.Time `json:"start"` // any time at all
	End    *time.Time `json:"end"`
}

var errNoSlot = errors.New("slot is not free")

// act changes the appointment. The provider may do what it likes: no status forbids another. The caller holds the mutex.
func (s *Server) act(a *appointment, v visit) error {
	a.acts++
	switch v.Status {
	case statusPending: // withdrawn: there is no time any more
		s.diary.release(a)
		a.status, a.start, a.end = v.Status, time.Time{}, time.Time{}
	case statusCancelled:
		s.cancelAppointment(a)
	case statusConfirmed, statusReserved:
		if err := s.setTime(a, v); err != nil {
			return err
		}
		a.status = v.Status
		if v.Status == statusConfirmed {
			s.diary.confirm(a)
		}
	default:
		a.status = v.Status
	}
	s.orders.byNumber[a.number].touch()
	return nil
}

// setTime gives the appointment the time that was asked for, or one of its own where it has none or is moved.
func (s *Server) setTime(a *appointment, v visit) error {
	switch {
	case v.Start != nil:
		s.diary.release(a)
		a.start, a.end = *v.Start, v.Start.Add(slot{provider: a.provider}.length())
		if v.End != nil {
			a.end = *v.End
		}
		return nil
	case v.Slot != "":
		to, err := readKey(v.Slot, s.cfg.Now())
		if err != nil || !s.diary.free(to) {
			return errNoSlot
		}
		a.site = siteOf(to.place)
		s.diary.take(a, to)
		return nil
	case !a.start.IsZero() && a.status != statusConfirmed:
		return nil
	}
	return s.moveOn(a)
}

// moveOn takes the next free slot at the appointment's place.
func (s *Server) moveOn(a *appointment) error {
	place := servedZip[a.provider]
	if a.site != nil {
		place = a.site.code
	}
	if zones[a.provider] == nil {
		return errNoSlot
	}
	to, ok := s.nextFree(a.provider, place)
	if !ok {
		return errNoSlot
	}
	s.diary.take(a, to)
	return nil
}

// appointmentStep lets the provider do something about the order's appointment that is ahead or under way, and returns the webhook
// that tells it. Without such an appointment nothing happens, unless the step names a provider: the patient has called it.
func (s *Server) appointmentStep(ctx context.Context, o *order, step Step) (m message, acted bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return message{}, false, err
	}
	a := s.diary.active(o.number)
	if a == nil && step.Provider == "" {
		return message{}, false, nil
	}
	if a == nil {
		a = &appointment{id: uuid.NewString(), number: o.number, provider: step.Provider, site: siteOf(step.Site)}
		s.enter(a)
	}
	if err := s.act(a, visit{Status: step.Status}); err != nil {
		return message{}, false, err
	}
	m, err = s.newFact(o, KindAppointment, step.Details, a)
	return m, true, err
}

// confirmLater lets the provider confirm what it has answered as pending or reserved, unless the script says that it does not, or
// something else has become of it meanwhile.
func (s *Server) confirmLater(a *appointment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || !a.unconfirmed() {
		return
	}
	delay := cmp.Or(time.Duration(s.mannerOf(a.number).Book.Confirm), confirmAfter)
	acts := a.acts
	s.runs.Go(func() {
		if !wait(s.ctx, s.cfg.real(delay)) {
			return
		}
		if m, sent := s.confirmNow(a, acts); sent {
			s.sender.deliver(s.ctx, m)
			s.told(a)
		}
	})
}

// told lets what waits for the confirmation go on.
func (s *Server) told(a *appointment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.telling = false
	s.orders.byNumber[a.number].touch()
}

func (a *appointment) unconfirmed() bool {
	return a.status == statusPending || a.status == statusReserved
}

// confirmNow confirms an appointment about which nothing was done since, and returns what is to be sent, if anything is.
func (s *Server) confirmNow(a *appointment, acts int) (m message, sent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	manner := s.mannerOf(a.number).Book
	if a.acts != acts || !a.unconfirmed() || manner.Unconfirmed {
		return message{}, false
	}
	if err := s.act(a, visit{Status: statusConfirmed}); err != nil {
		s.cfg.Logger.Error("sandbox: appointment not confirmed", "order", a.number, "error", err)
		return message{}, false
	}
	m, err := s.newFact(s.orderOrStub(a.number), KindAppointment, Details{}, a)
	a.telling = err == nil && !manner.Lost
	return m, a.telling
}

// orderOrStub is the order, or what stands for one that the lab does not have. The caller holds the mutex.
func (s *Server) orderOrStub(number string) *order {
	if o := s.orders.byNumber[number]; o != nil {
		return o
	}
	return &order{number: number, neutral: &neutralOrder{}}
}

// listAppointments is GET /sandbox/orders/{number}/appointments, oldest first; also of an order that the lab does not have.
func (s *Server) listAppointments(w http.ResponseWriter, r *http.Request) {
	views := []appointmentView{}
	s.mu.Lock()
	for _, a := range s.diary.byNumber[r.PathValue("number")] {
		views = append(views, a.view())
	}
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string][]appointmentView{"appointments": views})
}

// visitRequest is the body of POST /sandbox/orders/{number}/appointments/{id}.
type visitRequest struct {
	visit
	Provider  string     `json:"provider"` // of an appointment that the lab does not have: it is made
	Site      string     `json:"site"`     // the same
	At        *time.Time `json:"at"`
	WebhookID string     `json:"webhook_id"`
	Lost      bool       `json:"lost"` // changed, and not told
}

// actOnAppointment is POST /sandbox/orders/{number}/appointments/{id}: the provider does something, and tells it at once, attempted
// once. The id "active" is that of the order's appointment that is ahead or under way.
func (s *Server) actOnAppointment(w http.ResponseWriter, r *http.Request) {
	var body visitRequest
	if !readControl(w, r, &body) {
		return
	}
	if s.cfg.NeutralURL == "" {
		writeError(w, http.StatusConflict, "the neutral protocol is not offered")
		return
	}
	m, view, problem := s.actByHand(r.PathValue("number"), r.PathValue("id"), body)
	if problem != nil {
		writeError(w, problem.status, problem.Message)
		return
	}
	status := 0
	if !body.Lost {
		if status = s.sender.attempt(m, 1); status == 0 {
			writeError(w, http.StatusBadGateway, "the receiver did not answer")
			return
		}
	}
	writeJSON(w, http.StatusOK, struct {
		Status      int             `json:"status"` // answered by the receiver; 0: not told
		Appointment appointmentView `json:"appointment"`
	}{status, view})
}

func (s *Server) actByHand(number, id string, body visitRequest) (message, appointmentView, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bad := func(status int, text string) (message, appointmentView, *refusal) {
		return message{}, appointmentView{}, &refusal{status: status, Message: text}
	}
	details := Details{Status: body.Status, At: body.At, WebhookID: body.WebhookID}
	if err := details.check(KindAppointment); err != nil {
		return bad(http.StatusBadRequest, err.Error())
	}
	a := s.diary.find(number, id)
	if id == "active" {
		a = s.diary.active(number)
	}
	if a == nil {
		if zones[body.Provider] == nil {
			return bad(http.StatusNotFound, "appointment not found")
		}
		a = &appointment{id: id, number: number, provider: body.Provider, site: siteOf(body.Site)}
		s.enter(a)
	}
	if err := s.act(a, body.visit); err != nil {
		return bad(http.StatusConflict, err.Error())
	}
	m, err := s.newFact(s.orderOrStub(number), KindAppointment, details, a)
	if err != nil {
		return bad(http.StatusBadRequest, "the fact cannot be made")
	}
	return m, a.view(), nil
}
