package deployment

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// OpenOrders lists, by id, the unfinished orders of the store. Each of them should have a run.
func (f *Deployment) OpenOrders(ctx context.Context) ([]string, error) {
	const page = 500
	var open []string
	for after := ""; ; after = open[len(open)-1] {
		ids, err := f.Store.UnfinishedOrders(ctx, after, page)
		if err != nil {
			return nil, err
		}
		open = append(open, ids...)
		if len(ids) < page {
			return open, nil
		}
	}
}

// TriggerReconciler has the reconciler start a run when its current run has ended.
func (f *Deployment) TriggerReconciler(ctx context.Context) error {
	return f.Temporal.ScheduleClient().GetHandle(ctx, "reconcile-minute").Trigger(ctx, client.ScheduleTriggerOptions{
		Overlap: enums.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE,
	})
}

// RunningWorkflows lists, sorted, the ids of orders with a run of the workflow, or for the delivery workflow the ids of
// endpoints. Temporal's list is about a second late.
func (f *Deployment) RunningWorkflows(ctx context.Context, workflow string) ([]string, error) {
	var ids []string
	request := &workflowservice.ListWorkflowExecutionsRequest{
		Query: fmt.Sprintf(`WorkflowType = %q AND ExecutionStatus = "Running"`, workflow),
	}
	for {
		found, err := f.Temporal.ListWorkflow(ctx, request)
		if err != nil {
			return nil, err
		}
		for _, e := range found.GetExecutions() {
			id := e.GetExecution().GetWorkflowId()
			id = strings.TrimPrefix(strings.TrimPrefix(id, dispatch.OrderWorkflowID("")), dispatch.DeliveriesWorkflowID(""))
			ids = append(ids, id)
		}
		if request.NextPageToken = found.GetNextPageToken(); len(request.NextPageToken) == 0 {
			slices.Sort(ids)
			return slices.Compact(ids), nil
		}
	}
}
