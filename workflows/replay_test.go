package workflows_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.temporal.io/sdk/interceptor"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/workflows"
)

// keptHistories are the kinds of orders with a kept history. The end-to-end tests record them with
// ALIQUOT_KEEP_HISTORIES.
var keptHistories = []string{
	"plain", "couriers", "out-of-order", "recovered", "window-closed-and-replaced", "lost", "rejected", "cancelled",
	"scheduled",
	"refused-then-placed", "retried-placement", "corrected", "deliveries", "reconcile", "stray-signals",
	"stray-signals-held",
}

// TestKeptHistoriesReplay checks that runs of an older build continue on this one.
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
			require.NoError(t, newReplayer(t, workflows.Order).ReplayWorkflowHistoryFromJSONFile(nil, file))
			require.NoError(t, newReplayer(t, workflows.Order, tracingInterceptor(t)).ReplayWorkflowHistoryFromJSONFile(nil,
				file), "with traces")
		})
	}
	for _, shape := range keptHistories {
		require.True(t, found[shape], "no history of shape %s is kept", shape)
	}
}

// TestEveryGuardHasAHistory: each change behind workflow.GetVersion has a kept history that passed its guard. An
// end-to-end test records it.
func TestEveryGuardHasAHistory(t *testing.T) {
	t.Parallel()
	changes := guardedChanges(t)
	require.NotEmpty(t, changes)
	var histories []string
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		histories = append(histories, string(text))
	}
	require.Empty(t, changesWithoutHistory(changes, histories))
	t.Run("control", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, []string{"no-such-change"}, changesWithoutHistory(append(slices.Clone(changes), "no-such-change"),
			histories))
	})
}

// guardedChanges returns the names of the changes in the workflows' sources.
func guardedChanges(t *testing.T) (changes []string) {
	t.Helper()
	sources, err := filepath.Glob("*.go")
	require.NoError(t, err)
	named := regexp.MustCompile(`GetVersion\(ctx, "([^"]+)"`)
	for _, source := range sources {
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		text, err := os.ReadFile(source)
		require.NoError(t, err)
		found := named.FindAllStringSubmatch(string(text), -1)
		require.Len(t, found, strings.Count(string(text), ".GetVersion("), "%s has one whose name is not in place", source)
		for _, f := range found {
			changes = append(changes, f[1])
		}
	}
	return changes
}

// changesWithoutHistory returns the changes that no history has passed. A marker has the name of its change as a JSON
// string.
func changesWithoutHistory(changes, histories []string) []string {
	return slices.DeleteFunc(changes, func(change string) bool {
		name := base64.StdEncoding.EncodeToString([]byte(`"` + change + `"`))
		return slices.ContainsFunc(histories, func(h string) bool { return strings.Contains(h, name) })
	})
}

// The control: an Order workflow that does something else first does not replay.
func TestReplayFindsAChangedWorkflow(t *testing.T) {
	t.Parallel()
	changed := func(ctx workflow.Context, in dispatch.OrderInput) error {
		workflow.GetSignalChannel(ctx, "other").Receive(ctx, nil)
		return workflows.Order(ctx, in)
	}
	require.Error(t, newReplayer(t, changed).ReplayWorkflowHistoryFromJSONFile(nil, "testdata/plain-1.json"))
}

// tracingInterceptor traces workflows without an exporter.
func tracingInterceptor(t *testing.T) interceptor.WorkerInterceptor {
	t.Helper()
	i, err := dispatch.NewTracing(sdktrace.NewTracerProvider())
	require.NoError(t, err)
	return i
}

func newReplayer(t *testing.T, order any, around ...interceptor.WorkerInterceptor) sdkworker.WorkflowReplayer {
	t.Helper()
	r, err := sdkworker.NewWorkflowReplayerWithOptions(sdkworker.WorkflowReplayerOptions{Interceptors: around})
	require.NoError(t, err)
	r.RegisterWorkflowWithOptions(order, workflow.RegisterOptions{Name: dispatch.WorkflowOrder})
	r.RegisterWorkflowWithOptions(workflows.Deliveries, workflow.RegisterOptions{Name: dispatch.WorkflowDeliveries})
	r.RegisterWorkflowWithOptions(workflows.Reconcile, workflow.RegisterOptions{Name: dispatch.WorkflowReconcile})
	return r
}
