package couriers

import (
	"slices"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// noStatus marks a report that is kept and changes no status.
const noStatus lifecycle.LowStatus = ""

// statusRule says what reports with one of its statuses and one of its details mean on each leg. No
// statuses, or no details, stands for any.
type statusRule struct {
	statuses, details []string
	outbound, inbound lifecycle.LowStatus
}

// statusRules is the one table from couriers' words, as tracking services normalise them, to the
// statuses of order-lifecycle#edges. The first rule that matches decides; a report that none
// matches is kept and changes nothing.
var statusRules = []statusRule{
	// Delivery ends a leg, whatever was said on the way. To the lab it sets no status: the lab
	// itself says what it has received, and a parcel at its door may still lie unopened.
	{
		statuses: []string{"delivered"},
		outbound: lifecycle.WithCustomer, inbound: noStatus,
	},
	// Loss is told in the detail only, under whichever status the courier last had.
	{
		details:  []string{"lost"},
		outbound: lifecycle.Lost, inbound: lifecycle.Lost,
	},
	// The courier has given up; a parcel on its way back will not arrive where it was meant to.
	{
		statuses: []string{"return_to_sender", "failure"},
		outbound: lifecycle.FailureToDeliverToCustomer, inbound: lifecycle.FailureToDeliverToLab,
	},
	// Waiting at a counter: somebody has to fetch it, or it goes back.
	{
		statuses: []string{"available_for_pickup"},
		outbound: lifecycle.ProblemInTransitCustomer, inbound: lifecycle.ProblemInTransitLab,
	},
	// Still moving, but not as it should: late, broken, held, misdirected, refused, turned
	// round, or no longer followed by the courier.
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
	// The lifecycle knows the last stretch to the customer only.
	{
		statuses: []string{"out_for_delivery"},
		outbound: lifecycle.OutForDelivery, inbound: lifecycle.TransitLab,
	},
	// A label alone proves no movement; the rest says that the service does not know.
	{
		statuses: []string{"pre_transit", "unknown", "error", "cancelled"},
		outbound: noStatus, inbound: noStatus,
	},
}

// Words are a tracking service's normalised status and detail of a parcel.
type Words struct{ Status, Detail string }

// typical is, for every status that a courier can report, words that mean it.
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

// WordsFor is the inverse of FactFor: words that mean the status, on the leg on which it is reported. They are empty for a status that
// couriers do not report.
func WordsFor(status lifecycle.LowStatus) Words { return typical[status] }

// StatusFor gives the low-level lifecycle status that a courier's report on a leg asks for. It is
// not ok when the report asks for none, which includes words that we do not know and a leg that
// is neither; the report is then kept on its leg.
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
