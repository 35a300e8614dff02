package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store"
)

// waitLimit is how long a test waits for what takes milliseconds.
const waitLimit = 20 * time.Second

// fakeStore is a store whose checks end as the test wants.
type fakeStore struct {
	mu       sync.Mutex
	database error
	keys     error
	schema   error
	room     error
	hangs    bool // until the caller gives up
	checks   int
}

func (s *fakeStore) set(change func(*fakeStore)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *fakeStore) CheckWritable(ctx context.Context) error {
	s.mu.Lock()
	hangs, err := s.hangs, s.database
	s.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

func (s *fakeStore) CheckEncryptionKeys(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys
}

func (s *fakeStore) CheckSchema(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.checks++
	return s.schema
}

func (s *fakeStore) CheckRoom(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.room
}

func (s *fakeStore) checked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.checks
}

// fakeQueues records what happens to the workers of queues.
type fakeQueues struct {
	mu       sync.Mutex
	refusing string // the queue whose workers do not start
	log      []string
}

type fakeQueueWorker struct {
	queues *fakeQueues
	queue  string
	stops  int
}

func (f *fakeQueues) make(queue string) queueWorker { return &fakeQueueWorker{queues: f, queue: queue} }

func (w *fakeQueueWorker) Start() error {
	w.queues.mu.Lock()
	defer w.queues.mu.Unlock()
	if w.queues.refusing == w.queue {
		return errors.New("no such namespace")
	}
	if w.stops > 0 {
		panic("a worker that was stopped cannot start")
	}
	w.queues.log = append(w.queues.log, "start "+w.queue)
	return nil
}

func (w *fakeQueueWorker) Stop() {
	w.queues.mu.Lock()
	defer w.queues.mu.Unlock()
	w.stops++
	w.queues.log = append(w.queues.log, "stop "+w.queue)
}

// count returns how often something has happened, such as "start a".
func (f *fakeQueues) count(what string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Count(strings.Join(f.log, "\n")+"\n", what+"\n")
}

func (f *fakeQueues) refuse(queue string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refusing = queue
}

// lockedLog is a log that may be written and read at the same time.
type lockedLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lockedLog) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *lockedLog) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

// fixture is a worker of two queues over a fake store.
type fixture struct {
	t       *testing.T
	worker  *Worker
	store   *fakeStore
	queues  *fakeQueues
	metrics *prometheus.Registry
	log     *lockedLog
}

func startFixture(t *testing.T, interval time.Duration) *fixture {
	t.Helper()
	f := &fixture{t: t, store: &fakeStore{}, queues: &fakeQueues{}, metrics: prometheus.NewRegistry(), log: &lockedLog{}}
	f.worker = newWorker(Options{Queues: []string{"a", "b"}, CheckInterval: interval, MetricsRegistry: f.metrics,
		Logger: slog.New(slog.NewTextHandler(f.log, nil))}, f.queues.make, newStoreChecks(f.store))
	require.NoError(t, f.worker.Start())
	t.Cleanup(f.worker.Stop)
	return f
}

func (f *fixture) await(reason PauseReason) {
	f.t.Helper()
	require.Eventually(f.t, func() bool { return f.worker.PausedBy() == reason }, waitLimit, time.Millisecond)
}

// awaitChecks waits until the store was checked twice more.
func (f *fixture) awaitChecks() {
	f.t.Helper()
	before := f.store.checked()
	require.Eventually(f.t, func() bool { return f.store.checked() >= before+2 }, waitLimit, time.Millisecond)
}

// requireMetrics requires whether the worker polls, and that it has paused once for a reason; NotPaused: never.
func (f *fixture) requireMetrics(polling int, pausedBy PauseReason) {
	f.t.Helper()
	once := func(reason PauseReason) int {
		if reason == pausedBy {
			return 1
		}
		return 0
	}
	want := fmt.Sprintf(`
# HELP aliquot_worker_pauses_total How often this worker has stopped polling because its store failed, by what failed.
# TYPE aliquot_worker_pauses_total counter
aliquot_worker_pauses_total{reason="database"} %[2]d
aliquot_worker_pauses_total{reason="disk_full"} %[3]d
aliquot_worker_pauses_total{reason="keys"} %[4]d
aliquot_worker_pauses_total{reason="migration_missing"} %[5]d
# HELP aliquot_worker_polling 1 when this worker asks Temporal for the tasks of a queue, 0 while it is paused or stops.
# TYPE aliquot_worker_polling gauge
aliquot_worker_polling{queue="a"} %[1]d
aliquot_worker_polling{queue="b"} %[1]d
`, polling, once(PausedByDatabase), once(PausedByDisk), once(PausedByKeys), once(PausedBySchema))
	require.NoError(f.t, testutil.GatherAndCompare(f.metrics, strings.NewReader(want)))
}

func TestAWorkerPollsOnlyWhileItsStoreCanBeUsed(t *testing.T) {
	t.Parallel()
	for reason, fail := range map[PauseReason]func(*fakeStore){
		PausedByDatabase: func(s *fakeStore) { s.database = errors.New("connection refused") },
		PausedByKeys:     func(s *fakeStore) { s.keys = fmt.Errorf("%w: no key k2", store.ErrWrongKeys) },
		PausedBySchema:   func(s *fakeStore) { s.schema = fmt.Errorf("%w (00002)", store.ErrOldSchema) },
		PausedByDisk:     func(s *fakeStore) { s.room = store.ErrDiskFull },
	} {
		t.Run(string(reason), func(t *testing.T) {
			t.Parallel()
			f := startFixture(t, time.Millisecond)
			f.awaitChecks()
			f.requireMetrics(1, NotPaused)

			f.store.set(fail)
			f.await(reason)
			require.Eventually(t, func() bool { return f.queues.count("stop a") == 1 && f.queues.count("stop b") == 1 },
				waitLimit, time.Millisecond)
			f.awaitChecks()
			require.Equal(t, 1, f.queues.count("start a"), "it does not poll while the store fails")
			f.requireMetrics(0, reason)

			f.store.set(func(s *fakeStore) { s.database, s.keys, s.schema, s.room = nil, nil, nil, nil })
			f.await(NotPaused)
			f.awaitChecks()
			require.Equal(t, 2, f.queues.count("start a"))
			require.Equal(t, 2, f.queues.count("start b"))
			require.Equal(t, 1, f.log.count("does not poll"))
			require.Equal(t, 1, f.log.count("polls again"))

			f.worker.Stop()
			require.Equal(t, 2, f.queues.count("stop a"))
			f.worker.Stop()
			require.Equal(t, 2, f.queues.count("stop a"), "it is stopped once")
		})
	}
}

// TestAWorkerWithoutChecksKeepsPolling is the control: it is the checks that stop the polling.
func TestAWorkerWithoutChecksKeepsPolling(t *testing.T) {
	t.Parallel()
	checked, unchecked := startFixture(t, time.Millisecond), startFixture(t, 0)
	for _, f := range []*fixture{checked, unchecked} {
		f.store.set(func(s *fakeStore) { s.database = errors.New("connection refused") })
	}
	checked.await(PausedByDatabase)
	require.Equal(t, NotPaused, unchecked.worker.PausedBy())
	require.Zero(t, unchecked.queues.count("stop a"))
	unchecked.requireMetrics(1, NotPaused)
}

func TestOneFailedCheckDoesNotPause(t *testing.T) {
	t.Parallel()
	s := &fakeStore{}
	c := newStoreChecks(s)
	check := func() PauseReason {
		reason, err := c.run(t.Context())
		require.Equal(t, reason == NotPaused, err == nil)
		return reason
	}
	fail := func(err error) { s.set(func(s *fakeStore) { s.database = err }) }
	for range 3 {
		fail(errors.New("all connections are in use"))
		require.Equal(t, NotPaused, check())
		fail(nil)
		require.Equal(t, NotPaused, check())
	}
	fail(errors.New("connection refused"))
	require.Equal(t, NotPaused, check())
	require.Equal(t, PausedByDatabase, check())
	require.Equal(t, PausedByDatabase, check())
	fail(nil)
	require.Equal(t, NotPaused, check(), "one success is enough")
}

func TestAWorkerThatTemporalDoesNotLetStartTriesAgain(t *testing.T) {
	t.Parallel()
	f := startFixture(t, time.Millisecond)
	f.store.set(func(s *fakeStore) { s.database = errors.New("connection refused") })
	f.await(PausedByDatabase)
	f.queues.refuse("b")
	f.store.set(func(s *fakeStore) { s.database = nil })
	f.await(PausedByNoRestart)
	f.awaitChecks()
	f.requireMetrics(0, PausedByDatabase)
	f.queues.refuse("")
	f.await(NotPaused)
	f.worker.Stop()
	require.Equal(t, f.queues.count("start a"), f.queues.count("stop a"), "no worker of a failed start is left")
}

func TestAWorkerThatCannotStartStopsWhatItStarted(t *testing.T) {
	t.Parallel()
	queues := &fakeQueues{refusing: "b"}
	w := newWorker(Options{Queues: []string{"a", "b"}, MetricsRegistry: prometheus.NewRegistry()}, queues.make, nil)
	require.ErrorContains(t, w.Start(), "starting to poll b: no such namespace")
	require.Equal(t, 1, queues.count("stop a"))
	w.Stop()
	require.Equal(t, 1, queues.count("stop a"))
}

// A process that gets SIGTERM does not wait for a database that does not answer.
func TestAPausedWorkerStopsAtOnce(t *testing.T) {
	t.Parallel()
	f := startFixture(t, time.Millisecond)
	f.store.set(func(s *fakeStore) { s.database = errors.New("connection refused") })
	f.await(PausedByDatabase)
	f.store.set(func(s *fakeStore) { s.hangs = true })
	before := f.store.checked()
	require.Eventually(t, func() bool { return f.store.checked() > before }, waitLimit, time.Millisecond)
	began := time.Now()
	f.worker.Stop()
	require.Less(t, time.Since(began), checkTimeout/2)
	require.Equal(t, 1, f.queues.count("stop a"))
}
