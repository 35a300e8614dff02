package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/aliquot-labs/aliquot/e2e/deployment"
	"github.com/aliquot-labs/aliquot/e2e/scenario"
)

// Callers are the clients and the operations of a system that is being damaged. They do what well-behaved ones do: ask again until
// they are answered, creations under the same idempotency key.
type Callers struct {
	system *scenario.System
	http   *http.Client
	slots  slots

	mu      sync.Mutex
	records []*CallerRecord
}

// NewCallers call a system.
func NewCallers(system *scenario.System) *Callers {
	return &Callers{
		system: system,
		http:   &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
}

// Close lets idle connections go.
func (c *Callers) Close() { c.http.CloseIdleConnections() }

// Records is what they were told so far.
func (c *Callers) Records() []CallerRecord {
	c.mu.Lock()
	defer c.mu.Unlock()
	var told []CallerRecord
	for _, t := range c.records {
		copied := *t
		copied.Refused = slices.Clone(t.Refused)
		told = append(told, copied)
	}
	return told
}

// update changes what a caller was told.
func (c *Callers) update(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

// PlaceAndFollow orders what the kind says and does what it says, to the end. It returns early when ctx ends.
func (c *Callers) PlaceAndFollow(ctx context.Context, k OrderPlan, key string) {
	t := &CallerRecord{Kind: k.Name}
	c.update(func() { c.records = append(c.records, t) })
	id, err := c.createOrder(ctx, k, key, t)
	if err != nil {
		c.recordRefusal(ctx, t, err)
		return
	}
	c.update(func() { t.OrderID = id })
	for _, act := range k.Steps {
		if err := c.performStep(ctx, k, id, act, t); err != nil {
			c.recordRefusal(ctx, t, err)
			return
		}
	}
}

func (c *Callers) recordRefusal(ctx context.Context, t *CallerRecord, err error) {
	if ctx.Err() == nil {
		c.update(func() { t.Refused = append(t.Refused, err.Error()) })
	}
}

// How soon a caller asks again, at first and in the end.
const (
	retryPause    = time.Second
	maxRetryPause = 10 * time.Second
)

// view is what a client sees of an order.
type view struct {
	scenario.View
	Transaction struct {
		Orders []struct {
			ID       string  `json:"id"`
			ParentID *string `json:"parent_id"`
		} `json:"orders"`
	} `json:"order_transaction"`
}

func (c *Callers) await(ctx context.Context, id string, seen func(view) bool) error {
	return c.retry(ctx, func() (bool, error) {
		var v view
		err := c.call(ctx, http.MethodGet, "/v3/order/"+id, "", c.system.Key, nil, &v)
		return err == nil && seen(v), err
	})
}

// retry tries until something is done or refused.
func (c *Callers) retry(ctx context.Context, try func() (bool, error)) error {
	for pause := retryPause; ; pause = min(pause*3/2, maxRetryPause) {
		done, err := try()
		if done {
			return nil
		}
		if refused := new(refusedError); errors.As(err, &refused) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// refusedError is an answer that says no, and that would say so again.
type refusedError struct {
	status int
	text   string
}

func (e *refusedError) Error() string { return fmt.Sprintf("%d %s", e.status, e.text) }

var (
	// errUnanswered is for want of an answer that says what became of the request.
	errUnanswered = errors.New("no answer")
	// errNotSent is when no replica of the API has got the request.
	errNotSent = errors.New("not sent")
)

func unanswered(err error) bool { return errors.Is(err, errUnanswered) }

// call makes a request once. Errors: *refusedError, or one after which the request is to be made again, which is errUnanswered where
// it may have done something.
func (c *Callers) call(ctx context.Context, method, path, idempotencyKey, key string, body, into any) error {
	var content []byte
	if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.system.URL+path, bytes.NewReader(content))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("x-vital-api-key", key)
	if idempotencyKey != "" {
		req.Header.Set("X-Idempotency-Key", idempotencyKey)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return errors.Join(errUnanswered, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	switch {
	case res.Header.Get(deployment.NotSentHeader) != "":
		return errNotSent
	case err != nil:
		return errors.Join(errUnanswered, err)
	case res.StatusCode/100 == 2 && into == nil:
		return nil
	case res.StatusCode/100 == 2:
		return json.Unmarshal(answer, into)
	case res.StatusCode >= 500:
		return errors.Join(errUnanswered, fmt.Errorf("answered %d", res.StatusCode))
	case res.StatusCode == http.StatusConflict || res.StatusCode == http.StatusTooManyRequests:
		return fmt.Errorf("answered %d", res.StatusCode)
	}
	return &refusedError{res.StatusCode, string(answer)}
}
