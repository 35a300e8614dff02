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

// Reason is why a machine refuses a transition.
type Reason string

const (
	// ReasonNoEdge means that the machine has no such edge.
	ReasonNoEdge Reason = "no_edge"
	// ReasonActor means that the edge exists, but not for this actor.
	ReasonActor Reason = "actor"
	// ReasonGuard means that the edge exists for this actor, but its guard does not hold.
	ReasonGuard Reason = "guard"
)

// RefusedError is the refusal of a transition. Clients see its text.
type RefusedError struct {
	// From and To are full statuses. If the modality does not have one, the field holds only the low-level part.
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

// Machine is the state machine of one kind of order. It holds no state of an order and is safe for concurrent use.
type Machine struct {
	name     MachineName
	modality Modality
	initial  LowStatus
	edges    []Edge
	usual    []LowStatus

	// mu guards table, which is set to a status before it is asked. It is never held while waiting.
	mu    sync.Mutex
	table *fsm.FSM
}

var (
	testkitMachine            = newMachine(NameTestkit, Testkit, testkitEdges(), testkitUsualPath...)
	beforeRegistrationMachine = newMachine(NameTestkitBeforeRegistration, Testkit, beforeRegistrationEdges(),
		beforeRegistrationUsualPath...)
	afterRegistrationMachine = newMachine(NameTestkitAfterRegistration, Testkit, afterRegistrationEdges(),
		afterRegistrationUsualPath...)
	walkInMachine     = newMachine(NameWalkIn, WalkIn, walkInEdges(), walkInUsualPath...)
	phlebotomyMachine = newMachine(NameAtHomePhlebotomy, AtHomePhlebotomy, phlebotomyEdges(), phlebotomyUsualPath...)
	onSiteMachine     = newMachine(NameOnSite, OnSite, onSiteEdges(), onSiteUsualPath...)
)

// Machines lists the six machines.
func Machines() []*Machine {
	return []*Machine{
		testkitMachine, beforeRegistrationMachine, afterRegistrationMachine,
		walkInMachine, phlebotomyMachine, onSiteMachine,
	}
}

// MachineFor returns the machine of an order. A registrable testkit changes machines when its patient is registered.
// registered is ignored for a testkit that is not registrable. Both are ignored for other modalities. MachineFor panics
// on a modality that does not exist.
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

// newMachine makes a machine from a table that begins with the edges of its initial status. It sorts the edges by the
// status that they leave and builds the FSM from them in that order: one FSM event per edge, named by its target. It
// has no callbacks: looplab/fsm reports their errors after the move and ignores misspelt ones.
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

// Modality is the modality of the machine's orders.
func (m *Machine) Modality() Modality { return m.modality }

// Initial is the first status of an order in this machine.
func (m *Machine) Initial() LowStatus { return m.initial }

// Edges lists the machine's edges, sorted by the status that they leave. The caller may change the copy.
func (m *Machine) Edges() []Edge {
	edges := slices.Clone(m.edges)
	for i := range edges {
		edges[i].Actors = slices.Clone(edges[i].Actors)
	}
	return edges
}

// LowStatuses lists the statuses of the machine, in the order of Statuses.
func (m *Machine) LowStatuses() []LowStatus {
	var lows []LowStatus
	for _, row := range statuses {
		if m.Has(row.low) {
			lows = append(lows, row.low)
		}
	}
	return lows
}

// Has reports whether the machine has the status.
func (m *Machine) Has(l LowStatus) bool {
	return slices.ContainsFunc(m.edges, func(e Edge) bool { return e.From == l || e.To == l })
}

// UsualPath lists the statuses of an order without problems, the initial status first. The caller may change the copy.
func (m *Machine) UsualPath() []LowStatus { return slices.Clone(m.usual) }

// Check returns nil if the actor may move an order from one status to the other: the edge exists, the actor may ask for
// it, and its guard holds. Otherwise it returns a *RefusedError. A self-transition that the table lists is allowed and
// is an event of its own.
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

// Allows reports whether the edge exists and its guard holds, for any actor.
func (m *Machine) Allows(from, to LowStatus, c Conditions) bool {
	edge, ok := m.findEdge(from, to)
	return ok && edge.Guard.Holds(c)
}

// Next lists the statuses that Allows allows next, in alphabetical order.
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

// Cancellable reports whether a client may cancel an order in the status.
func (m *Machine) Cancellable(from LowStatus, c Conditions) bool {
	return m.Check(from, Cancelled, Client, c) == nil
}

// findEdge asks the FSM for the move and returns the edge behind it.
func (m *Machine) findEdge(from, to LowStatus) (Edge, bool) {
	if !m.hasEdge(from, to) {
		return Edge{}, false
	}
	return m.edges[edgeIndex(m.edges, from, to)], true
}

// hasEdge reports whether the FSM has the move. Its context is never cancelled: a cancelled context would leave the FSM
// inside its transition.
func (m *Machine) hasEdge(from, to LowStatus) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.table.SetState(string(from))
	err := m.table.Event(context.Background(), string(to))
	var same fsm.NoTransitionError // from and to are the same, and the table lists the move
	return err == nil || errors.As(err, &same)
}
