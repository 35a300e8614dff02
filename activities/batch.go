package activities

import (
	"cmp"
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/aliquot-labs/aliquot/dispatch"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/tracing"
	"github.com/aliquot-labs/aliquot/webhooks"
)

const (
	batchPage  = 256         // deliveries read together
	batchStale = time.Second // then what was read is read again: the endpoint may have been disabled

	// An endpoint at which nothing has succeeded for so many attempts is tried at no more than cautiousRate, until an attempt
	// succeeds: a long backlog that is refused at once would keep the worker from the others' deliveries.
	cautiousAfter = 20
	cautiousRate  = 20 // attempts per second
)

// batch is one run of an endpoint's deliveries. One goroutine reads what is due and hands it out, one posts each delivery, and one
// records what came of them, many in one transaction.
type batch struct {
	*Activities
	endpoint store.Endpoint
	slots    chan struct{}         // one for each delivery that may be under way
	made     chan store.AttemptRow // attempts to be recorded
	posting  sync.WaitGroup
	recorded chan struct{} // closed when the recorder has ended
	after    store.DueDelivery
	nextAt   time.Time // when the endpoint's rate allows the next attempt

	mu                sync.Mutex
	flying            map[string]bool // messages that are handed out
	landed            []string        // those of them that are recorded
	streak            int             // failures since the last success
	delivered, failed int
	disabled          bool
	err               error // of the recorder, after which nothing more is handed out
}

func (a *Activities) newBatch(e store.Endpoint) *batch {
	b := &batch{
		Activities: a, endpoint: e, slots: make(chan struct{}, cmp.Or(a.Concurrency, DefaultConcurrency)), made: make(chan store.AttemptRow, batchRecord),
		recorded: make(chan struct{}), flying: map[string]bool{},
	}
	if !e.FailingSince.IsZero() {
		b.streak = cautiousAfter
	}
	return b
}

// feed reads one page of what is due and hands it out. It returns how many deliveries it has handed out.
func (b *batch) feed(ctx context.Context) (handed int, err error) {
	b.forgetLanded()
	page, err := b.Store.DueDeliveries(ctx, store.DueQuery{EndpointID: b.endpoint.ID, Now: b.Now(), After: b.after, Limit: batchPage})
	if err != nil {
		return 0, err
	}
	read, from := time.Now(), b.after
	b.after = store.DueDelivery{}
	for _, d := range page {
		if b.isFlying(d.MessageID) {
			continue
		}
		if time.Since(read) > batchStale {
			b.after = from
			return handed, nil
		}
		if err := b.refresh(ctx, d); err != nil {
			return handed, err
		}
		if !b.takeTurn(ctx) {
			return handed, ctx.Err()
		}
		b.hand(ctx, d)
		handed++
		from = d
	}
	if len(page) == batchPage {
		b.after = page[len(page)-1]
	}
	return handed, nil
}

// refresh reads the endpoint again when it was changed since.
func (b *batch) refresh(ctx context.Context, d store.DueDelivery) error {
	if d.ChangedAt.Equal(b.endpoint.UpdatedAt) {
		return nil
	}
	e, err := b.Store.Endpoint(ctx, b.endpoint.ID)
	if unknown(err) {
		b.end(true, nil)
		return nil
	}
	if err == nil {
		b.endpoint = e
	}
	return err
}

// takeTurn waits for the endpoint's rate and for a free slot, and takes it. It is false when the batch has to end before.
func (b *batch) takeTurn(ctx context.Context) bool {
	if rate := b.rate(); rate > 0 {
		if sleep(ctx, time.Until(b.nextAt)) != nil {
			return false
		}
		b.nextAt = time.Now().Add(time.Second / time.Duration(rate))
	}
	if b.over() || stopping(ctx) {
		return false
	}
	select {
	case b.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// rate is how many attempts a second the endpoint may have; 0: no limit.
func (b *batch) rate() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	limit := b.endpoint.RateLimit
	if b.streak >= cautiousAfter && (limit == 0 || limit > cautiousRate) {
		return cautiousRate
	}
	return limit
}

// hand lets a goroutine of its own make one attempt, in the slot that was taken for it.
func (b *batch) hand(ctx context.Context, d store.DueDelivery) {
	b.mu.Lock()
	b.flying[d.MessageID] = true
	b.mu.Unlock()
	e := b.endpoint
	b.posting.Add(1)
	go func() {
		defer b.posting.Done()
		row, ok := b.attempt(ctx, e, d)
		if ok {
			b.made <- row
		}
		<-b.slots
	}()
}

// attempt posts one message. It is false when we gave up ourselves, which says nothing of the receiver. An attempt whose record is lost
// is made again with the same message id.
func (b *batch) attempt(ctx context.Context, e store.Endpoint, d store.DueDelivery) (store.AttemptRow, bool) {
	at := b.Now()
	secrets := []string{e.Secret}
	if e.PreviousSecret != "" && at.Before(e.PreviousUntil) {
		secrets = append(secrets, e.PreviousSecret)
	}
	posting, span := tracing.StartUnder(ctx, d.Trace, "deliver webhook", attribute.String("endpoint_id", e.ID),
		attribute.String("message_id", d.MessageID), attribute.String("event_type", d.EventType), attribute.Int("attempt", d.Attempts+1))
	o := b.Sender.Post(posting, webhooks.Attempt{URL: e.URL, MessageID: d.MessageID, Body: d.Body, Secrets: secrets, Headers: e.Headers})
	span.SetAttributes(attribute.Int("http.response.status_code", o.StatusCode))
	tracing.End(span, string(o.Failure))
	if o.Failure == webhooks.FailureCancelled {
		return store.AttemptRow{}, false
	}
	b.Metrics.attempted(o, at.Sub(d.DueAt))
	b.note(o.Delivered)
	row := store.AttemptRow{
		MessageID: d.MessageID, Round: d.Round, Number: d.Attempts + 1, At: at, Duration: o.Duration,
		StatusCode: o.StatusCode, Failure: string(o.Failure), Excerpt: o.Excerpt, Delivered: o.Delivered, Gone: o.Gone,
	}
	if !o.Delivered && !o.Gone {
		row.Next, _ = webhooks.NextAttempt(row.Number, at.Add(o.Duration), o.RetryAfter, nil)
	}
	return row, true
}

func (b *batch) note(delivered bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if delivered {
		b.streak = 0
		b.delivered++
		return
	}
	b.streak++
	b.failed++
}

// forgetLanded comes before a page is read: what is recorded while it is read may still be on it.
func (b *batch) forgetLanded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range b.landed {
		delete(b.flying, id)
	}
	b.landed = nil
}

func (b *batch) isFlying(messageID string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.flying[messageID]
}

func (b *batch) busy() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.flying) > len(b.landed)
}

// over reports whether nothing more is to be handed out.
func (b *batch) over() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.disabled || b.err != nil
}

func (b *batch) end(disabled bool, err error) {
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
