package order

import (
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// This file holds the rules for orders with a blood draw: walk-in, phlebotomy and on-site collection.

// completeOnSiteDraw records that the client reports an on-site draw as done.
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

// applyDrawFact applies a provider's fact about a draw. At a patient service center the visit has no status of its own.
func (d *Decision) applyDrawFact(f Fact, at time.Time) {
	n := &d.Next
	by := f.reporter()
	if n.Modality == lifecycle.OnSite {
		by = lifecycle.System // the machine's edge is the client's; a lab's fact takes it as the system
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
		d.parkOrRefuse(f, ReasonNoEdge)
	default:
		d.appendStep(Step{To: lifecycle.DrawCompleted, At: at}, true)
		d.recordDraw(at)
		d.setOutcome(OutcomeApplied, "")
	}
}

// recordDraw records when the sample was collected, and completes the active appointment.
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

// applySampleFact applies a lab's fact about a sample that was drawn elsewhere: it has arrived, or it is not usable.
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
