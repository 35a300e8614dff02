package order

import (
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// DemandKind says what a demand asks for.
type DemandKind string

// The demands of a client.
const (
	DemandCancel        DemandKind = "cancel"
	DemandActivate      DemandKind = "activate"       // change or clear activate_by
	DemandRegister      DemandKind = "register"       // name the patient of a kit; its body is a Registration
	DemandDrawCompleted DemandKind = "draw_completed" // on-site collection: the draw is done
	// book an appointment in a slot; this demand and the next three have a BookingBody
	DemandBookAppointment       DemandKind = "book"
	DemandRequestAppointment    DemandKind = "request" // book an appointment whose time the provider sets
	DemandRescheduleAppointment DemandKind = "reschedule"
	DemandCancelAppointment     DemandKind = "cancel_appointment"
	DemandAcceptResults         DemandKind = "accept" // make held results the order's results; created by a match review
)

// The demands of operations.
const (
	DemandPlace           DemandKind = "place"
	DemandRecover         DemandKind = "recover"
	DemandDoNotProcess    DemandKind = "do_not_process"
	DemandReplace         DemandKind = "replace"
	DemandAcknowledgeMark DemandKind = "acknowledge" // clear an attention mark
)

// ConcernsAppointment reports whether the demand is about an appointment, so that a provider has to be asked.
func (k DemandKind) ConcernsAppointment() bool {
	switch k {
	case DemandBookAppointment, DemandRequestAppointment, DemandRescheduleAppointment, DemandCancelAppointment:
		return true
	default:
		return false
	}
}

// Demand is a request to change an order, without patient data, so it may enter Temporal. Its body, if it has one, is
// stored sealed in the row with the same ID.
type Demand struct {
	ID         string          `json:"id"`
	Kind       DemandKind      `json:"kind"`
	By         lifecycle.Actor `json:"by"`
	ActivateBy string          `json:"activate_by,omitempty"` // activate: YYYY-MM-DD; empty clears
	// activate: first instant of that day in the service's zone
	ActivateAt time.Time `json:"activate_at,omitzero"`
	// recover: the lab has confirmed that the kit is back in production; cancel: the partner has confirmed
	Confirmed bool `json:"confirmed,omitempty"`
	// recover: the lab takes corrections by a call; set before the demand is decided
	LabTakesCorrections bool `json:"correctable,omitempty"`
	// cancel: the lab has a call that confirms a cancellation; set before the demand is decided
	LabConfirmsCancels bool `json:"lab_confirms,omitempty"`
	// do_not_process: a reason code; acknowledge: the attention reason
	Reason string `json:"reason,omitempty"`

	// book, reschedule: the chosen slot; request: the provider, without a slot key
	Slot *Slot `json:"slot,omitempty"`
	// book: the caller waits no longer than CallerWait for the provider
	Async         bool          `json:"async,omitempty"`
	CallerWait    Duration      `json:"wait,omitempty"`           // book, asynchronous: how long the caller waits
	ConfirmWithin Duration      `json:"confirm_within,omitempty"` // book, asynchronous: limit for the confirmation
	Results       *FetchOutcome `json:"fetched,omitempty"`        // accept: the results
}

// AppointmentID returns the id of the appointment that a book or request demand creates. It is the demand's own id, so
// a repeated demand cannot create a second appointment.
func (d Demand) AppointmentID() string { return d.ID }

// DemandAnswer is the answer to a demand.
type DemandAnswer struct {
	Done       bool                `json:"done"`
	Reason     Reason              `json:"reason,omitempty"` // set if the demand was not applied
	FromStatus lifecycle.LowStatus `json:"from,omitempty"`   // the status that the order had
	Sequence   int64               `json:"sequence,omitempty"`
	// the partner did not answer in time; attempts go on
	Unanswered    bool   `json:"unanswered,omitempty"`
	ReplacementID string `json:"child_id,omitempty"` // replace: the replacement order
}

// Reason is a stable code that says why a fact or demand was refused, parked or late.
type Reason string

// The reasons.
const (
	// the lifecycle machine has no such edge from this status, or not for this actor
	ReasonTransitionNotAllowed Reason = "transition_not_allowed"
	ReasonNotScheduled         Reason = "not_scheduled"     // the order was created without activate_by
	ReasonAlreadyActivated     Reason = "already_activated" // the placement has started
	ReasonDateInThePast        Reason = "date_in_the_past"  // activate: the day has passed
	ReasonNotPlaceable         Reason = "not_placeable"     // place: the placement was not refused and has an answer
	ReasonNotBlocked           Reason = "not_blocked"       // recover: the order is not blocked
	ReasonNotReplaceable       Reason = "not_replaceable"   // replace: it has not failed, or is no testkit
	ReasonAlreadyReplaced      Reason = "already_replaced"  // replace: it has a replacement
	// replace: the transaction has as many replacements as the policy allows
	ReasonReplacementLimit Reason = "replacement_limit"
	ReasonLabRefused       Reason = "lab_refused"        // the partner refused
	ReasonNoSuchAttention  Reason = "no_such_attention"  // acknowledge: the mark is not open
	ReasonNotYetPlaced     Reason = "not_yet_placed"     // a fact about an order that has not been sent to the lab
	ReasonNoEdge           Reason = "no_edge"            // a fact without an edge from the present status
	ReasonOlder            Reason = "older"              // a fact older than the one that set the present status
	ReasonRepeated         Reason = "repeated"           // a fact that adds nothing new
	ReasonOrderEnded       Reason = "order_ended"        // a fact on an order that ended otherwise
	ReasonOtherPatient     Reason = "other_patient"      // results that name somebody else
	ReasonAmendment        Reason = "amendment"          // a repeated inbox item with other content: it changes data only
	ReasonKitNotRegistered Reason = "kit_not_registered" // a lab's fact about a kit without a patient
	// register, draw, appointments: not for orders of this collection method
	ReasonNotForThisMethod  Reason = "not_for_this_method"
	ReasonAlreadyRegistered Reason = "already_registered" // register: the kit has a patient
	// book: there is no requisition, and the policy does not allow a booking before it
	ReasonNoRequisition    Reason = "no_requisition"
	ReasonAlreadyBooked    Reason = "already_booked"    // book: the order has an active appointment
	ReasonNoAppointment    Reason = "no_appointment"    // reschedule, cancel an appointment: no appointment is active
	ReasonNotReschedulable Reason = "not_reschedulable" // reschedule: this appointment cannot be moved
	ReasonBookingUnderWay  Reason = "booking_under_way" // the provider is being asked for another change
	ReasonSlotGone         Reason = "slot_gone"         // the slot is taken, or its booking key has expired
	// book: the slot is before activate_by; activate: the new day is after the booked start
	ReasonBeforeActivation   Reason = "before_activation"
	ReasonProviderUnanswered Reason = "provider_unanswered" // book: given up, because the provider did not answer
	ReasonNoSuchResult       Reason = "no_such_result"      // accept: there are no held results
	// a fact that something newer has replaced, such as a rejection that the registration has answered
	ReasonSuperseded Reason = "superseded"
	// Aliquot could not record the fact or demand, and went on without it
	ReasonRecordingFailed Reason = "recording_failed"
	// an applied fact whose time is missing or implausible; the time of receipt counts
	ReasonTimeImplausible Reason = "time_implausible"
)

// KindOfCause returns the kind of a cause: inbox, demand, call, timer, api or parent.
func KindOfCause(cause string) string {
	kind, _, _ := strings.Cut(cause, ":")
	return kind
}
