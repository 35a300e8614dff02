package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/aliquot-labs/aliquot/dispatch"
)

// Healing is what the reconciler has said of its runs.
type Healing struct {
	Runs   int
	Failed int // runs that gave up
	Sum    dispatch.SweepResult
	// Idle is whether a run that began after the time asked for has healed nothing.
	Idle bool
}

// ReadHealing reads the results of all runs of the reconciler.
func ReadHealing(ctx context.Context, c client.Client, since time.Time) (Healing, error) {
	var h Healing
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

func (h *Healing) add(healed dispatch.SweepResult) {
	h.Sum.Orders += healed.Orders
	h.Sum.Facts += healed.Facts
	h.Sum.Endpoints += healed.Endpoints
	h.Sum.Demands += healed.Demands
	h.Sum.Polled += healed.Polled
	h.Sum.Unmatched += healed.Unmatched
	h.Sum.Reviews += healed.Reviews
	h.Sum.Counts += healed.Counts
}
