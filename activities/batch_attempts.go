package activities

import (
	"cmp"
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/tracing"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/webhooks"
)

const (
	duePageSize   = 256         // deliveries per read
	duePageMaxAge = time.Second // after this time a page is read again, because the endpoint may have been disabled

	// After cautiousAfter failed attempts in a row an endpoint gets at most cautiousRate attempts per second, until one
	// succeeds. Otherwise a long backlog of fast refusals would delay the deliveries to other endpoints.
	cautiousAfter = 20
	cautiousRate  = 20 // attempts per second
)

// batch makes the deliveries of one endpoint. One goroutine reads due deliveries and hands them out, one goroutine per
// delivery posts it, and one goroutine records the attempts, many per transaction.
type batch struct {
	*Activities
	endpoint      store.Endpoint
	lease         *batchLease
	attemptSlots  chan struct{}         // one for each delivery that may run at once
	attempts      chan store.AttemptRow // attempts to be recorded
	posting       sync.WaitGroup
	recorderDone  chan struct{} // closed when the recorder has ended
	cursor        store.DueDelivery
	nextAttemptAt time.Time // when the endpoint's rate limit allows the next attempt

	mu                sync.Mutex
	inFlight          map[string]bool // ids of the messages that are handed out
	recordedIDs       []string        // ids of those that are recorded
	failureStreak     int             // failures since the last success
	delivered, failed int
	stopped           bool  // the endpoint is disabled or removed, or another batch has taken the lease
	err               error // of the recorder or of the lease; the batch ends after it
}

func (a *Activities) newBatch(e store.Endpoint) *batch {
	b := &batch{
		Activities: a, endpoint: e, lease: newBatchLease(a, e.ID),
		attemptSlots: make(chan struct{}, cmp.Or(a.Concurrency, DefaultConcurrency)),
		attempts:     make(chan store.AttemptRow, recordBatchSize),
		recorderDone: make(chan struct{}), inFlight: map[string]bool{},
	}
	if !e.FailingSince.IsZero() {
		b.failureStreak = cautiousAfter
	}
	return b
}

// startDuePage reads one page of due deliveries and hands them out. It returns how many it has handed out.
func (b *batch) startDuePage(ctx context.Context) (handed int, err error) {
	page, err := b.readDuePage(ctx)
	if err != nil {
		return 0, err
	}
	if len(page) > 0 && !b.ignoresLeases && !b.lease.isTaken() {
		if taken, err := b.acquireLease(ctx); err != nil || !taken {
			return 0, err
		}
		if page, err = b.readDuePage(ctx); err != nil { // the batch that had the lease may have delivered them
			return 0, err
		}
	}
	return b.startAttempts(ctx, page)
}

func (b *batch) readDuePage(ctx context.Context) ([]store.DueDelivery, error) {
	b.forgetRecorded()
	return b.Store.DueDeliveries(ctx, store.DueQuery{EndpointID: b.endpoint.ID, Now: b.Now(), After: b.cursor,
		Limit: duePageSize})
}

// startAttempts hands out the deliveries of a page. It returns how many it has handed out.
func (b *batch) startAttempts(ctx context.Context, page []store.DueDelivery) (handed int, err error) {
	read, from := time.Now(), b.cursor
	b.cursor = store.DueDelivery{}
	for _, d := range page {
		if b.isInFlight(d.MessageID) {
			continue
		}
		if time.Since(read) > duePageMaxAge {
			b.cursor = from
			return handed, nil
		}
		if err := b.refreshEndpoint(ctx, d); err != nil {
			return handed, err
		}
		if !b.acquireSlot(ctx) {
			return handed, ctx.Err()
		}
		b.startAttempt(ctx, d)
		handed++
		from = d
	}
	if len(page) == duePageSize {
		b.cursor = page[len(page)-1]
	}
	return handed, nil
}

// refreshEndpoint reads the endpoint again if it has changed since.
func (b *batch) refreshEndpoint(ctx context.Context, d store.DueDelivery) error {
	if d.ChangedAt.Equal(b.endpoint.UpdatedAt) {
		return nil
	}
	e, err := b.Store.Endpoint(ctx, b.endpoint.ID)
	if isNotFound(err) {
		b.stop(nil)
		return nil
	}
	if err == nil {
		b.endpoint = e
	}
	return err
}

// acquireSlot waits for the endpoint's rate limit and for a free slot, and takes the slot. It returns false if the
// batch has to end first.
func (b *batch) acquireSlot(ctx context.Context) bool {
	if rate := b.effectiveRate(); rate > 0 {
		if sleep(ctx, time.Until(b.nextAttemptAt)) != nil {
			return false
		}
		b.nextAttemptAt = time.Now().Add(time.Second / time.Duration(rate))
	}
	if b.isStopped() || workerStopping(ctx) {
		return false
	}
	select {
	case b.attemptSlots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// effectiveRate is the limit of attempts per second; 0: no limit.
func (b *batch) effectiveRate() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	limit := b.endpoint.RateLimit
	if b.failureStreak >= cautiousAfter && (limit == 0 || limit > cautiousRate) {
		return cautiousRate
	}
	return limit
}

// startAttempt starts a goroutine that makes one attempt in the slot taken for it.
func (b *batch) startAttempt(ctx context.Context, d store.DueDelivery) {
	b.mu.Lock()
	b.inFlight[d.MessageID] = true
	b.mu.Unlock()
	e := b.endpoint
	b.posting.Add(1)
	go func() {
		defer b.posting.Done()
		row, ok := b.postAttempt(ctx, e, d)
		if ok {
			b.attempts <- row
		}
		<-b.attemptSlots
	}()
}

// postAttempt posts one message, counts the attempt and returns its row. It returns false if the batch may not post, or
// if our side cancelled the attempt, which says nothing about the receiver. An attempt whose row is lost is repeated
// with the same message id.
func (b *batch) postAttempt(ctx context.Context, e store.Endpoint, d store.DueDelivery) (store.AttemptRow, bool) {
	if !b.mayPost(ctx) {
		return store.AttemptRow{}, false
	}
	ctx, end := postingContext(ctx)
	defer end()
	at := b.Now()
	secrets := []string{e.Secret}
	if e.PreviousSecret != "" && at.Before(e.PreviousUntil) {
		secrets = append(secrets, e.PreviousSecret)
	}
	posting, span := tracing.StartCallUnder(ctx, d.Trace, "deliver webhook", attribute.String("endpoint_id", e.ID),
		attribute.String("message_id", d.MessageID), attribute.String("event_type", d.EventType),
		attribute.Int("attempt", d.Attempts+1))
	o := b.Sender.Post(posting, webhooks.Attempt{URL: e.URL, MessageID: d.MessageID, Body: d.Body, Secrets: secrets,
		Headers: e.Headers})
	span.SetAttributes(attribute.Int("http.response.status_code", o.StatusCode))
	tracing.EndSpan(span, string(o.Failure))
	if o.Failure == webhooks.FailureCancelled {
		return store.AttemptRow{}, false
	}
	b.Metrics.countAttempt(o, at.Sub(d.DueAt))
	b.countResult(o.Delivered)
	row := store.AttemptRow{
		MessageID: d.MessageID, Round: d.Round, Number: d.Attempts + 1, At: at, Duration: o.Duration,
		StatusCode: o.StatusCode, Failure: string(o.Failure), Excerpt: o.Excerpt, Delivered: o.Delivered, Gone: o.Gone,
	}
	if !o.Delivered && !o.Gone {
		row.NextAt, _ = webhooks.NextAttemptTime(row.Number, at.Add(o.Duration), o.RetryAfter, nil)
	}
	return row, true
}

func (b *batch) countResult(delivered bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if delivered {
		b.failureStreak = 0
		b.delivered++
		return
	}
	b.failureStreak++
	b.failed++
}

// forgetRecorded removes recorded messages from inFlight. It is called before a page is read: what is recorded during
// the read may still be on the page.
func (b *batch) forgetRecorded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range b.recordedIDs {
		delete(b.inFlight, id)
	}
	b.recordedIDs = nil
}

func (b *batch) isInFlight(messageID string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.inFlight[messageID]
}

func (b *batch) hasUnrecorded() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.inFlight) > len(b.recordedIDs)
}

// isStopped reports whether the batch hands out nothing more.
func (b *batch) isStopped() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stopped
}

// stop lets the batch hand out nothing more, because of an error or for another reason. It reports whether the batch
// was going on.
func (b *batch) stop(err error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	first := !b.stopped && b.err == nil
	b.stopped = true
	if b.err == nil {
		b.err = err
	}
	return first
}

// progress returns what the batch has done so far.
func (b *batch) progress() dispatch.BatchResult {
	b.mu.Lock()
	defer b.mu.Unlock()
	return dispatch.BatchResult{Delivered: b.delivered, Failed: b.failed}
}
