package e2e

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/aliquot-labs/aliquot/e2e/scenario"
	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/testservers/temporaltest"
)

// restorableServer is a Temporal server whose database can be set back to an earlier copy.
type restorableServer struct {
	*temporaltest.DevServer

	dir  string
	port int
}

func startRestorableServer(t testing.TB) *restorableServer {
	t.Helper()
	r := &restorableServer{dir: t.TempDir()}
	r.DevServer = temporaltest.Start(t, temporaltest.Options{DBFile: r.file()})
	_, port, err := net.SplitHostPort(r.Address)
	require.NoError(t, err)
	r.port, err = strconv.Atoi(port)
	require.NoError(t, err)
	return r
}

func (r *restorableServer) file() string { return filepath.Join(r.dir, "temporal.db") }

// backUp stops the server, copies its database, and starts it again.
func (r *restorableServer) backUp(t testing.TB) {
	t.Helper()
	r.Stop(t)
	r.copyFiles(t, "temporal.db", "backup.db")
	r.start(t)
}

// restore replaces the stopped server's database by the copy and starts the server.
func (r *restorableServer) restore(t testing.TB) {
	t.Helper()
	r.copyFiles(t, "backup.db", "temporal.db")
	r.start(t)
}

func (r *restorableServer) start(t testing.TB) {
	t.Helper()
	r.DevServer = temporaltest.Start(t, temporaltest.Options{DBFile: r.file(), Port: r.port})
}

// copyFiles copies a database of SQLite with its write-ahead log.
func (r *restorableServer) copyFiles(t testing.TB, from, to string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		require.NoError(t, os.RemoveAll(filepath.Join(r.dir, to+suffix)))
		source, err := os.Open(filepath.Join(r.dir, from+suffix))
		if os.IsNotExist(err) && suffix != "" {
			continue
		}
		require.NoError(t, err)
		target, err := os.Create(filepath.Join(r.dir, to+suffix))
		require.NoError(t, err)
		_, err = io.Copy(target, source)
		require.NoError(t, err)
		require.NoError(t, source.Close())
		require.NoError(t, target.Close())
	}
}

// restoredOrders are orders to which something happens after the copy of Temporal's database.
type restoredOrders struct {
	shipped, completed, cancelled, created, createdAndShipped, late, untouched string

	unplaced string // the lab accepts it after its second answer 503
	booked   *scenario.Order
	expiring *scenario.Order // it has a new deadline
}

func (o *restoredOrders) testkits() []string {
	return []string{o.shipped, o.completed, o.cancelled, o.created, o.createdAndShipped, o.late, o.untouched, o.unplaced}
}

// TestTemporalIsRestoredFromACopy lets orders go on, and sets Temporal's database back to a copy from before. The runs
// are then behind the store, or missing. The workers keep what they have cached. The scheduled sweeps heal everything
// without a rebuild: orders, deadlines, calls and deliveries. Nothing happens twice.
func TestTemporalIsRestoredFromACopy(t *testing.T) {
	t.Parallel()
	server := startRestorableServer(t)
	s := newSystem(t, options{temporal: server.DevServer, neutral: true, cancelCall: true,
		workerClockAhead: 15 * time.Minute}) // the sweeps run without a wait
	o := &restoredOrders{shipped: s.placeAndAwait(), completed: s.placeAndAwait(), cancelled: s.placeAndAwait(),
		late: s.placeAndAwait(), untouched: s.placeAndAwait(), booked: s.placeWalkIn()}
	var err error
	o.expiring, err = s.scenarioSystem().PlaceOrder(t.Context(), scenario.Testkit, scenario.SilentPolicy, nil)
	require.NoError(t, err)
	s.awaitPlaced(o.expiring.ID)
	s.sendFact(o.completed, "kit_shipped")
	s.awaitStatus(o.completed, "collecting_sample.testkit.transit_customer")
	o.unplaced = s.placeOrder(map[string]any{"passthrough": "sandbox:fail-place-2"})
	server.backUp(t)

	s.liveOn(o)
	histories := s.historyLengths([]string{o.shipped, o.created})
	server.Stop(t)
	s.sendFact(o.late, "kit_shipped")
	require.Equal(t, shippedEvents, s.order(o.expiring.ID).lowStatuses(), "its deadline is still to come")
	server.restore(t)
	s.requireForgotten(o, histories)
	// Otherwise an order that a sweep woke before the restore is left alone for ten minutes.
	s.executeSQL(`UPDATE order_states SET woken_at = 0`)

	s.sweepUntilHealed(o)
	s.finishRestored(o)
}

// liveOn is what happens after the copy. The last step is the beginning of a deadline of eight seconds.
func (s *system) liveOn(o *restoredOrders) {
	s.t.Helper()
	s.sendFact(o.shipped, "kit_shipped")
	s.sendFact(o.completed, "kit_received")
	s.awaitEvents(o.completed, receivedEvents)
	s.publishReport(o.completed)
	require.Equal(s.t, http.StatusOK, s.cancel(o.cancelled).Status)
	o.created, o.createdAndShipped = s.placeAndAwait(), s.placeAndAwait()
	s.sendFact(o.createdAndShipped, "kit_shipped")
	require.Equal(s.t, http.StatusOK, s.bookOnce(o.booked).Status)
	s.awaitStatus(o.unplaced, "received.testkit.requisition_created")
	s.awaitEvents(o.completed, completedAfterReceipt)
	s.awaitEvents(o.createdAndShipped, shippedEvents)
	s.awaitEvents(o.shipped, shippedEvents)
	require.NoError(s.t, o.expiring.SendTransit(s.t.Context(), "transit_customer"))
	s.awaitStatus(o.expiring.ID, "collecting_sample.testkit.transit_customer")
}

// completedAfterReceipt are the events of an order with the lab's facts shipped, received and report ready.
const completedAfterReceipt = receivedEvents + " completed"

// requireForgotten is the control: the server has lost what happened after the copy.
func (s *system) requireForgotten(o *restoredOrders, histories map[string]int) {
	s.t.Helper()
	s.await(func() bool {
		_, err := s.client.CheckHealth(s.t.Context(), &client.CheckHealthRequest{})
		return err == nil
	}, "Temporal is not back")
	require.Less(s.t, historyLength(s.t, s.client, o.shipped), histories[o.shipped])
	_, err := s.client.DescribeWorkflowExecution(s.t.Context(), dispatch.OrderWorkflowID(o.created), "")
	require.Error(s.t, err, "the run of an order from after the copy")
}

// sweepUntil runs the scheduled sweeps again and again, instead of once a minute, until a condition is true.
func (s *system) sweepUntil(condition func() bool, message string) {
	s.t.Helper()
	for began := time.Now(); !condition(); {
		require.Less(s.t, time.Since(began), timeout, message)
		s.reconcile()
	}
}

// sweepUntilHealed runs the sweeps until the orders have runs, and the fact that came without Temporal is applied.
func (s *system) sweepUntilHealed(o *restoredOrders) {
	s.t.Helper()
	s.sweepUntil(func() bool { return s.order(o.late).lowStatuses() == shippedEvents }, "a fact is not applied")
	s.awaitRunsOf(o.created, o.createdAndShipped)
	s.requireInboxResolved(o.late)
}

// awaitRunsOf waits until the orders have open runs.
func (s *system) awaitRunsOf(ids ...string) {
	s.t.Helper()
	for _, id := range ids {
		s.await(func() bool {
			d, err := s.client.DescribeWorkflowExecution(s.t.Context(), dispatch.OrderWorkflowID(id), "")
			return err == nil && d.GetWorkflowExecutionInfo().GetCloseTime() == nil
		}, "order %s has no run", id)
	}
}

// finishRestored takes all orders to their ends and checks that nothing was lost or doubled.
func (s *system) finishRestored(o *restoredOrders) {
	s.t.Helper()
	s.callLab(http.MethodPut, "/sandbox/orders/"+s.labOrderNumber(o.completed)+"/results", map[string]any{})
	s.sendLabFact(o.completed, map[string]any{"type": "report_ready"})
	s.awaitEvents(o.completed, completedAfterReceipt+" corrected")
	for _, id := range []string{o.created, o.untouched, o.unplaced} {
		s.sendFact(id, "kit_shipped")
		s.awaitEvents(id, shippedEvents)
	}
	for _, id := range []string{o.shipped, o.created, o.createdAndShipped, o.late, o.untouched, o.unplaced} {
		s.sendFact(id, "kit_received")
		s.awaitEvents(id, receivedEvents)
		s.publishReport(id)
		s.awaitEvents(id, completedAfterReceipt)
	}
	require.NoError(s.t, o.booked.CancelAppointment(s.t.Context()))
	require.Equal(s.t, http.StatusOK, s.cancel(o.booked.ID).Status)
	s.awaitStatus(o.booked.ID, "cancelled.walk_in_test.cancelled")
	s.awaitEvents(o.cancelled, placedEvents+" cancelled")
	s.sweepUntil(func() bool { return s.order(o.expiring.ID).LastEvent.Status == "failed.testkit.lost" },
		"a deadline that the restored run does not know is not acted on")
	s.awaitEvents(o.expiring.ID, shippedEvents+" lost")
	s.awaitDelivered()

	for _, id := range o.testkits() {
		require.Equal(s.t, 1, s.account(id).Placed, "order %s", id)
	}
	require.Equal(s.t, []string{"PlaceOrder accepted", "CancelOrder"}, s.account(o.cancelled).Calls)
	visit := s.account(o.booked.ID)
	require.Equal(s.t, []string{"neutral.place accepted", "neutral.book accepted", "neutral.cancel_appointment",
		"neutral.cancel"}, visit.Calls)
	require.Len(s.t, visit.Appointments, 1)
	require.Empty(s.t, s.receiver.doubledMessages())
}
