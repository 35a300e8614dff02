package order

import (
	"fmt"
	"time"
)

// Cause is what happened to an order: exactly one of its fields is set. A run reports the causes that it knows; the
// store decides on each from the state that it holds (Decide), and records a cause once.
type Cause struct {
	Fact     *Fact        `json:"fact,omitempty"`
	Demand   *Demand      `json:"demand,omitempty"`
	Deadline *Deadline    `json:"deadline,omitempty"`
	Call     *CallOutcome `json:"call,omitempty"`
	// a demand about an appointment whose caller does not wait any longer
	WaitOver *Demand `json:"wait_over,omitempty"`
}

// CallKind names a call to a partner.
type CallKind string

// The calls.
const (
	CallPlace   CallKind = "place"
	CallFetch   CallKind = "fetch"
	CallTrack   CallKind = "track"
	CallCancel  CallKind = "cancel"
	CallCorrect CallKind = "correct"
	CallBook    CallKind = "book"
	CallRelease CallKind = "release"
)

// CallAnswer says how a call to a partner ended.
type CallAnswer string

// The answers.
const (
	AnswerDone         CallAnswer = "done"
	AnswerRefused      CallAnswer = "refused"
	AnswerNotSupported CallAnswer = "not_supported" // the partner has no such call
	AnswerSlotGone     CallAnswer = "slot_gone"
	AnswerNone         CallAnswer = "none" // no answer: the effect of the call is not known
)

// refused reports whether the partner will not do what it was asked.
func (a CallAnswer) refused() bool { return a == AnswerRefused || a == AnswerNotSupported }

// CallOutcome is the outcome of a call to a partner, or of a round of attempts.
type CallOutcome struct {
	Kind   CallKind   `json:"kind"`
	ID     string     `json:"id"` // of the round; the outcome of a round is recorded once
	Answer CallAnswer `json:"answer"`

	// place, cancel, correct without an answer: the HTTP status of the last attempt's answer; 0: it got none
	HTTPStatus int          `json:"http_status,omitempty"`
	Accession  string       `json:"accession,omitempty"`  // place: the lab's number of the requisition
	Fetched    FetchOutcome `json:"fetched,omitzero"`     // fetch
	Generation int          `json:"generation,omitempty"` // fetch: of the announcement
	ShipmentAt time.Time    `json:"shipment_at,omitzero"` // track: of the shipment whose trackers exist
	// cancel, correct, book: the demand behind the call
	DemandID      string               `json:"demand_id,omitempty"`
	Appointment   *ReportedAppointment `json:"appointment,omitempty"`    // book
	AppointmentID string               `json:"appointment_id,omitempty"` // release
}

// ID returns the id under which the outcome of the cause is recorded. A demand that a partner has to be asked about is
// recorded before, under the id of the question. A partner's answer to a demand is recorded under the demand's id.
func (c Cause) ID() string {
	switch {
	case c.Fact != nil:
		return CauseInbox(c.Fact.InboxID)
	case c.Demand != nil:
		return CauseDemand(c.Demand.ID)
	case c.WaitOver != nil:
		return CauseDemand(c.WaitOver.ID)
	case c.Deadline != nil:
		return CauseTimer(c.Deadline.Name, c.Deadline.Due)
	case c.Call != nil:
		return CauseCall(c.Call.ID)
	default:
		return ""
	}
}

// DemandID returns the id of the demand that the cause is; empty: it is none.
func (c Cause) DemandID() string {
	switch {
	case c.Demand != nil:
		return c.Demand.ID
	case c.WaitOver != nil:
		return c.WaitOver.ID
	default:
		return ""
	}
}

// The ids of a cause. The same id again gets the earlier answer.

// CauseInbox returns the id of a fact's cause, from the id of its inbox item.
func CauseInbox(id string) string { return "inbox:" + id }

// CauseDemand returns the id of a demand's cause.
func CauseDemand(id string) string { return "demand:" + id }

// CauseCall returns the id of the cause of a partner call's outcome.
func CauseCall(id string) string { return "call:" + id }

// The beginnings of the ids of calls that follow from a demand; the demand's id follows.
const (
	CancelAskCallPrefix = "cancel-ask-" // the lab is asked to confirm a cancellation
	bookAskCallPrefix   = "book-ask-"   // a provider is asked about an appointment
	bookWaitCallPrefix  = "book-wait-"  // the caller of an asynchronous booking got the answer "pending"
)

// CauseTimer returns the id of the cause of a deadline that was reached.
func CauseTimer(name DeadlineName, due time.Time) string {
	return fmt.Sprintf("timer:%s:%d", name, due.UnixMicro())
}
