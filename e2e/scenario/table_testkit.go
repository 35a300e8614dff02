package scenario

import (
	"maps"
	"slices"
)

// The tables of kits, after order-lifecycle#testkit and order-lifecycle#registrable-testkit.

var testkit = table{
	name: "testkit",
	starters: map[string]starter{
		"ordered":              startScheduled(Testkit, ""),
		"requisition_created":  startPlaced(Testkit, ""),
		"requisition_bypassed": startImported(Testkit),
	},
	routes: kitRoutes,
	edges: mergeRows(kitEdges, map[string][]step{
		"ordered":              slices.Concat(stepsTo(cancelOrder, "cancelled"), stepsTo(doNotProcess, "do_not_process")),
		"requisition_created":  requisitionSteps,
		"requisition_bypassed": requisitionSteps,
	}),
}

// requisitionSteps are the steps of a kit with a requisition that can be shipped at any time.
var requisitionSteps = slices.Concat(
	stepsTo(sendShipped, "transit_customer"), stepsTo(cancelOrder, "cancelled"), stepsTo(doNotProcess, "do_not_process"),
	stepsTo(sendReceived, "delivered_to_lab"),
	stepsTo(sendTransit, "out_for_delivery", "with_customer", "transit_lab", "lost"),
)

// kitRoutes are the routes of a kit from its requisition to the other statuses.
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

// kitEdges are the edges from shipping to the results.
var kitEdges = map[string][]step{
	"transit_customer": slices.Concat(
		stepsTo(sendTransit, "out_for_delivery", "failure_to_deliver_to_customer", "with_customer", "transit_lab",
			"problem_in_transit_customer", "lost"),
		stepsTo(sendReceived, "delivered_to_lab"), stepsTo(doNotProcess, "do_not_process"),
	),
	"out_for_delivery": slices.Concat(
		stepsTo(sendTransit, "with_customer", "failure_to_deliver_to_customer", "transit_lab", "problem_in_transit_customer",
			"lost"),
		stepsTo(sendReceived, "delivered_to_lab"), stepsTo(doNotProcess, "do_not_process"),
	),
	"problem_in_transit_customer": slices.Concat(
		stepsTo(sendTransit, "transit_customer", "out_for_delivery", "with_customer", "transit_lab",
			"failure_to_deliver_to_customer", "lost"),
		stepsTo(sendReceived, "delivered_to_lab"), stepsTo(doNotProcess, "do_not_process"),
	),
	"with_customer": slices.Concat(
		stepsTo(sendTransit, "transit_lab", "problem_in_transit_lab", "lost"), stepsTo(sendReceived, "delivered_to_lab"),
		stepsTo(doNotProcess, "do_not_process"),
	),
	"transit_lab": slices.Concat(
		stepsTo(sendTransit, "delivered_to_lab", "failure_to_deliver_to_lab", "problem_in_transit_lab", "lost"),
		stepsTo(doNotProcess, "do_not_process"),
	),
	"problem_in_transit_lab": slices.Concat(
		stepsTo(sendTransit, "transit_lab", "failure_to_deliver_to_lab", "lost"), stepsTo(sendReceived, "delivered_to_lab"),
		stepsTo(doNotProcess, "do_not_process"),
	),
	"delivered_to_lab": slices.Concat(
		stepsTo(publishFinal, "completed"), stepsTo(rejectFinally, "sample_error"),
		stepsTo(rejectRecoverably, "lab_processing_blocked"), stepsTo(doNotProcess, "do_not_process"),
	),
	"lab_processing_blocked": slices.Concat(
		stepsTo(sendReceived, "delivered_to_lab"), stepsTo(recoverKit, "delivered_to_lab"),
		stepsTo(publishFinal, "completed"), stepsTo(rejectFinally, "sample_error"),
		stepsTo(doNotProcess, "do_not_process"),
	),
	"completed": stepsTo(publishFinal, "corrected"),
	"corrected": stepsTo(publishFinal, "corrected"),
}

var beforeRegistration = table{
	name: "testkit_before_registration",
	starters: map[string]starter{
		"ordered":               startRefusedKit(""),
		"awaiting_registration": startUnregisteredKit(""),
	},
	routes: map[string]string{
		"transit_customer":            "awaiting_registration transit_customer",
		"out_for_delivery":            "awaiting_registration out_for_delivery",
		"problem_in_transit_customer": "awaiting_registration transit_customer problem_in_transit_customer",
		"with_customer":               "awaiting_registration with_customer",
	},
	edges: map[string][]step{
		"ordered": slices.Concat(stepsTo(cancelOrder, "cancelled"), unregisteredKitSteps),
		"awaiting_registration": slices.Concat(
			stepsTo(sendShipped, "transit_customer"), stepsTo(cancelOrder, "cancelled"),
			stepsTo(sendTransit, "out_for_delivery", "with_customer"),
			stepsTo(registerKit, "registered"), unregisteredKitSteps,
		),
		"transit_customer": slices.Concat(
			stepsTo(sendTransit, "out_for_delivery", "failure_to_deliver_to_customer", "with_customer",
				"problem_in_transit_customer", "lost"),
			stepsTo(registerKit, "registered"), unregisteredKitSteps,
		),
		"out_for_delivery": slices.Concat(
			stepsTo(sendTransit, "with_customer", "failure_to_deliver_to_customer", "problem_in_transit_customer", "lost"),
			stepsTo(registerKit, "registered"), unregisteredKitSteps,
		),
		"problem_in_transit_customer": slices.Concat(
			stepsTo(sendTransit, "transit_customer", "out_for_delivery", "with_customer", "failure_to_deliver_to_customer",
				"lost"),
			stepsTo(registerKit, "registered"), unregisteredKitSteps,
		),
		"with_customer": slices.Concat(stepsTo(sendTransit, "lost"), stepsTo(registerKit, "registered"),
			unregisteredKitSteps),
	},
}

// unregisteredKitSteps are the ends of a kit that is not registered.
var unregisteredKitSteps = slices.Concat(stepsTo(doNotProcess, "do_not_process"),
	stepsTo(rejectFinally, "do_not_process"))

var afterRegistration = table{
	name: "testkit_after_registration",
	starters: map[string]starter{
		"registered":          startRegisteredKit("", true),
		"requisition_created": startRegisteredKit("", false),
	},
	routes: kitRoutes,
	edges: mergeRows(kitEdges, map[string][]step{
		"registered": slices.Concat(stepsTo(cancelOrder, "cancelled"), stepsTo(doNotProcess, "do_not_process")),
		"requisition_created": slices.Concat(requisitionSteps, stepsTo(sendTransit,
			"problem_in_transit_customer", "problem_in_transit_lab", "failure_to_deliver_to_customer",
			"failure_to_deliver_to_lab")),
	}),
}

// mergeRows returns the rows of both tables.
func mergeRows(rows, more map[string][]step) map[string][]step {
	all := maps.Clone(rows)
	maps.Copy(all, more)
	return all
}
