package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// TestAnOrderWhoseRunIsGoneGetsAnother terminates runs. The hourly reconciler finds them when Temporal's visibility
// shows it, the daily one without visibility.
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
	require.Equal(t, dispatch.SweepResult{OrdersStarted: 1},
		s.reconcileWith(dispatch.ReconcileInput{OpenOrders: true, Thorough: true}))
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

// awaitRunning waits until visibility shows n running orders.
func (s *system) awaitRunning(n int64) {
	s.t.Helper()
	s.await(func() bool {
		found, err := s.client.CountWorkflow(s.t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
			Query: fmt.Sprintf("WorkflowType = %q AND ExecutionStatus = 'Running'", dispatch.WorkflowOrder),
		})
		return err == nil && found.GetCount() == n
	}, "there are not %d running orders", n)
}

// TestASilentOrderIsPolled shows that a silent order's lab is polled, because a lab's webhooks may all be lost and need
// not be repeated.
func TestASilentOrderIsPolled(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{playScripts: true, workerClockAhead: 8 * order.Day})
	id := s.placeOrder(map[string]any{"passthrough": "sandbox:webhooks-lost"})
	s.awaitStatus(id, "received.testkit.requisition_created")
	require.Eventually(t, func() bool { return len(s.notifications(id)) == 3 }, timeout, 50*time.Millisecond,
		"the lab has three reports")

	require.Equal(t, 3, s.reconcile().FactsPolled)
	got := s.awaitStatus(id, "completed.testkit.completed")
	require.Contains(t, got.statuses(), "collecting_sample.testkit.transit_customer")
	s.awaitWebhooks(id)

	// The lost webhook arrives later: it is the same fact.
	before := s.order(id)
	r := s.labWebhook(s.notifications(id)[0])
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	require.Contains(t, string(r.Body), `"applied"`, "its first telling was")
	require.Equal(t, before, s.order(id))
	require.Zero(t, s.reconcile().FactsPolled, "an order that has ended is left alone")
}

// TestAFreshOrderIsNotPolled is the control: an order that is not silent is not polled.
func TestAFreshOrderIsNotPolled(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{playScripts: true, workerClockAhead: 6 * order.Day})
	id := s.placeOrder(map[string]any{"passthrough": "sandbox:webhooks-lost"})
	s.awaitStatus(id, "received.testkit.requisition_created")
	require.Eventually(t, func() bool { return len(s.notifications(id)) == 3 }, timeout, 50*time.Millisecond)
	require.Zero(t, s.reconcile().FactsPolled)
	require.Equal(t, "received.testkit.requisition_created", s.order(id).LastEvent.Status)
}

// reconcile runs the hourly reconciler.
func (s *system) reconcile() dispatch.SweepResult {
	s.t.Helper()
	return s.reconcileWith(dispatch.ReconcileInput{OpenOrders: true})
}

// reconcileWith runs a reconciler with the input.
func (s *system) reconcileWith(in dispatch.ReconcileInput) dispatch.SweepResult {
	s.t.Helper()
	healed, err := dispatch.NewClient(s.client).Reconcile(s.t.Context(), in)
	require.NoError(s.t, err)
	return healed
}

func (s *system) notifications(id string) []json.RawMessage {
	s.t.Helper()
	var out []json.RawMessage
	s.callLab(http.MethodGet, "/Notifications?order_number="+s.labOrderNumber(id), nil).decode(s, &out)
	return out
}

func TestTheReconcilerSealsTheAudit(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	s.placeOrder(nil)
	s.reconcile()
	check, err := s.store.VerifyAudit(t.Context(), 0, 1000)
	require.NoError(t, err)
	require.Nil(t, check.Break)
	require.Positive(t, check.Checked)
	require.Contains(t, s.logs.String(), "audit sealed")
}
