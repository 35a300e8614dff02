package drive

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

	walk  Walk
	order *Order
	at    int // how many statuses the order has had
	taken int // how many of the walk's steps
}

// stepPatience is how long a journey's beginning, or a step, may take: the reconciler has two minutes for a start that went wrong.
const stepPatience = 2 * Patience

// Journeys lists a journey for every open status of every table: it begins by going to that status, and has from there on as many
// steps as the table has without coming back.
func Journeys() []*Journey {
	var all []*Journey
	for _, m := range []machine{testkit, beforeRegistration, afterRegistration, walkIn, phlebotomy, onSite} {
		for _, status := range slices.Sorted(maps.Keys(m.edges)) {
			if status != "completed" && status != "corrected" {
				all = append(all, m.journey(status))
			}
		}
	}
	return all
}

// journey takes an order to a status, and from there to where no edge leads that it has not gone.
func (m machine) journey(status string) *Journey {
	w := m.walk(status, step{to: status})
	w.steps = w.steps[:len(w.steps)-1]
	j := &Journey{Name: m.name + ": " + status, taken: len(w.steps)}
	for seen := []string{}; ; {
		at := w.steps[len(w.steps)-1].to
		seen = append(seen, at)
		i := slices.IndexFunc(m.edges[at], func(s step) bool { return !s.alone && s.to != "corrected" && !slices.Contains(seen, s.to) })
		if i < 0 {
			j.walk = w
			return j
		}
		w.steps = append(w.steps, m.edges[at][i])
	}
}

// Begin makes the order and takes it to the journey's status.
func (j *Journey) Begin(ctx context.Context, s *System) error {
	ctx, cancel := context.WithTimeout(ctx, stepPatience)
	defer cancel()
	begin := j.walk
	begin.steps = begin.steps[:j.taken]
	o, err := begin.run(ctx, s)
	if err != nil {
		return fmt.Errorf("%s: %w", j.Name, err)
	}
	j.order = o
	v, err := o.Read(ctx)
	j.at = len(v.Events)
	return err
}

// Left is how many steps are left.
func (j *Journey) Left() int { return len(j.walk.steps) - j.taken }

// Step takes the next step. A system that is too busy to answer (503) is asked again, unless what was asked happens all the same.
func (j *Journey) Step(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stepPatience)
	defer cancel()
	next := j.walk.steps[j.taken]
	j.at++
	j.taken++
	for {
		err := j.order.take(ctx, next, j.at)
		var refused *RefusedError
		if !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable {
			return j.about(err)
		}
		awhile, enough := context.WithTimeout(ctx, Patience/3)
		lows, err := j.order.Await(awhile, j.at)
		enough()
		if err == nil && lows[j.at-1] == next.to {
			return nil
		}
		if ctx.Err() != nil {
			return j.about(ctx.Err())
		}
	}
}

func (j *Journey) about(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", j.Name, err)
}

// OrderID is the order's id.
func (j *Journey) OrderID() string { return j.order.ID }

// Lows are the statuses that the order must have had when the journey is over, from the first to which it is taken.
func (j *Journey) Lows() []string {
	lows := make([]string, len(j.walk.steps))
	for i, s := range j.walk.steps {
		lows[i] = s.to
	}
	return lows
}
