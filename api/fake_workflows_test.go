package api_test

import (
	"bytes"
	"context"
	"sync"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// fakeWorkflows is a fake of the workflows. It decides and records demands by the real rules, and notes all other
// calls.
type fakeWorkflows struct {
	store *store.Store

	mu      sync.Mutex
	started []string
	nudged  []string
	facts   map[string][]order.Fact
	demands []order.Demand
	err     error // of everything, when set
	answer  func(context.Context, order.Demand) (order.DemandAnswer, error)
}

func (o *fakeWorkflows) locked(change func()) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
	return o.err
}

func (o *fakeWorkflows) fail(err error) { _ = o.locked(func() { o.err = err }) }

func (o *fakeWorkflows) answerWith(answer func(context.Context, order.Demand) (order.DemandAnswer, error)) {
	_ = o.locked(func() { o.answer = answer })
}

func (o *fakeWorkflows) StartOrder(_ context.Context, id string) error {
	return o.locked(func() { o.started = append(o.started, id) })
}

func (o *fakeWorkflows) NudgeDeliveries(_ context.Context, id string) error {
	return o.locked(func() { o.nudged = append(o.nudged, id) })
}

func (o *fakeWorkflows) CheckReachable(context.Context) error { return o.locked(func() {}) }

func (o *fakeWorkflows) SignalFact(_ context.Context, id string, f order.Fact) error {
	return o.locked(func() {
		if o.facts == nil {
			o.facts = map[string][]order.Fact{}
		}
		o.facts[id] = append(o.facts[id], f)
	})
}

func (o *fakeWorkflows) Demand(ctx context.Context, id string, d order.Demand) (order.DemandAnswer, error) {
	var answer func(context.Context, order.Demand) (order.DemandAnswer, error)
	if err := o.locked(func() { o.demands = append(o.demands, d); answer = o.answer }); err != nil {
		return order.DemandAnswer{}, err
	}
	if answer != nil {
		return answer(ctx, d)
	}
	s, err := o.store.State(ctx, id)
	if err != nil {
		return order.DemandAnswer{}, err
	}
	if d.Kind.ConcernsAppointment() {
		return o.book(ctx, s, d)
	}
	decision := s.ApplyDemand(d, testTime)
	rec := order.Recording{
		OrderID: id, Revision: s.Revision, Cause: order.CauseDemand(d.ID), Decision: decision, DemandID: d.ID, At: testTime,
	}
	if d.Kind == order.DemandAcceptResults && decision.Outcome == order.OutcomeApplied {
		rec.ResultID = d.Results.ResultID
	}
	r, err := o.store.Record(ctx, rec)
	if err != nil {
		return order.DemandAnswer{}, err
	}
	return order.DemandAnswer{
		Done: decision.Outcome == order.OutcomeApplied, Reason: decision.Reason, FromStatus: s.Status, Sequence: r.Sequence,
		ReplacementID: r.ReplacementID,
	}, nil
}

// book records a demand about an appointment. The provider accepts it, unless the test has set another answer.
func (o *fakeWorkflows) book(ctx context.Context, s order.State, d order.Demand) (order.DemandAnswer, error) {
	if reason := s.CheckDemand(d, testTime); reason != "" {
		return order.DemandAnswer{Reason: reason, FromStatus: s.Status}, nil
	}
	asked, err := o.store.Record(ctx, order.Recording{
		OrderID: s.OrderID, Revision: s.Revision, Cause: order.CauseCall(d.ID), Decision: s.ApplyBookingAsked(d, testTime),
		At: testTime,
	})
	if err != nil {
		return order.DemandAnswer{}, err
	}
	if s, err = o.store.State(ctx, s.OrderID); err != nil {
		return order.DemandAnswer{}, err
	}
	booked := order.ReportedAppointment{Status: lifecycle.AppointmentStatusConfirmed, Reference: "ref-" + d.ID,
		Confirmation: "ABCDEF", CanReschedule: true}
	if d.Kind == order.DemandRequestAppointment {
		booked = order.ReportedAppointment{Status: lifecycle.AppointmentStatusPending, Reference: "ref-" + d.ID}
	}
	if d.Kind == order.DemandCancelAppointment {
		booked.Status = lifecycle.AppointmentStatusCancelled
	}
	decision := s.ApplyBookingAnswer(d, booked, testTime)
	r, err := o.store.Record(ctx, order.Recording{
		OrderID: s.OrderID, Revision: asked.Revision, Cause: order.CauseDemand(d.ID), Decision: decision, DemandID: d.ID,
		At: testTime,
	})
	return order.DemandAnswer{Done: decision.Outcome == order.OutcomeApplied, Reason: decision.Reason,
		FromStatus: s.Status, Sequence: r.Sequence}, err
}

func (o *fakeWorkflows) snapshot() (started, nudged []string, demands []order.Demand) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string(nil), o.started...), append([]string(nil), o.nudged...),
		append([]order.Demand(nil), o.demands...)
}

func (o *fakeWorkflows) signalled(id string) []order.Fact {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]order.Fact(nil), o.facts[id]...)
}

// unavailableError is an error like those of the workflows' client.
type unavailableError struct{}

func (unavailableError) Error() string     { return "nobody there" }
func (unavailableError) Unavailable() bool { return true }

// logBuffer holds the text that was logged.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
