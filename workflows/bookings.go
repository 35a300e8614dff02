package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// How long a caller waits for a provider of appointments. After that a booking has failed, and what the provider may have booked is
// given back; a rescheduling or a cancellation is asked on.
const bookingAnswerTimeout = 12 * time.Second

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
func (r *orderRun) askProvider(ctx workflow.Context, dm order.Demand) (order.DemandAnswer, error) {
	for asked := false; !asked; {
		if r.state.CheckDemand(dm, workflow.Now(ctx)) != "" || r.state.HoldsSlot(dm) {
			if answer, decided, err := r.answerWithoutAsking(ctx, dm); err != nil || decided {
				return answer, err
			}
		}
		_, err := r.decideAndRecord(ctx, order.CauseCall("book-ask-"+dm.ID), func(s order.State) *order.Recording {
			if asked = s.CheckDemand(dm, workflow.Now(ctx)) == ""; !asked {
				return nil // overtaken while waiting for the mutex
			}
			return &order.Recording{Decision: s.ApplyBookingAsked(dm, workflow.Now(ctx))}
		})
		if err != nil {
			return r.failRun(err)
		}
	}
	wait := bookingAnswerTimeout
	if dm.Async {
		wait = dm.CallerWait.Std()
	}
	answered, err := workflow.AwaitWithTimeout(ctx, wait, func() bool { return !r.isBooking(dm) })
	if err != nil {
		return order.DemandAnswer{}, err
	}
	if answered {
		return r.takeBookingAnswer(ctx, dm)
	}
	return r.answerUnansweredBooking(ctx, dm)
}

// isBooking reports whether the provider is being asked for the demand.
func (r *orderRun) isBooking(dm order.Demand) bool {
	return r.state.PendingBooking != nil && r.state.PendingBooking.Demand.ID == dm.ID
}

// takeBookingAnswer is what was recorded of the demand. Where nothing was, because the order ended meanwhile, it is refused.
func (r *orderRun) takeBookingAnswer(ctx workflow.Context, dm order.Demand) (order.DemandAnswer, error) {
	if a, ok := r.bookingAnswers[dm.ID]; ok {
		delete(r.bookingAnswers, dm.ID)
		return a, nil
	}
	return r.recordBookingOutcome(ctx, dm, func(s order.State) order.Decision {
		reason := s.CheckDemand(dm, workflow.Now(ctx))
		if reason == "" {
			reason = order.ReasonProviderUnanswered
		}
		return s.ApplyBookingRefused(dm, reason, workflow.Now(ctx))
	})
}

// answerUnansweredBooking: a caller who would not wait longer learns that the appointment is pending; one who would wait learns that it was
// not booked, which is then made true; and what cannot be undone is asked on.
func (r *orderRun) answerUnansweredBooking(ctx workflow.Context, dm order.Demand) (order.DemandAnswer, error) {
	from := r.state.Status
	switch {
	case dm.Async:
		out, err := r.decideAndRecord(ctx, order.CauseCall("book-wait-"+dm.ID), func(s order.State) *order.Recording {
			return &order.Recording{Decision: s.ApplyBookingPending(workflow.Now(ctx))}
		})
		if err != nil {
			return r.failRun(err)
		}
		if !r.isBooking(dm) { // answered in the last moment
			return r.takeBookingAnswer(ctx, dm)
		}
		return order.DemandAnswer{Done: true, FromStatus: from, Sequence: out.Sequence}, nil
	case dm.Kind == order.DemandBookAppointment, dm.Kind == order.DemandRequestAppointment:
		return r.recordBookingOutcome(ctx, dm,
			func(s order.State) order.Decision { return s.ApplyBookingGivenUp(dm, workflow.Now(ctx)) })
	default:
		return order.DemandAnswer{Unanswered: true, FromStatus: from}, nil
	}
}

// recordBookingOutcome records what became of a demand about an appointment.
func (r *orderRun) recordBookingOutcome(ctx workflow.Context, dm order.Demand,
	decide func(order.State) order.Decision) (order.DemandAnswer, error) {
	from := r.state.Status
	out, err := r.decideAndRecord(ctx, order.CauseDemand(dm.ID), func(s order.State) *order.Recording {
		from = s.Status
		return &order.Recording{Decision: decide(s), DemandID: dm.ID}
	})
	if err != nil {
		return r.failRun(err)
	}
	return order.DemandAnswer{Done: out.Outcome == order.OutcomeApplied, Reason: out.Reason, FromStatus: from,
		Sequence: out.Sequence}, nil
}

// failRun ends the run with an error that a handler met, so that the loop does not go on with a state of which it is not sure.
func (r *orderRun) failRun(err error) (order.DemandAnswer, error) {
	r.err, r.changed = err, true
	return order.DemandAnswer{}, err
}

// bookAtProvider asks the provider until it has answered, or nobody wants the answer any more.
func (r *orderRun) bookAtProvider(ctx workflow.Context) error {
	for try := 0; r.state.PendingBooking != nil; try++ {
		dm := r.state.PendingBooking.Demand
		in := dispatch.BookInput{OrderID: r.id, Demand: dm}
		if a := r.state.Appointment; a != nil && (dm.Kind == order.DemandRescheduleAppointment ||
			dm.Kind == order.DemandCancelAppointment) {
			in.Appointment = *a
		}
		var out order.ReportedAppointment
		r.bookingAppointmentID = dm.AppointmentID()
		err := r.callPartner(ctx, bookOptions, dispatch.ActivityBook, in, &out)
		r.bookingAppointmentID = ""
		if !r.isBooking(dm) {
			continue // given up meanwhile; what was booked is released
		}
		if decide := bookingDecision(dm, out, err); decide != nil {
			answer, err := r.recordBookingOutcome(ctx, dm,
				func(s order.State) order.Decision { return decide(s, workflow.Now(ctx)) })
			if err != nil {
				return err
			}
			r.bookingAnswers[dm.ID] = answer
			try = -1
			continue
		}
		pause := min(bookPause<<min(try, 8), bookPauseMax)
		if _, err := workflow.AwaitWithTimeout(ctx, pause, func() bool { return !r.isBooking(dm) }); err != nil {
			return err
		}
	}
	return nil
}

// bookingDecision is what the provider's answer leads to; nil when there was none.
func bookingDecision(dm order.Demand, out order.ReportedAppointment,
	err error) func(order.State, time.Time) order.Decision {
	refused := func(r order.Reason) func(order.State, time.Time) order.Decision {
		return func(s order.State, now time.Time) order.Decision { return s.ApplyBookingRefused(dm, r, now) }
	}
	switch {
	case err == nil:
		return func(s order.State, now time.Time) order.Decision { return s.ApplyBookingAnswer(dm, out, now) }
	case isErrorType(err, dispatch.ErrorSlotGone):
		return refused(order.ReasonSlotGone)
	case isErrorType(err, dispatch.ErrorRefused), isErrorType(err, dispatch.ErrorNotSupported):
		return refused(order.ReasonLabRefused)
	default:
		return nil
	}
}

// releaseAtProviders has providers drop the appointments that are over here.
func (r *orderRun) releaseAtProviders(ctx workflow.Context) error {
	for len(r.state.PendingReleases) > 0 {
		next := r.state.PendingReleases[0]
		for _, other := range r.state.PendingReleases[1:] {
			if other.UnansweredAttempts < next.UnansweredAttempts {
				next = other
			}
		}
		if err := r.awaitBookingCall(ctx, next.AppointmentID); err != nil {
			return err
		}
		err := r.callPartner(ctx, bookOptions, dispatch.ActivityRelease, dispatch.ReleaseInput{OrderID: r.id, Release: next},
			nil)
		refused := isErrorType(err, dispatch.ErrorRefused) || isErrorType(err, dispatch.ErrorNotSupported)
		cause := order.CauseCall(fmt.Sprintf("release-%s-%d", next.AppointmentID, next.UnansweredAttempts))
		_, recErr := r.decideAndRecord(ctx, cause, func(s order.State) *order.Recording {
			if err == nil || refused {
				return &order.Recording{Decision: s.ApplyReleaseAnswer(next.AppointmentID, refused, workflow.Now(ctx))}
			}
			return &order.Recording{Decision: s.ApplyReleaseUnanswered(next.AppointmentID, workflow.Now(ctx))}
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

// awaitBookingCall waits until an appointment is not being booked any more. A provider that is told first to drop it does not know it, and
// books it afterwards.
func (r *orderRun) awaitBookingCall(ctx workflow.Context, appointmentID string) error {
	return workflow.Await(ctx, func() bool { return r.bookingAppointmentID != appointmentID })
}
