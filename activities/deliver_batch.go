package activities

import (
	"cmp"
	"context"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// batchWakers wakes the batches of this process as soon as this process has recorded deliveries for their endpoints, so
// that they need not wait for their next poll. Deliveries that other processes record are found by polling.
type batchWakers struct {
	mu      sync.Mutex
	waiting map[string]chan struct{} // by endpoint; holds one wake-up
}

// register returns the channel that wakes a batch of the endpoint, and a function that removes it.
func (b *batchWakers) register(endpointID string) (woken <-chan struct{}, unregister func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting == nil {
		b.waiting = map[string]chan struct{}{}
	}
	wakeup := make(chan struct{}, 1)
	b.waiting[endpointID] = wakeup
	return wakeup, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.waiting[endpointID] == wakeup { // a batch that Temporal has replaced must not remove its successor's channel
			delete(b.waiting, endpointID)
		}
	}
}

// wake wakes the endpoint's batch, if it runs in this process.
func (b *batchWakers) wake(endpointID string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.waiting[endpointID] <- struct{}{}:
	default: // no batch waits, or one is woken already
	}
}

// The limits of a batch of deliveries.
const (
	batchLinger      = 2 * time.Second // how long it waits for more when none is due
	batchHeartbeat   = HeartbeatThrottle
	batchMaxDuration = time.Minute // then a new activity, so that a busy endpoint moves between workers
	minPollPause     = 25 * time.Millisecond
	maxPollPause     = 400 * time.Millisecond
)

// HeartbeatThrottle is the longest time for which a worker of deliveries may hold back a heartbeat. With the SDK's
// default, 0.8 of the heartbeat timeout, a stall of a fifth of the timeout would count as the worker's death.
const HeartbeatThrottle = 2 * time.Second

// DefaultConcurrency is how many deliveries to one endpoint run at once.
const DefaultConcurrency = 16

// Deliver makes the due deliveries of one endpoint, and returns the time of the next due one. It waits for Linger for
// more before it returns, so that most deliveries need no workflow run of their own. Deliveries fail one by one, each
// on its own schedule.
//
// Temporal can start a batch while an earlier one of the endpoint still runs, for example when its worker or the
// network stalls. So a batch posts only while it holds the endpoint's lease, and waits for the lease when another one
// holds it.
//
// It waits in real time. a.Now is the clock by which deliveries are due, and the time of the attempts.
func (a *Activities) Deliver(ctx context.Context, endpointID string) (dispatch.BatchResult, error) {
	if !order.IsID(endpointID) { // somebody has started the workflow by hand
		return dispatch.BatchResult{}, nil
	}
	endpoint, err := a.Store.Endpoint(ctx, endpointID)
	if isNotFound(err) {
		return dispatch.BatchResult{}, nil // the endpoint was removed, together with its deliveries
	}
	if err != nil {
		return dispatch.BatchResult{}, a.internalError(ctx, "delivering", "", err)
	}
	b := a.newBatch(endpoint)
	defer a.startProgressHeartbeat(ctx, batchHeartbeat, b.progress)()
	if err := b.run(ctx); ctx.Err() != nil {
		return b.progress(), ctx.Err() // the worker stops, or Temporal has replaced the activity
	} else if err != nil {
		return b.progress(), a.internalError(ctx, "delivering", "", err)
	}
	backlog, err := a.Store.EndpointBacklog(ctx, endpointID)
	if err != nil {
		return b.progress(), a.internalError(ctx, "delivering", "", err)
	}
	out := b.progress()
	out.NextDueAt, out.Pending, out.FailingSince, out.Disabled = backlog.NextAttemptAt, backlog.Pending,
		backlog.FailingSince, backlog.DisabledReason
	return out, nil
}

// run hands out due deliveries until none has been due for Linger, or the batch has to end.
func (b *batch) run(ctx context.Context) error {
	go b.runRecorder(ctx)
	defer b.lease.release(ctx)
	defer b.keepLease(ctx)()
	wakeup, unregister := b.batchWakers.register(b.endpoint.ID)
	defer unregister()
	began := time.Now()
	quietSince, poll := began, minPollPause
	var err error
	for err == nil && !b.isStopped() && !workerStopping(ctx) && time.Since(began) < batchMaxDuration {
		var handed int
		if handed, err = b.startDuePage(ctx); err != nil {
			break
		}
		if handed > 0 || b.hasUnrecorded() {
			quietSince = time.Now()
		}
		if handed > 0 {
			poll = minPollPause
		}
		if b.cursor.MessageID != "" {
			continue // there is another page
		}
		if time.Since(quietSince) >= cmp.Or(b.Linger, batchLinger) {
			break
		}
		err = sleepOrWake(ctx, wakeup, poll)
		poll = min(2*poll, maxPollPause)
	}
	return b.awaitRunningAttempts(ctx, err)
}

func workerStopping(ctx context.Context) bool {
	select {
	case <-activity.GetWorkerStopChannel(ctx):
		return true
	default:
		return false
	}
}

// sleepOrWake sleeps for d, or until wakeup.
func sleepOrWake(ctx context.Context, wakeup <-chan struct{}, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-wakeup:
	case <-t.C:
	}
	return nil
}
