package chaos

import (
	"slices"
	"strings"
	"sync"

	"github.com/aliquot-labs/aliquot/e2e/clinic"
	"github.com/aliquot-labs/aliquot/e2e/drive"
)

// Kind is what is to become of an order.
type Kind struct {
	Name string
	// Test is a lab test, by its name in the clinic; Script what the simulated lab is to do.
	Test, Script string
	// Kit is registered later. Scheduled is not active before tomorrow. Import is one whose requisition somebody else has made.
	Kit, Scheduled, Import bool
	// Acts are what the caller does, each once the order has had a status.
	Acts []Act
	// Path are the statuses that the order may go through, in this order. It goes through the first and the last; others are passed
	// over where a fault made a later report overtake an earlier one.
	Path string
	// Open orders have not ended at the end of their path.
	Open bool
	// Child is what is to become of the order that replaces or redraws this one: its Path, its Origin, and what comes after it. Nil:
	// there is to be none.
	Child *Kind
	// Origin is why there is a child.
	Origin string
	// Weight is how often the kind is drawn, against the others.
	Weight int
	// Early orders take longer than all others, and are among the first: nobody waits for them in the end.
	Early bool
}

// end is the status that the order comes to in the end.
func (k Kind) end() string { return k.Path[strings.LastIndex(k.Path, " ")+1:] }

// Act is something that a caller does about an order. Done are statuses of which the order has had one once it is done.
type Act struct {
	After string // status
	Do    Deed
	Done  string
}

// Deed is a kind of act.
type Deed string

// The deeds.
const (
	Cancel   Deed = "cancel"
	Activate Deed = "activate"
	Register Deed = "register"
	Request  Deed = "request"
	Draw     Deed = "draw"
	Stop     Deed = "stop"
	Replace  Deed = "replace"
	// Book takes "pending" for an answer, BookAndWait does not.
	Book        Deed = "book"
	BookAndWait Deed = "book and wait"
)

const (
	toLab = "ordered requisition_created"
	whole = toLab + " transit_customer out_for_delivery with_customer transit_lab delivered_to_lab completed"
	brief = toLab + " transit_customer delivered_to_lab"
	home  = toLab + " appointment_pending appointment_scheduled draw_completed partial_results completed"
	unreg = "ordered awaiting_registration transit_customer out_for_delivery with_customer"
)

// Kinds are those of all collection methods.
func Kinds() []Kind {
	return slices.Concat(molecularKinds(), partnerKinds(), importedKinds(), bookedKinds(), replacedKinds())
}

// molecularKinds are kits that go to the lab by Molecular's protocol.
func molecularKinds() []Kind {
	kind := func(script, path string) Kind {
		return Kind{Name: "molecular " + script, Test: clinic.Molecular, Script: script, Path: path, Weight: 1}
	}
	open := func(script, path string) Kind {
		k := kind(script, path)
		k.Open = true
		return k
	}
	happy := kind("happy", whole)
	happy.Weight = 4
	cancelled := kind("silent", toLab+" cancelled")
	cancelled.Name, cancelled.Acts, cancelled.Weight = "molecular cancelled", []Act{{"requisition_created", Cancel, "cancelled"}}, 3
	scheduled := kind("happy-lab-only", brief+" completed")
	scheduled.Name, scheduled.Scheduled, scheduled.Acts = "molecular scheduled", true, []Act{{"ordered", Activate, "requisition_created"}}
	never := kind("silent", "ordered cancelled")
	never.Name, never.Scheduled, never.Acts = "molecular scheduled and cancelled", true, []Act{{"ordered", Cancel, "cancelled"}}
	lost := kind("lost-inbound", toLab+" transit_customer out_for_delivery with_customer transit_lab lost")
	lost.Early, lost.Weight = true, 2
	stopped := kind("silent", toLab+" do_not_process")
	stopped.Name, stopped.Acts = "molecular stopped", []Act{{"requisition_created", Stop, "do_not_process"}}
	return []Kind{
		happy, cancelled, scheduled, never, stopped, lost,
		kind("happy-lab-only", brief+" completed"),
		kind("send-twice", whole),
		kind("send-late", brief+" completed"),
		kind("out-of-order", brief+" completed"),
		kind("reject-recoverable", brief+" lab_processing_blocked delivered_to_lab completed"),
		kind("reject-recoverable-results", brief+" lab_processing_blocked completed"),
		open("reject-recoverable-silent", brief+" lab_processing_blocked"),
		kind("reject-final", brief+" sample_error"),
		kind("reject-twice-final", brief+" lab_processing_blocked sample_error"),
		kind("lost-outbound", toLab+" transit_customer lost"),
		kind("problem-outbound", toLab+" transit_customer problem_in_transit_customer transit_customer out_for_delivery with_customer"+
			" transit_lab delivered_to_lab completed"),
		kind("problem-inbound", toLab+" transit_customer out_for_delivery with_customer transit_lab problem_in_transit_lab transit_lab"+
			" delivered_to_lab completed"),
		kind("failure-outbound", toLab+" transit_customer failure_to_deliver_to_customer"),
		kind("failure-inbound", toLab+" transit_customer out_for_delivery with_customer transit_lab failure_to_deliver_to_lab"),
		kind("fail-place-2", whole),
		kind("timeout-after-accept", whole),
		open("silent", toLab),
		open("silent-after-shipped", toLab+" transit_customer"),
	}
}

// partnerKinds go to their lab by the neutral protocol.
func partnerKinds() []Kind {
	kind := func(test, script, path string) Kind {
		return Kind{Name: test + " " + script, Test: test, Script: script, Path: path, Weight: 1}
	}
	kit := func(script, path string, acts ...Act) Kind {
		k := kind(drive.Testkit, script, path)
		k.Name, k.Kit, k.Acts = "registrable "+script, true, acts
		return k
	}
	registered := Act{"with_customer", Register, "registered"}
	requested := kind(drive.Phlebotomy, "happy", home)
	requested.Acts, requested.Weight = []Act{{"requisition_created", Request, "appointment_pending appointment_scheduled draw_completed"}}, 3
	drawn := kind(drive.OnSite, "silent", toLab+" draw_completed")
	drawn.Acts, drawn.Open = []Act{{"requisition_created", Draw, "draw_completed"}}, true
	visitCancelled := kind(drive.WalkIn, "silent", toLab+" cancelled")
	visitCancelled.Acts = []Act{{"requisition_created", Cancel, "cancelled"}}
	unregistered := kit("happy", unreg)
	unregistered.Name, unregistered.Open = "registrable, never registered", true
	kits := kit("happy", unreg+" registered requisition_created transit_lab delivered_to_lab completed", registered)
	kits.Weight = 3
	return []Kind{
		kits, unregistered, requested, drawn, visitCancelled,
		kit("relayed", unreg+" registered requisition_created transit_lab delivered_to_lab completed", registered),
		kit("unanswered-register", unreg+" registered requisition_created transit_lab delivered_to_lab completed", registered),
		kit("lost-outbound", "ordered awaiting_registration transit_customer lost"),
		kind(drive.Testkit, "happy", whole),
		kind(drive.Testkit, "relayed", whole),
		kind(drive.Testkit, "corrected", whole+" corrected"),
		kind(drive.Testkit, "sample-error", strings.TrimSuffix(whole, "completed")+"sample_error"),
		kind(drive.WalkIn, "walk-in-no-appointment", toLab+" completed"),
		kind(drive.WalkIn, "partial", toLab+" partial_results completed"),
		kind(drive.Phlebotomy, "draw-without-appointment", toLab+" draw_completed completed"),
		kind(drive.OnSite, "critical", toLab+" draw_completed completed"),
		kind(drive.OnSite, "happy", toLab+" draw_completed completed"),
	}
}

var named = sync.OnceValue(func() map[string]*Kind {
	kinds := map[string]*Kind{}
	for _, k := range Kinds() {
		kinds[k.Name] = &k
	}
	return kinds
})

// kindNamed is nil for a name that no kind has.
func kindNamed(name string) *Kind { return named()[name] }
