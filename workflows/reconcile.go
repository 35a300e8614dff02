package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// How often the reconciler's activities are tried. After the sweep of a schedule the next one follows within a minute.
const (
	reconcileAttempts      = 10
	scheduledSweepAttempts = 3
)

// reconcileOptions are the options of the reconciler's activities.
func reconcileOptions(attempts int32) workflow.ActivityOptions {
	return workflow.ActivityOptions{
		TaskQueue:           dispatch.QueueDeliveries,
		StartToCloseTimeout: 10 * time.Minute,
		HeartbeatTimeout:    time.Minute,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute, MaximumAttempts: attempts,
		},
	}
}

// Reconcile completes interrupted hand-offs: orders that were never started or are behind, inbox items without an
// outcome, and due deliveries without a running workflow. On request it also starts open orders without a run, and
// polls the labs of silent orders. It fetches lab reports without an order and opens match reviews for them. It returns
// what it healed. Each part is tried, also after another one has failed. If it is to ask labs, it does that only.
func Reconcile(ctx workflow.Context, in dispatch.ReconcileInput) (dispatch.SweepResult, error) {
	if in.AskLabs {
		return askLabs(ctx)
	}
	ctx = workflow.WithActivityOptions(ctx, reconcileOptions(reconcileAttempts))
	sweepCtx := ctx
	if !in.Rebuild {
		sweepCtx = workflow.WithActivityOptions(ctx, reconcileOptions(scheduledSweepAttempts))
	}
	var total dispatch.SweepResult
	failed := runSweep(sweepCtx, &total, dispatch.ActivitySweep, in)
	if in.OpenOrders {
		failed = errors.Join(failed, sweepOpenOrders(ctx, in, &total))
	}
	if total.UnmatchedReports == 0 {
		return total, failed
	}
	var reviewed dispatch.SweepResult
	err := workflow.ExecuteActivity(workflow.WithTaskQueue(ctx, dispatch.QueueLabs), dispatch.ActivityReview, in).Get(ctx,
		&reviewed)
	total.ReviewsOpened = reviewed.ReviewsOpened
	return total, errors.Join(failed, err)
}

// runSweep runs an activity that sweeps and sets its result. The error of a sweep in which only some steps or orders
// failed holds the result.
func runSweep(ctx workflow.Context, out *dispatch.SweepResult, activity string, args ...any) error {
	err := workflow.ExecuteActivity(ctx, activity, args...).Get(ctx, out)
	if app, ok := errors.AsType[*temporal.ApplicationError](err); ok && app.HasDetails() {
		return errors.Join(err, app.Details(out))
	}
	return err
}

func sweepOpenOrders(ctx workflow.Context, in dispatch.ReconcileInput, total *dispatch.SweepResult) error {
	failed := runPages(ctx, total, dispatch.ActivitySweepOpenOrders, in)
	if in.Rebuild {
		return failed
	}
	return errors.Join(failed, runPages(workflow.WithTaskQueue(ctx, dispatch.QueueLabs), total, dispatch.ActivityPoll))
}

// runPages runs an activity page by page. The activity gets the id after which its page begins, and then args. A page
// that failed is followed by the next one, if its error says where that begins.
func runPages(ctx workflow.Context, total *dispatch.SweepResult, activity string, args ...any) (failed error) {
	for after, more := "", true; more; more = after != "" {
		var page dispatch.SweepResult
		failed = errors.Join(failed, runSweep(ctx, &page, activity, append([]any{after}, args...)...))
		total.OrdersStarted += page.OrdersStarted
		total.FactsPolled += page.FactsPolled
		total.CountsCorrected += page.CountsCorrected
		after = page.NextPage
	}
	return failed
}
