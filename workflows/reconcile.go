package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/dispatch"
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
// nobody is making; and, when asked, open orders whose run is gone. It returns what it healed.
func Reconcile(ctx workflow.Context, in dispatch.ReconcileInput) (dispatch.SweepResult, error) {
	ctx = workflow.WithActivityOptions(ctx, sweepOptions)
	var total dispatch.SweepResult
	if err := workflow.ExecuteActivity(ctx, dispatch.ActivitySweep, in).Get(ctx, &total); err != nil {
		return total, err
	}
	for after, more := "", in.OpenOrders; more; more = after != "" {
		var page dispatch.SweepResult
		if err := workflow.ExecuteActivity(ctx, dispatch.ActivitySweepAll, after).Get(ctx, &page); err != nil {
			return total, err
		}
		total.Orders += page.Orders
		after = page.After
	}
	return total, nil
}
