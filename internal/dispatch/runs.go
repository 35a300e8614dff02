package dispatch

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

// runningPage is the longest list that Temporal returns at once (frontend.visibilityMaxPageSize).
const runningPage = 1000

// RunningOrders returns which of the orders have a running workflow according to Temporal's visibility. Visibility is a
// separate store. It is some seconds behind, and a restore may have set it to another time than the histories.
func (c *Client) RunningOrders(ctx context.Context, orderIDs []string) (running map[string]bool, err error) {
	quotedIDs := make([]string, len(orderIDs))
	for i, id := range orderIDs {
		quotedIDs[i] = "'" + OrderWorkflowID(id) + "'"
	}
	request := &workflowservice.ListWorkflowExecutionsRequest{
		Query: "ExecutionStatus = 'Running' AND WorkflowId IN (" + strings.Join(quotedIDs, ",") + ")", PageSize: runningPage,
	}
	running = make(map[string]bool, len(orderIDs))
	for more := true; more; more = len(request.GetNextPageToken()) > 0 {
		page, err := c.temporal.ListWorkflow(ctx, request)
		if err != nil {
			return nil, fmt.Errorf("listing running orders: %w", err)
		}
		for _, run := range page.GetExecutions() {
			running[strings.TrimPrefix(run.GetExecution().GetWorkflowId(), prefixOrder)] = true
		}
		request.NextPageToken = page.GetNextPageToken()
	}
	return running, nil
}

// RestartWorkflow ends a run and starts the same workflow again, in one call. Signals that the run had not read are
// lost; the reconciler finds them in the store. A reconciler's run is only ended, because its schedule starts another.
// isOurs is false if the id is not one of Aliquot's.
func (c *Client) RestartWorkflow(ctx context.Context, workflowID string) (isOurs bool, err error) {
	o := client.StartWorkflowOptions{ID: workflowID,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING}
	if orderID, ok := strings.CutPrefix(workflowID, prefixOrder); ok {
		o.TaskQueue = QueueOrders
		_, err = c.temporal.ExecuteWorkflow(ctx, o, WorkflowOrder, OrderInput{OrderID: orderID})
	} else if endpointID, ok := strings.CutPrefix(workflowID, prefixDeliveries); ok {
		o.TaskQueue = QueueDeliveries
		_, err = c.temporal.ExecuteWorkflow(ctx, o, WorkflowDeliveries, DeliveriesInput{EndpointID: endpointID})
	} else if strings.HasPrefix(workflowID, prefixReconcile) {
		err = c.temporal.TerminateWorkflow(ctx, workflowID, "", "its build is not current any more")
	} else {
		return false, nil
	}
	if _, gone := errors.AsType[*serviceerror.NotFound](err); err != nil && !gone {
		return true, fmt.Errorf("restarting %s: %w", workflowID, err)
	}
	return true, nil
}

// Reconcile runs the reconciler now, waits for it and returns what it healed.
func (c *Client) Reconcile(ctx context.Context, in ReconcileInput) (SweepResult, error) {
	var out SweepResult
	run, err := c.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: "rebuild-" + uuid.NewString(), TaskQueue: QueueDeliveries,
	}, WorkflowReconcile, in)
	if err != nil {
		return out, fmt.Errorf("starting the reconciler: %w", err)
	}
	if err := run.Get(ctx, &out); err != nil {
		return out, fmt.Errorf("reconciling: %w", err)
	}
	return out, nil
}
