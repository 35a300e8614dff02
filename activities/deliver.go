package activities

import (
	"context"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/dispatch"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// How a batch of deliveries runs.
const (
	batchSize       = 64
	batchPosts      = 8 // at once to one endpoint
	batchLinger     = 2 * time.Second
	batchPoll       = 50 * time.Millisecond
	batchHeartbeat  = 2 * time.Second
	batchMaxRunning = time.Minute // then a new activity, so that a busy endpoint moves between workers
)

// Deliver posts what is due at one endpoint, and lingers for more before it returns with the time of the next due delivery: the
// linger is what makes a delivery cost no workflow of its own. Deliveries fail one by one, each on its own schedule.
func (a *Activities) Deliver(ctx context.Context, endpointID string) (dispatch.BatchResult, error) {
	defer a.heartbeat(ctx, batchHeartbeat)()
	var out dispatch.BatchResult
	began := a.Now()
	until := began.Add(batchLinger)
	for {
		endpoint, err := a.Store.Endpoint(ctx, endpointID)
		if err != nil {
			return out, a.fault(ctx, "delivering", "", err)
		}
		due, next, err := a.Store.DueDeliveries(ctx, endpointID, a.Now(), atOnce(endpoint))
		if err != nil {
			return out, a.fault(ctx, "delivering", "", err)
		}
		now := a.Now()
		switch {
		case len(due) == 0 && (endpoint.Disabled || !now.Before(until)):
			out.Next = next
			return out, nil
		case stopping(ctx) || now.Sub(began) > batchMaxRunning:
			out.Next = now
			return out, nil
		case len(due) == 0:
			if err := sleep(ctx, batchPoll); err != nil {
				return out, err
			}
			continue
		}
		if err := a.post(ctx, endpoint, due, &out); err != nil {
			return out, a.fault(ctx, "recording deliveries", "", err)
		}
		if err := sleep(ctx, now.Add(breather(endpoint, len(due))).Sub(a.Now())); err != nil {
			return out, err
		}
		until = a.Now().Add(batchLinger)
	}
}

// atOnce is how many deliveries are taken together: no more than the endpoint wants in a second.
func atOnce(e store.Endpoint) int {
	if e.RateLimit > 0 {
		return min(batchSize, e.RateLimit)
	}
	return batchSize
}

// breather is the time that n messages fill at an endpoint with a rate limit. One batch at a time runs for an endpoint, so nobody
// else uses it up.
func breather(e store.Endpoint, n int) time.Duration {
	if e.RateLimit <= 0 {
		return 0
	}
	return time.Duration(n) * time.Second / time.Duration(e.RateLimit)
}

func stopping(ctx context.Context) bool {
	select {
	case <-activity.GetWorkerStopChannel(ctx):
		return true
	default:
		return false
	}
}

// post makes one attempt at each delivery, several at once.
func (a *Activities) post(ctx context.Context, e store.Endpoint, due []store.DueDelivery, out *dispatch.BatchResult) error {
	var delivered, failed atomic.Int64
	g, groupCtx := errgroup.WithContext(ctx)
	g.SetLimit(batchPosts)
	for _, d := range due {
		g.Go(func() error {
			ok, err := a.attempt(groupCtx, e, d)
			if ok {
				delivered.Add(1)
			} else {
				failed.Add(1)
			}
			return err
		})
	}
	err := g.Wait()
	out.Delivered += int(delivered.Load())
	out.Failed += int(failed.Load())
	return err
}

// attempt posts one message and records what came of it. An attempt whose record is lost is made again with the same message id.
func (a *Activities) attempt(ctx context.Context, e store.Endpoint, d store.DueDelivery) (bool, error) {
	at := a.Now()
	secrets := []string{e.Secret}
	if e.PreviousSecret != "" && at.Before(e.PreviousUntil) {
		secrets = append(secrets, e.PreviousSecret)
	}
	o := a.Sender.Post(ctx, webhooks.Attempt{URL: e.URL, MessageID: d.MessageID, Body: d.Body, Secrets: secrets, Headers: e.Headers})
	if o.Failure == webhooks.FailureCancelled {
		return false, nil // we stopped, not the receiver
	}
	a.Metrics.attempted(o)
	row := store.AttemptRow{
		MessageID: d.MessageID, EndpointID: d.EndpointID, Number: d.Attempts + 1, At: at, Duration: o.Duration,
		StatusCode: o.StatusCode, Failure: string(o.Failure), Excerpt: o.Excerpt, Delivered: o.Delivered,
	}
	if !o.Delivered && !o.Gone {
		row.Next, _ = webhooks.NextAttempt(row.Number, at.Add(o.Duration), o.RetryAfter, nil)
	}
	if err := a.Store.RecordAttempt(context.WithoutCancel(ctx), row); err != nil {
		return o.Delivered, err
	}
	if o.Gone {
		return false, a.Store.SetEndpointDisabled(ctx, e.ID, true, "gone")
	}
	return o.Delivered, nil
}
