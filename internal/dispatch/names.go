// Package dispatch is how the rest of Aliquot reaches its Temporal workflows: the names of task queues, workflows,
// activities, signals and updates, their payloads, and a client that starts, signals and updates workflows. It holds no
// workflow code.
//
// No payload names a patient: only ids, statuses, times, tracking numbers and reason codes.
package dispatch

import (
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/aliquot-labs/aliquot/order"
)

// The task queues. Different workers may serve them.
const (
	QueueOrders     = "aliquot-orders"     // Order workflows and their recordings
	QueueLabs       = "aliquot-labs"       // calls to labs and couriers
	QueueDeliveries = "aliquot-deliveries" // deliveries workflows and batches, the reconciler
)

// QueueNames lists the task queues.
func QueueNames() []string { return []string{QueueOrders, QueueLabs, QueueDeliveries} }

// The workflows.
const (
	WorkflowOrder      = "Order"
	WorkflowDeliveries = "Deliveries"
	WorkflowReconcile  = "Reconcile"
)

// The activities.
const (
	ActivitySettle          = "SettleOrder"
	ActivityPlace           = "PlaceRequisition"
	ActivityFetch           = "FetchResults"
	ActivityTrack           = "CreateTrackers"
	ActivityCancel          = "CancelAtLab"
	ActivityCorrect         = "CorrectAtLab"
	ActivityBook            = "BookAppointment"
	ActivityRelease         = "ReleaseAppointment"
	ActivityDeliver         = "DeliverBatch"
	ActivitySweep           = "Sweep"
	ActivitySweepOpenOrders = "SweepOpenOrders"
	ActivityPoll            = "PollSilentOrders"
	ActivityReview          = "ReviewReports"
	ActivityAskLabs         = "AskLabs"
)

// The signals and the update of workflows.
const (
	SignalWake   = "wake"   // Wake: look into the store and settle what is there
	SignalNudge  = "nudge"  // no payload
	UpdateDemand = "demand" // order.Demand → order.DemandAnswer
)

// The search attributes of an order's workflow.
var (
	AttrStatus    = temporal.NewSearchAttributeKeyKeyword("OrderStatus")
	AttrMethod    = temporal.NewSearchAttributeKeyKeyword("OrderCollectionMethod")
	AttrTeam      = temporal.NewSearchAttributeKeyKeyword("OrderTeam")
	AttrAttention = temporal.NewSearchAttributeKeyKeywordList("OrderAttention")
)

// The types of the application errors of activities on which a workflow decides.
const (
	ErrorStale        = "Stale"        // the order as stored does not want the call any more
	ErrorUnknownOrder = "UnknownOrder" // no such order
	ErrorRefused      = "Refused"      // the partner refused
	ErrorNotSupported = "NotSupported" // the partner has no such call
	ErrorSlotGone     = "SlotGone"     // the slot is taken
	ErrorComeBack     = "ComeBack"     // the call was not made: details are a ComeBack, which says when to ask again
	ErrorBusy         = "Busy"         // the partner asks for a pause
	ErrorUnanswered   = "Unanswered"   // the outcome of the call is unknown
	ErrorFault        = "Fault"        // Aliquot itself failed, and no partner
	ErrorPanic        = "Panic"        // an activity panicked
)

// OrderInput is the input of an Order workflow, which loads everything else from the store.
type OrderInput struct {
	OrderID string `json:"order_id"`
}

// The kinds of a Wake.
const (
	WakeFact   = "fact"   // a partner's fact is in the inbox
	WakeBehind = "behind" // the reconciler found something that the run should have settled
)

// Wake says why a run is woken, for whoever reads the Temporal UI. The run does not rely on it: it looks at everything
// that waits for it in the store.
type Wake struct {
	Kind    string `json:"kind"`
	InboxID string `json:"inbox_id,omitempty"` // fact: the inbox item
}

// SettleInput asks for a cause to be settled, and then for everything that waits for the order in the store. Without a
// cause it asks for the latter alone.
type SettleInput struct {
	OrderID string       `json:"order_id"`
	Cause   *order.Cause `json:"cause,omitempty"`
	At      time.Time    `json:"at"`              // the run's time
	Named   []string     `json:"named,omitempty"` // the inbox items that signals have named
	// the lab is being asked for the requisition; an open cancellation waits for the answer
	PlacementInFlight bool `json:"placing,omitempty"`
	// how many signals without a meaning have arrived; they are counted
	StraySignals int `json:"stray,omitempty"`
}

// SettledOrder is the order after that.
type SettledOrder struct {
	Agenda order.Agenda        `json:"agenda"`
	Answer *order.DemandAnswer `json:"answer,omitempty"` // to the demand behind the cause; nil: there is none yet
	More   bool                `json:"more,omitempty"`   // something is left that waits for the order
	// how many of the named inbox items the order does not have
	UnknownItems int `json:"unknown,omitempty"`
}

// Turn is the place of a call among the calls of its lab account (store.Turn). The zero Turn belongs to a call that has
// not asked for its turn.
type Turn struct {
	Start   time.Time `json:"start,omitzero"`
	Granted bool      `json:"granted,omitempty"`
	Asks    int       `json:"asks,omitempty"`
}

// ComeBack says that a call was not made, and when to ask for it again.
type ComeBack struct {
	After time.Duration `json:"after"` // how long to wait, nanoseconds; a duration, because clocks may differ
	Turn  Turn          `json:"turn"`  // the input of the next ask
}

// CallTurn is the part of an activity's input that a call carries from one ask for its turn to the next.
type CallTurn struct {
	Turn Turn `json:"turn,omitzero"`
}

// SetTurn sets the turn of the next ask.
func (c *CallTurn) SetTurn(t Turn) { c.Turn = t }

// TurnInput is the input of an activity that calls a lab account.
type TurnInput interface{ SetTurn(t Turn) }

// CallInput asks for one round of a call to the lab. CallID is that of the cause (order.CauseCall) of the recording of
// its outcome.
type CallInput struct {
	CallTurn

	OrderID string `json:"order_id"`
	CallID  string `json:"call_id"`
	// MaxCalls is how many calls the round may make. An attempt without a call does not count.
	MaxCalls int    `json:"max_calls,omitempty"`
	DemandID string `json:"demand_id,omitempty"` // cancellations and corrections: the demand
}

// PlaceResult is the lab's acceptance.
type PlaceResult struct {
	Accession string `json:"accession,omitempty"`
}

// FetchInput asks for the results of one announcement.
type FetchInput struct {
	CallTurn

	OrderID    string `json:"order_id"`
	Generation int    `json:"generation"`
}

// BookInput asks for one attempt of a demand about an appointment. The demand's body stays in the store.
type BookInput struct {
	CallTurn

	OrderID     string            `json:"order_id"`
	Demand      order.Demand      `json:"demand"`
	Appointment order.Appointment `json:"appointment,omitzero"` // reschedule, cancel_appointment: the appointment
}

// ReleaseInput asks a provider to drop an appointment.
type ReleaseInput struct {
	CallTurn

	OrderID string                   `json:"order_id"`
	Release order.AppointmentRelease `json:"release"`
}

// TrackResult names the shipment whose trackers were created.
type TrackResult struct {
	ShipmentAt time.Time `json:"shipment_at"`
}

// DeliveriesInput names the endpoint of a deliveries workflow.
type DeliveriesInput struct {
	EndpointID string `json:"endpoint_id"`
}

// BatchResult is what a batch has done, and the state of the endpoint after it.
type BatchResult struct {
	NextDueAt    time.Time `json:"next,omitzero"` // when the next delivery is due; zero: none is left
	Delivered    int       `json:"delivered,omitempty"`
	Failed       int       `json:"failed,omitempty"`
	Pending      int       `json:"pending,omitempty"` // deliveries without an outcome
	FailingSince time.Time `json:"failing_since,omitzero"`
	Disabled     string    `json:"disabled,omitempty"` // why the endpoint is disabled; empty: it is enabled
}

// ReconcileInput says what a reconciler run covers.
type ReconcileInput struct {
	// also all open orders, whose runs may be lost; and silent orders are polled
	OpenOrders bool `json:"open_orders,omitempty"`
	// each open order is checked by a call of its own, without visibility
	Thorough bool `json:"thorough,omitempty"`
	// thorough, and without minimum ages: Temporal's data was lost, and nothing else is running
	Rebuild bool `json:"rebuild,omitempty"`
	// nothing but this: every order whose lab may have reported on it is asked about at its lab now
	AskLabs bool `json:"ask_labs,omitempty"`
}

// AskInput says which orders are asked about at their labs.
type AskInput struct {
	After string    `json:"after,omitempty"` // the orders after this id; empty: from the first
	Since time.Time `json:"since"`           // leaves out orders whose lab has answered since
}

// SweepResult counts what was healed. Without faults all counts are zero.
type SweepResult struct {
	OrdersStarted   int `json:"orders,omitempty"`    // open orders whose workflow was started
	EndpointsNudged int `json:"endpoints,omitempty"` // endpoints that were nudged
	OrdersWoken     int `json:"woken,omitempty"`     // orders that were woken because of unsettled facts and demands
	OrdersBehind    int `json:"behind,omitempty"`    // orders that were woken because a deadline is past
	FactsPolled     int `json:"polled,omitempty"`    // facts that polling found
	// orders that were asked about, and whose lab has answered
	OrdersAsked int `json:"asked,omitempty"`
	// orders that cannot be asked about: their lab has no such call
	OrdersNotAskable int `json:"not_askable,omitempty"`
	// orders whose lab, or whose appointment's provider, has not answered
	OrdersLeft int `json:"left,omitempty"`
	// of these the ones whose lab has answered, and whose appointment's provider has not
	ProvidersLeft int `json:"providers_left,omitempty"`
	// lab reports without an order that have still to be fetched
	UnmatchedReports int    `json:"unmatched,omitempty"`
	CountsCorrected  int    `json:"counts,omitempty"`  // the errors in the counts of open orders
	ReviewsOpened    int    `json:"reviews,omitempty"` // match reviews that were opened
	NextPage         string `json:"after,omitempty"`   // open orders: the id after which the next page begins; empty: done
}

// The prefixes of workflow ids.
const (
	prefixOrder      = "order-"
	prefixDeliveries = "deliveries-"
	prefixReconcile  = "reconcile-" // runs of its schedules
)

// OrderWorkflowID is the id of an order's workflow.
func OrderWorkflowID(orderID string) string { return prefixOrder + orderID }

// DeliveriesWorkflowID is the id of an endpoint's deliveries workflow.
func DeliveriesWorkflowID(endpointID string) string { return prefixDeliveries + endpointID }
