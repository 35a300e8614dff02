package workflows_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.temporal.io/sdk/interceptor"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/dispatch"
	"github.com/aliquot-labs/aliquot/workflows"
)

// kept are the shapes of which a history is kept; ALIQUOT_KEEP_HISTORIES of the end-to-end tests makes them.
var kept = []string{
	"plain", "couriers", "out-of-order", "recovered", "window-closed-and-replaced", "lost", "rejected", "cancelled", "scheduled",
	"refused-then-placed", "retried-placement", "corrected", "deliveries", "reconcile",
}

// TestKeptHistoriesReplay holds the promise to open orders: what was begun by an older build goes on with this one.
func TestKeptHistoriesReplay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	found := map[string]bool{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		found[name[:strings.LastIndexByte(name, '-')]] = true
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, replayer(t, workflows.Order).ReplayWorkflowHistoryFromJSONFile(nil, file))
			require.NoError(t, replayer(t, workflows.Order, traced(t)).ReplayWorkflowHistoryFromJSONFile(nil, file), "with traces")
		})
	}
	for _, shape := range kept {
		require.True(t, found[shape], "no history of shape %s is kept", shape)
	}
}

// The control: an Order workflow that does something else first does not replay.
func TestReplayFindsAChangedWorkflow(t *testing.T) {
	t.Parallel()
	changed := func(ctx workflow.Context, in dispatch.OrderInput) error {
		workflow.GetSignalChannel(ctx, "other").Receive(ctx, nil)
		return workflows.Order(ctx, in)
	}
	require.Error(t, replayer(t, changed).ReplayWorkflowHistoryFromJSONFile(nil, "testdata/plain-1.json"))
}

// traced is what traces workflows, into nowhere.
func traced(t *testing.T) interceptor.WorkerInterceptor {
	t.Helper()
	i, err := dispatch.NewTracing(sdktrace.NewTracerProvider())
	require.NoError(t, err)
	return i
}

func replayer(t *testing.T, order any, around ...interceptor.WorkerInterceptor) sdkworker.WorkflowReplayer {
	t.Helper()
	r, err := sdkworker.NewWorkflowReplayerWithOptions(sdkworker.WorkflowReplayerOptions{Interceptors: around})
	require.NoError(t, err)
	r.RegisterWorkflowWithOptions(order, workflow.RegisterOptions{Name: dispatch.WorkflowOrder})
	r.RegisterWorkflowWithOptions(workflows.Deliveries, workflow.RegisterOptions{Name: dispatch.WorkflowDeliveries})
	r.RegisterWorkflowWithOptions(workflows.Reconcile, workflow.RegisterOptions{Name: dispatch.WorkflowReconcile})
	return r
}
