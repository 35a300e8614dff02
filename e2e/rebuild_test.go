package e2e

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdkpb "go.temporal.io/api/sdk/v1"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/testservers/temporaltest"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/worker"
)

// TestOrdersGoOnAfterTemporalWasWiped wipes Temporal's data while orders are open. After a rebuild, every order
// continues from its stored state, including facts and orders that came meanwhile.
func TestOrdersGoOnAfterTemporalWasWiped(t *testing.T) {
	t.Parallel()
	server := temporaltest.Start(t, temporaltest.Options{})
	s := newSystem(t, options{temporal: server})

	shipped := s.placeOrder(nil)
	s.awaitStatus(shipped, "received.testkit.requisition_created")
	s.sendLabFact(shipped, map[string]any{"type": "kit_shipped"})
	s.awaitStatus(shipped, "collecting_sample.testkit.transit_customer")
	blocked := s.placeOrder(nil)
	s.awaitStatus(blocked, "received.testkit.requisition_created")
	s.sendLabFact(blocked, map[string]any{"type": "kit_rejected", "recoverable": true,
		"reason": "Missing collection date"})
	s.awaitStatus(blocked, "sample_with_lab.testkit.lab_processing_blocked")
	scheduled := s.placeOrder(map[string]any{"activate_by": time.Now().UTC().AddDate(0, 0, 30).Format(time.DateOnly)})
	s.awaitDetails(scheduled, "activate")
	deadlines := s.deadlines(blocked)

	server.Kill(t)
	for _, w := range s.workers {
		w.Stop()
	}
	meanwhile := s.placeOrder(nil)
	s.sendLabFact(shipped, map[string]any{"type": "kit_received"})
	require.Equal(t, http.StatusServiceUnavailable, s.callAsClient(http.MethodPost, "/v3/order/"+scheduled+"/cancel",
		nil).Status)

	_, port, err := net.SplitHostPort(server.Address)
	require.NoError(t, err)
	number, err := strconv.Atoi(port)
	require.NoError(t, err)
	temporaltest.Start(t, temporaltest.Options{Port: number})
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	require.NoError(t, worker.EnsureNamespace(ctx, s.client, s.namespace, 24*time.Hour))
	s.workers = append(s.workers, s.startWorker())
	healed, err := worker.Rebuild(ctx, s.client, s.namespace, 24*time.Hour, s.log())
	require.NoError(t, err)
	// The order with the demand and the one with the lab's fact are woken, the latter by the rebuild or before that by the
	// API, which tries for half a minute.
	require.LessOrEqual(t, healed.OrdersWoken, 2)
	require.Contains(t, []int{2, 3}, healed.OrdersStarted, "the other open orders; a wake starts a run too")

	s.awaitStatus(shipped, "sample_with_lab.testkit.delivered_to_lab")
	s.awaitStatus(meanwhile, "received.testkit.requisition_created")
	s.awaitDetails(blocked, "recovery_window")
	require.Equal(t, deadlines, s.deadlines(blocked), "deadlines are absolute")
	require.Equal(t, http.StatusOK, s.callAsClient(http.MethodPost, "/v3/order/"+scheduled+"/cancel", nil).Status)
	for _, id := range []string{shipped, blocked} {
		s.publishReport(id)
		s.awaitStatus(id, "completed.testkit.completed")
	}
	for _, id := range []string{shipped, blocked, meanwhile, scheduled} {
		s.awaitWebhooks(id)
		for i, e := range s.order(id).Events {
			require.Equal(t, int64(i+1), e.ID, "events without gaps")
		}
	}
	again, err := worker.Rebuild(ctx, s.client, s.namespace, 24*time.Hour, s.log())
	require.NoError(t, err)
	require.Zero(t, again.OrdersStarted, "a second rebuild finds nothing to start")
}

// awaitDetails waits until the current details of the order's workflow, as the Temporal UI shows them, contain the
// word.
func (s *system) awaitDetails(id, word string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return strings.Contains(s.details(id), word) }, timeout, 100*time.Millisecond,
		"order %s: %s", id, word)
}

func (s *system) details(id string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	answer, err := s.client.QueryWorkflow(ctx, dispatch.OrderWorkflowID(id), "", "__temporal_workflow_metadata")
	if err != nil {
		return ""
	}
	var m sdkpb.WorkflowMetadata
	if err := answer.Get(&m); err != nil {
		return ""
	}
	return m.GetCurrentDetails()
}

func (s *system) deadlines(id string) []order.Deadline {
	s.t.Helper()
	o, err := s.store.Order(context.Background(), "", id)
	require.NoError(s.t, err)
	require.NotEmpty(s.t, o.State.Deadlines)
	return o.State.Deadlines
}

// TestARebuildSaysThatNoBuildIsCurrent shows that a rebuild reports that no build is current, and continues when one is
// set. The current build is lost with Temporal's data, and workers of other builds get no tasks.
func TestARebuildSaysThatNoBuildIsCurrent(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{workers: noWorkers})
	binary := buildAliquot(t)
	s.startProcess(binary, "--build-id", "v1")
	rebuild := s.startCommand(binary, "rebuild")
	s.await(func() bool { return strings.Contains(rebuild.logs.String(), "aliquot rollout set") },
		"it waits and says nothing")
	s.mustRollout(binary, "set", "v1")
	require.NoError(t, rebuild.cmd.Wait(), "%s", rebuild.logs)
}
