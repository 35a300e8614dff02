package deployment

import (
	"context"
	"fmt"
	"strings"

	"go.temporal.io/api/enums/v1"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// DescribeOrderRun describes the newest run of an order for a person who looks for a fault: what is pending, and the
// events of its history by type.
func (f *Deployment) DescribeOrderRun(ctx context.Context, orderID string) string {
	id := dispatch.OrderWorkflowID(orderID)
	d, err := f.Temporal.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return fmt.Sprintf("run of order %s: %v", orderID, err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "run of order %s: %v", orderID, d.GetWorkflowExecutionInfo().GetStatus())
	if t := d.GetPendingWorkflowTask(); t != nil {
		fmt.Fprintf(&b, "\n  pending workflow task: %v", t)
	}
	for _, a := range d.GetPendingActivities() {
		fmt.Fprintf(&b, "\n  pending activity %s: %v, attempt %d, next at %v, last failure %q", a.GetActivityType().GetName(),
			a.GetState(), a.GetAttempt(), a.GetScheduledTime().AsTime(), a.GetLastFailure().GetMessage())
	}
	events := f.Temporal.GetWorkflowHistory(ctx, id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return b.String() + "\n  " + err.Error()
		}
		fmt.Fprintf(&b, "\n  %d %s %v %v", e.GetEventId(), e.GetEventTime().AsTime().Format("15:04:05.000"), e.GetEventType(),
			e.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName())
	}
	return b.String()
}
