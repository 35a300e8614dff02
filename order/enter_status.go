package order

import (
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// NewState returns the state of a new order. activateAt is the first instant of o.ActivateBy in the service's time
// zone. If it is zero or not after the order's creation, the placement starts at once. An imported order has its
// requisition already, and so a second event.
func NewState(o *Order, p Policy, activateAt time.Time) State {
	s := State{
		OrderID:          o.ID,
		TeamID:           o.TeamID,
		Number:           o.Number,
		Modality:         o.Modality,
		Registrable:      o.Registrable,
		Registered:       o.Registered,
		Imported:         o.Imported,
		IsRedraw:         o.Origin == OriginRedraw,
		ReplacementDepth: o.ReplacementDepth,
		CreatedAt:        o.CreatedAt,
		Policy:           p,
		Status:           lifecycle.Ordered,
		Sequence:         1,
		Revision:         1,
		NewestFactAt:     o.CreatedAt,
		EnteredAt:        o.CreatedAt,
	}
	if o.LabTest.WorstCaseTATDays != nil {
		s.TurnaroundDays = *o.LabTest.WorstCaseTATDays
	}
	if o.ActivateBy != nil {
		s.Scheduled = true
		s.ActivateBy, s.ActivateAt = o.ActivateBy.String(), activateAt
	}
	switch {
	case o.Imported:
		s.Status, s.Sequence = lifecycle.RequisitionBypassed, 2
		s.Placement = Placement{State: PlacementDone}
	case !activateAt.After(o.CreatedAt):
		s.startPlacement()
	}
	s.recomputeDeadlines()
	return s
}

// startPlacement starts the placement. From then on a fact of the lab proves that the lab knows the order. The
// placement of a silent order is held until a demand starts it.
func (s *State) startPlacement() {
	s.Placement = Placement{State: PlacementStarted}
	if s.Policy.Silent {
		s.Placement.State = PlacementHeld
	}
}

// enterStatus moves to the status of a step. It ends the recovery of an order that is not blocked any more, and clears
// the marks that belong to other statuses. fromFact is false for steps that calls, demands and deadlines cause. Such a
// step leaves NewestFactAt unchanged, because its time does not make a later fact late.
func (s *State) enterStatus(st Step, fromFact bool) {
	if !st.To.In(lifecycle.StageBlocked) {
		s.Recovery, s.PendingCorrection = RecoveryState{}, nil
	}
	s.updateLegs(st)
	s.Status, s.Detail, s.EnteredAt = st.To, st.Detail, st.At
	if fromFact {
		s.NewestFactAt = st.At
	}
	s.Attention = slices.DeleteFunc(slices.Clone(s.Attention), func(a Attention) bool {
		belongs, bound := statusesOfMark[a.Reason]
		return bound && !belongs.includes(st.To)
	})
}

// updateLegs records when the kit starts a leg, and when the outbound leg ends. The outbound leg continues for a kit
// that is registered before it arrives.
func (s *State) updateLegs(st Step) {
	if st.To.In(lifecycle.StageOutbound) && !s.Outbound.inProgress() {
		s.Outbound.StartedAt, s.Outbound.Finished = st.At, false
	}
	if st.To.In(lifecycle.StageInbound) && !s.Status.In(lifecycle.StageInbound) {
		s.Inbound.StartedAt = st.At
	}
	if st.To.In(lifecycle.StageWithCustomer, lifecycle.StageInbound, lifecycle.StageAtLab, lifecycle.StageBlocked) {
		s.Outbound.Finished = true
	}
}
