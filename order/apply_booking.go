package order

import (
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// This file holds the rules for a client's demand about an appointment. A rule checks the demand, another records that
// the provider is asked, and others record the answer. An order has one such demand at a time.

// checkBooking returns the reason for which a demand about an appointment is refused without asking the provider, or
// "".
func (d *Decision) checkBooking(dm Demand) Reason {
	n := &d.Next
	t := AppointmentTypeOf(n.Modality)
	switch {
	case t == "":
		return ReasonNotForThisMethod
	case n.PendingBooking != nil && n.PendingBooking.Demand.ID != dm.ID:
		return ReasonBookingUnderWay
	case dm.Kind == DemandCancelAppointment:
		return d.checkCancellable()
	case dm.Slot == nil || dm.Slot.Type != t || dm.Kind == DemandRequestAppointment && t != Phlebotomy:
		return ReasonNotForThisMethod
	case dm.Kind == DemandRescheduleAppointment:
		return d.checkReschedulable(*dm.Slot)
	case n.HoldsSlot(dm):
		return ""
	case n.Appointment.Active():
		return ReasonAlreadyBooked
	case n.Appointment.isVisitCompleted():
		return ReasonTransitionNotAllowed
	}
	if r := d.checkSlot(*dm.Slot); r != "" {
		return r
	}
	return d.checkBookable(dm.By)
}

// HoldsSlot reports whether the slot is booked already, so that booking it again changes nothing.
func (s State) HoldsSlot(dm Demand) bool {
	a := s.Appointment
	return dm.Kind == DemandBookAppointment && a.Active() && dm.Slot != nil && dm.Slot.Key != "" &&
		a.SlotKey == dm.Slot.Key && a.AccountID == dm.Slot.AccountID
}

// checkSlot returns the reason for which a slot cannot be booked any more, or not for this order, or "".
func (d *Decision) checkSlot(slot Slot) Reason {
	n := &d.Next
	switch {
	case !slot.ExpiresAt.IsZero() && !d.now.Before(slot.ExpiresAt):
		return ReasonSlotGone
	case slot.StartAt.IsZero():
		return ""
	case !slot.StartAt.After(d.now):
		return ReasonSlotGone
	case n.Placement.State == PlacementNone && slot.StartAt.Before(n.ActivateAt):
		return ReasonBeforeActivation
	default:
		return ""
	}
}

// checkBookable returns the reason for which the order cannot have an appointment now, or "". Before the requisition
// the policy has to allow appointments.
func (d *Decision) checkBookable(by lifecycle.Actor) Reason {
	n := &d.Next
	if n.awaitsRequisition() {
		if n.Policy.BookBeforeRequisition {
			return ""
		}
		return ReasonNoRequisition
	}
	for _, to := range lifecycle.LowsIn(lifecycle.StageAppointmentPending, lifecycle.StageAppointmentScheduled) {
		if n.Machine().Check(n.Status, to, by, n.Conditions()) == nil {
			return ""
		}
	}
	return ReasonTransitionNotAllowed
}

func (d *Decision) checkCancellable() Reason {
	a := d.Next.Appointment
	if !a.Active() || !lifecycle.AppointmentAllows(a.Status, lifecycle.AppointmentStatusCancelled) {
		return ReasonNoAppointment
	}
	return ""
}

// checkReschedulable returns the reason for which the appointment cannot be moved to the slot, or "". It must be
// confirmed and movable, and the slot must be of the same provider and account.
func (d *Decision) checkReschedulable(slot Slot) Reason {
	a := d.Next.Appointment
	switch {
	case !a.Active():
		return ReasonNoAppointment
	case a.Status != lifecycle.AppointmentStatusConfirmed || !a.CanReschedule || slot.Provider != a.Provider:
		return ReasonNotReschedulable
	case a.AccountID != "" && slot.AccountID != a.AccountID:
		return ReasonNotReschedulable
	}
	return d.checkSlot(slot)
}

// ApplyBookingAsked records that the provider is being asked.
func (s State) ApplyBookingAsked(dm Demand, now time.Time) Decision {
	d := s.newDecision(now)
	d.Next.PendingBooking = &PendingBooking{Demand: dm, AskedAt: now}
	return d.finalize()
}

// ApplyBookingPending records that the caller got the answer "pending", and creates the pending appointment. The call
// to the provider continues.
func (s State) ApplyBookingPending(now time.Time) Decision {
	d := s.newDecision(now)
	n := &d.Next
	if n.PendingBooking == nil || n.PendingBooking.AnsweredPending {
		return d.finalize()
	}
	b := *n.PendingBooking
	b.AnsweredPending = true
	n.PendingBooking = &b
	a := appointmentOfDemand(b.Demand, now)
	a.ConfirmBy = b.AskedAt.Add(b.Demand.ConfirmWithin.Std())
	d.appendAppointmentStep(a, lifecycle.AppointmentStatusPending, AppointmentOriginPatient, now)
	d.followAppointment(now, false, b.Demand.By)
	return d.finalize()
}

func appointmentOfDemand(dm Demand, now time.Time) Appointment {
	slot := dm.Slot
	return Appointment{
		ID: dm.AppointmentID(), Type: slot.Type, Provider: slot.Provider, AccountID: slot.AccountID, SlotKey: slot.Key,
		SiteCode: slot.Site,
		StartAt:  slot.StartAt, EndAt: slot.EndAt, Zone: slot.Zone, CreatedAt: now,
	}
}

// ApplyBookingAnswer applies the provider's answer to a demand. It refuses a demand that was given up before the answer
// came. It releases the booked appointment of an order that has ended before.
func (s State) ApplyBookingAnswer(dm Demand, b ReportedAppointment, now time.Time) Decision {
	d := s.newDecision(now)
	n := &d.Next
	under := n.PendingBooking
	if under == nil || under.Demand.ID != dm.ID {
		d.setOutcome(OutcomeRefused, ReasonTransitionNotAllowed)
		return d.finalize()
	}
	n.PendingBooking = nil
	switch {
	case dm.Kind == DemandCancelAppointment:
		d.applyAppointmentCancelled(dm.By)
	case b.Status == lifecycle.AppointmentStatusCancelled:
		if dm.Kind == DemandBookAppointment && (n.Appointment == nil || n.Appointment.ID != dm.AppointmentID()) {
			n.rememberPastAppointment(dm.AppointmentID()) // the fact that declined it is about nothing newer
		}
		d.endBooking(*under, ReasonSlotGone)
	case dm.Kind == DemandRescheduleAppointment:
		d.applyAppointmentRescheduled(dm, b)
	case n.Terminal():
		d.endBooking(*under, ReasonTransitionNotAllowed)
		n.queueRelease(appointmentOfDemand(dm, now), b.Reference)
	default:
		d.applyAppointmentBooked(dm, b)
	}
	return d.finalize()
}

// applyAppointmentBooked applies the provider's acceptance of an appointment. Before the requisition the appointment is
// only reserved.
func (d *Decision) applyAppointmentBooked(dm Demand, b ReportedAppointment) {
	n := &d.Next
	a := appointmentOfDemand(dm, d.now)
	if n.Appointment != nil && n.Appointment.ID == a.ID { // the caller was answered "pending"
		a = *n.Appointment
	}
	to := b.Status
	if n.awaitsRequisition() && to == lifecycle.AppointmentStatusConfirmed {
		to = lifecycle.AppointmentStatusReserved
	}
	if n.providerHasReported(a.ID) {
		return // the answer is older than what the provider has reported since
	}
	a.mergeReported(b)
	if a.EventCount > 0 && (a.Status == to || !lifecycle.AppointmentAllows(a.Status, to)) {
		n.Appointment = &a // the provider's fact arrived before its answer
		return
	}
	d.appendAppointmentStep(a, to, AppointmentOriginPatient, d.now)
	d.followAppointment(d.now, false, dm.By, lifecycle.Provider)
}

// providerHasReported reports whether the provider has already reported a fact about the order's newest appointment.
func (s *State) providerHasReported(id string) bool {
	return s.Appointment != nil && s.Appointment.ID == id && !s.Appointment.ReportedAt.IsZero()
}

func (d *Decision) applyAppointmentRescheduled(dm Demand, b ReportedAppointment) {
	n := &d.Next
	if n.Appointment == nil || !lifecycle.AppointmentAllows(n.Appointment.Status, b.Status) {
		d.setOutcome(OutcomeRefused, ReasonNotReschedulable) // the provider has ended it meanwhile
		return
	}
	a := *n.Appointment
	a.SlotKey, a.SiteCode, a.Zone = dm.Slot.Key, dm.Slot.Site, dm.Slot.Zone
	a.StartAt, a.EndAt = dm.Slot.StartAt, dm.Slot.EndAt
	a.mergeReported(b)
	d.appendAppointmentStep(a, b.Status, AppointmentOriginPatient, d.now)
	d.followAppointment(d.now, false, dm.By, lifecycle.Provider)
}

func (d *Decision) applyAppointmentCancelled(by lifecycle.Actor) {
	a := d.Next.Appointment
	if !a.Active() {
		return // the provider has ended it already
	}
	d.appendAppointmentStep(*a, lifecycle.AppointmentStatusCancelled, AppointmentOriginPatient, d.now)
	d.followAppointment(d.now, false, by, lifecycle.Provider)
}

// ApplyBookingRefused applies the provider's refusal of a demand.
func (s State) ApplyBookingRefused(dm Demand, r Reason, now time.Time) Decision {
	d := s.newDecision(now)
	n := &d.Next
	if n.PendingBooking == nil || n.PendingBooking.Demand.ID != dm.ID {
		d.setOutcome(OutcomeRefused, r)
		return d.finalize()
	}
	under := *n.PendingBooking
	n.PendingBooking = nil
	d.endBooking(under, r)
	return d.finalize()
}

// endBooking ends a booking that failed. It cancels the appointment if the caller got the answer "pending".
func (d *Decision) endBooking(under PendingBooking, r Reason) {
	d.setOutcome(OutcomeRefused, r)
	a := d.Next.Appointment
	if !under.AnsweredPending || !a.Active() || a.ID != under.Demand.AppointmentID() {
		return
	}
	d.setOutcome(OutcomeApplied, r)
	d.appendAppointmentStep(*a, lifecycle.AppointmentStatusCancelled, AppointmentOriginProvider, d.now)
	d.followAppointment(d.now, false, lifecycle.Provider)
}

// ApplyBookingGivenUp records that no caller waits for the provider's answer. If the provider booked an appointment
// anyway, that appointment is released.
func (s State) ApplyBookingGivenUp(dm Demand, now time.Time) Decision {
	d := s.newDecision(now)
	n := &d.Next
	d.setOutcome(OutcomeRefused, ReasonProviderUnanswered)
	if n.PendingBooking == nil || n.PendingBooking.Demand.ID != dm.ID {
		return d.finalize()
	}
	n.PendingBooking = nil
	n.queueRelease(appointmentOfDemand(dm, now), "")
	return d.finalize()
}

// abandonBooking gives up a pending booking, because the order ends or the booking has timed out. It releases any
// appointment that the provider may have booked.
func (d *Decision) abandonBooking() {
	n := &d.Next
	if n.PendingBooking == nil {
		return
	}
	dm := n.PendingBooking.Demand
	n.PendingBooking, d.AbandonedDemandID = nil, dm.ID
	if dm.Kind == DemandBookAppointment || dm.Kind == DemandRequestAppointment {
		n.queueRelease(appointmentOfDemand(dm, d.now), "")
	}
}

// cancelAppointment gives up a pending booking, queues the release of the order's active appointment at its provider,
// cancels the appointment and moves the order after it.
func (d *Decision) cancelAppointment(origin string, by lifecycle.Actor) {
	n := &d.Next
	d.abandonBooking()
	a := n.Appointment
	if !a.Active() || !lifecycle.AppointmentAllows(a.Status, lifecycle.AppointmentStatusCancelled) {
		return
	}
	n.queueRelease(*a, a.Reference)
	d.appendAppointmentStep(*a, lifecycle.AppointmentStatusCancelled, origin, d.now)
	d.followAppointment(d.now, false, by)
}

// queueRelease queues an appointment that its provider has to drop, and remembers the ids of an appointment that is not
// the order's newest.
func (s *State) queueRelease(a Appointment, reference string) {
	if s.Appointment == nil || s.Appointment.ID != a.ID {
		s.rememberPastAppointment(a.ID, reference)
	}
	if s.hasPendingRelease(a.ID) || a.AccountID == "" {
		return
	}
	s.PendingReleases = append(slices.Clone(s.PendingReleases), AppointmentRelease{
		AppointmentID: a.ID, AccountID: a.AccountID, Provider: a.Provider, Reference: reference,
	})
}

func (s *State) hasPendingRelease(id string) bool {
	return slices.ContainsFunc(s.PendingReleases, func(r AppointmentRelease) bool { return r.AppointmentID == id })
}

// releaseAttemptsBeforeMark is the number of unanswered attempts after which a mark is raised. Further attempts follow.
const releaseAttemptsBeforeMark = 10

// ApplyReleaseAnswer records that the provider has cancelled a released appointment. With refused it records that the
// provider refused, and raises a mark. That mark stays until somebody acknowledges it, even if the provider cancels
// another released appointment.
func (s State) ApplyReleaseAnswer(id string, refused bool, now time.Time) Decision {
	d := s.newDecision(now)
	n := &d.Next
	n.PendingReleases = slices.DeleteFunc(slices.Clone(n.PendingReleases),
		func(r AppointmentRelease) bool { return r.AppointmentID == id })
	if len(n.PendingReleases) == 0 {
		n.PendingReleases = nil
	}
	switch {
	case refused:
		n.ReleaseRefused = n.raiseFor(Trigger{Reason: AttentionAppointmentAtProvider, What: id}, now) || n.ReleaseRefused
	case n.PendingReleases == nil && !n.ReleaseRefused:
		n.ClearMark(AttentionAppointmentAtProvider)
	}
	return d.finalize()
}

// ApplyReleaseUnanswered records an attempt without an answer.
func (s State) ApplyReleaseUnanswered(id string, now time.Time) Decision {
	d := s.newDecision(now)
	n := &d.Next
	n.PendingReleases = slices.Clone(n.PendingReleases)
	for i := range n.PendingReleases {
		if n.PendingReleases[i].AppointmentID != id {
			continue
		}
		n.PendingReleases[i].UnansweredAttempts++
		if n.PendingReleases[i].UnansweredAttempts >= releaseAttemptsBeforeMark {
			n.raiseFor(Trigger{Reason: AttentionAppointmentAtProvider, What: id}, now)
		}
	}
	return d.finalize()
}
