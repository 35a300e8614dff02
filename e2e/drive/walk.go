package drive

import (
	"context"
	"fmt"
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
	// Tries is how many orders may go the way before it counts as failed. It is more than one where a deadline of seconds may pass
	// before the last step, which is the deadline's.
	Tries int
}

// start makes an order that gets to the first of a walk's statuses by itself.
type start func(ctx context.Context, s *System) (*Order, error)

// step is an action and the status that it has to lead to.
type step struct {
	to string
	by action
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

// machine is one of the tables of the lifecycle contract, as it is driven.
type machine struct {
	name   string
	begins map[string]start  // how orders begin that get to a status by themselves
	routes map[string]string // how orders get to the other statuses, from one of those
	edges  map[string][]step // what leads from each status to each that the table has. Those that begins go over are left out
}

// walks lists one walk for each edge and each action that leads over it.
func (m machine) walks() []Walk {
	var walks []Walk
	for from, row := range m.edges {
		for _, last := range row {
			walks = append(walks, m.walk(from, last))
		}
	}
	for status, begin := range m.begins {
		if _, left := m.edges[status]; !left {
			walks = append(walks, Walk{Name: m.name + ": to " + status, begin: begin, steps: []step{{to: status}}, Tries: 1})
		}
	}
	return walks
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
	w := Walk{Name: fmt.Sprintf("%s: %s > %s, %s", m.name, from, last.to, last.by.name), begin: begin, Tries: 1}
	w.steps = append(w.steps, step{to: route[0]})
	for i, to := range route[1:] {
		w.steps = append(w.steps, m.step(route[i], to))
	}
	w.steps = append(w.steps, last)
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

// by makes the same action a step to each of several statuses.
func by(a action, to ...string) []step {
	steps := make([]step, len(to))
	for i, status := range to {
		steps[i] = step{to: status, by: a}
	}
	return steps
}

// Walks lists all walks: over every edge of the lifecycle contract's tables, and first those that take longest, on which timers lead.
func Walks() []Walk {
	var edges []Walk
	for _, m := range []machine{testkit, beforeRegistration, afterRegistration, walkIn, phlebotomy, onSite} {
		edges = append(edges, m.walks()...)
	}
	slices.SortFunc(edges, func(a, b Walk) int { return strings.Compare(a.Name, b.Name) })
	return slices.Concat(timers(), visits(), edges)
}
