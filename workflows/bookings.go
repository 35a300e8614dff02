package workflows

import (
	"fmt"
	"slices"
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

// awaitBookingAnswer waits for the provider's answer, at most as long as the caller waits.
func (r *orderRun) awaitBookingAnswer(ctx workflow.Context, dm order.Demand) (order.DemandAnswer, error) {
	wait := bookingAnswerTimeout
	if dm.Async {
		wait = dm.CallerWait.Std()
	}
	r.bookingAnswers[dm.ID] = nil
	_, err := workflow.AwaitWithTimeout(ctx, wait, func() bool { return !r.isBooking(dm) })
	answer := r.bookingAnswers[dm.ID]
	delete(r.bookingAnswers, dm.ID)
	switch {
	case err != nil:
		return order.DemandAnswer{}, err
	case answer != nil:
		return *answer, nil
	default:
		return r.endWait(ctx, dm)
	}
}

// isBooking reports whether the provider is being asked for the demand.
func (r *orderRun) isBooking(dm order.Demand) bool {
	return r.agenda.Book != nil && r.agenda.Book.Demand.ID == dm.ID
}

// endWait answers a caller whose time to wait is over, or whose demand ended without an answer. An asynchronous booking
// gets "pending". Any other booking gets "not booked" and is given up: if the provider booked an appointment anyway, it
// is released. Other demands get "no answer yet", and the call to the provider continues.
func (r *orderRun) endWait(ctx workflow.Context, dm order.Demand) (order.DemandAnswer, error) {
	from := r.agenda.Status
	out, err := r.settleCause(ctx, order.Cause{WaitOver: &dm})
	switch {
	case err != nil:
		return order.DemandAnswer{}, r.failRun(err)
	case out.Answer != nil: // also an answer at the last moment
		return *out.Answer, nil
	case dm.Async:
		return order.DemandAnswer{Done: true, FromStatus: from, Sequence: out.Agenda.Sequence}, nil
	default:
		return order.DemandAnswer{Unanswered: true, FromStatus: from}, nil
	}
}

// bookAtProvider calls the provider, for one demand after the other, until it has answered or the demand is given up.
func (r *orderRun) bookAtProvider(ctx workflow.Context) error {
	for r.agenda.Book != nil {
		if err := r.bookForDemand(ctx, *r.agenda.Book); err != nil {
			return err
		}
	}
	return nil
}

// bookForDemand calls the provider for one demand.
func (r *orderRun) bookForDemand(ctx workflow.Context, task order.BookTask) error {
	dm := task.Demand
	for try := 0; r.isBooking(dm); try++ {
		var booked order.ReportedAppointment
		call := partnerCall{
			activity: dispatch.ActivityBook, options: callerOptions, out: &booked,
			in:       &dispatch.BookInput{OrderID: r.id, Demand: dm, Appointment: task.Appointment},
			isWanted: func() bool { return r.isBooking(dm) },
		}
		r.bookingAppointmentID = dm.AppointmentID()
		err := r.callPartner(ctx, call)
		r.bookingAppointmentID = ""
		if stale, err := r.lookAfterStaleCall(ctx, err, call.isWanted); err != nil {
			return err
		} else if stale {
			continue
		}
		if !r.isBooking(dm) {
			return nil // given up meanwhile; what was booked is released
		}
		if err := r.settleBookingAnswer(ctx, dm, callAnswer(err), booked); err != nil {
			return err
		}
		pause := min(bookPause<<min(try, 8), bookPauseMax)
		if _, err := workflow.AwaitWithTimeout(ctx, pause, func() bool { return !r.isBooking(dm) }); err != nil {
			return err
		}
	}
	return nil
}

// settleBookingAnswer settles a provider's answer, if there was one, and keeps it for a caller who waits.
func (r *orderRun) settleBookingAnswer(ctx workflow.Context, dm order.Demand, a order.CallAnswer,
	booked order.ReportedAppointment) error {
	if a == order.AnswerNone {
		return nil
	}
	outcome := order.CallOutcome{Kind: order.CallBook, ID: "book-" + dm.ID, Answer: a, DemandID: dm.ID}
	if a == order.AnswerDone {
		outcome.Appointment = &booked
	}
	out, err := r.settleCause(ctx, order.Cause{Call: &outcome})
	if _, waits := r.bookingAnswers[dm.ID]; waits && err == nil {
		r.bookingAnswers[dm.ID] = out.Answer
	}
	return err
}

// releaseAtProviders calls providers until they have dropped the appointments that we have released.
func (r *orderRun) releaseAtProviders(ctx workflow.Context) error {
	for len(r.agenda.Release) > 0 {
		next := r.agenda.Release[0]
		for _, other := range r.agenda.Release[1:] {
			if other.UnansweredAttempts < next.UnansweredAttempts {
				next = other
			}
		}
		if err := r.awaitBookingCall(ctx, next.AppointmentID); err != nil {
			return err
		}
		call := partnerCall{
			activity: dispatch.ActivityRelease, options: callerOptions,
			in:       &dispatch.ReleaseInput{OrderID: r.id, Release: next},
			isWanted: func() bool { return r.isReleasing(next.AppointmentID) },
		}
		err := r.callPartner(ctx, call)
		if stale, err := r.lookAfterStaleCall(ctx, err, call.isWanted); err != nil {
			return err
		} else if stale {
			continue
		}
		outcome := order.CallOutcome{Kind: order.CallRelease, Answer: callAnswer(err), AppointmentID: next.AppointmentID,
			ID: fmt.Sprintf("release-%s-%d", next.AppointmentID, next.UnansweredAttempts)}
		if _, err := r.settleOutcome(ctx, outcome, call.isWanted); err != nil {
			return err
		}
		if !r.isReleasing(next.AppointmentID) {
			continue
		}
		if _, err := workflow.AwaitWithTimeout(ctx, releasePause, r.hasNewRelease); err != nil {
			return err
		}
	}
	return nil
}

func (r *orderRun) isReleasing(appointmentID string) bool {
	return slices.ContainsFunc(r.agenda.Release,
		func(a order.AppointmentRelease) bool { return a.AppointmentID == appointmentID })
}

// hasNewRelease reports whether a provider has to drop an appointment and has not been asked yet.
func (r *orderRun) hasNewRelease() bool {
	return slices.ContainsFunc(r.agenda.Release,
		func(a order.AppointmentRelease) bool { return a.UnansweredAttempts == 0 })
}

// awaitBookingCall waits until no call books the appointment. Otherwise a provider could get the release first, not
// know the appointment, and book it afterwards.
func (r *orderRun) awaitBookingCall(ctx workflow.Context, appointmentID string) error {
	return workflow.Await(ctx, func() bool { return r.bookingAppointmentID != appointmentID })
}
