package dispatch

import (
	"context"
	"fmt"
	"strings"

	"go.temporal.io/api/workflowservice/v1"
)

// runningPage is the most that Temporal lists at once (frontend.visibilityMaxPageSize).
const runningPage = 1000

// RunningOrders tells which of the orders have a running workflow, as Temporal's visibility has it. That is a store of its own, some seconds
// behind, and may have been restored to another time than the histories.
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
