package chaos

import (
	"github.com/aliquot-labs/aliquot/e2e/scenario"
	"github.com/aliquot-labs/aliquot/e2e/testteam"
)

// replacedPlans fail, and another order takes their place. It goes to the same lab with the same script.
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
	// A transaction has two replacements (order-lifecycle#replacement).
	twice := again(failed)
	twice.Child = again(failed)
	unregistered := kind("registrable undelivered, replaced", scenario.Testkit, "undelivered", returned, again(returned), replace("failure_to_deliver_to_customer"))
	unregistered.Kit = true
	return []OrderPlan{
		kind("lost, replaced", scenario.Testkit, "relayed-lost-outbound", lost, again(lost), replace("lost")),
		kind("failed, replaced twice by policy", scenario.Testkit+"/"+testteam.ReplacingPolicy, "relayed-failure-outbound", failed, twice),
		kind("molecular sample error, replaced", testteam.MolecularLabTest, "reject-final", spoilt, again(spoilt), replace("sample_error")),
		unregistered,
		kind("redrawn", scenario.WalkIn, "missing-lab-fault", placedPath+" redraw_available", &OrderPlan{Path: placedPath + " completed", Origin: "redraw"}),
	}
}
