package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/testservers/temporaltest"
)

func TestAnUnreachableDependencyIsDown(t *testing.T) {
	t.Parallel()
	m := newDependencyMetric(map[string]func(context.Context) error{
		"store":    func(context.Context) error { return nil },
		"temporal": func(context.Context) error { return errors.New("away") },
	})
	require.NoError(t, testutil.CollectAndCompare(m, strings.NewReader(`
# HELP aliquot_dependency_up 1 when what this process stands on answers, by what it is.
# TYPE aliquot_dependency_up gauge
aliquot_dependency_up{dependency="store"} 1
aliquot_dependency_up{dependency="temporal"} 0
`)))
}

func TestTaskQueueMetrics(t *testing.T) {
	t.Parallel()
	m := newQueueMetric(nil, "")
	m.queues = func(context.Context) ([]dispatch.QueueStatus, error) {
		return []dispatch.QueueStatus{{Name: dispatch.QueueLabs, TaskType: "activity", Pollers: 2, Backlog: 5,
			OldestTaskAge: 90 * time.Second}}, nil
	}
	require.NoError(t, testutil.CollectAndCompare(m, strings.NewReader(`
# HELP aliquot_task_queue_backlog Tasks that Temporal has handed to nobody, about.
# TYPE aliquot_task_queue_backlog gauge
aliquot_task_queue_backlog{queue="aliquot-labs",tasks="activity"} 5
# HELP aliquot_task_queue_backlog_age_seconds How long the oldest of them has waited, about.
# TYPE aliquot_task_queue_backlog_age_seconds gauge
aliquot_task_queue_backlog_age_seconds{queue="aliquot-labs",tasks="activity"} 90
# HELP aliquot_task_queue_pollers Pollers that asked Temporal for tasks in the last five minutes.
# TYPE aliquot_task_queue_pollers gauge
aliquot_task_queue_pollers{queue="aliquot-labs",tasks="activity"} 2
`)))
	m.queues = func(context.Context) ([]dispatch.QueueStatus, error) { return nil, errors.New("away") }
	require.Zero(t, testutil.CollectAndCount(m), "a scrape does not fail because of it")
}

// Workers of a versioned deployment count as pollers.
func TestAQueueOfVersionedWorkersHasPollers(t *testing.T) {
	t.Parallel()
	server := temporaltest.SharedServer(t)
	namespace := server.Namespace(t)
	c, err := client.Dial(client.Options{HostPort: server.Address, Namespace: namespace})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	w := worker.New(c, dispatch.QueueOrders, worker.Options{DeploymentOptions: worker.DeploymentOptions{
		UseVersioning: true, Version: worker.WorkerDeploymentVersion{DeploymentName: "aliquot", BuildID: "v1"},
		DefaultVersioningBehavior: workflow.VersioningBehaviorAutoUpgrade,
	}})
	w.RegisterWorkflowWithOptions(func(workflow.Context) error { return nil },
		workflow.RegisterOptions{Name: dispatch.WorkflowOrder})
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	require.Eventually(t, func() bool {
		queues, err := dispatch.DescribeQueues(t.Context(), c, namespace)
		require.NoError(t, err)
		return queues[0].Pollers > 0
	}, time.Minute, 50*time.Millisecond)
}

// A real server reports queues without pollers, and their backlog.
func TestAQueueWithoutAWorkerHasABacklog(t *testing.T) {
	t.Parallel()
	server := temporaltest.SharedServer(t)
	namespace := server.Namespace(t)
	c, err := client.Dial(client.Options{HostPort: server.Address, Namespace: namespace})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	require.NoError(t, dispatch.NewClient(c).StartOrder(t.Context(), "an-order"))
	require.Eventually(t, func() bool {
		queues, err := dispatch.DescribeQueues(t.Context(), c, namespace)
		require.NoError(t, err)
		require.Len(t, queues, 5)
		require.Zero(t, queues[0].Pollers)
		return queues[0].Name == dispatch.QueueOrders && queues[0].TaskType == "workflow" && queues[0].Backlog == 1
	}, 20*time.Second, 50*time.Millisecond)
}
