package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// act waits until the order has had a status and does the deed.
func (c *Callers) act(ctx context.Context, k Kind, id string, act Act, t *Told) error {
	sample := ""
	if err := c.await(ctx, id, func(v view) bool {
		if v.SampleID != nil {
			sample = *v.SampleID
		}
		return slices.Contains(v.Lows(), act.After)
	}); err != nil {
		return err
	}
	for try := 1; ; try++ {
		d, err := c.deed(ctx, k, id, sample, act.Do, try)
		if err != nil {
			return err
		}
		answered, again, err := c.ask(ctx, d)
		// Once a try was not answered, a later one may be refused because of it: it is done already, or under way and will be done or not.
		var refused *refusedError
		switch {
		case err == nil:
			c.set(func() { t.remember(act.Do, answered) })
			return nil
		case try == 1 && !again || !errors.As(err, &refused):
			return fmt.Errorf("%s: %w", act.Do, err)
		case c.done(ctx, id, act):
			return nil
		}
	}
}

// made is what an answer tells of what a deed has made.
type made struct {
	ID      string `json:"id"`       // of an appointment
	ChildID string `json:"child_id"` // of an order that replaces another
}

func (t *Told) remember(do Deed, answered made) {
	switch do {
	case Book, BookAndWait:
		t.Booked = append(t.Booked, answered.ID)
	case Replace:
		t.Child = answered.ChildID
	}
}

// ask makes a request until it is answered. again is whether it had to be made again because it may have been done.
func (c *Callers) ask(ctx context.Context, d request) (answered made, again bool, err error) {
	err = c.until(ctx, func() (bool, error) {
		err := c.call(ctx, d.method, d.path, d.once, d.key, d.body, &answered)
		again = again || unanswered(err)
		return err == nil, err
	})
	return answered, again, err
}

// doneWithin is how long an order may take to show what was done.
const doneWithin = 20 * time.Second

// done reports whether the order comes to show that something was done.
func (c *Callers) done(ctx context.Context, id string, act Act) bool {
	ctx, cancel := context.WithTimeout(ctx, doneWithin)
	defer cancel()
	return c.await(ctx, id, func(v view) bool { return act.shown(v, id) }) == nil
}

// shown reports whether an order has had one of the statuses, or has the child, that show that the act is done.
func (a Act) shown(v view, id string) bool {
	if a.Do != Replace {
		done := strings.Fields(a.Done)
		return slices.ContainsFunc(v.Lows(), func(s string) bool { return slices.Contains(done, s) })
	}
	for _, o := range v.Transaction.Orders {
		if o.ParentID != nil && *o.ParentID == id {
			return true
		}
	}
	return false
}
