package chaos

import (
	"slices"
	"strings"
	"sync"

	"github.com/aliquot-labs/aliquot/e2e/scenario"
	"github.com/aliquot-labs/aliquot/e2e/testteam"
)

// OrderPlan is what is to become of an order.
type OrderPlan struct {
	Name string
	// LabTest is a lab test, by its name in the clinic; Script what the simulated lab is to do.
	LabTest, Script string
	// Kit is registered later. Scheduled is not active before tomorrow. Import is one whose requisition somebody else has made.
	Kit, Scheduled, Import bool
	// Steps are what the caller does, each once the order has had a status.
	Steps []PlanStep
	// Path are the statuses that the order may go through, in this order. It goes through the first and the last; others are passed
	// over where a fault made a later report overtake an earlier one.
	Path string
	// Open orders have not ended at the end of their path.
	Open bool
	// Child is what is to become of the order that replaces or redraws this one: its Path, its Origin, and what comes after it. Nil:
	// there is to be none.
	Child *OrderPlan
	// Origin is why there is a child.
	Origin string
	// Weight is how often the kind is drawn, against the others.
	Weight int
	// StartsEarly orders take longer than all others, and are among the first: nobody waits for them in the end.
	StartsEarly bool
}

// finalStatus is the status that the order comes to in the end.
func (k OrderPlan) finalStatus() string { return k.Path[strings.LastIndex(k.Path, " ")+1:] }

// PlanStep is something that a caller does about an order. Done are statuses of which the order has had one once it is done.
type PlanStep struct {
	After        string // status
	Action       Action
	DoneStatuses string
}

// Action is a kind of act.
type Action string

// The deeds.
const (
	Cancel       Action = "cancel"
	Activate     Action = "activate"
	Register     Action = "register"
	RequestVisit Action = "request"
	CompleteDraw Action = "draw"
	DoNotProcess Action = "stop"
	Replace      Action = "replace"
	// Book takes "pending" for an answer, BookAndWait does not.
	Book        Action = "book"
	BookAndWait Action = "book and wait"
)

const (
	placedPath  = "ordered requisition_created"
	fullKitPath = placedPath +
		" transit_customer out_for_delivery with_customer transit_lab delivered_to_lab completed"
	shipAndReturn = placedPath + " transit_customer delivered_to_lab"
	homeVisitPath = placedPath +
		" appointment_pending appointment_scheduled draw_completed partial_results completed"
	unregisteredKitPath = "ordered awaiting_registration transit_customer out_for_delivery with_customer"
)

// OrderPlans are those of all collection methods.
func OrderPlans() []OrderPlan {
	return slices.Concat(molecularPlans(), partnerPlans(), importedPlans(), bookedPlans(), replacedPlans())
}

// molecularPlans are kits that go to the lab by Molecular's protocol.
func molecularPlans() []OrderPlan {
	kind := func(script, path string) OrderPlan {
		return OrderPlan{Name: "molecular " + script, LabTest: testteam.MolecularLabTest, Script: script, Path: path,
			Weight: 1}
	}
	open := func(script, path string) OrderPlan {
		k := kind(script, path)
		k.Open = true
		return k
	}
	happy := kind("happy", fullKitPath)
	happy.Weight = 4
	cancelled := kind("silent", placedPath+" cancelled")
	cancelled.Name, cancelled.Steps, cancelled.Weight = "molecular cancelled",
		[]PlanStep{{"requisition_created", Cancel, "cancelled"}}, 3
	scheduled := kind("happy-lab-only", shipAndReturn+" completed")
	scheduled.Name, scheduled.Scheduled, scheduled.Steps = "molecular scheduled", true,
		[]PlanStep{{"ordered", Activate, "requisition_created"}}
	never := kind("silent", "ordered cancelled")
	never.Name, never.Scheduled, never.Steps = "molecular scheduled and cancelled", true,
		[]PlanStep{{"ordered", Cancel, "cancelled"}}
	lost := kind("lost-inbound", placedPath+" transit_customer out_for_delivery with_customer transit_lab lost")
	lost.StartsEarly, lost.Weight = true, 2
	stopped := kind("silent", placedPath+" do_not_process")
	stopped.Name, stopped.Steps = "molecular stopped", []PlanStep{{"requisition_created", DoNotProcess, "do_not_process"}}
	return []OrderPlan{
		happy, cancelled, scheduled, never, stopped, lost,
		kind("happy-lab-only", shipAndReturn+" completed"),
		kind("send-twice", fullKitPath),
		kind("send-late", shipAndReturn+" completed"),
		kind("out-of-order", shipAndReturn+" completed"),
		kind("reject-recoverable", shipAndReturn+" lab_processing_blocked delivered_to_lab completed"),
		kind("reject-recoverable-results", shipAndReturn+" lab_processing_blocked completed"),
		open("reject-recoverable-silent", shipAndReturn+" lab_processing_blocked"),
		kind("reject-final", shipAndReturn+" sample_error"),
		kind("reject-twice-final", shipAndReturn+" lab_processing_blocked sample_error"),
		kind("lost-outbound", placedPath+" transit_customer lost"),
		kind("problem-outbound",
			placedPath+" transit_customer problem_in_transit_customer transit_customer out_for_delivery with_customer"+
				" transit_lab delivered_to_lab completed"),
		kind("problem-inbound",
			placedPath+" transit_customer out_for_delivery with_customer transit_lab problem_in_transit_lab transit_lab"+
				" delivered_to_lab completed"),
		kind("failure-outbound", placedPath+" transit_customer failure_to_deliver_to_customer"),
		kind("failure-inbound",
			placedPath+" transit_customer out_for_delivery with_customer transit_lab failure_to_deliver_to_lab"),
		kind("fail-place-2", fullKitPath),
		kind("timeout-after-accept", fullKitPath),
		open("silent", placedPath),
		open("silent-after-shipped", placedPath+" transit_customer"),
	}
}

// partnerPlans go to their lab by the neutral protocol.
func partnerPlans() []OrderPlan {
	kind := func(test, script, path string) OrderPlan {
		return OrderPlan{Name: test + " " + script, LabTest: test, Script: script, Path: path, Weight: 1}
	}
	kit := func(script, path string, acts ...PlanStep) OrderPlan {
		k := kind(scenario.Testkit, script, path)
		k.Name, k.Kit, k.Steps = "registrable "+script, true, acts
		return k
	}
	registered := PlanStep{"with_customer", Register, "registered"}
	requested := kind(scenario.Phlebotomy, "happy", homeVisitPath)
	requested.Steps, requested.Weight = []PlanStep{{"requisition_created", RequestVisit,
		"appointment_pending appointment_scheduled draw_completed"}}, 3
	drawn := kind(scenario.OnSite, "silent", placedPath+" draw_completed")
	drawn.Steps, drawn.Open = []PlanStep{{"requisition_created", CompleteDraw, "draw_completed"}}, true
	visitCancelled := kind(scenario.WalkIn, "silent", placedPath+" cancelled")
	visitCancelled.Steps = []PlanStep{{"requisition_created", Cancel, "cancelled"}}
	unregistered := kit("happy", unregisteredKitPath)
	unregistered.Name, unregistered.Open = "registrable, never registered", true
	kits := kit("happy", unregisteredKitPath+" registered requisition_created transit_lab delivered_to_lab completed",
		registered)
	kits.Weight = 3
	return []OrderPlan{
		kits, unregistered, requested, drawn, visitCancelled,
		kit("relayed", unregisteredKitPath+" registered requisition_created transit_lab delivered_to_lab completed",
			registered),
		kit("unanswered-register",
			unregisteredKitPath+" registered requisition_created transit_lab delivered_to_lab completed", registered),
		kit("lost-outbound", "ordered awaiting_registration transit_customer lost"),
		kind(scenario.Testkit, "happy", fullKitPath),
		kind(scenario.Testkit, "relayed", fullKitPath),
		kind(scenario.Testkit, "corrected", fullKitPath+" corrected"),
		kind(scenario.Testkit, "sample-error", strings.TrimSuffix(fullKitPath, "completed")+"sample_error"),
		kind(scenario.WalkIn, "walk-in-no-appointment", placedPath+" completed"),
		kind(scenario.WalkIn, "partial", placedPath+" partial_results completed"),
		kind(scenario.Phlebotomy, "draw-without-appointment", placedPath+" draw_completed completed"),
		kind(scenario.OnSite, "critical", placedPath+" draw_completed completed"),
		kind(scenario.OnSite, "happy", placedPath+" draw_completed completed"),
	}
}

var plansByName = sync.OnceValue(func() map[string]*OrderPlan {
	kinds := map[string]*OrderPlan{}
	for _, k := range OrderPlans() {
		kinds[k.Name] = &k
	}
	return kinds
})

// planNamed is nil for a name that no kind has.
func planNamed(name string) *OrderPlan { return plansByName()[name] }
