package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// performStep waits until the order has had a status and does the deed.
func (c *Callers) performStep(ctx context.Context, k OrderPlan, id string, act PlanStep, t *CallerRecord) error {
	sample := ""
	if err := c.await(ctx, id, func(v view) bool {
		if v.SampleID != nil {
			sample = *v.SampleID
		}
		return slices.Contains(v.LowStatuses(), act.After)
	}); err != nil {
		return err
	}
	for try := 1; ; try++ {
		d, err := c.requestFor(ctx, k, id, sample, act.Action, try)
		if err != nil {
			return err
		}
		answered, again, err := c.callUntilAnswered(ctx, d)
		// Once a try was not answered, a later one may be refused because of it: it is done already, or under way and will be done or not.
		var refused *refusedError
		switch {
		case err == nil:
			c.update(func() { t.addAnswer(act.Action, answered) })
			return nil
		case try == 1 && !again || !errors.As(err, &refused):
			return fmt.Errorf("%s: %w", act.Action, err)
		case c.awaitDone(ctx, id, act):
			return nil
		}
	}
}

// actionAnswer is what an answer tells of what a deed has made.
type actionAnswer struct {
	ID      string `json:"id"`       // of an appointment
	ChildID string `json:"child_id"` // of an order that replaces another
}

func (t *CallerRecord) addAnswer(do Action, answered actionAnswer) {
	switch do {
	case Book, BookAndWait:
		t.BookedIDs = append(t.BookedIDs, answered.ID)
	case Replace:
		t.ChildID = answered.ChildID
	}
}

// callUntilAnswered makes a request until it is answered. again is whether it had to be made again because it may have been done.
func (c *Callers) callUntilAnswered(ctx context.Context, d request) (answered actionAnswer, again bool, err error) {
	err = c.retry(ctx, func() (bool, error) {
		err := c.call(ctx, d.method, d.path, d.idempotencyKey, d.key, d.body, &answered)
		again = again || unanswered(err)
		return err == nil, err
	})
	return answered, again, err
}

// doneTimeout is how long an order may take to show what was done.
const doneTimeout = 20 * time.Second

// awaitDone reports whether the order comes to show that something was done.
func (c *Callers) awaitDone(ctx context.Context, id string, act PlanStep) bool {
	ctx, cancel := context.WithTimeout(ctx, doneTimeout)
	defer cancel()
	return c.await(ctx, id, func(v view) bool { return act.isDone(v, id) }) == nil
}

// isDone reports whether an order has had one of the statuses, or has the child, that show that the act is done.
func (a PlanStep) isDone(v view, id string) bool {
	if a.Action != Replace {
		done := strings.Fields(a.DoneStatuses)
		return slices.ContainsFunc(v.LowStatuses(), func(s string) bool { return slices.Contains(done, s) })
	}
	for _, o := range v.Transaction.Orders {
		if o.ParentID != nil && *o.ParentID == id {
			return true
		}
	}
	return false
}
