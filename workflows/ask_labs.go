package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

const (
	// askPause is the pause before the orders are asked about again that were left.
	askPause = time.Minute
	// maxIdleAsks is how many passes in a row may get no answer about any order.
	maxIdleAsks = 5
	// askSlack is how much the clocks of workers may be behind Temporal's.
	askSlack = time.Minute
)

// askLabs asks about every order at its lab. It goes through the orders again for those that were left, because their
// lab was busy or did not answer, until none is left or no lab answers any more.
func askLabs(ctx workflow.Context) (total dispatch.SweepResult, failed error) {
	ctx = workflow.WithTaskQueue(workflow.WithActivityOptions(ctx, reconcileOptions(reconcileAttempts)),
		dispatch.QueueLabs)
	in := dispatch.AskInput{Since: workflow.Now(ctx).Add(-askSlack)}
	for idle := 0; idle < maxIdleAsks; {
		pass, err := askPass(ctx, in)
		total.FactsPolled += pass.FactsPolled
		total.OrdersAsked += pass.OrdersAsked
		total.OrdersNotAskable += pass.OrdersNotAskable
		total.ProvidersLeft += pass.ProvidersLeft
		total.OrdersLeft = pass.OrdersLeft - pass.ProvidersLeft + total.ProvidersLeft
		if err != nil || pass.OrdersLeft == pass.ProvidersLeft {
			return total, err
		}
		idle++
		if pass.OrdersAsked+pass.OrdersNotAskable+pass.ProvidersLeft > 0 {
			idle = 0
		}
		if err := workflow.Sleep(ctx, askPause); err != nil {
			return total, err
		}
	}
	return total, nil
}

// askPass goes through the orders once. After a page that failed there is no next one: its end is not known.
func askPass(ctx workflow.Context, in dispatch.AskInput) (pass dispatch.SweepResult, failed error) {
	for more := true; more; more = in.After != "" {
		var page dispatch.SweepResult
		if err := workflow.ExecuteActivity(ctx, dispatch.ActivityAskLabs, in).Get(ctx, &page); err != nil {
			return pass, errors.Join(failed, err)
		}
		pass.FactsPolled += page.FactsPolled
		pass.OrdersAsked += page.OrdersAsked
		pass.OrdersNotAskable += page.OrdersNotAskable
		pass.OrdersLeft += page.OrdersLeft
		pass.ProvidersLeft += page.ProvidersLeft
		in.After = page.NextPage
	}
	return pass, failed
}
