package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/looplab/fsm"
)

// Reason is why a transition was refused.
type Reason string

const (
	// ReasonNoEdge: the machine has no such edge.
	ReasonNoEdge Reason = "no_edge"
	// ReasonActor: the edge exists, but not for this actor.
	ReasonActor Reason = "actor"
	// ReasonGuard: the edge exists for this actor, but its guard does not hold.
	ReasonGuard Reason = "guard"
)

// RefusedError is a transition that a machine refuses. Its text is the one that clients get.
type RefusedError struct {
	// From and To are whole statuses. One that the modality does not have is its low-level part alone.
	From, To Status
	By       Actor
	Reason   Reason
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("Transition from %s to %s is not allowed", e.From, e.To)
}

func (m *Machine) newRefusedError(from, to LowStatus, by Actor, reason Reason) error {
	return &RefusedError{From: m.fullStatus(from), To: m.fullStatus(to), By: by, Reason: reason}
}

func (m *Machine) fullStatus(l LowStatus) Status {
	if s, ok := FullStatus(m.modality, l); ok {
		return s
	}
	return Status(l)
}

// MachineName is the name of a machine.
type MachineName string

const (
	NameTestkit                   MachineName = "testkit"
	NameTestkitBeforeRegistration MachineName = "testkit_before_registration"
	NameTestkitAfterRegistration  MachineName = "testkit_after_registration"
	NameWalkIn                    MachineName = "walk_in_test"
	NameAtHomePhlebotomy          MachineName = "at_home_phlebotomy"
	NameOnSite                    MachineName = "on_site_collection"
)

// Machine is the state machine of one kind of order. It holds no order's state and is safe for concurrent use.
type Machine struct {
	name     MachineName
	modality Modality
	initial  LowStatus
	edges    []Edge
	usual    []LowStatus

	// guards table, which has to be set to a status before it can be asked; never held across anything that waits
	mu    sync.Mutex
	table *fsm.FSM
}

var (
	testkitMachine            = newMachine(NameTestkit, Testkit, testkitEdges(), testkitWay...)
	beforeRegistrationMachine = newMachine(NameTestkitBeforeRegistration, Testkit, beforeRegistrationEdges(),
		beforeRegistrationWay...)
	afterRegistrationMachine = newMachine(NameTestkitAfterRegistration, Testkit, afterRegistrationEdges(),
		afterRegistrationWay...)
	walkInMachine     = newMachine(NameWalkIn, WalkIn, walkInEdges(), walkInWay...)
	phlebotomyMachine = newMachine(NameAtHomePhlebotomy, AtHomePhlebotomy, phlebotomyEdges(), phlebotomyWay...)
	onSiteMachine     = newMachine(NameOnSite, OnSite, onSiteEdges(), onSiteWay...)
)

// Machines lists the six machines.
func Machines() []*Machine {
	return []*Machine{
		testkitMachine, beforeRegistrationMachine, afterRegistrationMachine,
		walkInMachine, phlebotomyMachine, onSiteMachine,
	}
}

// MachineFor is the machine of an order. A registrable testkit changes machines when its patient is registered; registered is ignored for a
// testkit that is not registrable, and both are ignored for the other modalities. For panics on a modality that does not exist.
func MachineFor(m Modality, registrable, registered bool) *Machine {
	switch m {
	case Testkit:
		switch {
		case !registrable:
			return testkitMachine
		case registered:
			return afterRegistrationMachine
		}
		return beforeRegistrationMachine
	case WalkIn:
		return walkInMachine
	case AtHomePhlebotomy:
		return phlebotomyMachine
	case OnSite:
		return onSiteMachine
	}
	panic(fmt.Sprintf("lifecycle: no modality %q", string(m)))
}

// newMachine makes a machine of a table that starts with the row of its initial status. It sorts the edges by the status that they leave
// and builds the table from them, in that order: one event per edge, named by its target. Callbacks are never used: looplab/fsm reports
// their errors after the move and ignores misspelt ones.
func newMachine(name MachineName, modality Modality, edges []Edge, usual ...LowStatus) *Machine {
	initial := edges[0].From
	slices.SortStableFunc(edges, func(a, b Edge) int { return cmp.Compare(statusIndex(a.From), statusIndex(b.From)) })
	events := make(fsm.Events, len(edges))
	for i, e := range edges {
		events[i] = fsm.EventDesc{Name: string(e.To), Src: []string{string(e.From)}, Dst: string(e.To)}
	}
	return &Machine{
		name:     name,
		modality: modality,
		initial:  initial,
		edges:    edges,
		usual:    usual,
		table:    fsm.NewFSM(string(initial), events, nil),
	}
}

// Name is the machine's name.
func (m *Machine) Name() MachineName { return m.name }

// Modality is the modality whose orders the machine drives.
func (m *Machine) Modality() Modality { return m.modality }

// Initial is the status in which the machine takes over an order.
func (m *Machine) Initial() LowStatus { return m.initial }

// Edges lists the machine's edges by the status that they leave. The caller may change the copy.
func (m *Machine) Edges() []Edge {
	edges := slices.Clone(m.edges)
	for i := range edges {
		edges[i].Actors = slices.Clone(edges[i].Actors)
	}
	return edges
}

// LowStatuses lists the statuses that the machine knows, in the order of Statuses.
func (m *Machine) LowStatuses() []LowStatus {
	var lows []LowStatus
	for _, row := range statuses {
		if m.Has(row.low) {
			lows = append(lows, row.low)
		}
	}
	return lows
}

// Has reports whether the machine knows the status.
func (m *Machine) Has(l LowStatus) bool {
	return slices.ContainsFunc(m.edges, func(e Edge) bool { return e.From == l || e.To == l })
}

// UsualWay lists the statuses of an order with which all goes well, the initial one first. The caller may change the copy.
func (m *Machine) UsualWay() []LowStatus { return slices.Clone(m.usual) }

// Check says whether the actor may move an order from one status to the other: the edge exists, the actor may ask for it, and its guard
// holds. Any other case is a *RefusedError. A self-transition that the table lists is allowed: it is an event of its own.
func (m *Machine) Check(from, to LowStatus, by Actor, c Conditions) error {
	edge, ok := m.findEdge(from, to)
	switch {
	case !ok:
		return m.newRefusedError(from, to, by, ReasonNoEdge)
	case !slices.Contains(edge.Actors, by):
		return m.newRefusedError(from, to, by, ReasonActor)
	case !edge.Guard.Holds(c):
		return m.newRefusedError(from, to, by, ReasonGuard)
	}
	return nil
}

// Allows reports whether the edge exists and its guard holds, whoever asks.
func (m *Machine) Allows(from, to LowStatus, c Conditions) bool {
	edge, ok := m.findEdge(from, to)
	return ok && edge.Guard.Holds(c)
}

// Next lists, alphabetically, the statuses that Allows allows next.
func (m *Machine) Next(from LowStatus, c Conditions) []LowStatus {
	var next []LowStatus
	for _, e := range m.edges {
		if e.From == from && e.Guard.Holds(c) {
			next = append(next, e.To)
		}
	}
	slices.Sort(next)
	return next
}

// Cancellable reports whether a client may cancel the order now.
func (m *Machine) Cancellable(from LowStatus, c Conditions) bool {
	return m.Check(from, Cancelled, Client, c) == nil
}

// findEdge asks the table for the move and returns the edge behind it.
func (m *Machine) findEdge(from, to LowStatus) (Edge, bool) {
	if !m.hasEdge(from, to) {
		return Edge{}, false
	}
	return m.edges[edgeIndex(m.edges, from, to)], true
}

// hasEdge reports whether the table has the move. The context is never one that could be cancelled: a cancelled one would leave the table
// stuck in its transition.
func (m *Machine) hasEdge(from, to LowStatus) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.table.SetState(string(from))
	err := m.table.Event(context.Background(), string(to))
	var same fsm.NoTransitionError // from and to are the same, and the table lists the move
	return err == nil || errors.As(err, &same)
}
