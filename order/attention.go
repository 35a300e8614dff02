package order

import (
	"slices"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// AttentionReason says why an order needs a human. It never changes the order's status by itself.
type AttentionReason string

// The attention reasons. The first group goes away when the order leaves the status it was raised in, the second
// stays until operations act or acknowledge it.
const (
	RequisitionOverdue  AttentionReason = "requisition_overdue"
	ShipmentOverdue     AttentionReason = "shipment_overdue"
	OutboundOverdue     AttentionReason = "outbound_overdue"
	KitUnused           AttentionReason = "kit_unused"
	InboundOverdue      AttentionReason = "inbound_overdue"
	LegSilent           AttentionReason = "leg_silent"
	ResultsOverdue      AttentionReason = "results_overdue"
	ResultsIncomplete   AttentionReason = "results_incomplete"
	RecoveryNeeded      AttentionReason = "recovery_needed"
	RecoverableUnclear  AttentionReason = "recoverable_unclear" // the lab's `recoverable` was absent or not a boolean
	TellLab             AttentionReason = "tell_lab"
	RefusedByLab        AttentionReason = "placement_refused"
	PlacementUnanswered AttentionReason = "placement_unanswered"
	CancelUnanswered    AttentionReason = "cancel_unanswered"
	VisitOverdue        AttentionReason = "visit_overdue"
	DrawUnreported      AttentionReason = "draw_unreported"
	Unassigned          AttentionReason = "appointment_unassigned"
	SampleProblem       AttentionReason = "sample_problem" // the lab rejected a drawn sample, but not for good

	ResultsUnfetched        AttentionReason = "results_unfetched"
	FactOutOfPlace          AttentionReason = "fact_out_of_place"
	ContradictoryFact       AttentionReason = "contradictory_fact" // a partner's fact about an order that ended otherwise
	ResultAfterEnd          AttentionReason = "result_after_end"   // results for an order that ended otherwise: stored, not shown
	CancelAtLab             AttentionReason = "cancel_at_lab"
	AccessionMismatch       AttentionReason = "accession_mismatch"
	ReplacementNeeded       AttentionReason = "replacement_needed"
	ReplacementLimitReached AttentionReason = "replacement_limit"
	UnregisteredKit         AttentionReason = "unregistered_sample_received"
	AppointmentAtProvider   AttentionReason = "appointment_at_provider" // an appointment is over here, and its provider has not confirmed that
)

// AllAttentionReasons lists every reason.
func AllAttentionReasons() []AttentionReason {
	return []AttentionReason{
		RequisitionOverdue, ShipmentOverdue, OutboundOverdue, KitUnused, InboundOverdue, LegSilent, ResultsOverdue,
		ResultsIncomplete, RecoveryNeeded, RecoverableUnclear, TellLab, RefusedByLab, PlacementUnanswered, CancelUnanswered,
		VisitOverdue, DrawUnreported, Unassigned, SampleProblem, ResultsUnfetched, FactOutOfPlace, ContradictoryFact,
		ResultAfterEnd, CancelAtLab, AccessionMismatch, ReplacementNeeded, ReplacementLimitReached, UnregisteredKit,
		AppointmentAtProvider,
	}
}

// attentionIn lists the statuses that a status-bound reason belongs to: entering any other takes the mark away.
var attentionIn = map[AttentionReason][]lifecycle.Low{
	RequisitionOverdue:  {lifecycle.Ordered, lifecycle.Registered},
	RefusedByLab:        {lifecycle.Ordered, lifecycle.Registered},
	PlacementUnanswered: {lifecycle.Ordered, lifecycle.Registered},
	ShipmentOverdue:     {lifecycle.RequisitionCreated, lifecycle.RequisitionBypassed, lifecycle.AwaitingRegistration},
	OutboundOverdue: {
		lifecycle.TransitCustomer, lifecycle.OutForDelivery, lifecycle.ProblemInTransitCustomer,
		lifecycle.Registered, lifecycle.RequisitionCreated, // a kit that was registered on its way
	},
	KitUnused:      {lifecycle.WithCustomer},
	InboundOverdue: {lifecycle.TransitLab, lifecycle.ProblemInTransitLab},
	LegSilent: {
		lifecycle.TransitCustomer, lifecycle.OutForDelivery, lifecycle.ProblemInTransitCustomer,
		lifecycle.TransitLab, lifecycle.ProblemInTransitLab, lifecycle.Registered, lifecycle.RequisitionCreated,
	},
	VisitOverdue:   {lifecycle.RequisitionCreated, lifecycle.RequisitionBypassed, lifecycle.AppointmentCancelled},
	DrawUnreported: {lifecycle.RequisitionCreated, lifecycle.RequisitionBypassed, lifecycle.AppointmentScheduled},
	Unassigned:     {lifecycle.AppointmentPending},
	SampleProblem: {
		lifecycle.RequisitionCreated, lifecycle.RequisitionBypassed, lifecycle.AppointmentPending, lifecycle.AppointmentScheduled,
		lifecycle.AppointmentCancelled, lifecycle.DrawCompleted, lifecycle.PartialResults,
	},
	ResultsOverdue:     {lifecycle.DeliveredToLab, lifecycle.DrawCompleted},
	ResultsIncomplete:  {lifecycle.PartialResults},
	RecoveryNeeded:     {lifecycle.LabProcessingBlocked},
	RecoverableUnclear: {lifecycle.LabProcessingBlocked},
	TellLab:            {lifecycle.LabProcessingBlocked},
	CancelUnanswered: {
		lifecycle.RequisitionCreated, lifecycle.RequisitionBypassed, lifecycle.AwaitingRegistration, lifecycle.Registered,
		lifecycle.AppointmentPending, lifecycle.AppointmentScheduled, lifecycle.AppointmentCancelled, lifecycle.DrawCompleted,
	},
}

// Attention is one open mark.
type Attention struct {
	Reason    AttentionReason `json:"reason"`
	Since     time.Time       `json:"since"`
	Reminders int             `json:"reminders,omitempty"` // how often operations have been reminded of it
}

// Raise adds a mark; one that is open already keeps its time.
func (s *State) Raise(r AttentionReason, at time.Time) {
	if s.Needs(r) {
		return
	}
	s.Attention = append(slices.Clone(s.Attention), Attention{Reason: r, Since: at})
	slices.SortFunc(s.Attention, func(a, b Attention) int { return strings.Compare(string(a.Reason), string(b.Reason)) })
}

// Settle takes a mark away and reports whether it was there.
func (s *State) Settle(r AttentionReason) bool {
	before := len(s.Attention)
	s.Attention = slices.DeleteFunc(slices.Clone(s.Attention), func(a Attention) bool { return a.Reason == r })
	return len(s.Attention) < before
}

// Needs reports whether the mark is open.
func (s *State) Needs(r AttentionReason) bool {
	return slices.ContainsFunc(s.Attention, func(a Attention) bool { return a.Reason == r })
}

func (s *State) remind(r AttentionReason) {
	s.Attention = slices.Clone(s.Attention)
	for i := range s.Attention {
		if s.Attention[i].Reason == r {
			s.Attention[i].Reminders++
		}
	}
}

// AttentionReasons lists the open marks, sorted.
func (s State) AttentionReasons() []string {
	out := make([]string, len(s.Attention))
	for i, a := range s.Attention {
		out[i] = string(a.Reason)
	}
	return out
}
