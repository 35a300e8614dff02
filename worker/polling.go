package worker

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// queueWorker polls one task queue. The SDK's worker implements it. It cannot be started again after Stop.
type queueWorker interface {
	Start() error
	Stop()
}

// Worker serves Aliquot's task queues. It stops polling while the store or its keys fail, because tasks that it took
// then would wait here although other workers can do them.
type Worker struct {
	queueNames     []string
	newQueueWorker func(queue string) queueWorker
	checks         *storeChecks
	checkInterval  time.Duration // 0: no checks
	metrics        *pollingMetrics
	log            *slog.Logger
	// awaitBackground waits for what ended activities have left running.
	awaitBackground func()

	running    []queueWorker // empty while the worker does not poll. Only one goroutine at a time uses it.
	pausedBy   atomic.Value  // PauseReason
	stopChecks context.CancelFunc
	checking   sync.WaitGroup
	stopOnce   sync.Once
}

func newWorker(o Options, newQueueWorker func(string) queueWorker, checks *storeChecks) *Worker {
	w := &Worker{
		queueNames: o.Queues, newQueueWorker: newQueueWorker, checks: checks, checkInterval: o.CheckInterval,
		metrics: newPollingMetrics(o.MetricsRegistry, o.Queues), log: o.Logger, stopChecks: func() {},
		awaitBackground: func() {},
	}
	w.pausedBy.Store(NotPaused)
	return w
}

// PausedBy returns why the worker does not poll at present, or NotPaused.
func (w *Worker) PausedBy() PauseReason {
	reason, _ := w.pausedBy.Load().(PauseReason)
	return reason
}

// Start starts polling, and the checks of the store. If a queue cannot be served, it stops the queues that were started
// and returns the error.
func (w *Worker) Start() error {
	if err := w.startPolling(); err != nil {
		return err
	}
	if w.checkInterval == 0 {
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.stopChecks = cancel
	w.checking.Go(func() { w.watchStore(ctx) })
	return nil
}

// Stop stops polling of all queues at once, and lets running activities finish within StopTimeout. Calls that
// wait for their turn are given up, and another worker makes them. A paused worker has nothing to finish. Further calls
// wait for the first.
func (w *Worker) Stop() {
	w.stopOnce.Do(func() {
		w.stopChecks()
		w.checking.Wait()
		w.stopPolling()
	})
}

func (w *Worker) startPolling() error {
	for _, queue := range w.queueNames {
		q := w.newQueueWorker(queue)
		if err := q.Start(); err != nil {
			stopAll(append(w.running, q))
			w.running = nil
			return fmt.Errorf("starting to poll %s: %w", queue, err)
		}
		w.running = append(w.running, q)
	}
	w.metrics.setPolling(w.queueNames, true)
	return nil
}

// stopPolling returns when all queues are drained: the SDK shares its cache of runs between the workers of a process,
// and a run that stays in it would give its local activities to a worker that has stopped.
func (w *Worker) stopPolling() {
	w.metrics.setPolling(w.queueNames, false)
	stopAll(w.running)
	w.running = nil
	w.awaitBackground()
}

func stopAll(workers []queueWorker) {
	var stopping sync.WaitGroup
	for _, q := range workers {
		stopping.Go(q.Stop)
	}
	stopping.Wait()
}
