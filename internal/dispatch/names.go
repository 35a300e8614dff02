// Package dispatch is how the rest of Aliquot reaches its Temporal workflows: the names of task queues, workflows, activities,
// signals and updates, what travels in them, and a client that starts, signals and asks. It holds no workflow code.
//
// Nothing that travels here names a patient: ids, statuses, times, tracking numbers and reason codes only.
package dispatch

import (
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/aliquot-labs/aliquot/order"
)

// The task queues. They may be hosted by different workers.
const (
	QueueOrders     = "aliquot-orders"     // Order workflows and their recordings
	QueueLabs       = "aliquot-labs"       // calls to labs and couriers
	QueueDeliveries = "aliquot-deliveries" // delivery workflows and batches, the reconciler
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
	ActivityLoad            = "LoadOrder"
	ActivityRecord          = "RecordOrder"
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
)

// The messages to workflows.
const (
	SignalFact   = "fact"   // order.Fact
	SignalNudge  = "nudge"  // no payload
	SignalWake   = "wake"   // no payload: look at what is recorded of the order
	UpdateDemand = "demand" // order.Demand → order.Answer
)

// The search attributes of an order's workflow.
var (
	AttrStatus    = temporal.NewSearchAttributeKeyKeyword("OrderStatus")
	AttrMethod    = temporal.NewSearchAttributeKeyKeyword("OrderCollectionMethod")
	AttrTeam      = temporal.NewSearchAttributeKeyKeyword("OrderTeam")
	AttrAttention = temporal.NewSearchAttributeKeyKeywordList("OrderAttention")
)

// The types of the application errors by which activities tell a workflow what it decides on.
const (
	ErrorStale        = "Stale"        // another recording came first
	ErrorUnknownOrder = "UnknownOrder" // no such order
	ErrorRefused      = "Refused"      // the partner refused for good
	ErrorNotSupported = "NotSupported" // the partner has no such call
	ErrorSlotGone     = "SlotGone"     // the slot is not free any more
	ErrorHandedBack   = "HandedBack"   // the worker stopped before the call was made
	ErrorBusy         = "Busy"         // the partner asks to be left alone for a while
	ErrorUnanswered   = "Unanswered"   // nobody knows what the partner has done
	ErrorFault        = "Fault"        // something of our own failed
	ErrorPanic        = "Panic"        // an activity panicked
)

// OrderInput is an Order workflow's whole input: everything else is loaded from the store.
type OrderInput struct {
	OrderID string `json:"order_id"`
}

// LoadedOrder is what an Order workflow's first step gets.
type LoadedOrder struct {
	State      order.State `json:"state"`
	CanCancel  bool        `json:"can_cancel,omitempty"`  // the lab has a confirmed cancel call
	CanCorrect bool        `json:"can_correct,omitempty"` // the lab can be told of a correction by a call
	CanTrack   bool        `json:"can_track,omitempty"`   // a courier aggregator is configured
}

// CallInput asks for one round of a call to the lab: the requisition, or its cancellation. CallID is that of the cause
// (order.CauseCall) under which the order's story has what came of the round.
type CallInput struct {
	OrderID string `json:"order_id"`
	CallID  string `json:"call_id"`
}

// PlaceResult is the lab's acceptance.
type PlaceResult struct {
	Accession string `json:"accession,omitempty"`
}

// FetchInput asks for the results of one announcement.
type FetchInput struct {
	OrderID    string `json:"order_id"`
	Generation int    `json:"generation"`
}

// BookInput asks for one attempt at what a demand about an appointment wants. Its body stays in the store.
type BookInput struct {
	OrderID     string            `json:"order_id"`
	Demand      order.Demand      `json:"demand"`
	Appointment order.Appointment `json:"appointment,omitzero"` // reschedule, cancel_appointment: which
}

// ReleaseInput asks a provider to drop an appointment.
type ReleaseInput struct {
	OrderID string                   `json:"order_id"`
	Release order.AppointmentRelease `json:"release"`
}

// TrackResult names the shipment that the trackers were made for.
type TrackResult struct {
	ShipmentAt time.Time `json:"shipment_at"`
}

// DeliveriesInput names the endpoint whose deliveries a workflow makes.
type DeliveriesInput struct {
	EndpointID string `json:"endpoint_id"`
}

// BatchResult is what a batch has done, and how the endpoint stands after it.
type BatchResult struct {
	NextDueAt    time.Time `json:"next,omitzero"` // when the next delivery is due; zero: none is left
	Delivered    int       `json:"delivered,omitempty"`
	Failed       int       `json:"failed,omitempty"`
	Pending      int       `json:"pending,omitempty"` // deliveries still to be made
	FailingSince time.Time `json:"failing_since,omitzero"`
	Disabled     string    `json:"disabled,omitempty"` // why the endpoint is disabled; empty: it is not
}

// ReconcileInput says how far a reconciler run goes.
type ReconcileInput struct {
	// every open order too, which heals wiped or terminated runs; and silent ones are polled
	OpenOrders bool `json:"open_orders,omitempty"`
	// each of them is asked for by itself, and what visibility says is not believed
	Thorough bool `json:"thorough,omitempty"`
	// thorough, and whatever its age: Temporal's data was lost, and nobody else is at work on it
	Rebuild bool `json:"rebuild,omitempty"`
}

// SweepResult counts what was healed; in calm weather, all zero.
type SweepResult struct {
	OrdersStarted   int `json:"orders,omitempty"`    // open orders that were (re)started
	FactsSignalled  int `json:"facts,omitempty"`     // inbox rows that were signalled again
	EndpointsNudged int `json:"endpoints,omitempty"` // endpoints that were nudged
	OrdersWoken     int `json:"demands,omitempty"`   // orders that were told to look, for demands without an answer
	FactsPolled     int `json:"polled,omitempty"`    // reports that no webhook had brought
	// reports for orders nobody knows whose results are to be asked for
	UnmatchedReports int    `json:"unmatched,omitempty"`
	CountsCorrected  int    `json:"counts,omitempty"`  // by how many the counts of open orders were wrong
	ReviewsOpened    int    `json:"reviews,omitempty"` // of those, how many somebody has to decide about now
	NextPage         string `json:"after,omitempty"`   // open orders: where the next page begins; empty: done
}

// What the ids of workflows begin with.
const (
	prefixOrder      = "order-"
	prefixDeliveries = "deliveries-"
	prefixReconcile  = "reconcile-" // of the runs of its schedules
)

// OrderWorkflowID is the id of an order's workflow.
func OrderWorkflowID(orderID string) string { return prefixOrder + orderID }

// DeliveriesWorkflowID is the id of an endpoint's delivery workflow.
func DeliveriesWorkflowID(endpointID string) string { return prefixDeliveries + endpointID }
