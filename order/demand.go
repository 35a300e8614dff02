package order

import (
	"fmt"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// DemandKind names what somebody may ask of an order.
type DemandKind string

// The demands of a client.
const (
	DemandCancel        DemandKind = "cancel"
	DemandActivate      DemandKind = "activate"       // change or clear activate_by
	DemandRegister      DemandKind = "register"       // whose a kit is; its body is a Registration
	DemandDrawCompleted DemandKind = "draw_completed" // on-site collection: the draw is done
	// an appointment, in a slot; this and the next three have a BookingBody
	DemandBookAppointment       DemandKind = "book"
	DemandRequestAppointment    DemandKind = "request" // an appointment whose time the provider sets
	DemandRescheduleAppointment DemandKind = "reschedule"
	DemandCancelAppointment     DemandKind = "cancel_appointment"
	DemandAcceptResults         DemandKind = "accept" // results that were held back are the order's; from a match review
)

// The demands of operations.
const (
	DemandPlace           DemandKind = "place"
	DemandRecover         DemandKind = "recover"
	DemandDoNotProcess    DemandKind = "do_not_process"
	DemandReplace         DemandKind = "replace"
	DemandAcknowledgeMark DemandKind = "acknowledge" // take an attention mark away
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

// Demand is a request to change an order, as it travels through Temporal. Whatever body it has stays encrypted in the row that
// ID names.
type Demand struct {
	ID         string          `json:"id"`
	Kind       DemandKind      `json:"kind"`
	By         lifecycle.Actor `json:"by"`
	ActivateBy string          `json:"activate_by,omitempty"` // activate: YYYY-MM-DD; empty clears
	// activate: first instant of that day in the service's zone
	ActivateAt time.Time `json:"activate_at,omitzero"`
	// recover: the lab has confirmed that the kit is back in production
	Confirmed bool `json:"confirmed,omitempty"`
	// recover: the lab can be told by a call; set by the workflow
	LabTakesCorrections bool `json:"correctable,omitempty"`
	// asked before without an answer, so it may have been recorded already
	IsRetry bool `json:"again,omitempty"`
	// do_not_process: a reason code; acknowledge: the attention reason
	Reason string `json:"reason,omitempty"`

	// book, reschedule: what was chosen; request: the provider, without a key
	Slot *Slot `json:"slot,omitempty"`
	// book: the caller does not wait longer than Wait for the provider
	Async         bool          `json:"async,omitempty"`
	CallerWait    Duration      `json:"wait,omitempty"`           // book, asynchronous: how long the caller waits
	ConfirmWithin Duration      `json:"confirm_within,omitempty"` // book, asynchronous: how long the provider may take
	Results       *FetchOutcome `json:"fetched,omitempty"`        // accept: the results
}

// AppointmentID is the id of the appointment that a book or request demand makes: the demand's own, so that asking again cannot make two.
func (d Demand) AppointmentID() string { return d.ID }

// DemandAnswer is what became of a demand.
type DemandAnswer struct {
	Done       bool                `json:"done"`
	Reason     Reason              `json:"reason,omitempty"` // when not done: why
	FromStatus lifecycle.LowStatus `json:"from,omitempty"`   // the status that the demand met
	Sequence   int64               `json:"sequence,omitempty"`
	// the partner did not answer in time; it is kept trying
	Unanswered    bool   `json:"unanswered,omitempty"`
	ReplacementID string `json:"child_id,omitempty"` // replace: the replacement order
}

// Reason is a stable code for why something was refused, parked or found late.
type Reason string

// The reasons.
const (
	// the lifecycle has no such edge from here, or not for this actor
	ReasonTransitionNotAllowed Reason = "transition_not_allowed"
	ReasonNotScheduled         Reason = "not_scheduled"     // the order was created without activate_by
	ReasonAlreadyActivated     Reason = "already_activated" // its activation has begun
	ReasonDateInThePast        Reason = "date_in_the_past"  // activate: the day has passed
	ReasonNotPlaceable         Reason = "not_placeable"     // place: nothing to place
	ReasonNotBlocked           Reason = "not_blocked"       // recover: the order is not blocked
	ReasonNotReplaceable       Reason = "not_replaceable"   // replace: it has not failed, or is no testkit
	ReasonAlreadyReplaced      Reason = "already_replaced"  // replace: it has a replacement
	// replace: its transaction has had all that the policy allows
	ReasonReplacementLimit Reason = "replacement_limit"
	ReasonLabRefused       Reason = "lab_refused"        // the partner would not do it
	ReasonNoSuchAttention  Reason = "no_such_attention"  // acknowledge: the mark is not open
	ReasonNotYetPlaced     Reason = "not_yet_placed"     // a fact about an order that has not been sent to the lab
	ReasonNoEdge           Reason = "no_edge"            // a fact whose edge does not exist from here
	ReasonOlder            Reason = "older"              // a fact older than the one that set the present status
	ReasonRepeated         Reason = "repeated"           // a fact that says what is known
	ReasonOrderEnded       Reason = "order_ended"        // a fact on an order that ended otherwise
	ReasonAmendment        Reason = "amendment"          // an amendment: data only
	ReasonKitNotRegistered Reason = "kit_not_registered" // a lab's fact about a kit whose patient is not known yet
	// register, draw, appointments: the order's collection method has none of it
	ReasonNotForThisMethod  Reason = "not_for_this_method"
	ReasonAlreadyRegistered Reason = "already_registered" // register: its patient is known
	// book: there is no requisition, and the team may not book before it
	ReasonNoRequisition    Reason = "no_requisition"
	ReasonAlreadyBooked    Reason = "already_booked"    // book: it has an active appointment
	ReasonNoAppointment    Reason = "no_appointment"    // reschedule, cancel an appointment: none is active
	ReasonNotReschedulable Reason = "not_reschedulable" // reschedule: this appointment cannot be moved
	ReasonBookingUnderWay  Reason = "booking_under_way" // the provider is being asked for another change
	ReasonSlotGone         Reason = "slot_gone"         // the slot is not free any more, or its key has expired
	// book: it starts before activate_by; activate: it would move past the booked start
	ReasonBeforeActivation   Reason = "before_activation"
	ReasonProviderUnanswered Reason = "provider_unanswered" // book: the provider did not answer; it has been given up
	ReasonNoSuchResult       Reason = "no_such_result"      // accept: nothing is held back
	ReasonSuperseded         Reason = "superseded"          // a rejection that the registration has answered
	// an applied fact whose time is missing or implausible: the receive time counts
	ReasonTimeImplausible Reason = "time_implausible"
)

// The causes of a recording. A cause is recorded once; the same cause again gets the earlier answer.

// CauseInbox is a partner's report.
func CauseInbox(id string) string { return "inbox:" + id }

// CauseDemand is something that was asked.
func CauseDemand(id string) string { return "demand:" + id }

// CauseCall is the outcome of a partner call.
func CauseCall(id string) string { return "call:" + id }

// CancelAskCallPrefix begins the id of the call by which a cancellation, whose id follows, comes to be asked of the lab.
const CancelAskCallPrefix = "cancel-ask-"

// CauseTimer is a deadline that was reached.
func CauseTimer(name DeadlineName, due time.Time) string {
	return fmt.Sprintf("timer:%s:%d", name, due.UnixMicro())
}

// KindOfCause is what kind of cause it is: inbox, demand, call, timer, api or parent.
func KindOfCause(cause string) string {
	kind, _, _ := strings.Cut(cause, ":")
	return kind
}
