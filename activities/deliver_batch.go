package activities

import (
	"cmp"
	"context"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// batchWakers ring for the batches of this process as soon as this process has recorded something for their endpoints, so that they need not
// look for it. What other processes record they find when they look.
type batchWakers struct {
	mu      sync.Mutex
	waiting map[string]chan struct{} // by endpoint; holds one ring
}

// register gives a batch the bell of its endpoint, and what takes it down.
func (b *batchWakers) register(endpointID string) (bell <-chan struct{}, unregister func()) {
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
		if b.waiting[endpointID] == wakeup { // a batch that was taken for dead must not take its successor's
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
	default: // nobody waits, or it rings already
	}
}

// How a batch of deliveries runs.
const (
	batchLinger      = 2 * time.Second // looking for more once nothing is left
	batchHeartbeat   = 2 * time.Second
	batchMaxDuration = time.Minute // then a new activity, so that a busy endpoint moves between workers
	minPollPause     = 25 * time.Millisecond
	maxPollPause     = 400 * time.Millisecond
)

// DefaultConcurrency is how many deliveries to one endpoint are under way at once.
const DefaultConcurrency = 16

// Deliver posts what is due at one endpoint, and lingers for more before it returns with the time of the next due delivery: the
// linger is what makes a delivery cost no workflow of its own. Deliveries fail one by one, each on its own schedule.
//
// It waits in real time; a.Now says what is due and stamps the attempts.
func (a *Activities) Deliver(ctx context.Context, endpointID string) (dispatch.BatchResult, error) {
	endpoint, err := a.Store.Endpoint(ctx, endpointID)
	if isNotFound(err) {
		return dispatch.BatchResult{}, nil // it was removed, and what was to be delivered to it with it
	}
	if err != nil {
		return dispatch.BatchResult{}, a.internalError(ctx, "delivering", "", err)
	}
	b := a.newBatch(endpoint)
	defer a.startProgressHeartbeat(ctx, batchHeartbeat, b.progress)()
	if err := b.run(ctx); ctx.Err() != nil {
		return b.progress(), ctx.Err() // the worker stops, or the batch was taken for dead
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

// run feeds the batch until nothing has been due for a while, or it has to end.
func (b *batch) run(ctx context.Context) error {
	go b.runRecorder(ctx)
	wakeup, unregister := b.batchWakers.register(b.endpoint.ID)
	defer unregister()
	began := time.Now()
	quietSince, poll := began, minPollPause
	var err error
	for err == nil && !b.stopped() && !workerStopping(ctx) && time.Since(began) < batchMaxDuration {
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
			continue // there was more than a page
		}
		if time.Since(quietSince) >= cmp.Or(b.Linger, batchLinger) {
			break
		}
		err = sleepOrWake(ctx, wakeup, poll)
		poll = min(2*poll, maxPollPause)
	}
	return b.drain(ctx, err)
}

func workerStopping(ctx context.Context) bool {
	select {
	case <-activity.GetWorkerStopChannel(ctx):
		return true
	default:
		return false
	}
}

// sleepOrWake sleeps, but not on when the bell rings.
func sleepOrWake(ctx context.Context, bell <-chan struct{}, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-bell:
	case <-t.C:
	}
	return nil
}
