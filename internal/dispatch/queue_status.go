package dispatch

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

// QueueStatus is the state of a task queue for one kind of tasks.
type QueueStatus struct {
	Name          string
	TaskType      string // workflow, activity
	Pollers       int    // pollers of workers in the last five minutes
	Backlog       int64  // tasks that no poller has taken
	OldestTaskAge time.Duration
}

// DescribeQueues asks Temporal for the state of our task queues, including queues without pollers.
func DescribeQueues(ctx context.Context, temporal client.Client, namespace string) ([]QueueStatus, error) {
	var all []QueueStatus
	for _, name := range QueueNames() {
		for _, tasks := range []enumspb.TaskQueueType{enumspb.TASK_QUEUE_TYPE_WORKFLOW, enumspb.TASK_QUEUE_TYPE_ACTIVITY} {
			if name == QueueLabs && tasks == enumspb.TASK_QUEUE_TYPE_WORKFLOW {
				continue // activities only
			}
			q, err := describeQueue(ctx, temporal, namespace, name, tasks)
			if err != nil {
				return nil, fmt.Errorf("describing task queue %s: %w", name, err)
			}
			all = append(all, q)
		}
	}
	return all, nil
}

var taskNames = map[enumspb.TaskQueueType]string{
	enumspb.TASK_QUEUE_TYPE_WORKFLOW: "workflow", enumspb.TASK_QUEUE_TYPE_ACTIVITY: "activity",
}

func describeQueue(ctx context.Context, temporal client.Client, namespace, name string,
	tasks enumspb.TaskQueueType) (QueueStatus, error) {
	described, err := temporal.WorkflowService().DescribeTaskQueue(ctx, &workflowservice.DescribeTaskQueueRequest{
		Namespace: namespace, TaskQueue: &taskqueuepb.TaskQueue{Name: name, Kind: enumspb.TASK_QUEUE_KIND_NORMAL},
		TaskQueueType: tasks, ReportStats: true,
	})
	if err != nil {
		return QueueStatus{}, err
	}
	return QueueStatus{
		Name: name, TaskType: taskNames[tasks], Pollers: len(described.GetPollers()),
		Backlog:       described.GetStats().GetApproximateBacklogCount(),
		OldestTaskAge: described.GetStats().GetApproximateBacklogAge().AsDuration(),
	}, nil
}
