package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// bookingAnswerTimeout is how long a caller waits for a provider of appointments. After that time a booking fails, and
// any appointment that the provider booked is released. A rescheduling or a cancellation continues.
const bookingAnswerTimeout = 12 * time.Second

// The pauses between attempts of a provider call.
const (
	bookPause    = 2 * time.Second
	bookPauseMax = time.Minute
	releasePause = time.Minute
)

// askProvider records that the provider is asked about a demand, and waits for the answer. It does not hold the mutex
// while it waits.
func (r *orderRun) askProvider(ctx workflow.Context, dm order.Demand) (order.DemandAnswer, error) {
	if answer, answered, err := r.recordBookingAsked(ctx, dm); err != nil || answered {
		return answer, err
	}
	return r.awaitBookingAnswer(ctx, dm)
}

// recordBookingAsked records that the provider is asked for the demand. The loop then starts the call. answered reports
// that the demand needed no call.
func (r *orderRun) recordBookingAsked(ctx workflow.Context,
	dm order.Demand) (answer order.DemandAnswer, answered bool, err error) {
	for asked := false; !asked; {
		if r.state.CheckDemand(dm, workflow.Now(ctx)) != "" || r.state.HoldsSlot(dm) {
			if answer, answered, err = r.answerWithoutPartner(ctx, dm); err != nil || answered {
				return answer, answered, err
			}
		}
		_, err = r.decideAndRecord(ctx, order.CauseCall("book-ask-"+dm.ID), func(s order.State) *order.Recording {
			if asked = s.CheckDemand(dm, workflow.Now(ctx)) == ""; !asked {
				return nil // not allowed any more after the wait for the mutex
			}
			return &order.Recording{Decision: s.ApplyBookingAsked(dm, workflow.Now(ctx))}
		})
		if err != nil {
			answer, err = r.failRun(err)
			return answer, false, err
		}
	}
	return order.DemandAnswer{}, false, nil
}

// awaitBookingAnswer waits for the provider's answer, at most as long as the caller waits.
func (r *orderRun) awaitBookingAnswer(ctx workflow.Context, dm order.Demand) (order.DemandAnswer, error) {
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

// takeBookingAnswer returns the recorded answer to the demand. If there is none, because the order ended meanwhile, the
// demand is refused.
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

// answerUnansweredBooking answers a caller whose time to wait is over. An asynchronous booking gets "pending". Any
// other booking gets "not booked" and is given up: if the provider booked an appointment anyway, it is released. Other
// demands get "no answer yet", and the call to the provider continues.
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
		if !r.isBooking(dm) { // answered at the last moment
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

// recordBookingOutcome records the outcome of a demand about an appointment and returns the answer.
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

// failRun makes the loop return an error of a handler. The run then ends, because its state may be wrong.
func (r *orderRun) failRun(err error) (order.DemandAnswer, error) {
	r.err, r.changed = err, true
	return order.DemandAnswer{}, err
}

// bookAtProvider calls the provider until it has answered or the demand is given up.
func (r *orderRun) bookAtProvider(ctx workflow.Context) error {
	for try := 0; r.state.PendingBooking != nil; try++ {
		dm := r.state.PendingBooking.Demand
		in := &dispatch.BookInput{OrderID: r.id, Demand: dm}
		if a := r.state.Appointment; a != nil && (dm.Kind == order.DemandRescheduleAppointment ||
			dm.Kind == order.DemandCancelAppointment) {
			in.Appointment = *a
		}
		var out order.ReportedAppointment
		r.bookingAppointmentID = dm.AppointmentID()
		err := r.callPartner(ctx, partnerCall{
			activity: dispatch.ActivityBook, options: callerOptions, in: in, out: &out,
			isWanted: func() bool { return r.isBooking(dm) },
		})
		r.bookingAppointmentID = ""
		if isErrorType(err, dispatch.ErrorStale) {
			if err := r.reloadAfterStaleCall(ctx); err != nil {
				return err
			}
			continue
		}
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

// bookingDecision returns the decision that the provider's answer leads to; nil: there was no answer.
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

// releaseAtProviders calls providers until they have dropped the appointments that we have released.
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
		err := r.callPartner(ctx, partnerCall{
			activity: dispatch.ActivityRelease, options: callerOptions,
			in:       &dispatch.ReleaseInput{OrderID: r.id, Release: next},
			isWanted: func() bool { return r.state.WantsRelease(next.AppointmentID) },
		})
		if isErrorType(err, dispatch.ErrorStale) {
			if err := r.reloadAfterStaleCall(ctx); err != nil {
				return err
			}
			continue
		}
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

// awaitBookingCall waits until no call books the appointment. Otherwise a provider could get the release first, not
// know the appointment, and book it afterwards.
func (r *orderRun) awaitBookingCall(ctx workflow.Context, appointmentID string) error {
	return workflow.Await(ctx, func() bool { return r.bookingAppointmentID != appointmentID })
}
