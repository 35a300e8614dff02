package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// ReconcilerRuns summarizes the results of the reconciler's runs.
type ReconcilerRuns struct {
	Runs   int
	Failed int // runs that failed
	Total  dispatch.SweepResult
	// Idle is whether a run that began after the given time has healed nothing.
	Idle bool
}

// ReadReconcilerRuns reads the results of all runs of the reconciler.
func ReadReconcilerRuns(ctx context.Context, c client.Client, since time.Time) (ReconcilerRuns, error) {
	var h ReconcilerRuns
	request := &workflowservice.ListWorkflowExecutionsRequest{
		Query: fmt.Sprintf(`WorkflowType = %q AND ExecutionStatus != "Running"`, dispatch.WorkflowReconcile),
	}
	for {
		found, err := c.ListWorkflow(ctx, request)
		if err != nil {
			return h, err
		}
		for _, e := range found.GetExecutions() {
			h.Runs++
			if e.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_COMPLETED {
				h.Failed++
				continue
			}
			var healed dispatch.SweepResult
			run := c.GetWorkflow(ctx, e.GetExecution().GetWorkflowId(), e.GetExecution().GetRunId())
			if err := run.Get(ctx, &healed); err != nil {
				return h, errors.Join(fmt.Errorf("reading what %s healed", e.GetExecution().GetWorkflowId()), err)
			}
			h.add(healed)
			h.Idle = h.Idle || healed == (dispatch.SweepResult{}) && e.GetStartTime().AsTime().After(since)
		}
		if request.NextPageToken = found.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return h, nil
		}
	}
}

func (h *ReconcilerRuns) add(healed dispatch.SweepResult) {
	h.Total.OrdersStarted += healed.OrdersStarted
	h.Total.EndpointsNudged += healed.EndpointsNudged
	h.Total.OrdersWoken += healed.OrdersWoken
	h.Total.OrdersBehind += healed.OrdersBehind
	h.Total.FactsPolled += healed.FactsPolled
	h.Total.UnmatchedReports += healed.UnmatchedReports
	h.Total.ReviewsOpened += healed.ReviewsOpened
	h.Total.CountsCorrected += healed.CountsCorrected
}
