package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// registerDemandHandler registers the update by which clients and operations make demands. The validator asks the state
// machine first, so that a demand that is clearly refused adds nothing to the history. The handler asks again while it
// holds the mutex.
func (r *orderRun) registerDemandHandler(ctx workflow.Context) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, dispatch.UpdateDemand, r.handleDemand, workflow.UpdateHandlerOptions{
		Validator: func(ctx workflow.Context, dm order.Demand) error {
			if !r.loaded || dm.IsRetry {
				return nil // the answer may have been recorded already
			}
			if reason := r.state.CheckDemand(dm, workflow.Now(ctx)); reason != "" {
				return dispatch.RefusalError(reason, r.state.Status)
			}
			return nil
		},
	})
}

func (r *orderRun) handleDemand(ctx workflow.Context, dm order.Demand) (order.DemandAnswer, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx) // see Order
	// A cancellation waits until the outcome of a placement call is recorded.
	err := workflow.Await(ctx, func() bool { return r.loaded && (dm.Kind != order.DemandCancel || !r.placementInFlight) })
	if err != nil {
		return order.DemandAnswer{}, err
	}
	switch {
	case dm.Kind == order.DemandCancel && r.labMustConfirm():
		return r.askLabToCancel(ctx, dm)
	case dm.Kind.ConcernsAppointment():
		return r.askProvider(ctx, dm)
	default:
		dm.LabTakesCorrections = dm.Kind == order.DemandRecover && r.capabilities.CanCorrect
		return r.recordDemand(ctx, dm)
	}
}

func (r *orderRun) recordDemand(ctx workflow.Context, dm order.Demand) (order.DemandAnswer, error) {
	from := r.state.Status
	out, err := r.decideAndRecord(ctx, order.CauseDemand(dm.ID), func(s order.State) *order.Recording {
		from = s.Status
		return demandRecording(s, dm, workflow.Now(ctx))
	})
	if err != nil {
		return r.failRun(err)
	}
	return order.DemandAnswer{
		Done: out.Outcome == order.OutcomeApplied, Reason: out.Reason, FromStatus: from, Sequence: out.Sequence,
		ReplacementID: out.ReplacementID,
	}, nil
}

// demandRecording decides a demand. Accepted results become the order's newest.
func demandRecording(s order.State, dm order.Demand, now time.Time) *order.Recording {
	rec := &order.Recording{Decision: s.ApplyDemand(dm, now), DemandID: dm.ID}
	if dm.Kind == order.DemandAcceptResults && rec.Decision.Outcome == order.OutcomeApplied {
		rec.ResultID, rec.NewlyCritical = dm.Results.ResultID, dm.Results.Critical && s.HasNews(*dm.Results)
	}
	return rec
}

// labMustConfirm reports whether the lab has a requisition and a call to cancel it.
func (r *orderRun) labMustConfirm() bool {
	return r.capabilities.CanCancel && r.state.Placement.State == order.PlacementDone && !r.state.HasShipped
}

// cancelAnswerTimeout is how long a caller waits for the lab's confirmation. After that time the caller gets "no answer
// yet", and the call to the lab continues.
const cancelAnswerTimeout = 12 * time.Second

// answerWithoutPartner answers a demand about which a partner would be asked. It does so if the order does not allow
// the demand, or fulfils it already. decided is false if this run's state was outdated and the order does allow the
// demand. The state is outdated when the run's last task was lost with its worker.
func (r *orderRun) answerWithoutPartner(ctx workflow.Context,
	dm order.Demand) (answer order.DemandAnswer, decided bool, err error) {
	from := r.state.Status
	out, err := r.decideAndRecord(ctx, order.CauseDemand(dm.ID), func(s order.State) *order.Recording {
		from = s.Status
		decided = s.CheckDemand(dm, workflow.Now(ctx)) != "" || s.HoldsSlot(dm)
		if !decided {
			return nil
		}
		return demandRecording(s, dm, workflow.Now(ctx))
	})
	if err != nil {
		answer, err = r.failRun(err)
		return answer, true, err
	}
	return order.DemandAnswer{
		Done: out.Outcome == order.OutcomeApplied, Reason: out.Reason, FromStatus: from, Sequence: out.Sequence,
		ReplacementID: out.ReplacementID,
	}, decided, nil
}

// askLabToCancel records that the lab is asked to confirm a cancellation, and waits for its answer. The mutex is free
// while it waits, so a kit that ships before the confirmation prevents the cancellation.
func (r *orderRun) askLabToCancel(ctx workflow.Context, dm order.Demand) (order.DemandAnswer, error) {
	if answer, answered, err := r.recordCancelAsked(ctx, dm); err != nil || answered {
		return answer, err
	}
	return r.awaitCancelAnswer(ctx)
}

// recordCancelAsked records that the lab is asked to confirm the cancellation. The loop then starts the call. answered
// reports that the demand needed no call.
func (r *orderRun) recordCancelAsked(ctx workflow.Context,
	dm order.Demand) (answer order.DemandAnswer, answered bool, err error) {
	for asked := false; !asked; {
		if r.state.CheckDemand(dm, workflow.Now(ctx)) != "" {
			if answer, answered, err = r.answerWithoutPartner(ctx, dm); err != nil || answered {
				return answer, answered, err
			}
		}
		_, err = r.decideAndRecord(ctx, order.CauseCall(order.CancelAskCallPrefix+dm.ID),
			func(s order.State) *order.Recording {
				if asked = s.CheckDemand(dm, workflow.Now(ctx)) == ""; !asked {
					return nil // not allowed any more after the wait for the mutex
				}
				return &order.Recording{Decision: s.ApplyCancelAsked(dm, workflow.Now(ctx))}
			})
		if err != nil {
			return order.DemandAnswer{}, false, err
		}
	}
	return order.DemandAnswer{}, false, nil
}

// awaitCancelAnswer waits for the lab's answer to a cancellation, at most cancelAnswerTimeout.
func (r *orderRun) awaitCancelAnswer(ctx workflow.Context) (order.DemandAnswer, error) {
	before := r.cancelAnswerCount
	answered, err := workflow.AwaitWithTimeout(ctx, cancelAnswerTimeout,
		func() bool { return r.cancelAnswerCount > before })
	if err != nil {
		return order.DemandAnswer{}, err
	}
	if !answered {
		return order.DemandAnswer{Unanswered: true, FromStatus: r.state.Status}, nil
	}
	return r.lastCancelAnswer, nil
}

// cancelRetryPause is the pause before a lab that has not answered is asked again.
const cancelRetryPause = time.Minute

// cancelAtLab calls the lab until it has confirmed or refused the cancellation. All callers who wait get its answer. It
// is recorded for the newest demand.
func (r *orderRun) cancelAtLab(ctx workflow.Context) error {
	for try := 1; r.state.PendingCancellation != nil; try++ {
		demandID := r.state.PendingCancellation.ID
		id := fmt.Sprintf("cancel-%s-%d", demandID, try)
		err := r.callPartner(ctx, partnerCall{
			activity: dispatch.ActivityCancel, options: callerOptions,
			in:       &dispatch.CallInput{OrderID: r.id, CallID: id, DemandID: demandID},
			isWanted: func() bool { return r.state.WantsCancellation(demandID) },
		})
		if isErrorType(err, dispatch.ErrorStale) {
			if err := r.reloadAfterStaleCall(ctx); err != nil {
				return err
			}
			continue
		}
		if r.state.PendingCancellation == nil {
			return nil // another run of this order has recorded the outcome
		}
		dm := *r.state.PendingCancellation
		switch {
		case err == nil:
			dm.Confirmed = true
			r.lastCancelAnswer, err = r.recordDemand(ctx, dm)
			r.cancelAnswerCount++
			return err
		case isErrorType(err, dispatch.ErrorRefused), isErrorType(err, dispatch.ErrorNotSupported):
			return r.recordCancelRefused(ctx, dm)
		}
		if over, err := r.recordCancelUnanswered(ctx, id, dm); err != nil || over {
			return err
		}
		if _, err := workflow.AwaitWithTimeout(ctx, cancelRetryPause,
			func() bool { return r.state.PendingCancellation == nil }); err != nil {
			return err
		}
	}
	return nil
}

// recordCancelUnanswered records an attempt without an answer. over reports that the order cannot be cancelled any
// more: then the demand is decided without the lab.
func (r *orderRun) recordCancelUnanswered(ctx workflow.Context, id string, dm order.Demand) (over bool, err error) {
	if r.state.CheckDemand(dm, workflow.Now(ctx)) != "" {
		dm.Confirmed = true
		r.lastCancelAnswer, err = r.recordDemand(ctx, dm)
		r.cancelAnswerCount++
		return true, err
	}
	_, err = r.decideAndRecord(ctx, order.CauseCall(id), func(s order.State) *order.Recording {
		return &order.Recording{Decision: s.ApplyCancelUnanswered(workflow.Now(ctx))}
	})
	return false, err
}

func (r *orderRun) recordCancelRefused(ctx workflow.Context, dm order.Demand) error {
	from := r.state.Status
	_, err := r.decideAndRecord(ctx, order.CauseDemand(dm.ID), func(s order.State) *order.Recording {
		from = s.Status
		return &order.Recording{Decision: s.ApplyCancelRefused(workflow.Now(ctx)), DemandID: dm.ID}
	})
	r.lastCancelAnswer = order.DemandAnswer{Reason: order.ReasonLabRefused, FromStatus: from}
	r.cancelAnswerCount++
	return err
}
