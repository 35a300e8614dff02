package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/aliquot-labs/aliquot/dispatch"
)

// benchOpen is how many orders are open at once; openVariable sets another number.
const (
	benchOpen    = 20_000
	openVariable = "ALIQUOT_BENCH_OPEN"
)

// BenchmarkOpenOrders has one worker process look after many open orders, and another take them over: how much memory each has then, and
// how long it takes from the second one's start until an order has answered.
func BenchmarkOpenOrders(b *testing.B) {
	n := benchOpen
	if text := os.Getenv(openVariable); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(b, err)
	}
	for b.Loop() {
		s := newSystem(b, options{workers: noWorkers, unheard: true})
		binary := buildAliquot(b)
		first := s.startProcess(binary)
		idle := make(chan float64, 1)
		began := time.Now()
		ids := s.placeMany(b, n, func() { idle <- residentMB(b, first.pid()) })
		require.Eventually(b, func() bool { return s.listed(b) == int64(n) }, 10*time.Minute, 100*time.Millisecond)
		b.ReportMetric(float64(n)/time.Since(began).Seconds(), "orders/s")
		b.ReportMetric(<-idle, "first-MB")
		b.ReportMetric(residentMB(b, first.pid()), "all-MB")
		first.kill(b)

		began = time.Now()
		second := s.startProcess(binary)
		s.await(func() bool { return s.cancel(ids[n/2]).Status == http.StatusOK }, "the order does not answer")
		b.ReportMetric(time.Since(began).Seconds(), "takeover-s")
		b.ReportMetric(residentMB(b, second.pid()), "takeover-MB")
		b.ReportMetric(float64(n), "open")
	}
	b.ReportMetric(0, "ns/op")
}

// placeMany places orders that are due in some days, many at once. After the first, it tells.
func (s *system) placeMany(b *testing.B, n int, first func()) []string {
	b.Helper()
	ids := make([]string, n)
	place := func(i int) error {
		ids[i] = s.placeOrder(map[string]any{"activate_by": day(3)})
		return nil
	}
	require.NoError(b, place(0))
	require.Eventually(b, func() bool { return s.listed(b) == 1 }, patience, 50*time.Millisecond)
	first()
	for from := 1; from < n; from += benchOrders {
		inParallel(b, func(i int) error {
			if from+i >= n {
				return nil
			}
			return place(from + i)
		})
	}
	return ids
}

// listed is how many orders a worker has loaded, as their search attributes tell.
func (s *system) listed(b *testing.B) int64 {
	b.Helper()
	found, err := s.client.CountWorkflow(b.Context(), &workflowservice.CountWorkflowExecutionsRequest{
		Query: fmt.Sprintf(`WorkflowType = %q AND OrderStatus = "received.testkit.ordered"`, dispatch.WorkflowOrder),
	})
	require.NoError(b, err)
	return found.GetCount()
}

// residentMB is the resident memory of a process.
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
