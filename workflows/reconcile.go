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

// Reconcile finds what fell between two systems: orders that were never started, inbox rows that nobody settled, deliveries that
// nobody is making; and, when asked, open orders whose run is gone, and silent orders whose lab is then asked. Reports for orders that
// nobody knows are fetched, for somebody to decide whose they are. It returns what it healed.
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

// runPages runs an activity page by page. What it is told beside where the page begins follows.
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
