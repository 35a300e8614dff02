package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// checkDemandID rejects an update whose demand has an id under which the store could not record its outcome. Somebody
// has sent it by hand. If it were accepted, its settling would be tried for ever, and the run could not end.
func checkDemandID(dm order.Demand) error {
	if !order.IsID(dm.ID) {
		return errors.New("the demand has no usable id")
	}
	return nil
}

// handleDemand handles the update by which clients and operations make demands. The store decides whether the demand is
// allowed, and whether a partner has to be asked first.
func (r *orderRun) handleDemand(ctx workflow.Context, dm order.Demand) (order.DemandAnswer, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx) // see Order
	// A cancellation waits until the outcome of a placement call is recorded.
	err := workflow.Await(ctx, func() bool { return r.started && (dm.Kind != order.DemandCancel || !r.placementInFlight) })
	if err != nil {
		return order.DemandAnswer{}, err
	}
	cancelAnswersBefore := r.cancelAnswers.count
	out, err := r.settleDemand(ctx, dm)
	switch {
	case err != nil:
		return order.DemandAnswer{}, r.failRun(err)
	case out.Answer != nil:
		return *out.Answer, nil
	case dm.Kind == order.DemandCancel:
		return r.awaitCancelAnswer(ctx, cancelAnswersBefore)
	default:
		return r.awaitBookingAnswer(ctx, dm)
	}
}

// cancelAnswerTimeout is how long a caller waits for the lab's confirmation. After that time the caller gets "no answer
// yet", and the call to the lab continues.
const cancelAnswerTimeout = 12 * time.Second

// awaitCancelAnswer waits for the lab's answer to a cancellation, at most cancelAnswerTimeout. If the kit ships
// meanwhile, the lab's next answer, or none, settles the demand as refused.
func (r *orderRun) awaitCancelAnswer(ctx workflow.Context, before int) (order.DemandAnswer, error) {
	answered, err := workflow.AwaitWithTimeout(ctx, cancelAnswerTimeout,
		func() bool { return r.cancelAnswers.count > before })
	if err != nil {
		return order.DemandAnswer{}, err
	}
	if !answered {
		return order.DemandAnswer{Unanswered: true, FromStatus: r.agenda.Status}, nil
	}
	return r.cancelAnswers.newest, nil
}

// cancelRetryPause is the pause before a lab that has not answered is asked again.
const cancelRetryPause = time.Minute

// cancelAtLab calls the lab until it has confirmed or refused the cancellation. All callers who wait get its answer. It
// is recorded for the newest demand.
func (r *orderRun) cancelAtLab(ctx workflow.Context) error {
	for r.agenda.Cancel != nil {
		demandID := r.agenda.Cancel.DemandID
		id := fmt.Sprintf("cancel-%s-%d", demandID, r.agenda.Revision)
		call := partnerCall{
			activity: dispatch.ActivityCancel, options: callerOptions,
			in:       &dispatch.CallInput{OrderID: r.id, CallID: id, DemandID: demandID},
			isWanted: func() bool { return r.agenda.Cancel != nil && r.agenda.Cancel.DemandID == demandID },
		}
		err := r.callPartner(ctx, call)
		if stale, err := r.lookAfterStaleCall(ctx, err, call.isWanted); err != nil {
			return err
		} else if stale {
			continue
		}
		// Cancellations that came during the call are settled first, so that their callers get its answer too.
		if err := workflow.Await(ctx, func() bool { return r.settlingInFlight == 0 }); err != nil {
			return err
		}
		outcome := order.CallOutcome{Kind: order.CallCancel, ID: id, Answer: callAnswer(err), DemandID: demandID}
		out, err := r.settleCause(ctx, order.Cause{Call: &outcome})
		if err != nil {
			return err
		}
		if out.Answer != nil {
			r.cancelAnswers.newest = *out.Answer
			r.cancelAnswers.count++
		}
		if _, err := workflow.AwaitWithTimeout(ctx, cancelRetryPause,
			func() bool { return !call.isWanted() }); err != nil {
			return err
		}
	}
	return nil
}
