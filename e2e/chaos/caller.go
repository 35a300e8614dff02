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
	"strings"
	"sync"
	"time"

	"github.com/aliquot-labs/aliquot/e2e/drive"
	"github.com/aliquot-labs/aliquot/e2e/fleet"
)

// Callers are the clients and the operations of a system that is being damaged. They do what well-behaved ones do: ask again until
// they are answered, creations under the same idempotency key.
type Callers struct {
	system *drive.System
	http   *http.Client

	mu   sync.Mutex
	told []*Told
}

// NewCallers call a system.
func NewCallers(system *drive.System) *Callers {
	return &Callers{
		system: system,
		http:   &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
}

// Close lets idle connections go.
func (c *Callers) Close() { c.http.CloseIdleConnections() }

// Account is what they were told so far.
func (c *Callers) Account() []Told {
	c.mu.Lock()
	defer c.mu.Unlock()
	var told []Told
	for _, t := range c.told {
		copied := *t
		copied.Refused = slices.Clone(t.Refused)
		told = append(told, copied)
	}
	return told
}

// set changes what a caller was told.
func (c *Callers) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

// Live orders what the kind says and does what it says, to the end. It returns early when ctx ends.
func (c *Callers) Live(ctx context.Context, k Kind, key string) {
	t := &Told{Kind: k.Name}
	c.set(func() { c.told = append(c.told, t) })
	id, err := c.create(ctx, k, key, t)
	if err != nil {
		c.refuse(ctx, t, err)
		return
	}
	c.set(func() { t.OrderID = id })
	for _, act := range k.Acts {
		if err := c.act(ctx, k, id, act); err != nil {
			c.refuse(ctx, t, err)
			return
		}
	}
}

func (c *Callers) refuse(ctx context.Context, t *Told, err error) {
	if ctx.Err() == nil {
		c.set(func() { t.Refused = append(t.Refused, err.Error()) })
	}
}

// create asks for an order. Kits that are registered later have no key to repeat the request by.
func (c *Callers) create(ctx context.Context, k Kind, key string, t *Told) (string, error) {
	var created struct {
		Order struct {
			ID string `json:"id"`
		} `json:"order"`
	}
	path, body := "/v3/order", order(c.system, k)
	if k.Kit {
		path, key = "/v3/order/testkit", ""
	}
	err := c.until(ctx, func() (bool, error) {
		err := c.call(ctx, http.MethodPost, path, key, c.system.Key, body, &created)
		if unanswered(err) && k.Kit {
			c.set(func() { t.Unprotected++ })
		}
		return err == nil, err
	})
	return created.Order.ID, err
}

// act waits until the order has had a status and does the deed.
func (c *Callers) act(ctx context.Context, k Kind, id string, act Act) error {
	sample := ""
	if err := c.await(ctx, id, func(v drive.View) bool {
		if v.SampleID != nil {
			sample = *v.SampleID
		}
		return slices.Contains(v.Lows(), act.After)
	}); err != nil {
		return err
	}
	d := deed(c.system, k, id, sample, act.Do)
	for again := false; ; again = true {
		err := c.until(ctx, func() (bool, error) {
			err := c.call(ctx, d.method, d.path, "", d.key, d.body, nil)
			again = again || unanswered(err)
			return err == nil, err
		})
		// Once a try was not answered, a later one may be refused because of it: it is done already, or under way and will be done or not.
		var refused *refusedError
		switch {
		case err == nil:
			return nil
		case !again || !errors.As(err, &refused):
			return fmt.Errorf("%s: %w", act.Do, err)
		case c.done(ctx, id, strings.Fields(act.Done)):
			return nil
		}
	}
}

// doneWithin is how long an order may take to show what was done.
const doneWithin = 20 * time.Second

// done reports whether the order comes to have had one of the statuses.
func (c *Callers) done(ctx context.Context, id string, statuses []string) bool {
	ctx, cancel := context.WithTimeout(ctx, doneWithin)
	defer cancel()
	return c.await(ctx, id, func(v drive.View) bool {
		return slices.ContainsFunc(v.Lows(), func(s string) bool { return slices.Contains(statuses, s) })
	}) == nil
}

// How soon a caller asks again, at first and in the end.
const (
	askAgain    = time.Second
	askAgainMax = 10 * time.Second
)

func (c *Callers) await(ctx context.Context, id string, seen func(drive.View) bool) error {
	return c.until(ctx, func() (bool, error) {
		var v drive.View
		err := c.call(ctx, http.MethodGet, "/v3/order/"+id, "", c.system.Key, nil, &v)
		return err == nil && seen(v), err
	})
}

// until tries until something is done or refused.
func (c *Callers) until(ctx context.Context, try func() (bool, error)) error {
	for pause := askAgain; ; pause = min(pause*3/2, askAgainMax) {
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
	case res.Header.Get(fleet.NotSent) != "":
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
