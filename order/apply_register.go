package order

import (
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// register tells whose a kit is. Its requisition is then made; what the lab has reported on the kit so far waits for that.
func (d *Decision) register(dm Demand) Reason {
	n := &d.Next
	switch {
	case !n.Registrable:
		return ReasonNotHere
	case n.Registered:
		return ReasonRegistered
	case n.Machine().Check(n.Status, lifecycle.Registered, dm.By, n.Conditions()) != nil:
		return ReasonTransition
	}
	d.step(Step{To: lifecycle.Registered, At: d.now}, false)
	n.Registered, n.RegisteredAt = true, d.now
	n.Settle(UnregisteredKit)
	n.activate()
	return ""
}

// beforeRegistration keeps a lab's fact about an unregistered kit for after its registration. A rejection for good ends the order.
func (d *Decision) beforeRegistration(f Fact, at time.Time) {
	if f.final() {
		d.step(Step{To: lifecycle.DoNotProcess, At: at}, true)
		d.as(Applied, "")
		d.failed(at)
		return
	}
	d.Next.raiseFor(f.trigger(UnregisteredKit, time.Time{}), at) // that it lies there is said once
	d.park(f, ReasonUnregistered)
}

// afterRegistration is a fact about a kit that has been registered and whose requisition is being made. Its lab needs to be told of
// the patient first, so the fact waits for that. A rejection that came before the registration has been answered by it.
func (d *Decision) afterRegistration(f Fact) {
	if d.answered(f) {
		d.as(Late, ReasonSuperseded)
		return
	}
	d.park(f, ReasonUnplaced)
}

// answered reports whether a rejection asked for what the registration has supplied.
func (d *Decision) answered(f Fact) bool {
	n := &d.Next
	return f.Kind == KitRejected && !f.final() && n.Registrable && f.ReceivedAt.Before(n.RegisteredAt)
}
