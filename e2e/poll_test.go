package e2e

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// A lab's webhooks may all be lost, and are not promised to be repeated. A silent order's lab is asked, and the order catches up.
func TestASilentOrderIsPolled(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{playScripts: true, workerClockAhead: 8 * order.Day})
	id := s.placeOrder(map[string]any{"passthrough": "sandbox:webhooks-lost"})
	s.awaitStatus(id, "received.testkit.requisition_created")
	require.Eventually(t, func() bool { return len(s.notifications(id)) == 3 }, timeout, 50*time.Millisecond, "the lab has three reports")

	require.Equal(t, 3, s.reconcile().FactsPolled)
	got := s.awaitStatus(id, "completed.testkit.completed")
	require.Contains(t, got.statuses(), "collecting_sample.testkit.transit_customer")
	s.awaitWebhooks(id)

	// The webhook that was lost turns up after all: it is the same report.
	before := s.order(id)
	r := s.labWebhook(s.notifications(id)[0])
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	require.Contains(t, string(r.Body), `"applied"`, "its first telling was")
	require.Equal(t, before, s.order(id))
	require.Zero(t, s.reconcile().FactsPolled, "an order that has ended is left alone")
}

// The control: an order that is not silent is not polled, whatever the lab would tell.
func TestAFreshOrderIsNotPolled(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{playScripts: true, workerClockAhead: 6 * order.Day})
	id := s.placeOrder(map[string]any{"passthrough": "sandbox:webhooks-lost"})
	s.awaitStatus(id, "received.testkit.requisition_created")
	require.Eventually(t, func() bool { return len(s.notifications(id)) == 3 }, timeout, 50*time.Millisecond)
	require.Zero(t, s.reconcile().FactsPolled)
	require.Equal(t, "received.testkit.requisition_created", s.order(id).LastEvent.Status)
}

// reconcile runs the hourly reconciler now.
func (s *system) reconcile() dispatch.SweepResult {
	s.t.Helper()
	return s.reconcileWith(dispatch.ReconcileInput{OpenOrders: true})
}

// reconcileWith runs a reconciler now.
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
