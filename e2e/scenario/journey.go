package scenario

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// Journey is the path of one order from its creation to an end. It is taken step by step, so that tests can do
// something else at each status.
type Journey struct {
	Name string

	path     Path
	order    *Order
	statuses int // how many statuses the order has had
	taken    int // how many steps of the path
}

// stepTimeout bounds the start of a journey, and each step. The reconciler has two minutes to repair a failed start.
const stepTimeout = 2 * StatusTimeout

// Journeys lists a journey for every open status of every table. Its start brings an order to that status. Its steps
// are a path from there to an end without a repeated status.
func Journeys() []*Journey {
	var all []*Journey
	for _, m := range []table{testkit, beforeRegistration, afterRegistration, walkIn, phlebotomy, onSite} {
		for _, status := range slices.Sorted(maps.Keys(m.edges)) {
			if status != "completed" && status != "corrected" {
				all = append(all, m.journeyFrom(status))
			}
		}
	}
	return all
}

// journeyFrom brings an order to a status and then takes edges to statuses that the order has not had, until there are
// none.
func (m table) journeyFrom(status string) *Journey {
	w := m.pathOver(status, step{to: status})
	w.steps = w.steps[:len(w.steps)-1]
	j := &Journey{Name: m.name + ": " + status, taken: len(w.steps)}
	for seen := []string{}; ; {
		at := w.steps[len(w.steps)-1].to
		seen = append(seen, at)
		i := slices.IndexFunc(m.edges[at], func(s step) bool {
			return !s.afterShortestPathOnly && s.to != "corrected" && !slices.Contains(seen, s.to)
		})
		if i < 0 {
			j.path = w
			return j
		}
		w.steps = append(w.steps, m.edges[at][i])
	}
}

// Start creates the order and brings it to the journey's status.
func (j *Journey) Start(ctx context.Context, s *System) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	begin := j.path
	begin.steps = begin.steps[:j.taken]
	o, err := begin.follow(ctx, s)
	if err != nil {
		return fmt.Errorf("%s: %w", j.Name, err)
	}
	j.order = o
	v, err := o.Read(ctx)
	j.statuses = len(v.Events)
	return err
}

// StepsLeft returns the number of steps that are left.
func (j *Journey) StepsLeft() int { return len(j.path.steps) - j.taken }

// Step takes the next step. If the API responds 503 because it is too busy, Step repeats the request, unless the demand
// takes effect nevertheless.
func (j *Journey) Step(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	next := j.path.steps[j.taken]
	j.statuses++
	j.taken++
	for {
		err := j.order.takeStep(ctx, next, j.statuses)
		var refused *RefusedError
		if !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable {
			return j.wrapError(err)
		}
		awhile, enough := context.WithTimeout(ctx, StatusTimeout/3)
		lows, err := j.order.AwaitStatuses(awhile, j.statuses)
		enough()
		if err == nil && lows[j.statuses-1] == next.to {
			return nil
		}
		if ctx.Err() != nil {
			return j.wrapError(ctx.Err())
		}
	}
}

func (j *Journey) wrapError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", j.Name, err)
}

// OrderID returns the order's id.
func (j *Journey) OrderID() string { return j.order.ID }

// LowStatuses lists the statuses that the order must have had at the end of the journey, from the first one that the
// start waits for.
func (j *Journey) LowStatuses() []string {
	lows := make([]string, len(j.path.steps))
	for i, s := range j.path.steps {
		lows[i] = s.to
	}
	return lows
}
