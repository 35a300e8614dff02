package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// performStep waits until the order has had the step's status, and does the step's action.
func (c *Callers) performStep(ctx context.Context, k OrderPlan, id string, step PlanStep, t *CallerRecord) error {
	sample := ""
	if err := c.await(ctx, id, func(v view) bool {
		if v.SampleID != nil {
			sample = *v.SampleID
		}
		return slices.Contains(v.LowStatuses(), step.After)
	}); err != nil {
		return err
	}
	for try := 1; ; try++ {
		d, err := c.requestFor(ctx, k, id, sample, step.Action, try)
		if err != nil {
			return err
		}
		answered, again, err := c.callUntilAnswered(ctx, d)
		// If a request may have been executed without a response, a later request may be refused because of it. The action is
		// then done, or in progress, or failed.
		var refused *refusedError
		switch {
		case err == nil:
			c.update(func() { t.addAnswer(step.Action, answered) })
			return nil
		case try == 1 && !again || !errors.As(err, &refused):
			return fmt.Errorf("%s: %w", step.Action, err)
		case c.awaitDone(ctx, id, step):
			return nil
		}
	}
}

// actionAnswer is the part of a response that names what the action created.
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

// callUntilAnswered repeats a request until it gets a response. again reports whether it repeated a request that may
// have been executed.
func (c *Callers) callUntilAnswered(ctx context.Context, d request) (answered actionAnswer, again bool, err error) {
	err = c.retry(ctx, func() (bool, error) {
		err := c.call(ctx, d.method, d.path, d.idempotencyKey, d.key, d.body, &answered)
		again = again || isUnanswered(err)
		return err == nil, err
	})
	return answered, again, err
}

// doneTimeout is how long an order may take to show the effect of an action.
const doneTimeout = 20 * time.Second

// awaitDone reports whether the order shows the effect of the step within doneTimeout.
func (c *Callers) awaitDone(ctx context.Context, id string, step PlanStep) bool {
	ctx, cancel := context.WithTimeout(ctx, doneTimeout)
	defer cancel()
	return c.await(ctx, id, func(v view) bool { return step.isDone(v, id) }) == nil
}

// isDone reports whether the order shows the effect of the step: one of its statuses, or a child for Replace.
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
