package chaos

import (
	"slices"
	"strings"
	"sync"

	"github.com/aliquot-labs/aliquot/e2e/scenario"
	"github.com/aliquot-labs/aliquot/e2e/testteam"
)

// OrderPlan is what should happen to an order.
type OrderPlan struct {
	Name string
	// LabTest is the key of a lab test (scenario.System.LabTests). Script is the script of the simulated lab.
	LabTest, Script string
	// Kit is a kit that is registered later. Scheduled orders become active tomorrow. Import orders have a requisition
	// that another system created.
	Kit, Scheduled, Import bool
	// Steps are the actions of the caller. It does each one after the order has had a status.
	Steps []PlanStep
	// Path lists the statuses that the order may have, in this order. It must have the first and the last one. It may skip
	// others if a fault delayed a fact until after the next one.
	Path string
	// Open orders have not ended at the last status of their path.
	Open bool
	// Child is the plan of the replacement or redraw: its Path, Origin and Child. Nil: there must be none.
	Child *OrderPlan
	// Origin is the reason of the child.
	Origin string
	// Weight is how often the plan is drawn, relative to the others.
	Weight int
	// StartsEarly plans take longer than the others, so they are drawn among the first callers only.
	StartsEarly bool
}

// finalStatus returns the last status of the path.
func (k OrderPlan) finalStatus() string { return k.Path[strings.LastIndex(k.Path, " ")+1:] }

// PlanStep is an action of a caller. DoneStatuses are statuses of which the order has had one when the action is done.
type PlanStep struct {
	After        string // status
	Action       Action
	DoneStatuses string
}

// Action is a kind of action.
type Action string

// The actions.
const (
	Cancel       Action = "cancel"
	Activate     Action = "activate"
	Register     Action = "register"
	RequestVisit Action = "request"
	CompleteDraw Action = "draw"
	DoNotProcess Action = "stop"
	Replace      Action = "replace"
	// Book accepts "pending" as the response, BookAndWait does not.
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

// OrderPlans lists the plans of all collection methods.
func OrderPlans() []OrderPlan {
	return slices.Concat(molecularPlans(), partnerPlans(), importedPlans(), bookedPlans(), replacedPlans())
}

// molecularPlans are plans of kits at a lab with Molecular's protocol.
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

// partnerPlans are plans of orders at a lab with the neutral protocol.
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

// planNamed returns the plan with the name, or nil.
func planNamed(name string) *OrderPlan { return plansByName()[name] }
