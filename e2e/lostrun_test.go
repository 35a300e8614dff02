package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// Runs that somebody terminated are found by the look of each hour once Temporal's visibility knows, and by the one of each day at once.
func TestAnOrderWhoseRunIsGoneGetsAnother(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	var ids []string
	for range 3 {
		id := s.placeOrder(nil)
		s.awaitStatus(id, "received.testkit.requisition_created")
		ids = append(ids, id)
	}
	s.awaitRunning(3)
	require.Equal(t, dispatch.SweepResult{}, s.reconcile(), "nothing is gone")

	s.terminate(ids[1])
	require.Equal(t, dispatch.SweepResult{OrdersStarted: 1}, s.reconcileWith(dispatch.ReconcileInput{OpenOrders: true, Thorough: true}))
	s.awaitRunning(3)
	require.Len(t, s.runs(dispatch.OrderWorkflowID(ids[1])), 2)

	s.terminate(ids[2])
	s.awaitRunning(2)
	require.Equal(t, dispatch.SweepResult{OrdersStarted: 1}, s.reconcile())
	s.awaitRunning(3)
	for _, id := range ids {
		s.playLabFacts(id)
		s.awaitStatus(id, "completed.testkit.completed")
	}
}

func (s *system) terminate(id string) {
	s.t.Helper()
	require.NoError(s.t, s.client.TerminateWorkflow(s.t.Context(), dispatch.OrderWorkflowID(id), "", "by hand"))
}

// awaitRunning waits until visibility has so many running orders.
func (s *system) awaitRunning(n int64) {
	s.t.Helper()
	s.await(func() bool {
		found, err := s.client.CountWorkflow(s.t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
			Query: fmt.Sprintf("WorkflowType = %q AND ExecutionStatus = 'Running'", dispatch.WorkflowOrder),
		})
		return err == nil && found.GetCount() == n
	}, "there are not %d running orders", n)
}
