package api_test

import (
	"bytes"
	"context"
	"sync"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// orders stands for the workflows: it decides and records demands by the real rules, and notes everything else.
type orders struct {
	store *store.Store

	mu      sync.Mutex
	started []string
	nudged  []string
	facts   map[string][]order.Fact
	demands []order.Demand
	err     error // of everything, when set
	answer  func(context.Context, order.Demand) (order.Answer, error)
}

func (o *orders) note(change func()) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
	return o.err
}

func (o *orders) fail(err error) { _ = o.note(func() { o.err = err }) }

func (o *orders) instead(answer func(context.Context, order.Demand) (order.Answer, error)) {
	_ = o.note(func() { o.answer = answer })
}

func (o *orders) StartOrder(_ context.Context, id string) error {
	return o.note(func() { o.started = append(o.started, id) })
}

func (o *orders) NudgeDeliveries(_ context.Context, id string) error {
	return o.note(func() { o.nudged = append(o.nudged, id) })
}

func (o *orders) Reachable(context.Context) error { return o.note(func() {}) }

func (o *orders) SignalFact(_ context.Context, id string, f order.Fact) error {
	return o.note(func() {
		if o.facts == nil {
			o.facts = map[string][]order.Fact{}
		}
		o.facts[id] = append(o.facts[id], f)
	})
}

func (o *orders) Demand(ctx context.Context, id string, d order.Demand) (order.Answer, error) {
	var answer func(context.Context, order.Demand) (order.Answer, error)
	if err := o.note(func() { o.demands = append(o.demands, d); answer = o.answer }); err != nil {
		return order.Answer{}, err
	}
	if answer != nil {
		return answer(ctx, d)
	}
	s, err := o.store.LoadState(ctx, id)
	if err != nil {
		return order.Answer{}, err
	}
	if d.Kind.Booking() {
		return o.book(ctx, s, d)
	}
	decision := s.ApplyDemand(d, began)
	rec := order.Recording{
		OrderID: id, Revision: s.Revision, Cause: order.CauseDemand(d.ID), Decision: decision, DemandID: d.ID, At: began,
	}
	if d.Kind == order.DemandAccept && decision.Outcome == order.Applied {
		rec.ResultID = d.Fetched.ResultID
	}
	r, err := o.store.Record(ctx, rec)
	if err != nil {
		return order.Answer{}, err
	}
	return order.Answer{
		Done: decision.Outcome == order.Applied, Reason: decision.Reason, From: s.Status, Sequence: r.Sequence, ChildID: r.ChildID,
	}, nil
}

// book is a demand about an appointment whose provider does as it is asked, unless the test has said otherwise.
func (o *orders) book(ctx context.Context, s order.State, d order.Demand) (order.Answer, error) {
	if reason := s.CheckDemand(d, began); reason != "" {
		return order.Answer{Reason: reason, From: s.Status}, nil
	}
	asked, err := o.store.Record(ctx, order.Recording{
		OrderID: s.OrderID, Revision: s.Revision, Cause: order.CauseCall(d.ID), Decision: s.ApplyBookingAsked(d, began), At: began,
	})
	if err != nil {
		return order.Answer{}, err
	}
	if s, err = o.store.LoadState(ctx, s.OrderID); err != nil {
		return order.Answer{}, err
	}
	booked := order.Booked{Status: lifecycle.AppointmentIsConfirmed, Reference: "ref-" + d.ID, Confirmation: "ABCDEF", CanReschedule: true}
	if d.Kind == order.DemandRequest {
		booked = order.Booked{Status: lifecycle.AppointmentIsPending, Reference: "ref-" + d.ID}
	}
	if d.Kind == order.DemandCancelAppointment {
		booked.Status = lifecycle.AppointmentIsCancelled
	}
	decision := s.ApplyBooked(d, booked, began)
	r, err := o.store.Record(ctx, order.Recording{
		OrderID: s.OrderID, Revision: asked.Revision, Cause: order.CauseDemand(d.ID), Decision: decision, DemandID: d.ID, At: began,
	})
	return order.Answer{Done: decision.Outcome == order.Applied, Reason: decision.Reason, From: s.Status, Sequence: r.Sequence}, err
}

func (o *orders) seen() (started, nudged []string, demands []order.Demand) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string(nil), o.started...), append([]string(nil), o.nudged...), append([]order.Demand(nil), o.demands...)
}

func (o *orders) signalled(id string) []order.Fact {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]order.Fact(nil), o.facts[id]...)
}

// away is an error as the workflows' client has it.
type away struct{}

func (away) Error() string     { return "nobody there" }
func (away) Unavailable() bool { return true }

// logs keeps what was logged.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
