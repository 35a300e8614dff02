package e2e

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/store"
)

const (
	// grayOrders is the number of orders that a healthy and a gray worker share.
	grayOrders = 40
	// grayPatience is how long the orders may take to apply one fact while every other task goes to the gray worker.
	grayPatience = 30 * time.Second
	// grayEvents bounds an order's history events after its placement and two facts. Without a fault there are about 30.
	// A recording that the gray worker could not make adds a few.
	grayEvents = 90
)

// wrongKeys has the id of the system's encryption key, and other bytes.
const wrongKeys = "k1:ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="

// TestAWorkerWithoutItsStoreHoldsNoOrders has two workers, and cuts one of them off its database while it has 40 orders
// under way. It still polls Temporal. All orders go on, and their histories stay short.
func TestAWorkerWithoutItsStoreHoldsNoOrders(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{postgres: true})
	proxy, behind := proxiedDatabase(t, s.dbURL)
	s.startWorkerOver(s.openGrayStore(behind, encryptionKeys))
	ids := s.placeMany(grayOrders)

	proxy.cut()
	s.requireAllMove(ids)
	proxy.restore() // so that the worker can stop
}

// TestAWorkerWithWrongKeysHoldsNoOrders does the same with a worker that reaches its database and cannot open what is
// sealed in it. All orders change to two new workers, one of which has the wrong keys.
func TestAWorkerWithWrongKeysHoldsNoOrders(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{postgres: true})
	ids := s.placeMany(grayOrders)

	s.startWorkerOver(s.openGrayStore(s.dbURL, wrongKeys))
	s.startWorker()
	s.workers[0].Stop()
	s.requireAllMove(ids)
}

// TestAnOrderWaitsWithoutHistoryEvents has a single worker, which loses its database. Its orders wait, which is the
// control of the tests above: the cut works. Their histories do not grow while they wait, and all orders go on when the
// database is back.
func TestAnOrderWaitsWithoutHistoryEvents(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{postgres: true, workers: noWorkers})
	proxy, behind := proxiedDatabase(t, s.dbURL)
	s.startWorkerOver(s.openGrayStore(behind, encryptionKeys))
	ids := s.placeMany(4)

	proxy.cut()
	s.sendFactToAll(ids, "kit_shipped")
	const settling, waiting = 12 * time.Second, 25 * time.Second
	require.Never(t, func() bool { return s.anyReaches(ids, 3) }, settling, time.Second, "the store was reached")
	before := s.historyLengths(ids)
	require.Never(t, func() bool { return s.anyReaches(ids, 3) }, waiting, time.Second, "the store was reached")
	for id, events := range s.historyLengths(ids) {
		require.LessOrEqual(t, events, before[id]+1, "order %s: its history grows while the store is away", id)
	}
	proxy.restore()
	s.awaitAll(ids, 3)
}

// openGrayStore opens the store of a gray worker. It may be cut off when it is closed.
func (s *system) openGrayStore(url, keys string) *store.Store {
	s.t.Helper()
	st, err := openStoreWith(url, keys)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = st.Close() })
	return st
}

// placeMany creates orders, several at once, and waits until the lab has them all.
func (s *system) placeMany(n int) []string {
	s.t.Helper()
	ids := make([]string, n)
	eightAtOnce(n, func(i int) { ids[i] = s.placeOrder(nil) })
	s.awaitAll(ids, 2)
	return ids
}

// eightAtOnce calls do with the numbers from 0 to n-1, eight at once.
func eightAtOnce(n int, do func(int)) {
	limit := make(chan struct{}, 8)
	var all sync.WaitGroup
	for i := range n {
		limit <- struct{}{}
		all.Go(func() { do(i); <-limit })
	}
	all.Wait()
}

// requireAllMove sends two facts about each order, and requires that all orders apply each of them in time.
func (s *system) requireAllMove(ids []string) {
	s.t.Helper()
	for i, kind := range []string{"kit_shipped", "kit_received"} {
		began, sequence := time.Now(), int64(3+i)
		s.sendFactToAll(ids, kind)
		require.Eventually(s.t, func() bool { return len(s.ordersBefore(ids, sequence)) == 0 }, grayPatience, time.Second,
			"orders that have not applied %s: %s", kind,
			lazily(func() string { return fmt.Sprint(len(s.ordersBefore(ids, sequence)), " of ", len(ids)) }))
		s.t.Logf("%s: %d orders in %s", kind, len(ids), time.Since(began).Round(time.Millisecond))
	}
	most := 0
	for _, events := range s.historyLengths(ids) {
		most = max(most, events)
	}
	s.t.Logf("the longest history has %d events", most)
	require.LessOrEqual(s.t, most, grayEvents)
}

// lazily is a text that is made when it is printed.
type lazily func() string

func (l lazily) String() string { return l() }

// ordersBefore lists the orders that have not had so many events.
func (s *system) ordersBefore(ids []string, sequence int64) (behind []string) {
	s.t.Helper()
	for _, id := range ids {
		if s.storedOrder(id).State.Sequence < sequence {
			behind = append(behind, id)
		}
	}
	return behind
}

func (s *system) anyReaches(ids []string, sequence int64) bool {
	s.t.Helper()
	return len(s.ordersBefore(ids, sequence)) < len(ids)
}

// historyLengths returns the number of history events of the newest run of each order.
func (s *system) historyLengths(ids []string) map[string]int {
	s.t.Helper()
	lengths := map[string]int{}
	for _, id := range ids {
		lengths[id] = historyLength(s.t, s.client, id)
	}
	return lengths
}

func historyLength(t testing.TB, c client.Client, id string) int {
	t.Helper()
	d, err := c.DescribeWorkflowExecution(t.Context(), dispatch.OrderWorkflowID(id), "")
	require.NoError(t, err)
	return int(d.GetWorkflowExecutionInfo().GetHistoryLength())
}
