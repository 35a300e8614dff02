package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// The store settles a cause in a local activity, which adds no event to the history besides its result. If it fails a
// few times, it is run as a regular activity. That one waits outside of the workflow's task, Temporal shows and retries
// it without events, and any worker may take it: so a worker that reaches Temporal, but not the store, does not keep
// the order.
//
// A local activity runs before Temporal has stored what led to it. If the worker is lost, Temporal repeats the task: a
// signal, a timer or an answer is stored before. An update is not. If Temporal is lost too, the update is gone, and the
// run would never know what the store has recorded. So a demand is always settled in a regular activity, which Temporal
// starts after it has stored the update.
var (
	// One settling fits into a workflow task; several in a row prolong it. A local activity's ScheduleToClose defaults to
	// its StartToClose, which would allow one attempt.
	settleLocally = workflow.LocalActivityOptions{
		StartToCloseTimeout:    5 * time.Second,
		ScheduleToCloseTimeout: 7 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 100 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: time.Second, MaximumAttempts: 3,
			NonRetryableErrorTypes: []string{dispatch.ErrorUnknownOrder},
		},
	}
	settleAnywhere = workflow.ActivityOptions{
		TaskQueue:           dispatch.QueueOrders,
		StartToCloseTimeout: 10 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 500 * time.Millisecond, BackoffCoefficient: 1.5, MaximumInterval: 10 * time.Second,
			NonRetryableErrorTypes: []string{dispatch.ErrorUnknownOrder},
		},
	}
)

// settleCause settles a cause, and everything else that waits for the order.
func (r *orderRun) settleCause(ctx workflow.Context, c order.Cause) (dispatch.SettledOrder, error) {
	return r.settle(ctx, dispatch.SettleInput{Cause: &c})
}

// settle settles what has happened, in a local activity if that is possible.
func (r *orderRun) settle(ctx workflow.Context, in dispatch.SettleInput) (dispatch.SettledOrder, error) {
	return r.settleBy(ctx, in, runLocallyFirst)
}

// settleDemand settles a demand after Temporal has stored the update that made it.
func (r *orderRun) settleDemand(ctx workflow.Context, dm order.Demand) (dispatch.SettledOrder, error) {
	return r.settleBy(ctx, dispatch.SettleInput{Cause: &order.Cause{Demand: &dm}}, runAnywhere)
}

// runSettle runs the activity that settles.
type runSettle func(workflow.Context, dispatch.SettleInput) (dispatch.SettledOrder, error)

func runLocallyFirst(ctx workflow.Context, in dispatch.SettleInput) (out dispatch.SettledOrder, err error) {
	err = workflow.ExecuteLocalActivity(workflow.WithLocalActivityOptions(ctx, settleLocally), dispatch.ActivitySettle,
		in).Get(ctx, &out)
	if err == nil || isErrorType(err, dispatch.ErrorUnknownOrder) {
		return out, err
	}
	return runAnywhere(ctx, in)
}

func runAnywhere(ctx workflow.Context, in dispatch.SettleInput) (out dispatch.SettledOrder, err error) {
	err = workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, settleAnywhere), dispatch.ActivitySettle,
		in).Get(ctx, &out)
	return out, err
}

// settleBy lets the store settle what has happened, for as long as that takes, and adopts the order's new agenda.
// Several may be in flight: the store takes one at a time. An error ends the run: there is no such order, or its search
// attributes cannot be written.
func (r *orderRun) settleBy(ctx workflow.Context, in dispatch.SettleInput, run runSettle) (dispatch.SettledOrder,
	error) {
	r.settlingInFlight++
	defer func() { r.settlingInFlight-- }()
	in.OrderID, in.At, in.PlacementInFlight = r.id, workflow.Now(ctx), r.placementInFlight
	before := r.adoptions
	out, err := run(ctx, in)
	if err != nil {
		return out, err
	}
	r.mustLook = r.mustLook || out.More
	r.strays += out.UnknownItems
	if out.Agenda.Revision < r.agenda.Revision && r.adoptions != before {
		return out, nil // a settling that began later has ended earlier
	}
	return out, r.adopt(ctx, out.Agenda)
}

// adopt takes over an agenda. A lower revision than the known one means that the store was restored to an earlier time.
func (r *orderRun) adopt(ctx workflow.Context, a order.Agenda) error {
	r.changed = r.changed || !r.started || a.Revision != r.agenda.Revision
	r.agenda, r.started = a, true
	r.adoptions++
	return r.publishVisibility(ctx)
}

// lookAfterStaleCall looks at the order if a partner activity has found that the order as stored does not want its call
// any more. It reports whether the call is stale. If the agenda still wants the call after the look, it waits before
// the caller tries again.
func (r *orderRun) lookAfterStaleCall(ctx workflow.Context, err error, isWanted func() bool) (stale bool, _ error) {
	if !isErrorType(err, dispatch.ErrorStale) {
		return false, nil
	}
	if !isWanted() {
		return true, nil // the run knows it already
	}
	if _, err := r.settle(ctx, dispatch.SettleInput{}); err != nil {
		return true, err
	}
	_, err = workflow.AwaitWithTimeout(ctx, staleCallPause, func() bool { return !isWanted() })
	return true, err
}

// staleCallPause is the pause after a call that the agenda wants and the order as stored does not.
const staleCallPause = time.Minute

// settleOutcome settles the outcome of a call. If the order wants the call again although nothing has changed, it waits
// before the caller repeats the call: no fault of a rule may lead to calls without a pause.
func (r *orderRun) settleOutcome(ctx workflow.Context, outcome order.CallOutcome,
	isWanted func() bool) (dispatch.SettledOrder, error) {
	before := r.agenda.Revision
	out, err := r.settleCause(ctx, order.Cause{Call: &outcome})
	if err != nil || r.agenda.Revision != before || !isWanted() {
		return out, err
	}
	_, err = workflow.AwaitWithTimeout(ctx, unchangedPause,
		func() bool { return r.agenda.Revision != before || !isWanted() })
	return out, err
}

// unchangedPause is the pause after a call whose outcome changed nothing, although the order wants the call.
const unchangedPause = time.Minute

// failRun makes the loop return an error of a handler.
func (r *orderRun) failRun(err error) error {
	r.err, r.changed = err, true
	return err
}

func isErrorType(err error, kind string) bool {
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	return ok && app.Type() == kind
}

// callAnswer returns how a call to a partner ended.
func callAnswer(err error) order.CallAnswer {
	switch {
	case err == nil:
		return order.AnswerDone
	case isErrorType(err, dispatch.ErrorRefused):
		return order.AnswerRefused
	case isErrorType(err, dispatch.ErrorNotSupported):
		return order.AnswerNotSupported
	case isErrorType(err, dispatch.ErrorSlotGone):
		return order.AnswerSlotGone
	default:
		return order.AnswerNone
	}
}
