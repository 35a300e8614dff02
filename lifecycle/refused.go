package lifecycle

import "fmt"

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
