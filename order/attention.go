package order

import (
	"slices"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// AttentionReason says why an order needs a human. A mark never changes the order's status.
type AttentionReason string

// The attention reasons. A mark of the first group is cleared when the order leaves the statuses that it belongs to. A
// mark of the second group stays until operations act or acknowledge it.
const (
	AttentionRequisitionOverdue AttentionReason = "requisition_overdue"
	AttentionShipmentOverdue    AttentionReason = "shipment_overdue"
	AttentionOutboundOverdue    AttentionReason = "outbound_overdue"
	AttentionKitUnused          AttentionReason = "kit_unused"
	AttentionInboundOverdue     AttentionReason = "inbound_overdue"
	AttentionLegSilent          AttentionReason = "leg_silent"
	AttentionResultsOverdue     AttentionReason = "results_overdue"
	AttentionResultsIncomplete  AttentionReason = "results_incomplete"
	AttentionRecoveryNeeded     AttentionReason = "recovery_needed"
	// the lab's `recoverable` was absent or not a boolean
	AttentionRecoverableUnclear    AttentionReason = "recoverable_unclear"
	AttentionTellLab               AttentionReason = "tell_lab"
	AttentionPlacementRefused      AttentionReason = "placement_refused"
	AttentionPlacementUnanswered   AttentionReason = "placement_unanswered"
	AttentionCancelUnanswered      AttentionReason = "cancel_unanswered"
	AttentionVisitOverdue          AttentionReason = "visit_overdue"
	AttentionDrawUnreported        AttentionReason = "draw_unreported"
	AttentionAppointmentUnassigned AttentionReason = "appointment_unassigned"
	AttentionSampleProblem         AttentionReason = "sample_problem" // the lab rejected a drawn sample, not finally

	AttentionResultsUnfetched AttentionReason = "results_unfetched"
	AttentionFactOutOfPlace   AttentionReason = "fact_out_of_place"
	// a partner's fact about an order that ended otherwise
	AttentionContradictoryFact AttentionReason = "contradictory_fact"
	// results for an order that ended otherwise: stored, not shown
	AttentionResultAfterEnd AttentionReason = "result_after_end"
	// results that name another person than the order's patient: stored, not shown
	AttentionResultOfOtherPatient AttentionReason = "result_of_other_patient"
	// results that are shown, although they name the patient by another name or with another date of birth
	AttentionPatientMismatch    AttentionReason = "patient_mismatch"
	AttentionCancelAtLab        AttentionReason = "cancel_at_lab"
	AttentionAccessionMismatch  AttentionReason = "accession_mismatch"
	AttentionReplacementNeeded  AttentionReason = "replacement_needed"
	AttentionReplacementLimit   AttentionReason = "replacement_limit"
	AttentionUnregisteredSample AttentionReason = "unregistered_sample_received"
	// an appointment was released, and its provider has not confirmed that
	AttentionAppointmentAtProvider AttentionReason = "appointment_at_provider"
	// Aliquot failed to record something that happened, and went on without it; the log has the cause
	AttentionRecordingFailed AttentionReason = "recording_failed"
)

// AllAttentionReasons lists all reasons.
func AllAttentionReasons() []AttentionReason {
	return []AttentionReason{
		AttentionRequisitionOverdue, AttentionShipmentOverdue, AttentionOutboundOverdue, AttentionKitUnused,
		AttentionInboundOverdue, AttentionLegSilent, AttentionResultsOverdue,
		AttentionResultsIncomplete, AttentionRecoveryNeeded, AttentionRecoverableUnclear, AttentionTellLab,
		AttentionPlacementRefused, AttentionPlacementUnanswered, AttentionCancelUnanswered,
		AttentionVisitOverdue, AttentionDrawUnreported, AttentionAppointmentUnassigned, AttentionSampleProblem,
		AttentionResultsUnfetched, AttentionFactOutOfPlace, AttentionContradictoryFact,
		AttentionResultAfterEnd, AttentionResultOfOtherPatient, AttentionPatientMismatch, AttentionCancelAtLab, AttentionAccessionMismatch, AttentionReplacementNeeded,
		AttentionReplacementLimit, AttentionUnregisteredSample,
		AttentionAppointmentAtProvider, AttentionRecordingFailed,
	}
}

// statusScope is the statuses that a mark belongs to. Entering any other status clears the mark.
type statusScope struct {
	stages              []lifecycle.Stage
	registeredInTransit bool // includes the statuses of a kit that was registered before it arrived
}

func (s statusScope) includes(l lifecycle.LowStatus) bool {
	return l.In(s.stages...) || s.registeredInTransit && lifecycle.IsRegisteredInTransit(l)
}

func scopeOfStages(all ...lifecycle.Stage) statusScope { return statusScope{stages: all} }

// statusesOfMark lists the statuses of the marks of the first group.
var statusesOfMark = map[AttentionReason]statusScope{
	AttentionRequisitionOverdue:  scopeOfStages(lifecycle.StageOrdered, lifecycle.StageRegistered),
	AttentionPlacementRefused:    scopeOfStages(lifecycle.StageOrdered, lifecycle.StageRegistered),
	AttentionPlacementUnanswered: scopeOfStages(lifecycle.StageOrdered, lifecycle.StageRegistered),
	AttentionShipmentOverdue:     scopeOfStages(lifecycle.StagePlaced, lifecycle.StageUnregistered),
	AttentionOutboundOverdue:     {stages: []lifecycle.Stage{lifecycle.StageOutbound}, registeredInTransit: true},
	AttentionKitUnused:           scopeOfStages(lifecycle.StageWithCustomer),
	AttentionInboundOverdue:      scopeOfStages(lifecycle.StageInbound),
	AttentionLegSilent: {stages: []lifecycle.Stage{lifecycle.StageOutbound, lifecycle.StageInbound},
		registeredInTransit: true},
	AttentionVisitOverdue:          scopeOfStages(lifecycle.StagePlaced, lifecycle.StageAppointmentCancelled),
	AttentionDrawUnreported:        scopeOfStages(lifecycle.StagePlaced, lifecycle.StageAppointmentScheduled),
	AttentionAppointmentUnassigned: scopeOfStages(lifecycle.StageAppointmentPending),
	AttentionSampleProblem: scopeOfStages(
		lifecycle.StagePlaced, lifecycle.StageAppointmentPending, lifecycle.StageAppointmentScheduled,
		lifecycle.StageAppointmentCancelled, lifecycle.StageDrawn, lifecycle.StagePartialResults,
	),
	AttentionResultsOverdue:     scopeOfStages(lifecycle.StageAtLab, lifecycle.StageDrawn),
	AttentionResultsIncomplete:  scopeOfStages(lifecycle.StagePartialResults),
	AttentionRecoveryNeeded:     scopeOfStages(lifecycle.StageBlocked),
	AttentionRecoverableUnclear: scopeOfStages(lifecycle.StageBlocked),
	AttentionTellLab:            scopeOfStages(lifecycle.StageBlocked),
	AttentionCancelUnanswered: scopeOfStages(
		lifecycle.StageUnregistered, lifecycle.StageRegistered, lifecycle.StagePlaced, lifecycle.StageAppointmentPending,
		lifecycle.StageAppointmentScheduled, lifecycle.StageAppointmentCancelled, lifecycle.StageDrawn,
	),
}

// Attention is one open mark.
type Attention struct {
	Reason    AttentionReason `json:"reason"`
	Since     time.Time       `json:"since"`
	Reminders int             `json:"reminders,omitempty"` // how often operations have been reminded of it
	// HTTPStatus is the status of the last answer that could not be used, for marks about calls without an answer; 0:
	// there was none, or the mark is about something else.
	HTTPStatus int `json:"http_status,omitempty"`
}

// noteHTTPStatus sets the status of the last answer in an open mark.
func (s *State) noteHTTPStatus(r AttentionReason, status int) {
	s.Attention = slices.Clone(s.Attention)
	for i := range s.Attention {
		if s.Attention[i].Reason == r {
			s.Attention[i].HTTPStatus = status
		}
	}
}

// RaiseMark opens a mark. A mark that is open already does not change.
func (s *State) RaiseMark(r AttentionReason, at time.Time) {
	if s.HasMark(r) {
		return
	}
	s.Attention = append(slices.Clone(s.Attention), Attention{Reason: r, Since: at})
	slices.SortFunc(s.Attention, func(a, b Attention) int { return strings.Compare(string(a.Reason), string(b.Reason)) })
}

// ClearMark clears a mark and reports whether it was open.
func (s *State) ClearMark(r AttentionReason) bool {
	before := len(s.Attention)
	s.Attention = slices.DeleteFunc(slices.Clone(s.Attention), func(a Attention) bool { return a.Reason == r })
	return len(s.Attention) < before
}

// HasMark reports whether the mark is open.
func (s *State) HasMark(r AttentionReason) bool {
	return slices.ContainsFunc(s.Attention, func(a Attention) bool { return a.Reason == r })
}

func (s *State) countReminder(r AttentionReason) {
	s.Attention = slices.Clone(s.Attention)
	for i := range s.Attention {
		if s.Attention[i].Reason == r {
			s.Attention[i].Reminders++
		}
	}
}
