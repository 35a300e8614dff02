package order

import (
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// ApplyDemand decides a demand. CheckDemand asks the same without deciding. A cancellation that the partner has to confirm is
// decided by ApplyDemand only after the confirmation.
func (s State) ApplyDemand(dm Demand, now time.Time) Decision {
	d := s.decision(now)
	if r := d.demand(dm); r != "" {
		refused := s
		if dm.Confirmed && dm.Kind == DemandCancel {
			refused.Cancelling = nil // confirmed, but overtaken meanwhile
		}
		return Decision{Outcome: Refused, Reason: r, From: s.Status, Next: refused, now: now}
	}
	return d.finish()
}

// CheckDemand is the reason why a demand would be refused now, or "".
func (s State) CheckDemand(dm Demand, now time.Time) Reason {
	d := s.decision(now)
	return d.demand(dm)
}

func (d *Decision) demand(dm Demand) Reason {
	switch dm.Kind {
	case DemandCancel:
		return d.cancel(dm)
	case DemandActivate:
		return d.reschedule(dm)
	case DemandPlace:
		return d.place()
	case DemandRecover:
		return d.recover(dm)
	case DemandDoNotProcess:
		return d.demandStep(lifecycle.DoNotProcess, dm.By)
	case DemandReplace:
		return d.replaceManually()
	case DemandRegister:
		return d.register(dm)
	case DemandDraw:
		return d.draw(dm)
	case DemandAccept:
		return d.accept(dm)
	case DemandBook, DemandRequest, DemandReschedule, DemandCancelAppointment:
		return d.booking(dm)
	case DemandAcknowledge:
		if !d.Next.resolve(AttentionReason(dm.Reason)) {
			return ReasonNoAttention
		}
		d.Next.Undropped = d.Next.Undropped && d.Next.Needs(AppointmentAtProvider)
		return ""
	default:
		return ReasonTransition
	}
}

// demandStep takes the order to a status that somebody asked for.
func (d *Decision) demandStep(to lifecycle.Low, by lifecycle.Actor) Reason {
	n := &d.Next
	if n.Machine().Check(n.Status, to, by, n.Conditions()) != nil {
		return ReasonTransition
	}
	d.step(Step{To: to, At: d.now}, false)
	if !n.Terminal() {
		n.FactAt = d.now // what is reported from before somebody moved it is history
	}
	return ""
}

// cancel ends the order. Where the lab may hold a requisition and has not confirmed the cancellation itself, operations have to
// tell it (molecular-api#d29).
func (d *Decision) cancel(dm Demand) Reason {
	n := &d.Next
	sent := n.Placement.State == PlacementDone || n.Placement.State == PlacementStarted
	if r := d.demandStep(lifecycle.Cancelled, dm.By); r != "" {
		return r
	}
	n.Cancelling = nil
	d.abandonVisit()
	if sent && !dm.Confirmed {
		n.Raise(CancelAtLab, d.now)
	}
	return ""
}

// abandonVisit: cancelling a phlebotomy order cancels its appointment; cancelling a walk-in order leaves it, unless it is still being
// booked.
func (d *Decision) abandonVisit() {
	n := &d.Next
	under := n.Booking
	unbooked := under != nil && under.Waited && n.Appointment.Active() && n.Appointment.ID == under.Demand.AppointmentID()
	if n.Modality == lifecycle.AtHomePhlebotomy || unbooked {
		d.cancelAppointment(OriginSystem, lifecycle.System)
		return
	}
	d.abandon()
}

// ApplyCancelAsked notes that the partner is being asked to confirm a cancellation.
func (s State) ApplyCancelAsked(dm Demand, now time.Time) Decision {
	d := s.decision(now)
	d.Next.Cancelling = &dm
	return d.finish()
}

// ApplyCancelRefused notes that the partner would not cancel.
func (s State) ApplyCancelRefused(now time.Time) Decision {
	d := s.decision(now)
	d.Next.Cancelling = nil
	d.Next.Settle(CancelUnanswered)
	d.as(Refused, ReasonLabRefused)
	return d.finish()
}

// ApplyCancelUnanswered notes that the partner has not answered so far; it is asked again. Once the order has moved on, nobody
// waits for the answer any more.
func (s State) ApplyCancelUnanswered(now time.Time) Decision {
	d := s.decision(now)
	n := &d.Next
	if n.Cancelling != nil && n.Machine().Allows(n.Status, lifecycle.Cancelled, n.Conditions()) {
		n.raiseFor(Trigger{Reason: CancelUnanswered, What: n.Cancelling.ID}, now)
	}
	return d.finish()
}

// reschedule moves activate_by, or clears it, which means now.
func (d *Decision) reschedule(dm Demand) Reason {
	n := &d.Next
	switch {
	case !n.Status.In(lifecycle.StageOrdered, lifecycle.StageUnregistered):
		return ReasonTransition
	case !n.Scheduled:
		return ReasonNotScheduled
	case n.Placement.State != PlacementNone:
		return ReasonActivated
	case n.Appointment.Active() && !n.Appointment.StartAt.IsZero() && dm.ActivateAt.After(n.Appointment.StartAt):
		return ReasonBeforeActive
	}
	n.ActivateBy, n.ActivateAt = dm.ActivateBy, dm.ActivateAt
	if !n.ActivateAt.After(d.now) {
		n.ActivateAt = d.now // today means now
		n.activate()
	}
	return ""
}

// place tries a requisition again that was refused for good, or has found no answer so far.
func (d *Decision) place() Reason {
	n := &d.Next
	waiting := n.Placement.State == PlacementStarted && n.Placement.Tries > 0
	if !n.unplaced() || n.Placement.State != PlacementRefused && !waiting {
		return ReasonNotRefused
	}
	n.Settle(RefusedByLab)
	n.Settle(PlacementUnanswered)
	n.activate()
	return ""
}

// recover supplies what the lab found missing. A lab that can be told by a call is told, and the order is back in production once it
// has accepted that. Where the lab cannot be told so, somebody has to tell it, quoting the
// accession number; the order is back in production once the lab has confirmed that or reports it itself.
func (d *Decision) recover(dm Demand) Reason {
	n := &d.Next
	if !n.Status.In(lifecycle.StageBlocked) {
		return ReasonNotBlocked
	}
	if dm.Confirmed {
		return d.demandStep(lifecycle.DeliveredToLab, dm.By)
	}
	n.Settle(RecoveryNeeded)
	n.Recovery.SuppliedAt = d.now
	if dm.Correctable {
		n.Settle(TellLab)
		n.Correcting = &Correcting{DemandID: dm.ID}
		return ""
	}
	n.Raise(TellLab, d.now)
	return ""
}
