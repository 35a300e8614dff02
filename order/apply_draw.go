package order

import (
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// How blood that is drawn somewhere comes to the lab: walk-in, phlebotomy and on-site collection.

// completeOnSiteDraw is the client's word that an on-site draw is done.
func (d *Decision) completeOnSiteDraw(dm Demand) Reason {
	n := &d.Next
	if n.Modality != lifecycle.OnSite {
		return ReasonNotForThisMethod
	}
	if r := d.moveOnDemand(lifecycle.DrawCompleted, dm.By); r != "" {
		return r
	}
	d.recordDraw(d.now)
	return ""
}

// applyDrawFact is a provider's report of a draw. At a patient service center the visit has no status of its own.
func (d *Decision) applyDrawFact(f Fact, at time.Time) {
	n := &d.Next
	by := f.reporter()
	if n.Modality == lifecycle.OnSite {
		by = lifecycle.System // the table knows a client there, who needs not say what the lab has said
	}
	switch {
	case n.Modality == lifecycle.WalkIn:
		d.recordDraw(at)
		d.setOutcome(OutcomeApplied, "")
	case at.Before(n.NewestFactAt):
		d.setOutcome(OutcomeLate, ReasonOlder)
	case n.Status == lifecycle.DrawCompleted:
		d.setOutcome(OutcomeApplied, ReasonRepeated)
	case n.Machine().Check(n.Status, lifecycle.DrawCompleted, by, n.Conditions()) != nil:
		d.park(f, ReasonNoEdge)
	default:
		d.appendStep(Step{To: lifecycle.DrawCompleted, At: at}, true)
		d.recordDraw(at)
		d.setOutcome(OutcomeApplied, "")
	}
}

// recordDraw notes when the sample was collected, and that the appointment for it is over.
func (d *Decision) recordDraw(at time.Time) {
	n := &d.Next
	if n.CollectedAt.IsZero() {
		n.CollectedAt = at
	}
	a := n.Appointment
	if a.Active() && lifecycle.AppointmentAllows(a.Status, lifecycle.AppointmentStatusCompleted) {
		d.appendAppointmentStep(*a, lifecycle.AppointmentStatusCompleted, AppointmentOriginSystem, at)
	}
}

// applySampleFact is a lab's report on a sample that was drawn elsewhere: that it is there, or not usable.
func (d *Decision) applySampleFact(f Fact, at time.Time) {
	n := &d.Next
	switch {
	case f.isFinalRejection():
		d.implySampleAtLab(at)
		d.appendStep(Step{To: lifecycle.SampleError, Detail: detailAllowedWith(f.Detail, lifecycle.SampleError), At: at},
			true)
		d.setOutcome(OutcomeApplied, "")
	case f.Kind == FactKitRejected:
		d.implySampleAtLab(at)
		n.raiseFor(f.trigger(AttentionSampleProblem, at), at)
		d.setOutcome(OutcomeApplied, "")
	case at.Before(n.NewestFactAt):
		d.setOutcome(OutcomeLate, ReasonOlder)
	default:
		d.implySampleAtLab(at)
		d.setOutcome(OutcomeApplied, "")
	}
}
