package order

import (
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// How blood that is drawn somewhere comes to the lab: walk-in, phlebotomy and on-site collection.

// draw is the client's word that an on-site draw is done.
func (d *Decision) draw(dm Demand) Reason {
	n := &d.Next
	if n.Modality != lifecycle.OnSite {
		return ReasonNotHere
	}
	if r := d.demandStep(lifecycle.DrawCompleted, dm.By); r != "" {
		return r
	}
	d.drawn(d.now)
	return ""
}

// drawReported is a provider's report of a draw. At a patient service center the visit has no status of its own.
func (d *Decision) drawReported(f Fact, at time.Time) {
	n := &d.Next
	by := f.actor()
	if n.Modality == lifecycle.OnSite {
		by = lifecycle.System // the table knows a client there, who needs not say what the lab has said
	}
	switch {
	case n.Modality == lifecycle.WalkIn:
		d.drawn(at)
		d.as(Applied, "")
	case at.Before(n.FactAt):
		d.as(Late, ReasonOlder)
	case n.Status == lifecycle.DrawCompleted:
		d.as(Applied, ReasonRepeated)
	case n.Machine().Check(n.Status, lifecycle.DrawCompleted, by, n.Conditions()) != nil:
		d.park(f, ReasonNoEdge)
	default:
		d.step(Step{To: lifecycle.DrawCompleted, At: at}, true)
		d.drawn(at)
		d.as(Applied, "")
	}
}

// drawn notes when the sample was collected, and that the appointment for it is over.
func (d *Decision) drawn(at time.Time) {
	n := &d.Next
	if n.CollectedAt.IsZero() {
		n.CollectedAt = at
	}
	a := n.Appointment
	if a.Active() && lifecycle.AppointmentMay(a.Status, lifecycle.AppointmentIsCompleted) {
		d.appoint(*a, lifecycle.AppointmentIsCompleted, OriginSystem, at)
	}
}

// sampleReported is a lab's report on a sample that was drawn elsewhere: that it is there, or not usable.
func (d *Decision) sampleReported(f Fact, at time.Time) {
	n := &d.Next
	switch {
	case f.final():
		d.proven(at)
		d.step(Step{To: lifecycle.SampleError, Detail: detailFor(f.Detail, lifecycle.SampleError), At: at}, true)
		d.as(Applied, "")
	case f.Kind == KitRejected:
		d.proven(at)
		n.raiseFor(f.trigger(SampleProblem, at), at)
		d.as(Applied, "")
	case at.Before(n.FactAt):
		d.as(Late, ReasonOlder)
	default:
		d.proven(at)
		d.as(Applied, "")
	}
}
