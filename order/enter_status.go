package order

import (
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// NewState is the state of an order that is just being created. activateAt is the first instant of o.ActivateBy in the service's time
// zone; the zero time, or one that is not after the order's creation, means at once. An imported order has its requisition already,
// and so a second event.
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

// startPlacement lets the requisition be made. From here on a lab's fact proves that the lab knows the order.
func (s *State) startPlacement() { s.Placement = Placement{State: PlacementStarted} }

// enterStatus moves to a step's status. fromFact is false for steps that our own calls, demands and timers cause: only a fact's time
// is something that a later fact can be older than.
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

// updateLegs notes when the kit sets out on a leg, and when the way to the customer is over. That of a kit which is registered on its way
// goes on meanwhile.
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
