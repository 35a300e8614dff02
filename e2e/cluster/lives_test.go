//go:build cluster

package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"github.com/aliquot-labs/aliquot/e2e/deployment"
	"github.com/aliquot-labs/aliquot/e2e/scenario"
	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// TestEveryLifecycleEdge takes orders over every edge of all six tables of order-lifecycle#edges, on two Temporal
// nodes, two API processes and two workers.
func TestEveryLifecycleEdge(t *testing.T) { //nolint:paralleltest // it needs the whole machine
	f := deployment.Start(t, deployment.Options{})
	tables := map[string]int{}
	for _, w := range scenario.Paths() {
		table, _, _ := strings.Cut(w.Name, ":")
		tables[table]++
	}
	for _, table := range []string{
		"testkit", "testkit_before_registration", "testkit_after_registration", scenario.WalkIn, scenario.Phlebotomy,
		scenario.OnSite,
	} {
		require.Positive(t, tables[table], "table %s has no path", table)
	}
	began := time.Now()
	names, failures := scenario.RunAll(t.Context(), f.ScenarioSystem(), scenario.Paths())
	require.Empty(t, strings.Join(failures, "\n"))
	ids := slices.Sorted(maps.Keys(names))
	t.Logf("%d orders in %s: %v", len(ids), time.Since(began).Round(time.Second), tables)

	for _, p := range append(slices.Clone(f.APIs), f.Workers...) {
		require.NoError(t, p.Err(), "%s ended", p.Name)
	}
	for _, node := range f.Cluster.Nodes {
		require.NoError(t, node.Err(), "the node at %s ended", node.Address)
	}
	requireBothWorkers(t, f, ids)
	requireRunsOfOpenOrders(t, f)
}

// requireBothWorkers requires that both worker processes appear in the orders' histories.
func requireBothWorkers(t *testing.T, f *deployment.Deployment, ids []string) {
	t.Helper()
	seen := map[int]bool{}
	for _, id := range ids {
		for pid := range workerPIDs(t, f, id) {
			seen[pid] = true
		}
		if len(seen) == len(f.Workers) {
			return
		}
	}
	require.Len(t, seen, len(f.Workers), "worker processes that worked on orders")
}

// workerPIDs returns the process ids of the workers in an order's history.
func workerPIDs(t *testing.T, f *deployment.Deployment, id string) map[int]bool {
	t.Helper()
	pids := map[int]bool{}
	note := func(identity string) {
		var pid int
		if _, err := fmt.Sscanf(identity, "%d@", &pid); err == nil {
			pids[pid] = true
		}
	}
	history := f.Temporal.GetWorkflowHistory(t.Context(), dispatch.OrderWorkflowID(id), "", false,
		enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		e, err := history.Next()
		require.NoError(t, err)
		note(e.GetWorkflowTaskStartedEventAttributes().GetIdentity())
		note(e.GetActivityTaskStartedEventAttributes().GetIdentity())
	}
	return pids
}

// requireRunsOfOpenOrders waits until the orders with a run are exactly the open orders.
func requireRunsOfOpenOrders(t *testing.T, f *deployment.Deployment) {
	t.Helper()
	var open, running []string
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var err error
		if open, err = f.OpenOrders(ctx); err != nil {
			return false
		}
		running, err = f.RunningWorkflows(ctx, dispatch.WorkflowOrder)
		return err == nil && slices.Equal(open, running)
	}, timeout, time.Second, "runs are not those of the open orders:\nopen %v\nruns %v", &open, &running)
	require.NotEmpty(t, open)
}
