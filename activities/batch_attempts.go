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
	duePageSize   = 256         // deliveries read together
	duePageMaxAge = time.Second // then what was read is read again: the endpoint may have been disabled

	// An endpoint at which nothing has succeeded for so many attempts is tried at no more than cautiousRate, until an attempt
	// succeeds: a long backlog that is refused at once would keep the worker from the others' deliveries.
	cautiousAfter = 20
	cautiousRate  = 20 // attempts per second
)

// batch is one run of an endpoint's deliveries. One goroutine reads what is due and hands it out, one posts each delivery, and one
// records what came of them, many in one transaction.
type batch struct {
	*Activities
	endpoint      store.Endpoint
	attemptSlots  chan struct{}         // one for each delivery that may be under way
	attempts      chan store.AttemptRow // attempts to be recorded
	posting       sync.WaitGroup
	recorderDone  chan struct{} // closed when the recorder has ended
	cursor        store.DueDelivery
	nextAttemptAt time.Time // when the endpoint's rate allows the next attempt

	mu                sync.Mutex
	inFlight          map[string]bool // messages that are handed out
	recordedIDs       []string        // those of them that are recorded
	failureStreak     int             // failures since the last success
	delivered, failed int
	disabled          bool
	err               error // of the recorder, after which nothing more is handed out
}

func (a *Activities) newBatch(e store.Endpoint) *batch {
	b := &batch{
		Activities: a, endpoint: e, attemptSlots: make(chan struct{}, cmp.Or(a.Concurrency, DefaultConcurrency)),
		attempts:     make(chan store.AttemptRow, recordBatchSize),
		recorderDone: make(chan struct{}), inFlight: map[string]bool{},
	}
	if !e.FailingSince.IsZero() {
		b.failureStreak = cautiousAfter
	}
	return b
}

// startDuePage reads one page of what is due and hands it out. It returns how many deliveries it has handed out.
func (b *batch) startDuePage(ctx context.Context) (handed int, err error) {
	b.forgetRecorded()
	page, err := b.Store.DueDeliveries(ctx, store.DueQuery{EndpointID: b.endpoint.ID, Now: b.Now(), After: b.cursor,
		Limit: duePageSize})
	if err != nil {
		return 0, err
	}
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

// refreshEndpoint reads the endpoint again when it was changed since.
func (b *batch) refreshEndpoint(ctx context.Context, d store.DueDelivery) error {
	if d.ChangedAt.Equal(b.endpoint.UpdatedAt) {
		return nil
	}
	e, err := b.Store.Endpoint(ctx, b.endpoint.ID)
	if isNotFound(err) {
		b.stop(true, nil)
		return nil
	}
	if err == nil {
		b.endpoint = e
	}
	return err
}

// acquireSlot waits for the endpoint's rate and for a free slot, and takes it. It is false when the batch has to end before.
func (b *batch) acquireSlot(ctx context.Context) bool {
	if rate := b.effectiveRate(); rate > 0 {
		if sleep(ctx, time.Until(b.nextAttemptAt)) != nil {
			return false
		}
		b.nextAttemptAt = time.Now().Add(time.Second / time.Duration(rate))
	}
	if b.stopped() || workerStopping(ctx) {
		return false
	}
	select {
	case b.attemptSlots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// effectiveRate is how many attempts a second the endpoint may have; 0: no limit.
func (b *batch) effectiveRate() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	limit := b.endpoint.RateLimit
	if b.failureStreak >= cautiousAfter && (limit == 0 || limit > cautiousRate) {
		return cautiousRate
	}
	return limit
}

// startAttempt lets a goroutine of its own make one attempt, in the slot that was taken for it.
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

// postAttempt posts one message. It is false when we gave up ourselves, which says nothing of the receiver. An attempt whose record is lost
// is made again with the same message id.
func (b *batch) postAttempt(ctx context.Context, e store.Endpoint, d store.DueDelivery) (store.AttemptRow, bool) {
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

// forgetRecorded comes before a page is read: what is recorded while it is read may still be on it.
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

// stopped reports whether nothing more is to be handed out.
func (b *batch) stopped() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.disabled || b.err != nil
}

func (b *batch) stop(disabled bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.disabled = b.disabled || disabled
	if b.err == nil {
		b.err = err
	}
}

// progress is what the batch has done so far.
func (b *batch) progress() dispatch.BatchResult {
	b.mu.Lock()
	defer b.mu.Unlock()
	return dispatch.BatchResult{Delivered: b.delivered, Failed: b.failed}
}
