package order

import (
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// registerKit tells whose a kit is. Its requisition is then made; what the lab has reported on the kit so far waits for that.
func (d *Decision) registerKit(dm Demand) Reason {
	n := &d.Next
	switch {
	case !n.Registrable:
		return ReasonNotForThisMethod
	case n.Registered:
		return ReasonAlreadyRegistered
	case n.Machine().Check(n.Status, lifecycle.Registered, dm.By, n.Conditions()) != nil:
		return ReasonTransitionNotAllowed
	}
	d.appendStep(Step{To: lifecycle.Registered, At: d.now}, false)
	n.Registered, n.RegisteredAt = true, d.now
	n.ClearMark(AttentionUnregisteredSample)
	n.startPlacement()
	return ""
}

// applyBeforeRegistration keeps a lab's fact about an unregistered kit for after its registration. A rejection for good ends the order.
func (d *Decision) applyBeforeRegistration(f Fact, at time.Time) {
	if f.isFinalRejection() {
		d.appendStep(Step{To: lifecycle.DoNotProcess, At: at}, true)
		d.setOutcome(OutcomeApplied, "")
		d.applyReplacementPolicy(at)
		return
	}
	d.Next.raiseFor(f.trigger(AttentionUnregisteredSample, time.Time{}), at) // that it lies there is said once
	d.park(f, ReasonKitNotRegistered)
}

// applyAfterRegistration is a fact about a kit that has been registered and whose requisition is being made. Its lab needs to be told of
// the patient first, so the fact waits for that. A rejection that came before the registration has been answered by it.
func (d *Decision) applyAfterRegistration(f Fact) {
	if d.answeredByRegistration(f) {
		d.setOutcome(OutcomeLate, ReasonSuperseded)
		return
	}
	d.park(f, ReasonNotYetPlaced)
}

// answeredByRegistration reports whether a rejection asked for what the registration has supplied.
func (d *Decision) answeredByRegistration(f Fact) bool {
	n := &d.Next
	return f.Kind == FactKitRejected && !f.isFinalRejection() && n.Registrable && f.ReceivedAt.Before(n.RegisteredAt)
}
