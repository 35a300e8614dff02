package order

import (
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// How appointments move, and how their orders follow them.

// appoint records an event of an appointment, which becomes the order's newest. One that was confirmed and is confirmed again was
// moved to another time.
func (d *Decision) appoint(a Appointment, to lifecycle.AppointmentStatus, origin string, at time.Time) {
	st := AppointmentStep{
		Origin: origin, At: at, Created: a.Events == 0,
		Reschedule: a.Events > 0 && a.Status == to && to == lifecycle.AppointmentIsConfirmed,
	}
	a.Status = to
	a.Events++
	a.OverAt = time.Time{}
	if !to.Active() {
		a.OverAt = at
	}
	if to != lifecycle.AppointmentIsPending {
		a.ConfirmBy = time.Time{}
	}
	if st.Created && d.Next.Appointment != nil {
		d.Next.forget(d.Next.Appointment.ID, d.Next.Appointment.Reference)
	}
	st.Appointment = a
	d.Appointments = append(d.Appointments, st)
	d.Next.Appointment = &a
}

// orderStatus is the status by which an order follows its appointment; false where it has none for it.
func orderStatus(t AppointmentType, s lifecycle.AppointmentStatus) (lifecycle.Low, bool) {
	if s == lifecycle.AppointmentIsCompleted {
		return lifecycle.DrawCompleted, t == Phlebotomy
	}
	return lifecycle.Following(s)
}

// follow takes the order where its appointment is, once there is a requisition and as far as the table has an edge for it. Those who
// may have brought it about are tried in turn.
func (d *Decision) follow(at time.Time, fromFact bool, by ...lifecycle.Actor) {
	n := &d.Next
	to, ok := orderStatus(n.Appointment.Type, n.Appointment.Status)
	if !ok || n.Terminal() || n.unplaced() {
		return
	}
	if n.Status == to && !to.In(lifecycle.StageAppointmentScheduled) {
		return
	}
	for _, actor := range by {
		if n.Machine().Check(n.Status, to, actor, n.Conditions()) != nil {
			continue
		}
		d.step(Step{To: to, At: at}, fromFact && at.After(n.FactAt))
		if to == lifecycle.DrawCompleted {
			d.drawn(at)
		}
		return
	}
}

// requisition takes the order to the status of its requisition. An appointment that was booked before follows at once: a reserved
// one is confirmed.
func (d *Decision) requisition(st Step, fromFact bool) {
	d.step(st, fromFact)
	n := &d.Next
	if !n.Appointment.Active() || n.unplaced() {
		return
	}
	pending, _ := lifecycle.Following(lifecycle.AppointmentIsPending)
	if n.Machine().Check(n.Status, pending, lifecycle.System, n.Conditions()) == nil {
		d.step(Step{To: pending, At: st.At}, fromFact)
	}
	if n.Appointment.Status == lifecycle.AppointmentIsReserved {
		d.appoint(*n.Appointment, lifecycle.AppointmentIsConfirmed, OriginSystem, st.At)
		d.follow(st.At, fromFact, lifecycle.System)
	}
}

// appointmentReported is a provider's report on an appointment.
func (d *Decision) appointmentReported(f Fact, at time.Time) {
	n := &d.Next
	switch {
	case n.releasing(f.AppointmentID):
		d.as(Late, ReasonSuperseded)
	case n.Booking != nil && n.Booking.Demand.AppointmentID() == f.AppointmentID && !n.Booking.Waited:
		d.park(f, ReasonNoEdge) // faster than the answer to the booking
	case n.concerns(f):
		d.appointmentMoved(f, at)
	default:
		d.appointmentMade(f, at)
	}
}

// concerns reports whether the report is about the newest appointment.
func (s *State) concerns(f Fact) bool {
	a := s.Appointment
	if a == nil {
		return false
	}
	known := a.Reference != "" && (f.Appointment.Reference == a.Reference || f.AppointmentID == a.Reference)
	return f.AppointmentID == a.ID || known
}

// appointmentMoved is a report on the appointment that the order has.
func (d *Decision) appointmentMoved(f Fact, at time.Time) {
	n := &d.Next
	a, b := *n.Appointment, *f.Appointment
	to := b.Status
	unchanged := to == a.Status && (b.StartAt.IsZero() || b.StartAt.Equal(a.StartAt))
	switch {
	case at.Before(a.ReportedAt):
		d.as(Late, ReasonOlder)
	case !a.Active() && !unchanged && at.Before(a.OverAt):
		d.as(Late, ReasonOlder) // a lab told that the visit was over before its provider told that it had begun
	case unchanged:
		a.take(b)
		a.ReportedAt = at
		n.Appointment = &a
		d.as(Applied, ReasonRepeated)
	case !a.Active():
		n.raiseFor(f.trigger(ContradictoryFact, at), at)
		d.as(Refused, ReasonEnded)
	case n.unplaced() && to != lifecycle.AppointmentIsCancelled:
		d.park(f, ReasonUnplaced)
	case !lifecycle.AppointmentMay(a.Status, to) && !confirmedFirst(a.Status, to):
		d.park(f, ReasonNoEdge)
	default:
		if to == lifecycle.AppointmentIsPending {
			a.StartAt, a.EndAt = time.Time{}, time.Time{} // withdrawn: it has no time, unless the provider names one
		}
		a.take(b)
		a.ReportedAt = at
		d.appointmentTo(a, to, at)
		d.as(Applied, "")
	}
}

// confirmedFirst reports whether an appointment gets to a status by way of a confirmation that nobody reported.
func confirmedFirst(from, to lifecycle.AppointmentStatus) bool {
	return lifecycle.AppointmentMay(from, lifecycle.AppointmentIsConfirmed) && lifecycle.AppointmentMay(lifecycle.AppointmentIsConfirmed, to) &&
		(to == lifecycle.AppointmentIsInProgress || to == lifecycle.AppointmentIsCompleted)
}

// appointmentTo takes an appointment to a status that its provider reports, and the order after it.
func (d *Decision) appointmentTo(a Appointment, to lifecycle.AppointmentStatus, at time.Time) {
	from := a.Status
	if a.Events == 0 {
		from = ""
	}
	if !lifecycle.AppointmentMay(from, to) {
		d.appoint(a, lifecycle.AppointmentIsConfirmed, OriginProvider, at)
		d.follow(at, true, lifecycle.Provider)
		a = *d.Next.Appointment
	}
	d.appoint(a, to, OriginProvider, at)
	if to == lifecycle.AppointmentIsCompleted {
		d.collected(a.StartAt, at)
	}
	d.follow(at, true, lifecycle.Provider)
}

// collected notes that the sample was collected when the visit began, or else when it is reported.
func (d *Decision) collected(start, reported time.Time) {
	if !d.Next.CollectedAt.IsZero() {
		return
	}
	d.Next.CollectedAt = reported
	if !start.IsZero() && start.Before(reported) {
		d.Next.CollectedAt = start
	}
}

// appointmentMade is a report on an appointment that nobody here has booked: the patient has called the provider.
func (d *Decision) appointmentMade(f Fact, at time.Time) {
	n := &d.Next
	b := *f.Appointment
	switch {
	case n.forgotten(f.AppointmentID), n.forgotten(b.Reference):
		d.as(Late, ReasonSuperseded) // one that is not the order's any more
	case !b.Status.Active():
		d.park(f, ReasonNoEdge) // its end was faster than its beginning
	case n.Terminal():
		n.raiseFor(f.trigger(ContradictoryFact, at), at)
		d.as(Refused, ReasonEnded)
	case n.unplaced():
		d.park(f, ReasonUnplaced)
	case n.Appointment.Active() || n.Appointment.kept() || n.Booking != nil:
		d.park(f, ReasonNoEdge) // one at a time, and none after a visit that took place
	default:
		// Ours is the report's id: one that a provider made up could be another order's.
		a := Appointment{
			ID: f.InboxID, Type: AppointmentTypeOf(n.Modality), Reference: f.AppointmentID, CreatedAt: d.now, ReportedAt: at,
		}
		a.take(b)
		d.appointmentTo(a, b.Status, at)
		d.as(Applied, "")
	}
}

// keptPast bounds what is remembered of earlier appointments.
const keptPast = 20

// forget remembers what an earlier appointment went by, so that late reports on it are told apart from those on a new one.
func (s *State) forget(names ...string) {
	for _, name := range names {
		if name != "" && !s.forgotten(name) {
			s.Past = append(slices.Clone(s.Past), name)
		}
	}
	s.Past = s.Past[max(len(s.Past)-keptPast, 0):]
}

func (s *State) forgotten(name string) bool { return name != "" && slices.Contains(s.Past, name) }

// take takes over how the provider says that the appointment stands, but for its status. What it does not say stays.
func (a *Appointment) take(b Booked) {
	for _, text := range []struct {
		to   *string
		from string
	}{
		{&a.Provider, b.Provider}, {&a.Reference, b.Reference}, {&a.Confirmation, b.Confirmation}, {&a.Site, b.Site}, {&a.Zone, b.Zone},
	} {
		if text.from != "" {
			*text.to = text.from
		}
	}
	if !b.StartAt.IsZero() {
		a.StartAt, a.EndAt = b.StartAt, b.EndAt
	}
	a.CanReschedule = b.CanReschedule
}
