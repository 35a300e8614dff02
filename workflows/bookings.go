package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// How long a caller waits for a provider of appointments. After that a booking has failed, and what the provider may have booked is
// given back; a rescheduling or a cancellation is asked on.
const bookingAnswer = 12 * time.Second

// One attempt of a provider call, and the pause before the next.
var bookOptions = workflow.ActivityOptions{
	StartToCloseTimeout: 10 * time.Second,
	RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 1},
}

const (
	bookPause    = 2 * time.Second
	bookPauseMax = time.Minute
	releasePause = time.Minute
)

// askProvider has an appointment's provider asked for what a demand wants, and waits for what becomes of it. The mutex is free
// meanwhile.
func (r *orderRun) askProvider(ctx workflow.Context, dm order.Demand) (order.Answer, error) {
	for asked := false; !asked; {
		if r.state.CheckDemand(dm, workflow.Now(ctx)) != "" || r.state.Holds(dm) {
			if answer, decided, err := r.refuse(ctx, dm); err != nil || decided {
				return answer, err
			}
		}
		_, err := r.record(ctx, order.CauseCall("book-ask-"+dm.ID), func(s order.State) *order.Recording {
			if asked = s.CheckDemand(dm, workflow.Now(ctx)) == ""; !asked {
				return nil // overtaken while waiting for the mutex
			}
			return &order.Recording{Decision: s.ApplyBookingAsked(dm, workflow.Now(ctx))}
		})
		if err != nil {
			return r.failDemand(err)
		}
	}
	wait := bookingAnswer
	if dm.Async {
		wait = dm.Wait.Std()
	}
	answered, err := workflow.AwaitWithTimeout(ctx, wait, func() bool { return !r.booking(dm) })
	if err != nil {
		return order.Answer{}, err
	}
	if answered {
		return r.bookingAnswer(ctx, dm)
	}
	return r.bookingUnanswered(ctx, dm)
}

// booking reports whether the provider is being asked for the demand.
func (r *orderRun) booking(dm order.Demand) bool {
	return r.state.Booking != nil && r.state.Booking.Demand.ID == dm.ID
}

// bookingAnswer is what was recorded of the demand. Where nothing was, because the order ended meanwhile, it is refused.
func (r *orderRun) bookingAnswer(ctx workflow.Context, dm order.Demand) (order.Answer, error) {
	if a, ok := r.booked[dm.ID]; ok {
		delete(r.booked, dm.ID)
		return a, nil
	}
	return r.settleBooking(ctx, dm, func(s order.State) order.Decision {
		reason := s.CheckDemand(dm, workflow.Now(ctx))
		if reason == "" {
			reason = order.ReasonUnanswered
		}
		return s.ApplyBookingRefused(dm, reason, workflow.Now(ctx))
	})
}

// bookingUnanswered: a caller who would not wait longer learns that the appointment is pending; one who would wait learns that it was
// not booked, which is then made true; and what cannot be undone is asked on.
func (r *orderRun) bookingUnanswered(ctx workflow.Context, dm order.Demand) (order.Answer, error) {
	from := r.state.Status
	switch {
	case dm.Async:
		out, err := r.record(ctx, order.CauseCall("book-wait-"+dm.ID), func(s order.State) *order.Recording {
			return &order.Recording{Decision: s.ApplyBookingPending(workflow.Now(ctx))}
		})
		if err != nil {
			return r.failDemand(err)
		}
		if !r.booking(dm) { // answered in the last moment
			return r.bookingAnswer(ctx, dm)
		}
		return order.Answer{Done: true, From: from, Sequence: out.Sequence}, nil
	case dm.Kind == order.DemandBook, dm.Kind == order.DemandRequest:
		return r.settleBooking(ctx, dm, func(s order.State) order.Decision { return s.ApplyBookingGivenUp(dm, workflow.Now(ctx)) })
	default:
		return order.Answer{Unanswered: true, From: from}, nil
	}
}

// settleBooking records what became of a demand about an appointment.
func (r *orderRun) settleBooking(ctx workflow.Context, dm order.Demand, decide func(order.State) order.Decision) (order.Answer, error) {
	from := r.state.Status
	out, err := r.record(ctx, order.CauseDemand(dm.ID), func(s order.State) *order.Recording {
		from = s.Status
		return &order.Recording{Decision: decide(s), DemandID: dm.ID}
	})
	if err != nil {
		return r.failDemand(err)
	}
	return order.Answer{Done: out.Outcome == order.Applied, Reason: out.Reason, From: from, Sequence: out.Sequence}, nil
}

// failDemand ends the run with an error that a handler met, so that the loop does not go on with a state of which it is not sure.
func (r *orderRun) failDemand(err error) (order.Answer, error) {
	r.failed, r.changed = err, true
	return order.Answer{}, err
}

// book asks the provider until it has answered, or nobody wants the answer any more.
func (r *orderRun) book(ctx workflow.Context) error {
	for try := 0; r.state.Booking != nil; try++ {
		dm := r.state.Booking.Demand
		in := dispatch.BookInput{OrderID: r.id, Demand: dm}
		if a := r.state.Appointment; a != nil && (dm.Kind == order.DemandReschedule || dm.Kind == order.DemandCancelAppointment) {
			in.Appointment = *a
		}
		var out order.Booked
		r.asking = dm.AppointmentID()
		err := r.call(ctx, bookOptions, dispatch.ActivityBook, in, &out)
		r.asking = ""
		if !r.booking(dm) {
			continue // given up meanwhile; what was booked is released
		}
		if decide := bookingDecision(dm, out, err); decide != nil {
			answer, err := r.settleBooking(ctx, dm, func(s order.State) order.Decision { return decide(s, workflow.Now(ctx)) })
			if err != nil {
				return err
			}
			r.booked[dm.ID] = answer
			try = -1
			continue
		}
		pause := min(bookPause<<min(try, 8), bookPauseMax)
		if _, err := workflow.AwaitWithTimeout(ctx, pause, func() bool { return !r.booking(dm) }); err != nil {
			return err
		}
	}
	return nil
}

// bookingDecision is what the provider's answer leads to; nil when there was none.
func bookingDecision(dm order.Demand, out order.Booked, err error) func(order.State, time.Time) order.Decision {
	refused := func(r order.Reason) func(order.State, time.Time) order.Decision {
		return func(s order.State, now time.Time) order.Decision { return s.ApplyBookingRefused(dm, r, now) }
	}
	switch {
	case err == nil:
		return func(s order.State, now time.Time) order.Decision { return s.ApplyBooked(dm, out, now) }
	case isType(err, dispatch.ErrorSlotGone):
		return refused(order.ReasonSlotGone)
	case isType(err, dispatch.ErrorRefused), isType(err, dispatch.ErrorNotSupported):
		return refused(order.ReasonLabRefused)
	default:
		return nil
	}
}

// release has providers drop the appointments that are over here.
func (r *orderRun) release(ctx workflow.Context) error {
	for len(r.state.Releasing) > 0 {
		next := r.state.Releasing[0]
		for _, other := range r.state.Releasing[1:] {
			if other.Tries < next.Tries {
				next = other
			}
		}
		if err := r.awaitBooking(ctx, next.AppointmentID); err != nil {
			return err
		}
		err := r.call(ctx, bookOptions, dispatch.ActivityRelease, dispatch.ReleaseInput{OrderID: r.id, Release: next}, nil)
		refused := isType(err, dispatch.ErrorRefused) || isType(err, dispatch.ErrorNotSupported)
		cause := order.CauseCall(fmt.Sprintf("release-%s-%d", next.AppointmentID, next.Tries))
		_, recErr := r.record(ctx, cause, func(s order.State) *order.Recording {
			if err == nil || refused {
				return &order.Recording{Decision: s.ApplyReleased(next.AppointmentID, refused, workflow.Now(ctx))}
			}
			return &order.Recording{Decision: s.ApplyReleaseMissed(next.AppointmentID, workflow.Now(ctx))}
		})
		if recErr != nil {
			return recErr
		}
		if err == nil || refused {
			continue
		}
		if err := workflow.Sleep(ctx, releasePause); err != nil {
			return err
		}
	}
	return nil
}

// awaitBooking waits until an appointment is not being booked any more. A provider that is told first to drop it does not know it, and
// books it afterwards.
func (r *orderRun) awaitBooking(ctx workflow.Context, appointmentID string) error {
	return workflow.Await(ctx, func() bool { return r.asking != appointmentID })
}
