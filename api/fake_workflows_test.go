package api_test

import (
	"bytes"
	"context"
	"sync"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// fakeWorkflows is a fake of the workflows. The store settles its demands, and it notes all other calls.
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

// WakeOrder notes the fact of the inbox item that it is woken for, if the item waits in the store.
func (o *fakeWorkflows) WakeOrder(ctx context.Context, id string, w dispatch.Wake) error {
	look, err := o.store.LookAtOrder(ctx, id)
	if err != nil {
		return err
	}
	return o.locked(func() {
		if o.facts == nil {
			o.facts = map[string][]order.Fact{}
		}
		for _, f := range look.Received {
			if f.InboxID == w.InboxID && w.Kind == dispatch.WakeFact {
				o.facts[id] = append(o.facts[id], f)
			}
		}
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
	if _, err := o.store.LookAtOrder(ctx, id); err != nil {
		return order.DemandAnswer{}, err
	}
	settled, err := o.store.SettleCause(ctx, id, order.Cause{Demand: &d}, testTime)
	if err == nil && d.Kind.ConcernsAppointment() && settled.SettledDemandID == "" {
		settled, err = o.book(ctx, id, d)
	}
	if err != nil {
		return order.DemandAnswer{}, err
	}
	return order.DemandAnswer{
		Done: settled.Outcome == order.OutcomeApplied, Reason: settled.Reason, FromStatus: settled.From,
		Sequence: settled.Sequence, ReplacementID: settled.ReplacementID,
	}, nil
}

// book settles the provider's answer to a demand about an appointment: it accepts.
func (o *fakeWorkflows) book(ctx context.Context, orderID string, d order.Demand) (store.Settled, error) {
	booked := order.ReportedAppointment{Status: lifecycle.AppointmentStatusConfirmed, Reference: "ref-" + d.ID,
		Confirmation: "ABCDEF", CanReschedule: true}
	if d.Kind == order.DemandRequestAppointment {
		booked = order.ReportedAppointment{Status: lifecycle.AppointmentStatusPending, Reference: "ref-" + d.ID}
	}
	if d.Kind == order.DemandCancelAppointment {
		booked.Status = lifecycle.AppointmentStatusCancelled
	}
	answer := order.CallOutcome{Kind: order.CallBook, ID: "book-" + d.ID, Answer: order.AnswerDone, DemandID: d.ID,
		Appointment: &booked}
	return o.store.SettleCause(ctx, orderID, order.Cause{Call: &answer}, testTime)
}

func (o *fakeWorkflows) snapshot() (started, nudged []string, demands []order.Demand) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string(nil), o.started...), append([]string(nil), o.nudged...),
		append([]order.Demand(nil), o.demands...)
}

// woken returns the facts for which an order was woken.
func (o *fakeWorkflows) woken(id string) []order.Fact {
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
