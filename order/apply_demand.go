package order

import (
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// ApplyDemand decides a demand. CheckDemand returns the same reason without a decision. A cancellation that the partner
// has to confirm is decided only after the confirmation.
func (s State) ApplyDemand(dm Demand, now time.Time) Decision {
	d := s.newDecision(now)
	if r := d.decideDemand(dm); r != "" {
		refused := s
		if dm.Confirmed && dm.Kind == DemandCancel {
			refused.PendingCancellation = nil // confirmed, but the order does not allow it any more
		}
		return Decision{Outcome: OutcomeRefused, Reason: r, From: s.Status, Next: refused, now: now}
	}
	return d.finalize()
}

// CheckDemand returns the reason for which a demand would be refused now, or "".
func (s State) CheckDemand(dm Demand, now time.Time) Reason {
	d := s.newDecision(now)
	return d.decideDemand(dm)
}

// decideDemand applies a demand to the decision, or returns the reason for its refusal. CheckDemand calls it and
// discards the decision.
func (d *Decision) decideDemand(dm Demand) Reason {
	switch dm.Kind {
	case DemandCancel:
		return d.cancelOrder(dm)
	case DemandActivate:
		return d.changeActivation(dm)
	case DemandPlace:
		return d.retryPlacement()
	case DemandRecover:
		return d.recoverKit(dm)
	case DemandDoNotProcess:
		return d.moveOnDemand(lifecycle.DoNotProcess, dm.By)
	case DemandReplace:
		return d.replaceOnDemand()
	case DemandRegister:
		return d.registerKit(dm)
	case DemandDrawCompleted:
		return d.completeOnSiteDraw(dm)
	case DemandAcceptResults:
		return d.acceptHeldResults(dm)
	case DemandBookAppointment, DemandRequestAppointment, DemandRescheduleAppointment, DemandCancelAppointment:
		return d.checkBooking(dm)
	case DemandAcknowledgeMark:
		if !d.Next.resolveMark(AttentionReason(dm.Reason)) {
			return ReasonNoSuchAttention
		}
		d.Next.ReleaseRefused = d.Next.ReleaseRefused && d.Next.HasMark(AttentionAppointmentAtProvider)
		return ""
	default:
		return ReasonTransitionNotAllowed
	}
}

// moveOnDemand takes the order to the status that a demand asks for. If there is no such edge, it returns the reason
// for the refusal.
func (d *Decision) moveOnDemand(to lifecycle.LowStatus, by lifecycle.Actor) Reason {
	n := &d.Next
	if n.Machine().Check(n.Status, to, by, n.Conditions()) != nil {
		return ReasonTransitionNotAllowed
	}
	d.appendStep(Step{To: to, At: d.now}, false)
	if !n.Terminal() {
		n.NewestFactAt = d.now // earlier facts are late from now on
	}
	return ""
}

// cancelOrder ends the order. If the lab may hold a requisition and has not confirmed the cancellation itself,
// operations have to contact it (molecular-api#d29).
func (d *Decision) cancelOrder(dm Demand) Reason {
	n := &d.Next
	sent := n.Placement.State == PlacementDone || n.Placement.State == PlacementStarted
	if r := d.moveOnDemand(lifecycle.Cancelled, dm.By); r != "" {
		return r
	}
	n.PendingCancellation = nil
	d.endAppointmentOfCancelledOrder()
	if sent && !dm.Confirmed {
		n.RaiseMark(AttentionCancelAtLab, d.now)
	}
	return ""
}

// endAppointmentOfCancelledOrder cancels the appointment of a phlebotomy order. A walk-in order keeps its appointment,
// unless the appointment is still being booked.
func (d *Decision) endAppointmentOfCancelledOrder() {
	n := &d.Next
	under := n.PendingBooking
	bookingUnanswered := under != nil && under.AnsweredPending && n.Appointment.Active() &&
		n.Appointment.ID == under.Demand.AppointmentID()
	if n.Modality == lifecycle.AtHomePhlebotomy || bookingUnanswered {
		d.cancelAppointment(AppointmentOriginSystem, lifecycle.System)
		return
	}
	d.abandonBooking()
}

// ApplyCancelAsked records that the partner is being asked to confirm a cancellation.
func (s State) ApplyCancelAsked(dm Demand, now time.Time) Decision {
	d := s.newDecision(now)
	d.Next.PendingCancellation = &dm
	return d.finalize()
}

// ApplyCancelRefused records that the partner refused a cancellation.
func (s State) ApplyCancelRefused(now time.Time) Decision {
	d := s.newDecision(now)
	d.Next.PendingCancellation = nil
	d.Next.ClearMark(AttentionCancelUnanswered)
	d.setOutcome(OutcomeRefused, ReasonLabRefused)
	return d.finalize()
}

// ApplyCancelUnanswered records that the partner has not answered and will be asked again. It raises no mark if the
// order cannot be cancelled any more.
func (s State) ApplyCancelUnanswered(now time.Time) Decision {
	d := s.newDecision(now)
	n := &d.Next
	if n.PendingCancellation != nil && n.Machine().Allows(n.Status, lifecycle.Cancelled, n.Conditions()) {
		n.raiseFor(Trigger{Reason: AttentionCancelUnanswered, What: n.PendingCancellation.ID}, now)
	}
	return d.finalize()
}

// changeActivation moves activate_by, or clears it. A cleared date or a date of today starts the placement.
func (d *Decision) changeActivation(dm Demand) Reason {
	n := &d.Next
	switch {
	case !n.Status.In(lifecycle.StageOrdered, lifecycle.StageUnregistered):
		return ReasonTransitionNotAllowed
	case !n.Scheduled:
		return ReasonNotScheduled
	case n.Placement.State != PlacementNone:
		return ReasonAlreadyActivated
	case n.Appointment.Active() && !n.Appointment.StartAt.IsZero() && dm.ActivateAt.After(n.Appointment.StartAt):
		return ReasonBeforeActivation
	}
	n.ActivateBy, n.ActivateAt = dm.ActivateBy, dm.ActivateAt
	if !n.ActivateAt.After(d.now) {
		n.ActivateAt = d.now // today means now
		n.startPlacement()
	}
	return ""
}

// retryPlacement starts the placement again after a refusal, or after a round without an answer. It starts the
// placement that a silent order holds.
func (d *Decision) retryPlacement() Reason {
	n := &d.Next
	waiting := n.Placement.State == PlacementStarted && n.Placement.UnansweredRounds > 0
	held := n.Placement.State == PlacementHeld
	if !n.awaitsRequisition() || n.Placement.State != PlacementRefused && !waiting && !held {
		return ReasonNotPlaceable
	}
	n.ClearMark(AttentionPlacementRefused)
	n.ClearMark(AttentionPlacementUnanswered)
	n.Placement = Placement{State: PlacementStarted}
	return ""
}

// recoverKit records that the data which the lab found missing has been supplied. If the lab takes corrections by a
// call, Aliquot sends the correction, and the order continues when the lab accepts it. Otherwise operations have to
// contact the lab and quote the accession number. The order then continues when operations report the confirmation of
// the lab, or when the lab itself reports it.
func (d *Decision) recoverKit(dm Demand) Reason {
	n := &d.Next
	if !n.Status.In(lifecycle.StageBlocked) {
		return ReasonNotBlocked
	}
	if dm.Confirmed {
		return d.moveOnDemand(lifecycle.DeliveredToLab, dm.By)
	}
	n.ClearMark(AttentionRecoveryNeeded)
	n.Recovery.SuppliedAt = d.now
	if dm.LabTakesCorrections {
		n.ClearMark(AttentionTellLab)
		n.PendingCorrection = &PendingCorrection{DemandID: dm.ID}
		return ""
	}
	n.RaiseMark(AttentionTellLab, d.now)
	return ""
}
