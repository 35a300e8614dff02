package couriers

import (
	"slices"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// noStatus is for courier updates that change no status of an order.
const noStatus lifecycle.LowStatus = ""

// statusRule says which status of an order a courier update means on each leg. It matches an update with one of its
// statuses and one of its details. An empty list matches any.
type statusRule struct {
	statuses, details []string
	outbound, inbound lifecycle.LowStatus
}

// statusRules maps the statuses of couriers, as tracking services normalise them, to the statuses of
// order-lifecycle#edges. The first matching rule decides. An update without a matching rule is stored and changes
// nothing.
var statusRules = []statusRule{
	// Delivery ends a leg, whatever was reported before. At the lab it sets no status: the lab itself reports what it has
	// received, and the parcel may not be opened yet.
	{
		statuses: []string{"delivered"},
		outbound: lifecycle.WithCustomer, inbound: noStatus,
	},
	// A loss is only in the detail, with any status.
	{
		details:  []string{"lost"},
		outbound: lifecycle.Lost, inbound: lifecycle.Lost,
	},
	// The courier has given up. A parcel that is returned will not arrive at its destination.
	{
		statuses: []string{"return_to_sender", "failure"},
		outbound: lifecycle.FailureToDeliverToCustomer, inbound: lifecycle.FailureToDeliverToLab,
	},
	// The parcel waits at a counter: somebody has to fetch it, or it is returned.
	{
		statuses: []string{"available_for_pickup"},
		outbound: lifecycle.ProblemInTransitCustomer, inbound: lifecycle.ProblemInTransitLab,
	},
	// The parcel still moves, but with a problem: late, damaged, held, misdirected, refused, turned round, or no longer
	// tracked by the courier.
	{
		statuses: []string{"in_transit", "out_for_delivery"},
		details: []string{
			"address_correction", "awaiting_information", "damaged", "delayed", "delivery_exception",
			"expired", "held", "missorted", "refused", "return", "transit_exception", "weather_delay",
		},
		outbound: lifecycle.ProblemInTransitCustomer, inbound: lifecycle.ProblemInTransitLab,
	},
	{
		statuses: []string{"in_transit"},
		outbound: lifecycle.TransitCustomer, inbound: lifecycle.TransitLab,
	},
	// The lifecycle has the last part of the transit only towards the customer.
	{
		statuses: []string{"out_for_delivery"},
		outbound: lifecycle.OutForDelivery, inbound: lifecycle.TransitLab,
	},
	// A label alone proves no movement. The others mean that the tracking service does not know.
	{
		statuses: []string{"pre_transit", "unknown", "error", "cancelled"},
		outbound: noStatus, inbound: noStatus,
	},
}

// Words are a tracking service's normalised status and detail of a parcel.
type Words struct{ Status, Detail string }

// typical has words for every status that a courier can report.
var typical = map[lifecycle.LowStatus]Words{
	lifecycle.TransitCustomer:            {"in_transit", "arrived_at_facility"},
	lifecycle.OutForDelivery:             {"out_for_delivery", "out_for_delivery"},
	lifecycle.WithCustomer:               {"delivered", "arrived_at_destination"},
	lifecycle.TransitLab:                 {"in_transit", "received_at_origin_facility"},
	lifecycle.ProblemInTransitCustomer:   {"in_transit", "transit_exception"},
	lifecycle.ProblemInTransitLab:        {"in_transit", "transit_exception"},
	lifecycle.FailureToDeliverToCustomer: {"return_to_sender", "return"},
	lifecycle.FailureToDeliverToLab:      {"failure", "failure"},
	lifecycle.Lost:                       {"failure", "lost"},
}

// WordsFor is the inverse of StatusFor: it returns words that mean the status on its leg. They are empty for a status
// that couriers do not report.
func WordsFor(status lifecycle.LowStatus) Words { return typical[status] }

// StatusFor returns the low-level status that a courier update on a leg means. ok is false if it means none. That
// includes unknown words and an unknown leg. The caller stores the update in any case.
func StatusFor(leg Leg, status, statusDetail string) (kind lifecycle.LowStatus, ok bool) {
	for _, r := range statusRules {
		if r.matches(status, statusDetail) {
			kind = r.statusOn(leg)
			return kind, kind != noStatus
		}
	}
	return noStatus, false
}

func (r statusRule) matches(status, detail string) bool {
	return (r.statuses == nil || slices.Contains(r.statuses, status)) &&
		(r.details == nil || slices.Contains(r.details, detail))
}

func (r statusRule) statusOn(leg Leg) lifecycle.LowStatus {
	switch leg {
	case Outbound:
		return r.outbound
	case Inbound:
		return r.inbound
	default:
		return noStatus
	}
}
