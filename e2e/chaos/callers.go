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

// Callers act as the clients and the operations of a system under faults. They behave as documented: they repeat a
// request until they get a response, and create orders under the same idempotency key.
type Callers struct {
	system *scenario.System
	http   *http.Client
	slots  slots

	mu      sync.Mutex
	records []*CallerRecord
}

// NewCallers returns callers of the system.
func NewCallers(system *scenario.System) *Callers {
	return &Callers{
		system: system,
		http:   &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
}

// Close closes idle connections.
func (c *Callers) Close() { c.http.CloseIdleConnections() }

// Records returns copies of what the callers have recorded so far.
func (c *Callers) Records() []CallerRecord {
	c.mu.Lock()
	defer c.mu.Unlock()
	var records []CallerRecord
	for _, t := range c.records {
		copied := *t
		copied.Refused = slices.Clone(t.Refused)
		records = append(records, copied)
	}
	return records
}

// update changes a record under the mutex.
func (c *Callers) update(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

// PlaceAndFollow creates an order of the plan, performs the plan's steps and records the responses. It returns early
// when ctx ends.
func (c *Callers) PlaceAndFollow(ctx context.Context, k OrderPlan, key string) {
	t := &CallerRecord{Kind: k.Name}
	c.update(func() { c.records = append(c.records, t) })
	id, err := c.createOrder(ctx, k, key, t)
	if err != nil {
		c.recordRefusal(ctx, t, err)
		return
	}
	c.update(func() { t.OrderID = id })
	for _, step := range k.Steps {
		if err := c.performStep(ctx, k, id, step, t); err != nil {
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

// How long a caller waits before it repeats a request, at first and at most.
const (
	retryPause    = time.Second
	maxRetryPause = 10 * time.Second
)

// view is an order as a client sees it.
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

// retry repeats the function until it is done, it is refused, or the context ends.
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

// refusedError is a response that refuses the request and would do so again.
type refusedError struct {
	status int
	text   string
}

func (e *refusedError) Error() string { return fmt.Sprintf("%d %s", e.status, e.text) }

var (
	// errUnanswered means that the request may have been executed, but no response says so.
	errUnanswered = errors.New("no answer")
	// errNotSent means that no replica of the API has received the request.
	errNotSent = errors.New("not sent")
)

func isUnanswered(err error) bool { return errors.Is(err, errUnanswered) }

// call sends a request once. The error is a *refusedError, or an error after which the request should be repeated. That
// is errUnanswered if the request may have been executed.
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
