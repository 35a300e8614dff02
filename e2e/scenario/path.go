package scenario

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Path is one order's way to a status and over the edge that it is for; or, on, to where its appointment is to get.
type Path struct {
	Name  string
	start starter
	steps []step
	// appointmentSteps are what happens after that, and the statuses that the order's appointment has to get to.
	appointmentSteps []step
	// deadlineMayPassEarly: a deadline of seconds may pass before the last step, which is the deadline's.
	deadlineMayPassEarly bool
}

// maxTries is how many orders may go a way.
const maxTries = 3

// MayRetry reports whether another order may go the way, after so many have failed, the last one with an error. A deadline may have come
// too early, and a system that is too busy to answer may be asked again (503); anything else is a failure.
func (w Path) MayRetry(failed int, err error) bool {
	var refused *RefusedError
	busy := errors.As(err, &refused) && refused.Status == http.StatusServiceUnavailable
	return failed < maxTries && (w.deadlineMayPassEarly || busy)
}

// starter makes an order that gets to the first of a walk's statuses by itself.
type starter func(ctx context.Context, s *System) (*Order, error)

// step is an action and the status that it has to lead to.
type step struct {
	to string
	by action
	// afterShortestPathOnly: it can only be taken after the shortest way to where it begins.
	afterShortestPathOnly bool
}

// action is something that somebody does about an order, or that a timer does.
type action struct {
	name string
	run  func(ctx context.Context, o *Order, to string) error
}

// Run makes an order go the way. It fails when the order goes another one. The order is returned in either case, once there is one.
func (w Path) Run(ctx context.Context, s *System) (*Order, error) {
	ctx, cancel := context.WithTimeout(ctx, StatusTimeout)
	defer cancel()
	return w.follow(ctx, s)
}

func (w Path) follow(ctx context.Context, s *System) (*Order, error) {
	o, err := w.start(ctx, s)
	if err != nil {
		return o, fmt.Errorf("beginning: %w", err)
	}
	at, err := o.awaitStatus(ctx, w.steps[0].to)
	if err != nil {
		return o, err
	}
	for _, next := range w.steps[1:] {
		at++
		if err := o.takeStep(ctx, next, at); err != nil {
			return o, err
		}
	}
	for i, next := range w.appointmentSteps {
		if err := next.by.run(ctx, o, next.to); err != nil {
			return o, fmt.Errorf("order %s: %s for an appointment that is %s: %w", o.ID, next.by.name, next.to, err)
		}
		if err := o.awaitAppointment(ctx, i+1, next.to); err != nil {
			return o, err
		}
	}
	return o, nil
}

// takeStep takes a step and waits for the status that is the order's nth.
func (o *Order) takeStep(ctx context.Context, next step, n int) error {
	if err := next.by.run(ctx, o, next.to); err != nil {
		return fmt.Errorf("order %s: %s for %s: %w", o.ID, next.by.name, next.to, err)
	}
	lows, err := o.AwaitStatuses(ctx, n)
	if err == nil && lows[n-1] != next.to {
		err = fmt.Errorf("order %s: %s led to %s and not to %s: %s", o.ID, next.by.name, lows[n-1], next.to,
			strings.Join(lows, " "))
	}
	return err
}

// awaitStatus waits until the order has the status, and says its how manieth it is.
func (o *Order) awaitStatus(ctx context.Context, status string) (int, error) {
	for n := 1; ; n++ {
		lows, err := o.AwaitStatuses(ctx, n)
		if err != nil || lows[n-1] == status {
			return n, err
		}
	}
}

// table is one of the tables of order-lifecycle#edges, as it is driven.
type table struct {
	name     string
	starters map[string]starter // how orders begin that get to a status by themselves
	routes   map[string]string  // how orders get to the other statuses, from one of those
	// what leads from each status to each that the table has. Those that begins go over are left out
	edges map[string][]step
}

// paths lists the ways of few orders that go over every edge, by each action that leads over it: an order that has gone over one goes
// on over those that come next and that none has gone over.
func (m table) paths() []Path {
	left := maps.Clone(m.edges)
	var walks []Path
	for _, from := range slices.Sorted(maps.Keys(m.edges)) {
		for len(left[from]) > 0 {
			w := m.pathOver(from, left[from][0])
			for i, s := range w.steps[1:] {
				removeStep(left, w.steps[i].to, s)
			}
			m.extend(&w, left)
			w.Name = m.name + ": " + w.statuses()
			walks = append(walks, w)
		}
	}
	for _, status := range slices.Sorted(maps.Keys(m.starters)) {
		if _, left := m.edges[status]; !left {
			walks = append(walks, Path{Name: m.name + ": " + status, start: m.starters[status], steps: []step{{to: status}}})
		}
	}
	return walks
}

// extend lengthens a walk by what is left to go, and takes that off.
func (m table) extend(w *Path, left map[string][]step) {
	for len(w.steps) < maxPathSteps {
		at := w.steps[len(w.steps)-1].to
		i := slices.IndexFunc(left[at], func(s step) bool { return !s.afterShortestPathOnly && len(m.edges[s.to]) > 0 })
		if i < 0 {
			i = slices.IndexFunc(left[at], func(s step) bool { return !s.afterShortestPathOnly })
		}
		if i < 0 {
			return
		}
		next := left[at][i]
		w.steps = append(w.steps, next)
		removeStep(left, at, next)
	}
}

// removeStep takes a step off what is left to go.
func removeStep(left map[string][]step, from string, gone step) {
	left[from] = slices.DeleteFunc(slices.Clone(left[from]),
		func(s step) bool { return s.to == gone.to && s.by.name == gone.by.name })
}

// maxPathSteps is how many steps a walk may have, so that none takes much longer than the others.
const maxPathSteps = 12

// statuses are those that the walk leads to.
func (w Path) statuses() string {
	names := make([]string, len(w.steps))
	for i, s := range w.steps {
		names[i] = s.to
	}
	return strings.Join(names, " > ")
}

// pathOver takes an order along the route to a status, and from there over the edge.
func (m table) pathOver(from string, last step) Path {
	route := strings.Fields(m.routes[from])
	if len(route) == 0 {
		route = []string{from}
	}
	begin := m.starters[route[0]]
	if begin == nil {
		panic(fmt.Sprintf("drive: %s: no order begins at %s", m.name, route[0]))
	}
	w := Path{start: begin, steps: []step{{to: route[0]}}}
	for i, to := range route[1:] {
		w.steps = append(w.steps, m.firstStep(route[i], to))
	}
	w.steps = append(w.steps, last)
	w.Name = fmt.Sprintf("%s: %s, %s", m.name, w.statuses(), last.by.name)
	return w
}

// firstStep is the first action that leads over the edge.
func (m table) firstStep(from, to string) step {
	for _, s := range m.edges[from] {
		if s.to == to {
			return s
		}
	}
	panic(fmt.Sprintf("drive: %s: no edge from %s to %s", m.name, from, to))
}

// afterShortestPath marks steps that can only be taken after the shortest way.
func afterShortestPath(steps []step) []step {
	for i := range steps {
		steps[i].afterShortestPathOnly = true
	}
	return steps
}

// stepsTo makes the same action a step to each of several statuses.
func stepsTo(a action, to ...string) []step {
	steps := make([]step, len(to))
	for i, status := range to {
		steps[i] = step{to: status, by: a}
	}
	return steps
}

// Paths lists all walks: over every edge of the tables of order-lifecycle#edges, and first those that take longest, on
// which timers lead.
func Paths() []Path {
	var edges []Path
	for _, m := range []table{testkit, beforeRegistration, afterRegistration, walkIn, phlebotomy, onSite} {
		edges = append(edges, m.paths()...)
	}
	return slices.Concat(timerPaths(), appointmentPaths(), edges)
}
