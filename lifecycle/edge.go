package lifecycle

import "slices"

// Actor is who asks for a transition.
type Actor string

const (
	// Client is the company that placed the order.
	Client Actor = "client"
	// Operations are our own people.
	Operations Actor = "operations"
	// Lab is the lab partner, which reports facts about kits, samples and results.
	Lab Actor = "lab"
	// Courier carries a kit and reports where it is.
	Courier Actor = "courier"
	// Provider keeps appointments: a phlebotomist or a patient service center.
	Provider Actor = "provider"
	// Timer is a deadline that has passed.
	Timer Actor = "timer"
	// System is the order's own doing: a partner call that succeeded, stored results, a step that a later fact implies.
	System Actor = "system"
)

// Actors lists the seven actors.
func Actors() []Actor {
	return []Actor{Client, Operations, Lab, Courier, Provider, Timer, System}
}

// Conditions is what guards look at.
type Conditions struct {
	// Shipped: the kit has been handed to a courier, whatever the status says.
	Shipped bool
	// Redraw: the order's origin is redraw.
	Redraw bool
}

// Guard is a condition on an edge. The zero value always holds.
type Guard string

const (
	Always         Guard = ""
	NothingShipped Guard = "nothing shipped"
	NotRedraw      Guard = "not a redraw"
)

// Holds reports whether the conditions satisfy the guard. An unknown guard never holds.
func (g Guard) Holds(c Conditions) bool {
	switch g {
	case Always:
		return true
	case NothingShipped:
		return !c.Shipped
	case NotRedraw:
		return !c.Redraw
	}
	return false
}

// Edge is one transition that a machine allows.
type Edge struct {
	From, To LowStatus
	// Documented: the vendor documents the edge. If not, it is our extension.
	Documented bool
	// Actors are those who may ask for it.
	Actors []Actor
	Guard  Guard
	// Why is the reason for an extension, and a remark on a documented edge where one is needed.
	Why string
}

// The tables are written with the functions below: each row is the edges out of one or more statuses.

// edgesFrom makes a row of edges out of one status.
func edgesFrom(l LowStatus, edges ...Edge) []Edge { return edgesFromEach([]LowStatus{l}, edges...) }

// edgesFromEach makes the same row for each of several statuses.
func edgesFromEach(lows []LowStatus, edges ...Edge) []Edge {
	var row []Edge
	for _, l := range lows {
		for _, e := range edges {
			e.From = l
			row = append(row, e)
		}
	}
	return row
}

func documented(to LowStatus, by []Actor) Edge {
	return Edge{To: to, Documented: true, Actors: by}
}

func extension(to LowStatus, by []Actor, why string) Edge {
	return Edge{To: to, Actors: by, Why: why}
}

func (e Edge) withGuard(g Guard) Edge {
	e.Guard = g
	return e
}

func (e Edge) withReason(why string) Edge {
	e.Why = why
	return e
}

// replaceEdges returns table with the edges of changes in place of those that have the same ends, and the rest of changes added.
func replaceEdges(table, changes []Edge) []Edge {
	amended := slices.Clone(table)
	for _, change := range changes {
		if i := edgeIndex(amended, change.From, change.To); i >= 0 {
			amended[i] = change
			continue
		}
		amended = append(amended, change)
	}
	return amended
}

func edgeIndex(edges []Edge, from, to LowStatus) int {
	return slices.IndexFunc(edges, func(e Edge) bool { return e.From == from && e.To == to })
}

// by lists who may ask, for readable tables.
func by(actors ...Actor) []Actor { return actors }
