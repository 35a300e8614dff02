package order

import (
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// registerKit records that a kit has a patient, and starts its placement. Facts of the lab that arrived earlier stay
// parked until the requisition is made.
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

// applyBeforeRegistration parks a lab's fact about an unregistered kit and raises unregistered_sample_received. A final
// rejection ends the order.
func (d *Decision) applyBeforeRegistration(f Fact, at time.Time) {
	if f.isFinalRejection() {
		d.appendStep(Step{To: lifecycle.DoNotProcess, At: at}, true)
		d.setOutcome(OutcomeApplied, "")
		d.applyReplacementPolicy(at)
		return
	}
	d.Next.raiseFor(f.trigger(AttentionUnregisteredSample, time.Time{}), at) // without a time: further facts raise no mark
	d.parkOrRefuse(f, ReasonKitNotRegistered)
}

// applyAfterRegistration parks a fact about a registered kit until its requisition is made, because the lab has to
// receive the patient first. A rejection that is older than the registration is late, because the registration supplied
// the missing data.
func (d *Decision) applyAfterRegistration(f Fact) {
	if d.isSuppliedByRegistration(f) {
		d.setOutcome(OutcomeLate, ReasonSuperseded)
		return
	}
	d.parkOrRefuse(f, ReasonNotYetPlaced)
}

// isSuppliedByRegistration reports whether the fact is a recoverable rejection from before the registration. The
// registration has supplied the data that such a rejection asks for.
func (d *Decision) isSuppliedByRegistration(f Fact) bool {
	n := &d.Next
	return f.Kind == FactKitRejected && !f.isFinalRejection() && n.Registrable && f.ReceivedAt.Before(n.RegisteredAt)
}
