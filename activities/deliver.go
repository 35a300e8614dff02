package activities

import (
	"cmp"
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/aliquot-labs/aliquot/dispatch"
)

// How a batch of deliveries runs.
const (
	batchLinger     = 2 * time.Second // looking for more once nothing is left
	batchHeartbeat  = 2 * time.Second
	batchMaxRunning = time.Minute // then a new activity, so that a busy endpoint moves between workers
	pollSoon        = 25 * time.Millisecond
	pollLate        = 400 * time.Millisecond
)

// DefaultConcurrency is how many deliveries to one endpoint are under way at once.
const DefaultConcurrency = 16

// Deliver posts what is due at one endpoint, and lingers for more before it returns with the time of the next due delivery: the
// linger is what makes a delivery cost no workflow of its own. Deliveries fail one by one, each on its own schedule.
//
// It waits in real time; a.Now says what is due and stamps the attempts.
func (a *Activities) Deliver(ctx context.Context, endpointID string) (dispatch.BatchResult, error) {
	endpoint, err := a.Store.Endpoint(ctx, endpointID)
	if unknown(err) {
		return dispatch.BatchResult{}, nil // it was removed, and what was to be delivered to it with it
	}
	if err != nil {
		return dispatch.BatchResult{}, a.fault(ctx, "delivering", "", err)
	}
	b := a.newBatch(endpoint)
	defer a.heartbeatWith(ctx, batchHeartbeat, b.progress)()
	if err := b.run(ctx); ctx.Err() != nil {
		return b.progress(), ctx.Err() // the worker stops, or the batch was taken for dead
	} else if err != nil {
		return b.progress(), a.fault(ctx, "delivering", "", err)
	}
	backlog, err := a.Store.Backlog(ctx, endpointID)
	if err != nil {
		return b.progress(), a.fault(ctx, "delivering", "", err)
	}
	out := b.progress()
	out.Next, out.Pending, out.FailingSince, out.Disabled = backlog.Next, backlog.Pending, backlog.FailingSince, backlog.Disabled
	return out, nil
}

// run feeds the batch until nothing has been due for a while, or it has to end.
func (b *batch) run(ctx context.Context) error {
	go b.record(ctx)
	bell, down := b.bells.hang(b.endpoint.ID)
	defer down()
	began := time.Now()
	quietSince, poll := began, pollSoon
	var err error
	for err == nil && !b.over() && !stopping(ctx) && time.Since(began) < batchMaxRunning {
		var handed int
		if handed, err = b.feed(ctx); err != nil {
			break
		}
		if handed > 0 || b.busy() {
			quietSince = time.Now()
		}
		if handed > 0 {
			poll = pollSoon
		}
		if b.after.MessageID != "" {
			continue // there was more than a page
		}
		if time.Since(quietSince) >= cmp.Or(b.Linger, batchLinger) {
			break
		}
		err = sleepUntil(ctx, bell, poll)
		poll = min(2*poll, pollLate)
	}
	return b.finish(ctx, err)
}

func stopping(ctx context.Context) bool {
	select {
	case <-activity.GetWorkerStopChannel(ctx):
		return true
	default:
		return false
	}
}

// sleepUntil sleeps, but not on when the bell rings.
func sleepUntil(ctx context.Context, bell <-chan struct{}, d time.Duration) error {
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
