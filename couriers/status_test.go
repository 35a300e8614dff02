package couriers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/couriers"
	"github.com/aliquot-labs/aliquot/lifecycle"
)

// The words that EasyPost documents for a tracker, so that a word missing in the table is found.
var (
	statuses = []string{
		"unknown", "pre_transit", "in_transit", "out_for_delivery", "delivered", "available_for_pickup",
		"return_to_sender", "failure", "cancelled", "error",
	}
	harmless = []string{
		"", "arrived_at_destination", "arrived_at_facility", "arrived_at_pickup_location", "cancelled",
		"departed_facility", "departed_origin_facility", "failure", "in_transit", "label_created", "out_for_delivery",
		"received_at_destination_facility", "received_at_origin_facility", "status_update",
		"transferred_to_destination_carrier", "unknown", "a_word_of_tomorrow",
	}
	problems = []string{
		"address_correction", "awaiting_information", "damaged", "delayed", "delivery_exception", "expired", "held",
		"missorted", "refused", "return", "transit_exception", "weather_delay",
	}
)

// wantStatuses is the whole mapping, by status instead of by rule.
var wantStatuses = map[string]struct{ outbound, inbound, outboundProblem, inboundProblem lifecycle.LowStatus }{
	"unknown":     {},
	"pre_transit": {},
	"cancelled":   {},
	"error":       {},
	"in_transit": {
		"transit_customer", "transit_lab", "problem_in_transit_customer", "problem_in_transit_lab",
	},
	"out_for_delivery": {
		"out_for_delivery", "transit_lab", "problem_in_transit_customer", "problem_in_transit_lab",
	},
	"delivered": {"with_customer", "", "with_customer", ""},
	"available_for_pickup": {
		"problem_in_transit_customer", "problem_in_transit_lab", "problem_in_transit_customer", "problem_in_transit_lab",
	},
	"return_to_sender": {
		"failure_to_deliver_to_customer", "failure_to_deliver_to_lab", "failure_to_deliver_to_customer",
		"failure_to_deliver_to_lab",
	},
	"failure": {
		"failure_to_deliver_to_customer", "failure_to_deliver_to_lab", "failure_to_deliver_to_customer",
		"failure_to_deliver_to_lab",
	},
}

func requireStatus(t *testing.T, want lifecycle.LowStatus, leg couriers.Leg, status, detail string) {
	t.Helper()
	kind, ok := couriers.StatusFor(leg, status, detail)
	require.Equal(t, want, kind, "%s %s/%s", leg, status, detail)
	require.Equal(t, want != "", ok, "%s %s/%s", leg, status, detail)
}

func TestStatusFor(t *testing.T) {
	t.Parallel()
	require.Len(t, wantStatuses, len(statuses))
	for _, status := range statuses {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			w := wantStatuses[status]
			for _, detail := range harmless {
				requireStatus(t, w.outbound, couriers.Outbound, status, detail)
				requireStatus(t, w.inbound, couriers.Inbound, status, detail)
			}
			for _, detail := range problems {
				requireStatus(t, w.outboundProblem, couriers.Outbound, status, detail)
				requireStatus(t, w.inboundProblem, couriers.Inbound, status, detail)
			}
		})
	}
}

func TestStatusForLost(t *testing.T) {
	t.Parallel()
	for _, status := range statuses {
		if status == "delivered" { // a delivered parcel is not lost
			requireStatus(t, "with_customer", couriers.Outbound, status, "lost")
			requireStatus(t, "", couriers.Inbound, status, "lost")
			continue
		}
		requireStatus(t, "lost", couriers.Outbound, status, "lost")
		requireStatus(t, "lost", couriers.Inbound, status, "lost")
	}
}

func TestStatusForUnknownWords(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"", "canceled", "IN_TRANSIT", "lost", "teleported"} {
		requireStatus(t, "", couriers.Outbound, status, "delayed")
		requireStatus(t, "", couriers.Inbound, status, "")
	}
	requireStatus(t, "", "sideways", "delivered", "")
	requireStatus(t, "", "", "in_transit", "lost")
}

// TestWordsForAStatusMeanIt checks that the words of the simulation mean their status on its leg. Lost is reported on
// both.
func TestWordsForAStatusMeanIt(t *testing.T) {
	t.Parallel()
	reported := map[lifecycle.LowStatus]bool{lifecycle.Lost: true}
	for _, w := range wantStatuses {
		for _, l := range []lifecycle.LowStatus{w.outbound, w.inbound, w.outboundProblem, w.inboundProblem} {
			reported[l] = l != ""
		}
	}
	for _, s := range lifecycle.Statuses() {
		words := couriers.WordsFor(s.Low())
		require.Equal(t, reported[s.Low()], words != couriers.Words{}, s)
		if !reported[s.Low()] {
			continue
		}
		legs := []couriers.Leg{s.Low().Leg()}
		if legs[0] == "" {
			legs = []couriers.Leg{couriers.Outbound, couriers.Inbound}
		}
		for _, leg := range legs {
			requireStatus(t, s.Low(), leg, words.Status, words.Detail)
		}
	}
}
