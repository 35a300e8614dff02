package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/e2e/scenario"
	"github.com/aliquot-labs/aliquot/internal/testservers/temporaltest"
	"github.com/aliquot-labs/aliquot/worker"
)

// onAnotherTemporal returns the same system with another Temporal server: an API and a worker that share the store, the
// lab and the receiver with those of the system.
func (s *system) onAnotherTemporal() *system {
	s.t.Helper()
	other := *s
	other.temporal = temporaltest.Start(s.t, temporaltest.Options{})
	other.namespace = other.temporal.Namespace(s.t)
	other.store, other.client, other.metrics = s.openStore(), other.dial(), prometheus.NewRegistry()
	s.await(func() bool {
		return worker.EnsureAttributesAndSchedules(s.t.Context(), other.client, other.namespace, s.log()) == nil
	}, "the other namespace lacks search attributes or schedules")
	other.openAPI()
	other.workers = []*worker.Worker{other.startWorker()}
	return &other
}

// splitOrders are orders that have a run on each of two Temporal servers.
type splitOrders struct {
	plain     []string // they complete after one server has stopped
	cancelled []string
	visit     *scenario.Order // its appointment is booked, moved and cancelled
	expiring  *scenario.Order // a deadline ends it
}

// TestTwoTemporalServersOverOneStore has two Temporal servers, each with an API and a worker, over one store. A
// failover in which the old server goes on has this effect. Every order has a run on both servers, and requests and
// facts go to both in turn. Nothing is lost and nothing happens twice. Then one of the servers stops, and the orders
// complete on the other.
func TestTwoTemporalServersOverOneStore(t *testing.T) {
	t.Parallel()
	both := newAPISwitch(t)
	first := newSystem(t, options{postgres: true, neutral: true, cancelCall: true, webhookURL: both.url,
		temporal:         temporaltest.Start(t, temporaltest.Options{}),
		workerClockAhead: 15 * time.Minute}) // the sweeps run without a wait
	second := first.onAnotherTemporal()
	both.use(first.url, second.url)
	shared := *first
	shared.url = both.url

	o := &splitOrders{plain: shared.placeMany(12), cancelled: shared.placeMany(4), visit: shared.placeWalkIn()}
	var err error
	o.expiring, err = shared.scenarioSystem().PlaceOrder(t.Context(), scenario.Testkit, scenario.SilentPolicy, nil)
	require.NoError(t, err)
	shared.awaitPlaced(o.expiring.ID)
	for _, s := range []*system{first, second} {
		s.reconcile()
		s.awaitRunning(int64(len(o.plain) + len(o.cancelled) + 2)) // the control: both have a run of every order
	}

	shared.goOnWithBoth(o)
	repeated := shared.receiver.repeatedAttempts()

	shared.sendFactToAll(o.plain, "kit_received")
	first.temporal.Kill(t)
	for _, w := range first.workers {
		w.Stop()
	}
	both.use(second.url)
	second.completeAlone(o)
	require.Zero(t, repeated, "messages that both servers delivered")
}

// goOnWithBoth takes the orders on while both servers run.
func (s *system) goOnWithBoth(o *splitOrders) {
	s.t.Helper()
	require.NoError(s.t, o.expiring.SendTransit(s.t.Context(), "transit_customer"))
	s.sendFactToAll(o.plain, "kit_shipped")
	for _, id := range o.cancelled {
		require.Equal(s.t, http.StatusOK, s.cancel(id).Status)
	}
	require.Equal(s.t, http.StatusOK, s.bookOnce(o.visit).Status)
	require.NoError(s.t, o.visit.Reschedule(s.t.Context()))
	require.NoError(s.t, o.visit.CancelAppointment(s.t.Context()))
	s.awaitAll(o.plain, 3)
	s.awaitStatus(o.expiring.ID, "failed.testkit.lost")
	for _, id := range append(o.cancelled, o.plain...) {
		s.awaitWebhooks(id)
	}
}

// completeAlone completes the orders on this server, and checks that nothing was lost or doubled.
func (s *system) completeAlone(o *splitOrders) {
	s.t.Helper()
	s.reconcile() // signals the facts that only the other server knew
	s.awaitAll(o.plain, 4)
	for _, id := range o.plain {
		s.publishReport(id)
	}
	s.awaitAll(o.plain, 5)
	for _, id := range o.plain {
		s.awaitWebhooks(id)
	}
	require.Empty(s.t, s.observe(o.plain).discrepancies())
	require.Empty(s.t, s.receiver.doubledMessages())
	for _, id := range o.cancelled {
		s.awaitEvents(id, placedEvents+" cancelled")
		require.Equal(s.t, []string{"PlaceOrder accepted", "CancelOrder"}, s.account(id).Calls)
	}
	s.awaitEvents(o.expiring.ID, shippedEvents+" lost")
	visit := s.account(o.visit.ID)
	require.Equal(s.t, []string{"neutral.place accepted", "neutral.book accepted", "neutral.reschedule",
		"neutral.cancel_appointment"}, visit.Calls)
	require.Len(s.t, visit.Appointments, 1)
	require.Contains(s.t, visit.Appointments[0], "cancelled")
}
