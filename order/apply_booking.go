package order

import (
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// How a client's demand about an appointment goes: it is checked, the provider is asked, and what it answers is recorded. One is
// under way at a time.

// booking is the reason why a demand about an appointment is refused without asking the provider, or "".
func (d *Decision) booking(dm Demand) Reason {
	n := &d.Next
	t := AppointmentTypeOf(n.Modality)
	switch {
	case t == "":
		return ReasonNotHere
	case n.Booking != nil && n.Booking.Demand.ID != dm.ID:
		return ReasonBooking
	case dm.Kind == DemandCancelAppointment:
		return d.appointmentCancellable()
	case dm.Slot == nil || dm.Slot.Type != t || dm.Kind == DemandRequest && t != Phlebotomy:
		return ReasonNotHere
	case dm.Kind == DemandReschedule:
		return d.reschedulable(*dm.Slot)
	case n.Holds(dm):
		return ""
	case n.Appointment.Active():
		return ReasonBooked
	case n.Appointment.kept():
		return ReasonTransition
	}
	if r := d.free(*dm.Slot); r != "" {
		return r
	}
	return d.bookable(dm.By)
}

// Holds reports whether the slot is booked already, so that booking it again changes nothing.
func (s State) Holds(dm Demand) bool {
	a := s.Appointment
	return dm.Kind == DemandBook && a.Active() && dm.Slot != nil && dm.Slot.Key != "" &&
		a.Slot == dm.Slot.Key && a.AccountID == dm.Slot.AccountID
}

// free reports why a slot cannot be booked any more, or not for this order.
func (d *Decision) free(slot Slot) Reason {
	n := &d.Next
	switch {
	case !slot.ExpiresAt.IsZero() && !d.now.Before(slot.ExpiresAt):
		return ReasonSlotGone
	case slot.StartAt.IsZero():
		return ""
	case !slot.StartAt.After(d.now):
		return ReasonSlotGone
	case n.Placement.State == PlacementNone && slot.StartAt.Before(n.ActivateAt):
		return ReasonBeforeActive
	default:
		return ""
	}
}

// bookable: after the requisition, or before it where the team may.
func (d *Decision) bookable(by lifecycle.Actor) Reason {
	n := &d.Next
	if n.unplaced() {
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
	return ReasonTransition
}

func (d *Decision) appointmentCancellable() Reason {
	a := d.Next.Appointment
	if !a.Active() || !lifecycle.AppointmentMay(a.Status, lifecycle.AppointmentIsCancelled) {
		return ReasonNoAppointment
	}
	return ""
}

// reschedulable: a confirmed appointment whose provider moves it, to another of its own slots.
func (d *Decision) reschedulable(slot Slot) Reason {
	a := d.Next.Appointment
	switch {
	case !a.Active():
		return ReasonNoAppointment
	case a.Status != lifecycle.AppointmentIsConfirmed || !a.CanReschedule || slot.Provider != a.Provider:
		return ReasonFixed
	case a.AccountID != "" && slot.AccountID != a.AccountID:
		return ReasonFixed
	}
	return d.free(slot)
}

// ApplyBookingAsked notes that the provider is being asked.
func (s State) ApplyBookingAsked(dm Demand, now time.Time) Decision {
	d := s.decision(now)
	d.Next.Booking = &Booking{Demand: dm, AskedAt: now}
	return d.finish()
}

// ApplyBookingPending notes that a caller who would not wait is told that the appointment is pending. The provider goes on being asked.
func (s State) ApplyBookingPending(now time.Time) Decision {
	d := s.decision(now)
	n := &d.Next
	if n.Booking == nil || n.Booking.Waited {
		return d.finish()
	}
	b := *n.Booking
	b.Waited = true
	n.Booking = &b
	a := newAppointment(b.Demand, now)
	a.ConfirmBy = b.AskedAt.Add(b.Demand.ConfirmWithin.Std())
	d.appoint(a, lifecycle.AppointmentIsPending, OriginPatient, now)
	d.follow(now, false, b.Demand.By)
	return d.finish()
}

func newAppointment(dm Demand, now time.Time) Appointment {
	slot := dm.Slot
	return Appointment{
		ID: dm.AppointmentID(), Type: slot.Type, Provider: slot.Provider, AccountID: slot.AccountID, Slot: slot.Key, Site: slot.Site,
		StartAt: slot.StartAt, EndAt: slot.EndAt, Zone: slot.Zone, CreatedAt: now,
	}
}

// ApplyBooked decides what the provider's answer does. Where the demand has been given up meanwhile, or the order has ended, what was
// booked is given back.
func (s State) ApplyBooked(dm Demand, b Booked, now time.Time) Decision {
	d := s.decision(now)
	n := &d.Next
	under := n.Booking
	if under == nil || under.Demand.ID != dm.ID {
		d.as(Refused, ReasonTransition)
		return d.finish()
	}
	n.Booking = nil
	switch {
	case dm.Kind == DemandCancelAppointment:
		d.appointmentDropped(dm.By)
	case b.Status == lifecycle.AppointmentIsCancelled:
		d.bookingOver(*under, ReasonSlotGone)
	case dm.Kind == DemandReschedule:
		d.appointmentRescheduled(dm, b)
	case n.Terminal():
		d.bookingOver(*under, ReasonTransition)
		n.release(newAppointment(dm, now), b.Reference)
	default:
		d.appointmentBooked(dm, b)
	}
	return d.finish()
}

// appointmentBooked is an appointment that the provider has taken. Before the requisition it is only held.
func (d *Decision) appointmentBooked(dm Demand, b Booked) {
	n := &d.Next
	a := newAppointment(dm, d.now)
	if n.Appointment != nil && n.Appointment.ID == a.ID { // the caller was told that it is pending
		a = *n.Appointment
	}
	to := b.Status
	if n.unplaced() && to == lifecycle.AppointmentIsConfirmed {
		to = lifecycle.AppointmentIsReserved
	}
	if n.reported(a.ID) {
		return // it says how things stood when it was booked, and its provider has told more since
	}
	a.take(b)
	if a.Events > 0 && (a.Status == to || !lifecycle.AppointmentMay(a.Status, to)) {
		n.Appointment = &a // the provider's report was faster than its answer
		return
	}
	d.appoint(a, to, OriginPatient, d.now)
	d.follow(d.now, false, dm.By, lifecycle.Provider)
}

// reported reports whether the provider has already reported on the order's newest appointment.
func (s *State) reported(id string) bool {
	return s.Appointment != nil && s.Appointment.ID == id && !s.Appointment.ReportedAt.IsZero()
}

func (d *Decision) appointmentRescheduled(dm Demand, b Booked) {
	n := &d.Next
	if n.Appointment == nil || !lifecycle.AppointmentMay(n.Appointment.Status, b.Status) {
		d.as(Refused, ReasonFixed) // overtaken: its provider has ended it
		return
	}
	a := *n.Appointment
	a.Slot, a.Site, a.Zone = dm.Slot.Key, dm.Slot.Site, dm.Slot.Zone
	a.StartAt, a.EndAt = dm.Slot.StartAt, dm.Slot.EndAt
	a.take(b)
	d.appoint(a, b.Status, OriginPatient, d.now)
	d.follow(d.now, false, dm.By, lifecycle.Provider)
}

func (d *Decision) appointmentDropped(by lifecycle.Actor) {
	a := d.Next.Appointment
	if !a.Active() {
		return // its provider was faster
	}
	d.appoint(*a, lifecycle.AppointmentIsCancelled, OriginPatient, d.now)
	d.follow(d.now, false, by, lifecycle.Provider)
}

// ApplyBookingRefused notes that the provider would not do it.
func (s State) ApplyBookingRefused(dm Demand, r Reason, now time.Time) Decision {
	d := s.decision(now)
	n := &d.Next
	if n.Booking == nil || n.Booking.Demand.ID != dm.ID {
		d.as(Refused, r)
		return d.finish()
	}
	under := *n.Booking
	n.Booking = nil
	d.bookingOver(under, r)
	return d.finish()
}

// bookingOver ends a booking that came to nothing. The appointment that its caller was told of is cancelled.
func (d *Decision) bookingOver(under Booking, r Reason) {
	d.as(Refused, r)
	a := d.Next.Appointment
	if !under.Waited || !a.Active() || a.ID != under.Demand.AppointmentID() {
		return
	}
	d.as(Applied, r)
	d.appoint(*a, lifecycle.AppointmentIsCancelled, OriginProvider, d.now)
	d.follow(d.now, false, lifecycle.Provider)
}

// ApplyBookingGivenUp notes that nobody waits for the provider's answer any more. Whatever it has booked is given back.
func (s State) ApplyBookingGivenUp(dm Demand, now time.Time) Decision {
	d := s.decision(now)
	n := &d.Next
	d.as(Refused, ReasonUnanswered)
	if n.Booking == nil || n.Booking.Demand.ID != dm.ID {
		return d.finish()
	}
	n.Booking = nil
	n.release(newAppointment(dm, now), "")
	return d.finish()
}

// abandon gives up a booking under way because the order ends or its time is over.
func (d *Decision) abandon() {
	n := &d.Next
	if n.Booking == nil {
		return
	}
	dm := n.Booking.Demand
	n.Booking, d.Abandoned = nil, dm.ID
	if dm.Kind == DemandBook || dm.Kind == DemandRequest {
		n.release(newAppointment(dm, d.now), "")
	}
}

// cancelAppointment ends the order's appointment on our side, and has its provider told.
func (d *Decision) cancelAppointment(origin string, by lifecycle.Actor) {
	n := &d.Next
	d.abandon()
	a := n.Appointment
	if !a.Active() || !lifecycle.AppointmentMay(a.Status, lifecycle.AppointmentIsCancelled) {
		return
	}
	n.release(*a, a.Reference)
	d.appoint(*a, lifecycle.AppointmentIsCancelled, origin, d.now)
	d.follow(d.now, false, by)
}

// release has the provider told to drop an appointment.
func (s *State) release(a Appointment, reference string) {
	if s.Appointment == nil || s.Appointment.ID != a.ID {
		s.forget(a.ID, reference)
	}
	if s.releasing(a.ID) || a.AccountID == "" {
		return
	}
	s.Releasing = append(slices.Clone(s.Releasing), Release{
		AppointmentID: a.ID, AccountID: a.AccountID, Provider: a.Provider, Reference: reference,
	})
}

func (s *State) releasing(id string) bool {
	return slices.ContainsFunc(s.Releasing, func(r Release) bool { return r.AppointmentID == id })
}

// releaseTries is after how many attempts operations are called; the provider is asked on.
const releaseTries = 10

// ApplyReleased notes that the provider has dropped an appointment. refused says that it would not, so that somebody has to talk to it:
// until then, that another was dropped is no reason to take the mark away.
func (s State) ApplyReleased(id string, refused bool, now time.Time) Decision {
	d := s.decision(now)
	n := &d.Next
	n.Releasing = slices.DeleteFunc(slices.Clone(n.Releasing), func(r Release) bool { return r.AppointmentID == id })
	if len(n.Releasing) == 0 {
		n.Releasing = nil
	}
	switch {
	case refused:
		n.Undropped = n.raiseFor(Trigger{Reason: AppointmentAtProvider, What: id}, now) || n.Undropped
	case n.Releasing == nil && !n.Undropped:
		n.Settle(AppointmentAtProvider)
	}
	return d.finish()
}

// ApplyReleaseMissed notes that the provider did not answer.
func (s State) ApplyReleaseMissed(id string, now time.Time) Decision {
	d := s.decision(now)
	n := &d.Next
	n.Releasing = slices.Clone(n.Releasing)
	for i := range n.Releasing {
		if n.Releasing[i].AppointmentID != id {
			continue
		}
		n.Releasing[i].Tries++
		if n.Releasing[i].Tries >= releaseTries {
			n.raiseFor(Trigger{Reason: AppointmentAtProvider, What: id}, now)
		}
	}
	return d.finish()
}
