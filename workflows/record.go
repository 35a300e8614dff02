package workflows

import (
	"errors"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// proposal returns what a cause does to the order in a given state. A nil recording changes nothing.
type proposal func(order.State) *order.Recording

// decideAndRecord decides and records while it holds the mutex. If the order has moved, it retries the parked facts.
// Then it publishes the search attributes.
func (r *orderRun) decideAndRecord(ctx workflow.Context, cause string,
	propose proposal) (order.RecordingResult, error) {
	r.recordingsInFlight++
	defer func() { r.recordingsInFlight-- }()
	if err := r.mutex.Lock(ctx); err != nil {
		return order.RecordingResult{}, err
	}
	defer r.mutex.Unlock()
	out, moved, err := r.commitDecision(ctx, cause, propose)
	if err != nil {
		return out, err
	}
	if moved {
		if err := r.retryParked(ctx); err != nil {
			return out, err
		}
	}
	return out, r.publishVisibility(ctx)
}

// commitDecision records one decision. Another recording may have been first: one of an earlier run, or an earlier
// attempt whose answer was lost. Then commitDecision loads the state and decides again. moved reports whether parked
// facts may be applicable now, because the order has a new status or a booking has ended.
func (r *orderRun) commitDecision(ctx workflow.Context, cause string,
	propose proposal) (out order.RecordingResult, moved bool, err error) {
	for {
		rec := propose(r.state)
		if rec == nil {
			r.changed = r.changed || moved // the loop has not seen the loaded state
			return order.RecordingResult{}, moved, nil
		}
		rec.OrderID, rec.Revision, rec.Cause, rec.At = r.id, r.state.Revision, cause, workflow.Now(ctx)
		out = order.RecordingResult{}
		err = workflow.ExecuteLocalActivity(storeContext(ctx), dispatch.ActivityRecord, *rec).Get(ctx, &out)
		if isErrorType(err, dispatch.ErrorStale) {
			if err := r.load(ctx); err != nil {
				return out, false, err
			}
			moved = true
			continue
		}
		if err != nil {
			return out, false, err
		}
		r.changed = true
		if out.Duplicate {
			return out, true, r.loadIfOutdated(ctx, out)
		}
		booking := r.state.PendingBooking != nil
		r.state = rec.Decision.Next
		r.state.Sequence, r.state.Revision = out.Sequence, out.Revision
		return out, moved || len(rec.Decision.Steps) > 0 || booking && r.mayRetryAfterBooking(), nil
	}
}

// loadIfOutdated loads the order if a recording was made that this run does not know.
func (r *orderRun) loadIfOutdated(ctx workflow.Context, out order.RecordingResult) error {
	if out.Revision == r.state.Revision {
		return nil
	}
	if err := r.load(ctx); err != nil {
		return err
	}
	r.changed = true // the loop may have used the state before
	return nil
}

// mayRetryAfterBooking reports whether no booking is pending and facts are parked. Such facts may have waited for the
// end of a booking.
func (r *orderRun) mayRetryAfterBooking() bool {
	return r.state.PendingBooking == nil && len(r.state.ParkedFacts) > 0
}

func isErrorType(err error, kind string) bool {
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	return ok && app.Type() == kind
}
