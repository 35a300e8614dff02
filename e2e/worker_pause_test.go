package e2e

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/store/keyring"
)

// secondEncryptionKey is a key that a rotation puts in front of the system's.
const secondEncryptionKey = "k2:ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="

// takeoverLimit is how long the orders of a paused worker may take until another worker goes on with them.
const takeoverLimit = 30 * time.Second

// observedWorker is a worker process whose readiness and metrics a test reads.
type observedWorker struct {
	*process
	s  *system
	at string // address of its metrics
}

func (s *system) startObservedWorker(more ...string) *observedWorker {
	s.t.Helper()
	w := &observedWorker{s: s, at: freeAddress(s.t)}
	w.process = s.startProcess(buildAliquot(s.t), append(more, "ALIQUOT_METRICS="+w.at, "ALIQUOT_STOP_TIMEOUT=2s")...)
	w.awaitReady()
	return w
}

// get returns the status and the body of a page of the process; 0 while it does not answer.
func (w *observedWorker) get(path string) (status int, body string) {
	w.s.t.Helper()
	res, err := uncheckedClient.Get("http://" + w.at + path)
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(w.s.t, err)
	return res.StatusCode, string(text)
}

func (w *observedWorker) awaitReady() {
	w.s.t.Helper()
	w.s.await(func() bool { status, _ := w.get("/readyz"); return status == http.StatusOK }, "a worker is not ready")
}

func (w *observedWorker) awaitPaused(reason string) {
	w.s.t.Helper()
	w.s.await(func() bool {
		status, body := w.get("/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(body, fmt.Sprintf(`"reason":%q`, reason))
	}, "a worker is not paused by its %s", reason)
}

// requirePolling compares the metrics of the process: whether it polls its queues, and how often it was paused.
func (w *observedWorker) requirePolling(polls, pauses int, reason string) {
	w.s.t.Helper()
	_, metrics := w.get("/metrics")
	for _, queue := range dispatch.QueueNames() {
		require.Contains(w.s.t, metrics, fmt.Sprintf("aliquot_worker_polling{queue=%q} %d\n", queue, polls))
	}
	require.Contains(w.s.t, metrics, fmt.Sprintf("aliquot_worker_pauses_total{reason=%q} %d\n", reason, pauses))
}

// placeUntilTaken places orders until the worker has taken a workflow task of one of them, and returns all of them.
func (w *observedWorker) placeUntilTaken() (ids []string) {
	w.s.t.Helper()
	w.s.await(func() bool {
		ids = append(ids, w.s.placeOrder(nil))
		return slices.Contains(w.s.workersOfOrders(ids), w.pid())
	}, "the worker gets no work")
	return ids
}

// requireOthersWork waits until a paused worker is drained, and places orders. They have to get their requisitions
// without it.
func (w *observedWorker) requireOthersWork() (ids []string) {
	w.s.t.Helper()
	w.s.await(func() bool { return strings.Count(w.logs.String(), "Stopped Worker") == len(dispatch.QueueNames()) },
		"the queues of the worker are not drained")
	for range 8 {
		ids = append(ids, w.s.placeOrder(nil))
	}
	w.s.awaitAll(ids, 2)
	require.NotContains(w.s.t, w.s.workersOfOrders(ids), w.pid(), "a paused worker took a task")
	return ids
}

// TestAWorkerThatLosesItsDatabaseStopsPolling takes PostgreSQL away from one of two workers. Its orders go on at the
// other one, and it takes part again when the database is back.
func TestAWorkerThatLosesItsDatabaseStopsPolling(t *testing.T) {
	t.Parallel()
	for name, takeAway := range map[string]func(*tcpProxy){"cut": (*tcpProxy).cut, "stalled": (*tcpProxy).stall} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, options{postgres: true, workers: noWorkers})
			proxy, database := proxiedDatabase(t, s.dbURL)
			gray := s.startObservedWorker("ALIQUOT_DATABASE_URL="+database, "ALIQUOT_CHECK_INTERVAL=200ms")
			s.startObservedWorker()
			gray.requirePolling(1, 0, "database")
			before := gray.placeUntilTaken()
			s.awaitAll(before, 2)

			takeAway(proxy)
			began := time.Now()
			gray.awaitPaused("database")
			t.Logf("paused after %s", time.Since(began).Round(time.Millisecond))
			gray.requirePolling(0, 1, "database")
			created := gray.requireOthersWork()
			s.sendFactToAll(before, "kit_shipped")
			s.awaitAll(before, 3)
			t.Logf("its orders went on after %s", time.Since(began).Round(time.Millisecond))
			require.Less(t, time.Since(began), takeoverLimit)

			proxy.restore()
			gray.awaitReady()
			gray.requirePolling(1, 1, "database")
			s.awaitAll(gray.placeUntilTaken(), 2)
			s.sendFactToAll(created, "kit_shipped")
			s.awaitAll(created, 3)
			require.Equal(t, 1, strings.Count(gray.logs.String(), "the worker does not poll"))
			require.Equal(t, 1, strings.Count(gray.logs.String(), "the worker polls again"))
		})
	}
}

// TestAWorkerThatDoesNotCheckItsDatabaseKeepsPolling is the control: without the checks the worker takes tasks that it
// cannot do.
func TestAWorkerThatDoesNotCheckItsDatabaseKeepsPolling(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{postgres: true, workers: noWorkers})
	proxy, database := proxiedDatabase(t, s.dbURL)
	gray := s.startObservedWorker("ALIQUOT_DATABASE_URL="+database, "ALIQUOT_CHECK_INTERVAL=0s")
	s.startObservedWorker()

	proxy.cut()
	ids := gray.placeUntilTaken()
	gray.requirePolling(1, 0, "database")
	status, _ := gray.get("/readyz")
	require.Equal(t, http.StatusOK, status)
	proxy.restore()
	s.awaitAll(ids, 2)
}

// TestAWorkerWhoseKeysBecomeWrongStopsPolling starts a worker that seals with a key that the other one does not have.
// The other one stops polling, and polls again after the new key was rotated away.
func TestAWorkerWhoseKeysBecomeWrongStopsPolling(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{workers: noWorkers})
	gray := s.startObservedWorker("ALIQUOT_CHECK_INTERVAL=200ms")
	s.awaitAll(gray.placeUntilTaken(), 2)
	ahead := s.startObservedWorker("ALIQUOT_ENCRYPTION_KEYS=" + secondEncryptionKey + "," + encryptionKeys)
	gray.awaitPaused("keys")
	gray.requirePolling(0, 1, "keys")
	gray.requireOthersWork()

	ahead.kill(t)
	s.rotateEncryptionKeys(encryptionKeys, secondEncryptionKey)
	gray.awaitReady()
	gray.requirePolling(1, 1, "keys")
	s.awaitAll(gray.placeUntilTaken(), 2)
	require.NotContains(t, gray.logs.String(), secondEncryptionKey)
}

// rotateEncryptionKeys seals everything with the first of the keys.
func (s *system) rotateEncryptionKeys(keys ...string) {
	s.t.Helper()
	k, err := keyring.Parse(strings.Join(keys, ","))
	require.NoError(s.t, err)
	st, err := store.Open(s.t.Context(), store.Options{URL: s.dbURL, Keys: k})
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, st.Close()) }()
	_, err = st.RotateEncryptionKeys(s.t.Context(), func(store.ColumnRotation) {})
	require.NoError(s.t, err)
}

func TestAWorkerWithWrongKeysDoesNotStart(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{workers: noWorkers})
	require.NoError(t, s.store.CheckEncryptionKeys(t.Context()))
	for _, command := range []string{"worker", "api"} {
		p := s.startCommand(buildAliquot(t), command, "ALIQUOT_ENCRYPTION_KEYS="+secondEncryptionKey,
			"ALIQUOT_API_ADDR="+freeAddress(t))
		require.Error(t, p.cmd.Wait())
		require.Contains(t, p.logs.String(), "the encryption keys do not open what the database holds")
	}
}

// TestAPausedWorkerEndsQuickly shows that a worker process without its database ends after a SIGTERM.
func TestAPausedWorkerEndsQuickly(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{postgres: true, workers: noWorkers})
	proxy, database := proxiedDatabase(t, s.dbURL)
	w := s.startObservedWorker("ALIQUOT_DATABASE_URL="+database, "ALIQUOT_CHECK_INTERVAL=200ms")
	proxy.cut()
	w.awaitPaused("database")
	began := time.Now()
	require.NoError(t, w.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, w.cmd.Wait(), "%s", w.logs)
	require.Less(t, time.Since(began), 15*time.Second)
}
