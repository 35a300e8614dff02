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

// Path is one order's way to a status and over the edge that it tests, and over further edges or to further statuses of
// its appointment.
type Path struct {
	Name  string
	start starter
	steps []step
	// appointmentSteps are what happens after that, and the statuses that the order's appointment must reach.
	appointmentSteps []step
	// deadlineMayPassEarly: a deadline of seconds, which the last step waits for, may pass before that step.
	deadlineMayPassEarly bool
}

// maxTries is how many orders may try a path.
const maxTries = 3

// MayRetry reports whether another order may try the path after that many orders have failed, the last one with err. It
// may if a deadline may have passed too early, or if the API was too busy to respond (503). Any other error is a
// failure.
func (w Path) MayRetry(failed int, err error) bool {
	var refused *RefusedError
	busy := errors.As(err, &refused) && refused.Status == http.StatusServiceUnavailable
	return failed < maxTries && (w.deadlineMayPassEarly || busy)
}

// starter creates an order that reaches the first status of a path without further action.
type starter func(ctx context.Context, s *System) (*Order, error)

// step is an action and the status that it must lead to.
type step struct {
	to string
	by action
	// afterShortestPathOnly: the step works only after the shortest route to the status where it begins.
	afterShortestPathOnly bool
}

// action is what a client, operations, a partner or a timer does with an order.
type action struct {
	name string
	run  func(ctx context.Context, o *Order, to string) error
}

// Run creates an order and takes it along the path. It fails if the order has other statuses. It returns the order also
// with an error, if the order was created.
func (w Path) Run(ctx context.Context, s *System) (*Order, error) {
	ctx, cancel := context.WithTimeout(ctx, StatusTimeout)
	defer cancel()
	return w.follow(ctx, s)
}

func (w Path) follow(ctx context.Context, s *System) (*Order, error) {
	o, err := w.start(ctx, s)
	if err != nil {
		return o, fmt.Errorf("creating the order: %w", err)
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

// takeStep takes a step and waits until the order's nth status is the step's.
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

// awaitStatus waits until the order has the status, and returns the number of that status in the order's history.
func (o *Order) awaitStatus(ctx context.Context, status string) (int, error) {
	for n := 1; ; n++ {
		lows, err := o.AwaitStatuses(ctx, n)
		if err != nil || lows[n-1] == status {
			return n, err
		}
	}
}

// table is a table of order-lifecycle#edges as the tests take orders along it.
type table struct {
	name     string
	starters map[string]starter // by the status that the new order reaches
	routes   map[string]string  // to the other statuses, each from a status of starters or of another route
	// edges are the steps from each status to each of the table's next statuses, without the edges that the starters
	// cover.
	edges map[string][]step
}

// paths lists the paths that together cover every edge by each of its actions, with few orders. A path goes on over the
// following edges that no other path covers.
func (m table) paths() []Path {
	left := maps.Clone(m.edges)
	var all []Path
	for _, from := range slices.Sorted(maps.Keys(m.edges)) {
		for len(left[from]) > 0 {
			w := m.pathOver(from, left[from][0])
			for i, s := range w.steps[1:] {
				removeStep(left, w.steps[i].to, s)
			}
			m.extend(&w, left)
			w.Name = m.name + ": " + w.statuses()
			all = append(all, w)
		}
	}
	for _, status := range slices.Sorted(maps.Keys(m.starters)) {
		if _, left := m.edges[status]; !left {
			all = append(all, Path{Name: m.name + ": " + status, start: m.starters[status], steps: []step{{to: status}}})
		}
	}
	return all
}

// extend adds steps that are left to the path, and removes them from left.
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

// removeStep removes a step from those that are left.
func removeStep(left map[string][]step, from string, gone step) {
	left[from] = slices.DeleteFunc(slices.Clone(left[from]),
		func(s step) bool { return s.to == gone.to && s.by.name == gone.by.name })
}

// maxPathSteps is the longest length of a path. It keeps the durations of the paths similar.
const maxPathSteps = 12

// statuses describes the statuses of the path.
func (w Path) statuses() string {
	names := make([]string, len(w.steps))
	for i, s := range w.steps {
		names[i] = s.to
	}
	return strings.Join(names, " > ")
}

// pathOver returns the path along the route to a status and then over the edge.
func (m table) pathOver(from string, last step) Path {
	route := strings.Fields(m.routes[from])
	if len(route) == 0 {
		route = []string{from}
	}
	begin := m.starters[route[0]]
	if begin == nil {
		panic(fmt.Sprintf("scenario: %s: no starter for %s", m.name, route[0]))
	}
	w := Path{start: begin, steps: []step{{to: route[0]}}}
	for i, to := range route[1:] {
		w.steps = append(w.steps, m.firstStep(route[i], to))
	}
	w.steps = append(w.steps, last)
	w.Name = fmt.Sprintf("%s: %s, %s", m.name, w.statuses(), last.by.name)
	return w
}

// firstStep returns the first step that leads over the edge.
func (m table) firstStep(from, to string) step {
	for _, s := range m.edges[from] {
		if s.to == to {
			return s
		}
	}
	panic(fmt.Sprintf("scenario: %s: no edge from %s to %s", m.name, from, to))
}

// afterShortestPath returns copies of the steps that work only after the shortest route.
func afterShortestPath(steps []step) []step {
	for i := range steps {
		steps[i].afterShortestPathOnly = true
	}
	return steps
}

// stepsTo returns a step with the action to each of the statuses.
func stepsTo(a action, to ...string) []step {
	steps := make([]step, len(to))
	for i, status := range to {
		steps[i] = step{to: status, by: a}
	}
	return steps
}

// Paths lists all paths. They cover every edge of the tables of order-lifecycle#edges. The paths with timers, which
// take longest, come first.
func Paths() []Path {
	var edges []Path
	for _, m := range []table{testkit, beforeRegistration, afterRegistration, walkIn, phlebotomy, onSite} {
		edges = append(edges, m.paths()...)
	}
	return slices.Concat(timerPaths(), appointmentPaths(), edges)
}
