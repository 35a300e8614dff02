package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// EnsureAttributesAndSchedules creates what the workflows need in a namespace: the search attributes of orders and the
// reconciler's schedules. Every worker calls it when it starts, so they are restored after Temporal has lost its data.
// What exists is not changed.
func EnsureAttributesAndSchedules(ctx context.Context, c client.Client, namespace string, log *slog.Logger) error {
	return errors.Join(ensureAttributes(ctx, c, namespace, log), ensureSchedules(ctx, c))
}

func ensureAttributes(ctx context.Context, c client.Client, namespace string, log *slog.Logger) error {
	wanted := map[string]enumspb.IndexedValueType{
		dispatch.AttrStatus.GetName():    enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		dispatch.AttrMethod.GetName():    enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		dispatch.AttrTeam.GetName():      enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		dispatch.AttrAttention.GetName(): enumspb.INDEXED_VALUE_TYPE_KEYWORD_LIST,
	}
	have, err := c.OperatorService().ListSearchAttributes(ctx,
		&operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return fmt.Errorf("listing search attributes: %w", err)
	}
	for name := range have.GetCustomAttributes() {
		delete(wanted, name)
	}
	if len(wanted) == 0 {
		return nil
	}
	log.InfoContext(ctx, "adding search attributes", "namespace", namespace, "count", len(wanted))
	_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: namespace, SearchAttributes: wanted,
	})
	if _, ok := errors.AsType[*serviceerror.AlreadyExists](err); err != nil && !ok {
		return fmt.Errorf("adding search attributes: %w", err)
	}
	return nil
}

// The reconciler's schedules.
const (
	scheduleMinute = "reconcile-minute"
	scheduleHour   = "reconcile-hour"
	scheduleDay    = "reconcile-day"
)

func ensureSchedules(ctx context.Context, c client.Client) error {
	for _, s := range []struct {
		id    string
		every time.Duration
		input dispatch.ReconcileInput
	}{
		{scheduleMinute, time.Minute, dispatch.ReconcileInput{}},
		{scheduleHour, time.Hour, dispatch.ReconcileInput{OpenOrders: true}},
		{scheduleDay, 24 * time.Hour, dispatch.ReconcileInput{OpenOrders: true, Thorough: true}},
	} {
		_, err := c.ScheduleClient().Create(ctx, client.ScheduleOptions{
			ID:      s.id,
			Spec:    client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: s.every}}},
			Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
			Action: &client.ScheduleWorkflowAction{
				ID: s.id, Workflow: dispatch.WorkflowReconcile, TaskQueue: dispatch.QueueDeliveries, Args: []any{s.input},
			},
		})
		if err != nil && !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
			return fmt.Errorf("creating the schedule %s: %w", s.id, err)
		}
	}
	return nil
}
