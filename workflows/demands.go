package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// handleDemands registers the update by which clients and operations ask something of the order. The validator asks the state
// machine as a courtesy, so that a plainly refused demand leaves no trace in the history; the handler asks again under the mutex.
func (r *orderRun) handleDemands(ctx workflow.Context) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, dispatch.UpdateDemand, r.demand, workflow.UpdateHandlerOptions{
		Validator: func(ctx workflow.Context, dm order.Demand) error {
			if !r.loaded || dm.Again {
				return nil // what was recorded before has its answer there
			}
			if reason := r.state.CheckDemand(dm, workflow.Now(ctx)); reason != "" {
				return dispatch.Refusal(reason, r.state.Status)
			}
			return nil
		},
	})
}

func (r *orderRun) demand(ctx workflow.Context, dm order.Demand) (order.Answer, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx) // see Order
	// A cancellation waits until the outcome of a placing call is recorded.
	err := workflow.Await(ctx, func() bool { return r.loaded && (dm.Kind != order.DemandCancel || !r.placing) })
	if err != nil {
		return order.Answer{}, err
	}
	switch {
	case dm.Kind == order.DemandCancel && r.labMustConfirm():
		return r.askLab(ctx, dm)
	case dm.Kind.Booking():
		return r.askProvider(ctx, dm)
	default:
		dm.Correctable = dm.Kind == order.DemandRecover && r.can.CanCorrect
		return r.applyDemand(ctx, dm)
	}
}

func (r *orderRun) applyDemand(ctx workflow.Context, dm order.Demand) (order.Answer, error) {
	from := r.state.Status
	out, err := r.record(ctx, order.CauseDemand(dm.ID), func(s order.State) *order.Recording {
		from = s.Status
		return demandRecording(s, dm, workflow.Now(ctx))
	})
	if err != nil {
		return r.failDemand(err)
	}
	return order.Answer{
		Done: out.Outcome == order.Applied, Reason: out.Reason, From: from, Sequence: out.Sequence, ChildID: out.ChildID,
	}, nil
}

// demandRecording decides a demand. Results that are accepted become the order's newest.
func demandRecording(s order.State, dm order.Demand, now time.Time) *order.Recording {
	rec := &order.Recording{Decision: s.ApplyDemand(dm, now), DemandID: dm.ID}
	if dm.Kind == order.DemandAccept && rec.Decision.Outcome == order.Applied {
		rec.ResultID, rec.Critical = dm.Fetched.ResultID, dm.Fetched.Critical && s.News(*dm.Fetched)
	}
	return rec
}

// labMustConfirm reports whether the lab holds a requisition and has a call to cancel it.
func (r *orderRun) labMustConfirm() bool {
	return r.can.CanCancel && r.state.Placement.State == order.PlacementDone && !r.state.Shipped
}

// cancelAnswer is how long a caller waits for the lab to confirm. After that the caller is told so, and the lab is asked on.
const cancelAnswer = 12 * time.Second

// refuse answers a demand that somebody else would have to be asked for, and that the order does not allow or has already. It is not
// decided where the run was behind what is recorded, as one is whose last task was lost with its worker, and the demand is allowed.
func (r *orderRun) refuse(ctx workflow.Context, dm order.Demand) (answer order.Answer, decided bool, err error) {
	from := r.state.Status
	out, err := r.record(ctx, order.CauseDemand(dm.ID), func(s order.State) *order.Recording {
		from = s.Status
		decided = s.CheckDemand(dm, workflow.Now(ctx)) != "" || s.Holds(dm)
		if !decided {
			return nil
		}
		return demandRecording(s, dm, workflow.Now(ctx))
	})
	if err != nil {
		answer, err = r.failDemand(err)
		return answer, true, err
	}
	return order.Answer{
		Done: out.Outcome == order.Applied, Reason: out.Reason, From: from, Sequence: out.Sequence, ChildID: out.ChildID,
	}, decided, nil
}

// askLab has the lab confirm the cancellation first. The mutex is free meanwhile, so a kit that ships before the confirmation wins.
func (r *orderRun) askLab(ctx workflow.Context, dm order.Demand) (order.Answer, error) {
	for asked := false; !asked; {
		if r.state.CheckDemand(dm, workflow.Now(ctx)) != "" {
			if answer, decided, err := r.refuse(ctx, dm); err != nil || decided {
				return answer, err
			}
		}
		_, err := r.record(ctx, order.CauseCall(order.CallCancelAsk+dm.ID), func(s order.State) *order.Recording {
			if asked = s.CheckDemand(dm, workflow.Now(ctx)) == ""; !asked {
				return nil // overtaken while waiting for the mutex
			}
			return &order.Recording{Decision: s.ApplyCancelAsked(dm, workflow.Now(ctx))}
		})
		if err != nil {
			return order.Answer{}, err
		}
	}
	before := r.answers
	answered, err := workflow.AwaitWithTimeout(ctx, cancelAnswer, func() bool { return r.answers > before })
	if err != nil {
		return order.Answer{}, err
	}
	if !answered {
		return order.Answer{Unanswered: true, From: r.state.Status}, nil
	}
	return r.answer, nil
}

var cancelOptions = workflow.ActivityOptions{
	StartToCloseTimeout: 10 * time.Second,
	RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 1},
}

// cancelRetry is the pause before a lab that has not answered is asked again.
const cancelRetry = time.Minute

// cancelAtLab asks the lab until it has confirmed or refused. Its answer is for everybody who waits, and is recorded for whoever
// asked last.
func (r *orderRun) cancelAtLab(ctx workflow.Context) error {
	for try := 1; r.state.Cancelling != nil; try++ {
		id := fmt.Sprintf("cancel-%s-%d", r.state.Cancelling.ID, try)
		err := r.call(ctx, cancelOptions, dispatch.ActivityCancel, dispatch.CallInput{OrderID: r.id, CallID: id}, nil)
		if r.state.Cancelling == nil {
			return nil // settled by another run of this order
		}
		dm := *r.state.Cancelling
		switch {
		case err == nil:
			dm.Confirmed = true
			r.answer, err = r.applyDemand(ctx, dm)
			r.answers++
			return err
		case isType(err, dispatch.ErrorRefused), isType(err, dispatch.ErrorNotSupported):
			return r.cancelRefused(ctx, dm)
		}
		if over, err := r.cancelUnanswered(ctx, id, dm); err != nil || over {
			return err
		}
		if _, err := workflow.AwaitWithTimeout(ctx, cancelRetry, func() bool { return r.state.Cancelling == nil }); err != nil {
			return err
		}
	}
	return nil
}

// cancelUnanswered: the lab is asked again, unless the order has moved on, so that its confirmation would change nothing. over says so.
func (r *orderRun) cancelUnanswered(ctx workflow.Context, id string, dm order.Demand) (over bool, err error) {
	if r.state.CheckDemand(dm, workflow.Now(ctx)) != "" {
		dm.Confirmed = true
		r.answer, err = r.applyDemand(ctx, dm)
		r.answers++
		return true, err
	}
	_, err = r.record(ctx, order.CauseCall(id), func(s order.State) *order.Recording {
		return &order.Recording{Decision: s.ApplyCancelUnanswered(workflow.Now(ctx))}
	})
	return false, err
}

func (r *orderRun) cancelRefused(ctx workflow.Context, dm order.Demand) error {
	from := r.state.Status
	_, err := r.record(ctx, order.CauseDemand(dm.ID), func(s order.State) *order.Recording {
		from = s.Status
		return &order.Recording{Decision: s.ApplyCancelRefused(workflow.Now(ctx)), DemandID: dm.ID}
	})
	r.answer = order.Answer{Reason: order.ReasonLabRefused, From: from}
	r.answers++
	return err
}
