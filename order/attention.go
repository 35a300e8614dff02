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

// home is where a status-bound reason belongs: entering any other status takes the mark away.
type home struct {
	stages   []lifecycle.Stage
	onItsWay bool // and the statuses of a kit that was registered on its way
}

func (h home) includes(l lifecycle.Low) bool {
	return l.In(h.stages...) || h.onItsWay && lifecycle.RegisteredOnItsWay(l)
}

func stages(all ...lifecycle.Stage) home { return home{stages: all} }

// attentionIn gives every status-bound reason the stages that it belongs to.
var attentionIn = map[AttentionReason]home{
	RequisitionOverdue:  stages(lifecycle.StageOrdered, lifecycle.StageRegistered),
	RefusedByLab:        stages(lifecycle.StageOrdered, lifecycle.StageRegistered),
	PlacementUnanswered: stages(lifecycle.StageOrdered, lifecycle.StageRegistered),
	ShipmentOverdue:     stages(lifecycle.StagePlaced, lifecycle.StageUnregistered),
	OutboundOverdue:     {stages: []lifecycle.Stage{lifecycle.StageOutbound}, onItsWay: true},
	KitUnused:           stages(lifecycle.StageWithCustomer),
	InboundOverdue:      stages(lifecycle.StageInbound),
	LegSilent:           {stages: []lifecycle.Stage{lifecycle.StageOutbound, lifecycle.StageInbound}, onItsWay: true},
	VisitOverdue:        stages(lifecycle.StagePlaced, lifecycle.StageAppointmentCancelled),
	DrawUnreported:      stages(lifecycle.StagePlaced, lifecycle.StageAppointmentScheduled),
	Unassigned:          stages(lifecycle.StageAppointmentPending),
	SampleProblem: stages(
		lifecycle.StagePlaced, lifecycle.StageAppointmentPending, lifecycle.StageAppointmentScheduled,
		lifecycle.StageAppointmentCancelled, lifecycle.StageDrawn, lifecycle.StagePartialResults,
	),
	ResultsOverdue:     stages(lifecycle.StageAtLab, lifecycle.StageDrawn),
	ResultsIncomplete:  stages(lifecycle.StagePartialResults),
	RecoveryNeeded:     stages(lifecycle.StageBlocked),
	RecoverableUnclear: stages(lifecycle.StageBlocked),
	TellLab:            stages(lifecycle.StageBlocked),
	CancelUnanswered: stages(
		lifecycle.StageUnregistered, lifecycle.StageRegistered, lifecycle.StagePlaced, lifecycle.StageAppointmentPending,
		lifecycle.StageAppointmentScheduled, lifecycle.StageAppointmentCancelled, lifecycle.StageDrawn,
	),
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
