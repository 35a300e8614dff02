package e2e

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// benchOpen is how many orders are open at the same time. openVariable names the environment variable with another
// number.
const (
	benchOpen    = 20_000
	openVariable = "ALIQUOT_BENCH_OPEN"
)

// BenchmarkOpenOrders has one worker process run many open orders, and another one take them over. It measures the
// memory of both, and the time from the start of the second until an order responds. The orders are copies in the store
// of one that was placed, and are started by a rebuild. It also measures the speed of the rebuild and of the
// reconciler's hourly and daily runs.
func BenchmarkOpenOrders(b *testing.B) {
	n := benchOpen
	if text := os.Getenv(openVariable); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(b, err)
	}
	for b.Loop() {
		s := newSystem(b, options{workers: noWorkers, noEndpoint: true})
		binary := buildAliquot(b)
		first := s.startProcess(binary)
		placed := s.placeOrder(map[string]any{"activate_by": day(3)})
		require.Eventually(b, func() bool { return s.loadedOrders(b) == 1 }, timeout, 50*time.Millisecond)
		b.ReportMetric(residentMB(b, first.pid()), "first-MB")
		s.insertCopies(b, placed, n-1)
		began := time.Now()
		taken := s.reconcileWith(dispatch.ReconcileInput{OpenOrders: true, Rebuild: true})
		require.Equal(b, n-1, taken.OrdersStarted)
		require.Eventually(b, func() bool { return s.loadedOrders(b) == int64(n) }, 10*time.Minute, 100*time.Millisecond)
		b.ReportMetric(float64(n)/time.Since(began).Seconds(), "rebuilt/s")
		b.ReportMetric(residentMB(b, first.pid()), "all-MB")
		for unit, in := range map[string]dispatch.ReconcileInput{
			"hourly-s": {OpenOrders: true}, "thorough-s": {OpenOrders: true, Thorough: true},
		} {
			began = time.Now()
			s.reconcileWith(in)
			b.ReportMetric(time.Since(began).Seconds(), unit)
		}
		first.kill(b)

		began = time.Now()
		second := s.startProcess(binary)
		s.await(func() bool { return s.cancel(placed).Status == http.StatusOK }, "the order does not answer")
		b.ReportMetric(time.Since(began).Seconds(), "takeover-s")
		b.ReportMetric(residentMB(b, second.pid()), "takeover-MB")
		b.ReportMetric(float64(n), "open")
	}
	b.ReportMetric(0, "ns/op")
}

// insertCopies writes copies of a placed order to the store.
func (s *system) insertCopies(b *testing.B, placed string, n int) {
	b.Helper()
	like, err := s.store.Order(b.Context(), "", placed)
	require.NoError(b, err)
	orders := make([]order.Order, n)
	for i := range orders {
		o := *like
		o.ID, o.TransactionID, o.ModalityPartID = uuid.Must(uuid.NewV7()).String(), uuid.NewString(), uuid.NewString()
		o.Number = fmt.Sprintf("%s-%d", like.Number, i)
		o.State.OrderID, o.State.Number = o.ID, o.Number
		orders[i] = o
	}
	for batch := range slices.Chunk(orders, 1000) {
		require.NoError(b, s.store.BulkInsertOrders(b.Context(), batch))
	}
}

// loadedOrders counts the orders that a worker has loaded, by their search attributes.
func (s *system) loadedOrders(b *testing.B) int64 {
	b.Helper()
	found, err := s.client.CountWorkflow(b.Context(), &workflowservice.CountWorkflowExecutionsRequest{
		Query: fmt.Sprintf(`WorkflowType = %q AND OrderStatus = "received.testkit.ordered"`, dispatch.WorkflowOrder),
	})
	require.NoError(b, err)
	return found.GetCount()
}

// residentMB returns the resident memory of a process in MB.
func residentMB(b *testing.B, pid int) float64 {
	b.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(b, err)
	_, rest, found := strings.Cut(string(content), "VmRSS:")
	require.True(b, found)
	kB, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	require.NoError(b, err)
	return kB / 1024
}
