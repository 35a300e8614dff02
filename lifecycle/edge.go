package lifecycle

import "slices"

// Actor is who asks for a transition.
type Actor string

const (
	// Client is the company that placed the order.
	Client Actor = "client"
	// Operations are the people who operate Aliquot.
	Operations Actor = "operations"
	// Lab is the lab partner, which reports facts about kits, samples and results.
	Lab Actor = "lab"
	// Courier carries a kit and reports where it is.
	Courier Actor = "courier"
	// Provider is a company that keeps appointments: of phlebotomists or of a patient service center.
	Provider Actor = "provider"
	// Timer is a deadline that has been reached.
	Timer Actor = "timer"
	// System is the order's own workflow. It moves the order after a partner call that succeeded, after results were
	// stored, and for steps that a later fact implies.
	System Actor = "system"
)

// Actors lists the seven actors.
func Actors() []Actor {
	return []Actor{Client, Operations, Lab, Courier, Provider, Timer, System}
}

// Conditions is what guards depend on.
type Conditions struct {
	// Shipped says that the kit has been handed to a courier, in any status.
	Shipped bool
	// Redraw says that the order's origin is redraw.
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
	// Documented says that the vendor documents the edge. Otherwise it is our extension.
	Documented bool
	// Actors lists who may ask for the transition.
	Actors []Actor
	Guard  Guard
	// Why is the reason for an extension, or a remark on a documented edge.
	Why string
}

// The tables are built with the functions below. A row is the edges out of one or more statuses.

// edgesFrom returns the edges out of one status.
func edgesFrom(l LowStatus, edges ...Edge) []Edge { return edgesFromEach([]LowStatus{l}, edges...) }

// edgesFromEach returns the same edges out of each of several statuses.
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

// replaceEdges returns table with changes applied: an edge of changes replaces the edge with the same ends, or is
// added.
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

// by lists actors. It makes the tables readable.
func by(actors ...Actor) []Actor { return actors }
