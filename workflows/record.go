package workflows

import (
	"errors"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// proposal is what a cause would do to the order as it is now. A nil proposal leaves everything as it is.
type proposal func(order.State) *order.Recording

// decideAndRecord decides under the mutex and records the decision, then gives every parked fact another chance.
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

// commitDecision has one decision recorded. Where another recording came first (an earlier run of this order, or a retry whose answer was
// lost), the state is loaded and the decision made again. moved reports whether a parked fact's turn may have come since
// they were last tried: the order has come to another status, or a booking to its end.
func (r *orderRun) commitDecision(ctx workflow.Context, cause string,
	propose proposal) (out order.RecordingResult, moved bool, err error) {
	for {
		rec := propose(r.state)
		if rec == nil {
			r.changed = r.changed || moved // the loop has not seen the state that was loaded
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
			return out, true, r.catchUp(ctx, out)
		}
		booking := r.state.PendingBooking != nil
		r.state = rec.Decision.Next
		r.state.Sequence, r.state.Revision = out.Sequence, out.Revision
		return out, moved || len(rec.Decision.Steps) > 0 || booking && r.bookingEnded(), nil
	}
}

// catchUp catches up with a recording that was made without this run knowing.
func (r *orderRun) catchUp(ctx workflow.Context, out order.RecordingResult) error {
	if out.Revision == r.state.Revision {
		return nil
	}
	if err := r.load(ctx); err != nil {
		return err
	}
	r.changed = true // the loop may have looked at the state before
	return nil
}

// bookingEnded reports whether a booking has come to its end, for which a provider's report on it may be parked.
func (r *orderRun) bookingEnded() bool {
	return r.state.PendingBooking == nil && len(r.state.ParkedFacts) > 0
}

func isErrorType(err error, kind string) bool {
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	return ok && app.Type() == kind
}
