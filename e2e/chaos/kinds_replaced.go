package chaos

import (
	"github.com/aliquot-labs/aliquot/e2e/clinic"
	"github.com/aliquot-labs/aliquot/e2e/drive"
)

// replacedKinds fail, and another order takes their place. It goes to the same lab with the same script.
func replacedKinds() []Kind {
	const (
		recreation = "recreation"
		lost       = toLab + " transit_customer lost"
		failed     = toLab + " transit_customer failure_to_deliver_to_customer"
		spoilt     = brief + " sample_error"
		returned   = "ordered awaiting_registration transit_customer failure_to_deliver_to_customer"
	)
	kind := func(name, test, script, path string, child *Kind, acts ...Act) Kind {
		return Kind{Name: name, Test: test, Script: script, Path: path, Child: child, Acts: acts, Weight: 1}
	}
	again := func(path string) *Kind { return &Kind{Path: path, Origin: recreation} }
	replace := func(after string) Act { return Act{After: after, Do: Replace} }
	// A transaction has two replacements (order-lifecycle#replacement).
	twice := again(failed)
	twice.Child = again(failed)
	unregistered := kind("registrable undelivered, replaced", drive.Testkit, "undelivered", returned, again(returned), replace("failure_to_deliver_to_customer"))
	unregistered.Kit = true
	return []Kind{
		kind("lost, replaced", drive.Testkit, "relayed-lost-outbound", lost, again(lost), replace("lost")),
		kind("failed, replaced twice by policy", drive.Testkit+"/"+clinic.Replacing, "relayed-failure-outbound", failed, twice),
		kind("molecular sample error, replaced", clinic.Molecular, "reject-final", spoilt, again(spoilt), replace("sample_error")),
		unregistered,
		kind("redrawn", drive.WalkIn, "missing-lab-fault", toLab+" redraw_available", &Kind{Path: toLab + " completed", Origin: "redraw"}),
	}
}
