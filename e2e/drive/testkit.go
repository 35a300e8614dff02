package drive

import (
	"maps"
	"slices"
)

// The tables of kits, after order-lifecycle#testkit and order-lifecycle#registrable-testkit.

var testkit = machine{
	name: "testkit",
	begins: map[string]start{
		"ordered":              scheduled(Testkit, ""),
		"requisition_created":  placed(Testkit, ""),
		"requisition_bypassed": imported(Testkit),
	},
	routes: kitRoutes,
	edges: with(kitEdges, map[string][]step{
		"ordered":              slices.Concat(by(cancelled, "cancelled"), by(stopped, "do_not_process")),
		"requisition_created":  requisition,
		"requisition_bypassed": requisition,
	}),
}

// requisition is the row of a kit that may be shipped any time.
var requisition = slices.Concat(
	by(shipped, "transit_customer"), by(cancelled, "cancelled"), by(stopped, "do_not_process"), by(received, "delivered_to_lab"),
	by(carried, "out_for_delivery", "with_customer", "transit_lab", "lost"),
)

// kitRoutes are how a kit gets to a status once it has a requisition.
var kitRoutes = map[string]string{
	"transit_customer":            "requisition_created transit_customer",
	"out_for_delivery":            "requisition_created out_for_delivery",
	"problem_in_transit_customer": "requisition_created transit_customer problem_in_transit_customer",
	"with_customer":               "requisition_created with_customer",
	"transit_lab":                 "requisition_created transit_lab",
	"problem_in_transit_lab":      "requisition_created transit_lab problem_in_transit_lab",
	"delivered_to_lab":            "requisition_created delivered_to_lab",
	"lab_processing_blocked":      "requisition_created delivered_to_lab lab_processing_blocked",
	"completed":                   "requisition_created delivered_to_lab completed",
	"corrected":                   "requisition_created delivered_to_lab completed corrected",
}

// kitEdges are the rows from shipping to the results.
var kitEdges = map[string][]step{
	"transit_customer": slices.Concat(
		by(carried, "out_for_delivery", "failure_to_deliver_to_customer", "with_customer", "transit_lab", "problem_in_transit_customer", "lost"),
		by(received, "delivered_to_lab"), by(stopped, "do_not_process"),
	),
	"out_for_delivery": slices.Concat(
		by(carried, "with_customer", "failure_to_deliver_to_customer", "transit_lab", "problem_in_transit_customer", "lost"),
		by(received, "delivered_to_lab"), by(stopped, "do_not_process"),
	),
	"problem_in_transit_customer": slices.Concat(
		by(carried, "transit_customer", "out_for_delivery", "with_customer", "transit_lab", "failure_to_deliver_to_customer", "lost"),
		by(received, "delivered_to_lab"), by(stopped, "do_not_process"),
	),
	"with_customer": slices.Concat(
		by(carried, "transit_lab", "problem_in_transit_lab", "lost"), by(received, "delivered_to_lab"), by(stopped, "do_not_process"),
	),
	"transit_lab": slices.Concat(
		by(carried, "delivered_to_lab", "failure_to_deliver_to_lab", "problem_in_transit_lab", "lost"), by(stopped, "do_not_process"),
	),
	"problem_in_transit_lab": slices.Concat(
		by(carried, "transit_lab", "failure_to_deliver_to_lab", "lost"), by(received, "delivered_to_lab"), by(stopped, "do_not_process"),
	),
	"delivered_to_lab": slices.Concat(
		by(final, "completed"), by(rejected, "sample_error"), by(held, "lab_processing_blocked"), by(stopped, "do_not_process"),
	),
	"lab_processing_blocked": slices.Concat(
		by(received, "delivered_to_lab"), by(recovered, "delivered_to_lab"), by(final, "completed"), by(rejected, "sample_error"),
		by(stopped, "do_not_process"),
	),
	"completed": by(final, "corrected"),
	"corrected": by(final, "corrected"),
}

var beforeRegistration = machine{
	name: "testkit_before_registration",
	begins: map[string]start{
		"ordered":               refusedKit(""),
		"awaiting_registration": kit(""),
	},
	routes: map[string]string{
		"transit_customer":            "awaiting_registration transit_customer",
		"out_for_delivery":            "awaiting_registration out_for_delivery",
		"problem_in_transit_customer": "awaiting_registration transit_customer problem_in_transit_customer",
		"with_customer":               "awaiting_registration with_customer",
	},
	edges: map[string][]step{
		"ordered": slices.Concat(by(cancelled, "cancelled"), unregistered),
		"awaiting_registration": slices.Concat(
			by(shipped, "transit_customer"), by(cancelled, "cancelled"), by(carried, "out_for_delivery", "with_customer"),
			by(register, "registered"), unregistered,
		),
		"transit_customer": slices.Concat(
			by(carried, "out_for_delivery", "failure_to_deliver_to_customer", "with_customer", "problem_in_transit_customer", "lost"),
			by(register, "registered"), unregistered,
		),
		"out_for_delivery": slices.Concat(
			by(carried, "with_customer", "failure_to_deliver_to_customer", "problem_in_transit_customer", "lost"),
			by(register, "registered"), unregistered,
		),
		"problem_in_transit_customer": slices.Concat(
			by(carried, "transit_customer", "out_for_delivery", "with_customer", "failure_to_deliver_to_customer", "lost"),
			by(register, "registered"), unregistered,
		),
		"with_customer": slices.Concat(by(carried, "lost"), by(register, "registered"), unregistered),
	},
}

// unregistered is how a kit ends that nobody has registered.
var unregistered = slices.Concat(by(stopped, "do_not_process"), by(rejected, "do_not_process"))

var afterRegistration = machine{
	name: "testkit_after_registration",
	begins: map[string]start{
		"registered":          registered("", true),
		"requisition_created": registered("", false),
	},
	routes: kitRoutes,
	edges: with(kitEdges, map[string][]step{
		"registered": slices.Concat(by(cancelled, "cancelled"), by(stopped, "do_not_process")),
		"requisition_created": slices.Concat(requisition, by(carried,
			"problem_in_transit_customer", "problem_in_transit_lab", "failure_to_deliver_to_customer", "failure_to_deliver_to_lab")),
	}),
}

// with is the rows of both tables.
func with(rows, more map[string][]step) map[string][]step {
	all := maps.Clone(rows)
	maps.Copy(all, more)
	return all
}
