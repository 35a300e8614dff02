package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

var sweepOptions = workflow.ActivityOptions{
	TaskQueue:           dispatch.QueueDeliveries,
	StartToCloseTimeout: 10 * time.Minute,
	HeartbeatTimeout:    time.Minute,
	RetryPolicy: &temporal.RetryPolicy{
		InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute, MaximumAttempts: 10,
	},
}

// Reconcile completes interrupted hand-offs: orders that were never started, inbox items without an outcome, and due
// deliveries without a running workflow. On request it also starts open orders without a run, and polls the labs of
// silent orders. It fetches lab reports without an order and opens match reviews for them. It returns what it healed.
func Reconcile(ctx workflow.Context, in dispatch.ReconcileInput) (dispatch.SweepResult, error) {
	ctx = workflow.WithActivityOptions(ctx, sweepOptions)
	var total dispatch.SweepResult
	if err := workflow.ExecuteActivity(ctx, dispatch.ActivitySweep, in).Get(ctx, &total); err != nil {
		return total, err
	}
	if in.OpenOrders {
		if err := sweepOpenOrders(ctx, in, &total); err != nil {
			return total, err
		}
	}
	if total.UnmatchedReports == 0 {
		return total, nil
	}
	var reviewed dispatch.SweepResult
	err := workflow.ExecuteActivity(workflow.WithTaskQueue(ctx, dispatch.QueueLabs), dispatch.ActivityReview, in).Get(ctx,
		&reviewed)
	total.ReviewsOpened = reviewed.ReviewsOpened
	return total, err
}

func sweepOpenOrders(ctx workflow.Context, in dispatch.ReconcileInput, total *dispatch.SweepResult) error {
	if err := runPages(ctx, total, dispatch.ActivitySweepOpenOrders, in); err != nil || in.Rebuild {
		return err
	}
	return runPages(workflow.WithTaskQueue(ctx, dispatch.QueueLabs), total, dispatch.ActivityPoll)
}

// runPages runs an activity page by page. The activity gets the id after which its page begins, and then args.
func runPages(ctx workflow.Context, total *dispatch.SweepResult, activity string, args ...any) error {
	for after, more := "", true; more; more = after != "" {
		var page dispatch.SweepResult
		if err := workflow.ExecuteActivity(ctx, activity, append([]any{after}, args...)...).Get(ctx, &page); err != nil {
			return err
		}
		total.OrdersStarted += page.OrdersStarted
		total.FactsPolled += page.FactsPolled
		total.CountsCorrected += page.CountsCorrected
		after = page.NextPage
	}
	return nil
}
