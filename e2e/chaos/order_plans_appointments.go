package chaos

import (
	"github.com/aliquot-labs/aliquot/e2e/scenario"
	"github.com/aliquot-labs/aliquot/e2e/testteam"
)

const (
	bookedPath   = "appointment_pending appointment_scheduled"
	importedPath = "ordered requisition_bypassed"
)

// bookAtPSC returns the step that books an appointment at a patient service center after a status.
func bookAtPSC(after string, do Action) []PlanStep {
	return []PlanStep{{after, do, bookedPath + " completed"}}
}

// importedPlans are plans of orders that another system has placed at their lab. For some of them the lab sends facts
// before the import.
func importedPlans() []OrderPlan {
	kind := func(test, script, path string, acts ...PlanStep) OrderPlan {
		return OrderPlan{Name: "imported " + test + " " + script, LabTest: test, Script: script, Import: true, Path: path,
			Steps: acts, Weight: 1}
	}
	return []OrderPlan{
		kind(scenario.Testkit, "happy",
			importedPath+" transit_customer out_for_delivery with_customer transit_lab delivered_to_lab completed"),
		kind(scenario.WalkIn, "walk-in-no-appointment", importedPath+" completed"),
		kind(scenario.WalkIn, "happy", importedPath+" "+bookedPath+" completed", bookAtPSC("requisition_bypassed", Book)...),
		kind(scenario.OnSite, "happy", importedPath+" draw_completed completed"),
		kind(scenario.OnSite, "silent", importedPath+" cancelled", PlanStep{"requisition_bypassed", Cancel, "cancelled"}),
	}
}

// bookedPlans are plans with an appointment at a patient service center that is confirmed immediately, later, or after
// the caller has stopped waiting.
func bookedPlans() []OrderPlan {
	kind := func(script string, do Action) OrderPlan {
		return OrderPlan{
			Name: "booked " + script, LabTest: scenario.WalkIn, Script: script,
			Path: placedPath + " " + bookedPath + " completed", Weight: 1,
			Steps: bookAtPSC("requisition_created", do),
		}
	}
	return []OrderPlan{
		kind("happy", BookAndWait), kind("book-pending", Book), kind("slow-book-3", Book), kind("fail-book-3", Book),
		kind("book-unanswered", Book),
	}
}

// replacedPlans are plans of orders that fail and are replaced or redrawn. The new order goes to the same lab with the
// same script.
func replacedPlans() []OrderPlan {
	const (
		recreation = "recreation"
		lost       = placedPath + " transit_customer lost"
		failed     = placedPath + " transit_customer failure_to_deliver_to_customer"
		spoilt     = shipAndReturn + " sample_error"
		returned   = "ordered awaiting_registration transit_customer failure_to_deliver_to_customer"
	)
	kind := func(name, test, script, path string, child *OrderPlan, acts ...PlanStep) OrderPlan {
		return OrderPlan{Name: name, LabTest: test, Script: script, Path: path, Child: child, Steps: acts, Weight: 1}
	}
	again := func(path string) *OrderPlan { return &OrderPlan{Path: path, Origin: recreation} }
	replace := func(after string) PlanStep { return PlanStep{After: after, Action: Replace} }
	// A transaction has at most two replacements (order-lifecycle#replacement).
	twice := again(failed)
	twice.Child = again(failed)
	unregistered := kind("registrable undelivered, replaced", scenario.Testkit, "undelivered", returned, again(returned),
		replace("failure_to_deliver_to_customer"))
	unregistered.Kit = true
	return []OrderPlan{
		kind("lost, replaced", scenario.Testkit, "relayed-lost-outbound", lost, again(lost), replace("lost")),
		kind("failed, replaced twice by policy", scenario.Testkit+"/"+testteam.ReplacingPolicy, "relayed-failure-outbound",
			failed, twice),
		kind("molecular sample error, replaced", testteam.MolecularLabTest, "reject-final", spoilt, again(spoilt),
			replace("sample_error")),
		unregistered,
		kind("redrawn", scenario.WalkIn, "missing-lab-fault", placedPath+" redraw_available",
			&OrderPlan{Path: placedPath + " completed", Origin: "redraw"}),
	}
}
