package drive

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Walk is one order's way to a status and over the edge that it is for; or, on, to where its appointment is to get.
type Walk struct {
	Name  string
	begin start
	steps []step
	// visits are what happens after that, and the statuses that the order's appointment has to get to.
	visits []step
	// hurried: a deadline of seconds may pass before the last step, which is the deadline's.
	hurried bool
}

// tries is how many orders may go a way.
const tries = 3

// Again reports whether another order may go the way, after so many have failed, the last one with an error. A deadline may have come
// too early, and a system that is too busy to answer may be asked again (503); anything else is a failure.
func (w Walk) Again(failed int, err error) bool {
	var refused *RefusedError
	busy := errors.As(err, &refused) && refused.Status == http.StatusServiceUnavailable
	return failed < tries && (w.hurried || busy)
}

// start makes an order that gets to the first of a walk's statuses by itself.
type start func(ctx context.Context, s *System) (*Order, error)

// step is an action and the status that it has to lead to.
type step struct {
	to string
	by action
	// alone: it can only be taken after the shortest way to where it begins.
	alone bool
}

// action is something that somebody does about an order, or that a timer does.
type action struct {
	name string
	do   func(ctx context.Context, o *Order, to string) error
}

// Run makes an order go the way. It fails when the order goes another one. The order is returned in either case, once there is one.
func (w Walk) Run(ctx context.Context, s *System) (*Order, error) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	return w.run(ctx, s)
}

func (w Walk) run(ctx context.Context, s *System) (*Order, error) {
	o, err := w.begin(ctx, s)
	if err != nil {
		return o, fmt.Errorf("beginning: %w", err)
	}
	at, err := o.arrive(ctx, w.steps[0].to)
	if err != nil {
		return o, err
	}
	for _, next := range w.steps[1:] {
		at++
		if err := o.take(ctx, next, at); err != nil {
			return o, err
		}
	}
	for i, next := range w.visits {
		if err := next.by.do(ctx, o, next.to); err != nil {
			return o, fmt.Errorf("order %s: %s for an appointment that is %s: %w", o.ID, next.by.name, next.to, err)
		}
		if err := o.awaitAppointment(ctx, i+1, next.to); err != nil {
			return o, err
		}
	}
	return o, nil
}

// take takes a step and waits for the status that is the order's nth.
func (o *Order) take(ctx context.Context, next step, n int) error {
	if err := next.by.do(ctx, o, next.to); err != nil {
		return fmt.Errorf("order %s: %s for %s: %w", o.ID, next.by.name, next.to, err)
	}
	lows, err := o.Await(ctx, n)
	if err == nil && lows[n-1] != next.to {
		err = fmt.Errorf("order %s: %s led to %s and not to %s: %s", o.ID, next.by.name, lows[n-1], next.to, strings.Join(lows, " "))
	}
	return err
}

// arrive waits until the order has the status, and says its how manieth it is.
func (o *Order) arrive(ctx context.Context, status string) (int, error) {
	for n := 1; ; n++ {
		lows, err := o.Await(ctx, n)
		if err != nil || lows[n-1] == status {
			return n, err
		}
	}
}

// machine is one of the tables of order-lifecycle#edges, as it is driven.
type machine struct {
	name   string
	begins map[string]start  // how orders begin that get to a status by themselves
	routes map[string]string // how orders get to the other statuses, from one of those
	edges  map[string][]step // what leads from each status to each that the table has. Those that begins go over are left out
}

// walks lists the ways of few orders that go over every edge, by each action that leads over it: an order that has gone over one goes
// on over those that come next and that none has gone over.
func (m machine) walks() []Walk {
	left := maps.Clone(m.edges)
	var walks []Walk
	for _, from := range slices.Sorted(maps.Keys(m.edges)) {
		for len(left[from]) > 0 {
			w := m.walk(from, left[from][0])
			for i, s := range w.steps[1:] {
				strike(left, w.steps[i].to, s)
			}
			m.goOn(&w, left)
			w.Name = m.name + ": " + w.statuses()
			walks = append(walks, w)
		}
	}
	for _, status := range slices.Sorted(maps.Keys(m.begins)) {
		if _, left := m.edges[status]; !left {
			walks = append(walks, Walk{Name: m.name + ": " + status, begin: m.begins[status], steps: []step{{to: status}}})
		}
	}
	return walks
}

// goOn lengthens a walk by what is left to go, and takes that off.
func (m machine) goOn(w *Walk, left map[string][]step) {
	for len(w.steps) < longest {
		at := w.steps[len(w.steps)-1].to
		i := slices.IndexFunc(left[at], func(s step) bool { return !s.alone && len(m.edges[s.to]) > 0 })
		if i < 0 {
			i = slices.IndexFunc(left[at], func(s step) bool { return !s.alone })
		}
		if i < 0 {
			return
		}
		next := left[at][i]
		w.steps = append(w.steps, next)
		strike(left, at, next)
	}
}

// strike takes a step off what is left to go.
func strike(left map[string][]step, from string, gone step) {
	left[from] = slices.DeleteFunc(slices.Clone(left[from]), func(s step) bool { return s.to == gone.to && s.by.name == gone.by.name })
}

// longest is how many steps a walk may have, so that none takes much longer than the others.
const longest = 12

// statuses are those that the walk leads to.
func (w Walk) statuses() string {
	names := make([]string, len(w.steps))
	for i, s := range w.steps {
		names[i] = s.to
	}
	return strings.Join(names, " > ")
}

// walk takes an order along the route to a status, and from there over the edge.
func (m machine) walk(from string, last step) Walk {
	route := strings.Fields(m.routes[from])
	if len(route) == 0 {
		route = []string{from}
	}
	begin := m.begins[route[0]]
	if begin == nil {
		panic(fmt.Sprintf("drive: %s: no order begins at %s", m.name, route[0]))
	}
	w := Walk{begin: begin, steps: []step{{to: route[0]}}}
	for i, to := range route[1:] {
		w.steps = append(w.steps, m.step(route[i], to))
	}
	w.steps = append(w.steps, last)
	w.Name = fmt.Sprintf("%s: %s, %s", m.name, w.statuses(), last.by.name)
	return w
}

// step is the first action that leads over the edge.
func (m machine) step(from, to string) step {
	for _, s := range m.edges[from] {
		if s.to == to {
			return s
		}
	}
	panic(fmt.Sprintf("drive: %s: no edge from %s to %s", m.name, from, to))
}

// alone marks steps that can only be taken after the shortest way.
func alone(steps []step) []step {
	for i := range steps {
		steps[i].alone = true
	}
	return steps
}

// by makes the same action a step to each of several statuses.
func by(a action, to ...string) []step {
	steps := make([]step, len(to))
	for i, status := range to {
		steps[i] = step{to: status, by: a}
	}
	return steps
}

// Walks lists all walks: over every edge of the tables of order-lifecycle#edges, and first those that take longest, on
// which timers lead.
func Walks() []Walk {
	var edges []Walk
	for _, m := range []machine{testkit, beforeRegistration, afterRegistration, walkIn, phlebotomy, onSite} {
		edges = append(edges, m.walks()...)
	}
	return slices.Concat(timers(), visits(), edges)
}
