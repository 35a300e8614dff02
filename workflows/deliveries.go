package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// batchOptions: a batch heartbeats every two seconds, so that another worker takes over the batch of a worker that was
// killed. The timeout is about as long as the batch's lease of the endpoint (activities.Deliver), which the next batch
// waits for anyway, and long enough for a worker or a network that stalls for some seconds. The activity is retried
// without a limit. Deliveries in it fail one by one, each on its own schedule.
var batchOptions = workflow.ActivityOptions{
	StartToCloseTimeout: 10 * time.Minute,
	HeartbeatTimeout:    15 * time.Second,
	RetryPolicy: &temporal.RetryPolicy{
		InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second,
	},
}

// Deliveries makes the deliveries of one endpoint. It runs a batch of those that are due, waits for the next due time
// or a nudge, and repeats that. It ends when no delivery is pending.
func Deliveries(ctx workflow.Context, in dispatch.DeliveriesInput) error {
	nudges := workflow.GetSignalChannel(ctx, dispatch.SignalNudge)
	for {
		for nudges.ReceiveAsync(nil) { // a nudge only says that there is something to deliver; the batch finds it
		}
		var out dispatch.BatchResult
		err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, batchOptions), dispatch.ActivityDeliver,
			in.EndpointID).Get(ctx, &out)
		if err != nil {
			return err
		}
		publishDeliveryDetails(ctx, out)
		if nudges.Len() == 0 && out.NextDueAt.IsZero() {
			return nil
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			// The next run begins with a batch, so unread nudges may be lost. A busy endpoint always has some.
			return workflow.NewContinueAsNewError(ctx, Deliveries, in)
		}
		if nudges.Len() == 0 {
			wait := out.NextDueAt.Sub(workflow.Now(ctx))
			if _, err := workflow.AwaitWithTimeout(ctx, max(wait, 0), func() bool { return nudges.Len() > 0 }); err != nil {
				return err
			}
		}
	}
}

// publishDeliveryDetails shows the state of the endpoint's deliveries in the Temporal UI.
func publishDeliveryDetails(ctx workflow.Context, r dispatch.BatchResult) {
	lines := []string{fmt.Sprintf("last batch: %d delivered, %d failed", r.Delivered, r.Failed),
		fmt.Sprintf("backlog: %d", r.Pending)}
	if !r.FailingSince.IsZero() {
		lines = append(lines, "failing since: "+r.FailingSince.Format(time.RFC3339))
	}
	if r.Disabled != "" {
		lines = append(lines, "disabled: "+r.Disabled)
	}
	if !r.NextDueAt.IsZero() {
		lines = append(lines, "next attempt: "+r.NextDueAt.Format(time.RFC3339))
	}
	workflow.SetCurrentDetails(ctx, strings.Join(lines, "\n\n"))
}
