package scenario

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// Journey is one order's way from its beginning to an end, taken step by step, so that something else may happen at each status.
type Journey struct {
	Name string

	path     Path
	order    *Order
	statuses int // how many statuses the order has had
	taken    int // how many of the walk's steps
}

// stepTimeout is how long a journey's beginning, or a step, may take: the reconciler has two minutes for a start that went wrong.
const stepTimeout = 2 * StatusTimeout

// Journeys lists a journey for every open status of every table: it begins by going to that status, and has from there on as many
// steps as the table has without coming back.
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

// journeyFrom takes an order to a status, and from there to where no edge leads that it has not gone.
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

// Start makes the order and takes it to the journey's status.
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

// StepsLeft is how many steps are left.
func (j *Journey) StepsLeft() int { return len(j.path.steps) - j.taken }

// Step takes the next step. A system that is too busy to answer (503) is asked again, unless what was asked happens all the same.
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

// OrderID is the order's id.
func (j *Journey) OrderID() string { return j.order.ID }

// LowStatuses are the statuses that the order must have had when the journey is over, from the first to which it is taken.
func (j *Journey) LowStatuses() []string {
	lows := make([]string, len(j.path.steps))
	for i, s := range j.path.steps {
		lows[i] = s.to
	}
	return lows
}
