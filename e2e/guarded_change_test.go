package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/worker"
	"github.com/aliquot-labs/aliquot/workflows"
)

// TestHistoriesOfAGuardedChangeReplay is an example of a test for a change behind workflow.GetVersion
// (docs/rollouts.md). It takes real orders past the guard, one with the new version and one with the old version, and
// replays both histories. A worker that holds the change uses the old version. Copy it for the next guarded change.
func TestHistoriesOfAGuardedChangeReplay(t *testing.T) {
	t.Parallel()
	const change = "stray-signals"
	for _, way := range []struct {
		name    string
		held    []string
		version workflow.Version
	}{
		{name: change, version: 1},
		{name: change + "-held", held: []string{worker.HoldAllChanges}, version: workflow.DefaultVersion},
	} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, options{held: way.held})
			id := s.placeAndAwait()
			workflowID := dispatch.OrderWorkflowID(id)
			require.NoError(t, s.client.SignalWorkflow(t.Context(), workflowID, "", "no-such-signal", nil))
			s.awaitChangePassed(id, change)
			require.Equal(t, http.StatusOK, s.cancel(id).Status)
			s.awaitEnd(id)
			passed := map[string]workflow.Version{}
			for i, h := range s.histories(workflowID) {
				require.NoError(t, replay(h, workflows.Order))
				maps.Copy(passed, passedChanges(t, h))
				writeHistory(t, fmt.Sprintf("%s-%d.json", way.name, i+1), h)
			}
			require.Equal(t, map[string]workflow.Version{change: way.version}, passed)
		})
	}
}

// awaitChangePassed waits until an order's history records that its run has passed a guarded change.
func (s *system) awaitChangePassed(id, change string) {
	s.t.Helper()
	s.await(func() bool {
		return slices.ContainsFunc(s.histories(dispatch.OrderWorkflowID(id)), func(h *historypb.History) bool {
			_, passed := passedChanges(s.t, h)[change]
			return passed
		})
	}, "order %s did not pass %s", id, change)
}

// passedChanges returns the guarded changes that a history has passed, with the version of each.
func passedChanges(t testing.TB, h *historypb.History) map[string]workflow.Version {
	t.Helper()
	out := map[string]workflow.Version{}
	for _, e := range h.GetEvents() {
		details := e.GetMarkerRecordedEventAttributes().GetDetails()
		if details["change-id"] == nil {
			continue
		}
		var change string
		var version workflow.Version
		require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(details["change-id"], &change))
		require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(details["version"], &version))
		out[change] = version
	}
	return out
}
