package e2e

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/testservers/temporaltest"
)

// TestTemporalIsAwayForAWhile shows that while Temporal is down, orders and facts are accepted, and demands that need
// the workflow's answer are refused without an effect. Everything continues when Temporal is up again.
func TestTemporalIsAwayForAWhile(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "temporal.db")
	dev := temporaltest.Start(t, temporaltest.Options{DBFile: db})
	_, port, err := net.SplitHostPort(dev.Address)
	require.NoError(t, err)
	number, err := strconv.Atoi(port)
	require.NoError(t, err)
	// the sweep runs without a wait
	s := newSystem(t, options{temporal: dev, workerClockAhead: 2 * time.Minute})
	open := s.placeAndAwait()
	s.awaitWebhooks(open)
	s.awaitDelivered() // no activity may have a result to report during the outage
	before := s.order(open)

	dev.Stop(t)
	began := time.Now()
	created := s.placeOrder(nil)
	require.Less(t, time.Since(began), 10*time.Second, "an order does not wait for Temporal")
	require.Equal(t, "ordered", s.order(created).lowStatuses())

	r := s.cancel(open)
	require.Equal(t, http.StatusServiceUnavailable, r.Status, "%s", r.Body)
	require.NotEmpty(t, r.Header.Get("Retry-After"))
	require.Equal(t, before, s.order(open))

	s.sendFact(open, "kit_shipped")
	require.Equal(t, "received", s.story(open).Facts[0].State)
	require.Equal(t, before, s.order(open))
	require.Equal(t, http.StatusServiceUnavailable, s.request(http.MethodGet, s.url+"/readyz", nil).Status)

	temporaltest.Start(t, temporaltest.Options{DBFile: db, Port: number})
	run, err := s.client.ExecuteWorkflow(t.Context(),
		client.StartWorkflowOptions{ID: "sweep", TaskQueue: dispatch.QueueDeliveries},
		dispatch.WorkflowReconcile, dispatch.ReconcileInput{})
	require.NoError(t, err)
	var healed dispatch.SweepResult
	require.NoError(t, run.Get(t.Context(), &healed))
	s.awaitEvents(created, placedEvents)
	s.awaitEvents(open, shippedEvents)
	s.requireInboxResolved(open)
	s.awaitDelivered()
}

// awaitDelivered waits until the delivery workflow has no more deliveries to make.
func (s *system) awaitDelivered() {
	s.t.Helper()
	endpoints, err := s.store.Endpoints(context.Background(), s.teamID)
	require.NoError(s.t, err)
	for _, e := range endpoints {
		s.awaitClosed(dispatch.DeliveriesWorkflowID(e.ID))
	}
}

// TestAReceiverIsAwayForAWhile shows that a refused delivery is attempted again with the same message id and body,
// independently of other deliveries.
func TestAReceiverIsAwayForAWhile(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{playScripts: true})
	s.receiver.answerWith(http.StatusServiceUnavailable)
	id := s.placeOrder(map[string]any{"passthrough": "sandbox:happy-lab-only"})
	s.awaitStatus(id, "completed.testkit.completed")
	s.await(func() bool { return s.receiver.refusals() >= 5 }, "not every event was tried")
	require.Empty(t, s.receiver.forOrder(id))

	s.receiver.answerWith(http.StatusOK)
	s.awaitEvents(id, receivedEvents+" completed")
	require.GreaterOrEqual(t, s.receiver.repeatedMessages(), 5, "the same messages as before")
}
