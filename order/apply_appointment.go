package order

import (
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// How appointments move, and how their orders follow them.

// appendAppointmentStep records an event of an appointment, which becomes the order's newest. One that was confirmed and is confirmed again was
// moved to another time.
func (d *Decision) appendAppointmentStep(a Appointment, to lifecycle.AppointmentStatus, origin string, at time.Time) {
	st := AppointmentStep{
		Origin: origin, At: at, First: a.EventCount == 0,
		Reschedule: a.EventCount > 0 && a.Status == to && to == lifecycle.AppointmentStatusConfirmed,
	}
	a.Status = to
	a.EventCount++
	a.EndedAt = time.Time{}
	if !to.Active() {
		a.EndedAt = at
	}
	if to != lifecycle.AppointmentStatusPending {
		a.ConfirmBy = time.Time{}
	}
	if st.First && d.Next.Appointment != nil {
		d.Next.rememberPastAppointment(d.Next.Appointment.ID, d.Next.Appointment.Reference)
	}
	st.Appointment = a
	d.Appointments = append(d.Appointments, st)
	d.Next.Appointment = &a
}

// statusByAppointment is the status by which an order follows its appointment; false where it has none for it.
func statusByAppointment(t AppointmentType, s lifecycle.AppointmentStatus) (lifecycle.LowStatus, bool) {
	if s == lifecycle.AppointmentStatusCompleted {
		return lifecycle.DrawCompleted, t == Phlebotomy
	}
	return lifecycle.Following(s)
}

// followAppointment takes the order where its appointment is, once there is a requisition and as far as the table has an edge for it. Those who
// may have brought it about are tried in turn.
func (d *Decision) followAppointment(at time.Time, fromFact bool, by ...lifecycle.Actor) {
	n := &d.Next
	to, ok := statusByAppointment(n.Appointment.Type, n.Appointment.Status)
	if !ok || n.Terminal() || n.awaitsRequisition() {
		return
	}
	if n.Status == to && !to.In(lifecycle.StageAppointmentScheduled) {
		return
	}
	for _, actor := range by {
		if n.Machine().Check(n.Status, to, actor, n.Conditions()) != nil {
			continue
		}
		d.appendStep(Step{To: to, At: at}, fromFact && at.After(n.NewestFactAt))
		if to == lifecycle.DrawCompleted {
			d.recordDraw(at)
		}
		return
	}
}

// applyRequisition takes the order to the status of its requisition. An appointment that was booked before follows at once: a reserved
// one is confirmed.
func (d *Decision) applyRequisition(st Step, fromFact bool) {
	d.appendStep(st, fromFact)
	n := &d.Next
	if !n.Appointment.Active() || n.awaitsRequisition() {
		return
	}
	pending, _ := lifecycle.Following(lifecycle.AppointmentStatusPending)
	if n.Machine().Check(n.Status, pending, lifecycle.System, n.Conditions()) == nil {
		d.appendStep(Step{To: pending, At: st.At}, fromFact)
	}
	if n.Appointment.Status == lifecycle.AppointmentStatusReserved {
		d.appendAppointmentStep(*n.Appointment, lifecycle.AppointmentStatusConfirmed, AppointmentOriginSystem, st.At)
		d.followAppointment(st.At, fromFact, lifecycle.System)
	}
}

// applyAppointmentFact is a provider's report on an appointment.
func (d *Decision) applyAppointmentFact(f Fact, at time.Time) {
	n := &d.Next
	switch {
	case n.hasPendingRelease(f.AppointmentID):
		d.setOutcome(OutcomeLate, ReasonSuperseded)
	case n.PendingBooking != nil && n.PendingBooking.Demand.AppointmentID() == f.AppointmentID &&
		!n.PendingBooking.AnsweredPending:
		d.park(f, ReasonNoEdge) // faster than the answer to the booking
	case n.isAboutAppointment(f):
		d.updateAppointment(f, at)
	default:
		d.createAppointment(f, at)
	}
}

// isAboutAppointment reports whether the report is about the newest appointment.
func (s *State) isAboutAppointment(f Fact) bool {
	a := s.Appointment
	if a == nil {
		return false
	}
	known := a.Reference != "" && (f.Appointment.Reference == a.Reference || f.AppointmentID == a.Reference)
	return f.AppointmentID == a.ID || known
}

// updateAppointment is a report on the appointment that the order has.
func (d *Decision) updateAppointment(f Fact, at time.Time) {
	n := &d.Next
	a, b := *n.Appointment, *f.Appointment
	to := b.Status
	unchanged := to == a.Status && (b.StartAt.IsZero() || b.StartAt.Equal(a.StartAt))
	switch {
	case at.Before(a.ReportedAt):
		d.setOutcome(OutcomeLate, ReasonOlder)
	case !a.Active() && !unchanged && at.Before(a.EndedAt):
		// a lab told that the visit was over before its provider told that it had begun
		d.setOutcome(OutcomeLate, ReasonOlder)
	case unchanged:
		a.mergeReported(b)
		a.ReportedAt = at
		n.Appointment = &a
		d.setOutcome(OutcomeApplied, ReasonRepeated)
	case !a.Active():
		n.raiseFor(f.trigger(AttentionContradictoryFact, at), at)
		d.setOutcome(OutcomeRefused, ReasonOrderEnded)
	case n.awaitsRequisition() && to != lifecycle.AppointmentStatusCancelled:
		d.park(f, ReasonNotYetPlaced)
	case !lifecycle.AppointmentAllows(a.Status, to) && !impliesConfirmation(a.Status, to):
		d.park(f, ReasonNoEdge)
	default:
		if to == lifecycle.AppointmentStatusPending {
			a.StartAt, a.EndAt = time.Time{}, time.Time{} // withdrawn: it has no time, unless the provider names one
		}
		a.mergeReported(b)
		a.ReportedAt = at
		d.moveAppointment(a, to, at)
		d.setOutcome(OutcomeApplied, "")
	}
}

// impliesConfirmation reports whether an appointment gets to a status by way of a confirmation that nobody reported.
func impliesConfirmation(from, to lifecycle.AppointmentStatus) bool {
	return lifecycle.AppointmentAllows(from, lifecycle.AppointmentStatusConfirmed) &&
		lifecycle.AppointmentAllows(lifecycle.AppointmentStatusConfirmed, to) &&
		(to == lifecycle.AppointmentStatusInProgress || to == lifecycle.AppointmentStatusCompleted)
}

// moveAppointment takes an appointment to a status that its provider reports, and the order after it.
func (d *Decision) moveAppointment(a Appointment, to lifecycle.AppointmentStatus, at time.Time) {
	from := a.Status
	if a.EventCount == 0 {
		from = ""
	}
	if !lifecycle.AppointmentAllows(from, to) {
		d.appendAppointmentStep(a, lifecycle.AppointmentStatusConfirmed, AppointmentOriginProvider, at)
		d.followAppointment(at, true, lifecycle.Provider)
		a = *d.Next.Appointment
	}
	d.appendAppointmentStep(a, to, AppointmentOriginProvider, at)
	if to == lifecycle.AppointmentStatusCompleted {
		d.recordCollection(a.StartAt, at)
	}
	d.followAppointment(at, true, lifecycle.Provider)
}

// recordCollection notes that the sample was collected when the visit began, or else when it is reported.
func (d *Decision) recordCollection(start, reported time.Time) {
	if !d.Next.CollectedAt.IsZero() {
		return
	}
	d.Next.CollectedAt = reported
	if !start.IsZero() && start.Before(reported) {
		d.Next.CollectedAt = start
	}
}

// createAppointment is a report on an appointment that nobody here has booked: the patient has called the provider.
func (d *Decision) createAppointment(f Fact, at time.Time) {
	n := &d.Next
	b := *f.Appointment
	switch {
	case n.isPastAppointment(f.AppointmentID), n.isPastAppointment(b.Reference):
		d.setOutcome(OutcomeLate, ReasonSuperseded) // one that is not the order's any more
	case !b.Status.Active():
		d.park(f, ReasonNoEdge) // its end was faster than its beginning
	case n.Terminal():
		n.raiseFor(f.trigger(AttentionContradictoryFact, at), at)
		d.setOutcome(OutcomeRefused, ReasonOrderEnded)
	case n.awaitsRequisition():
		d.park(f, ReasonNotYetPlaced)
	case n.Appointment.Active() || n.Appointment.visitCompleted() || n.PendingBooking != nil:
		d.park(f, ReasonNoEdge) // one at a time, and none after a visit that took place
	default:
		// Ours is the report's id: one that a provider made up could be another order's.
		a := Appointment{
			ID: f.InboxID, Type: AppointmentTypeOf(n.Modality), Reference: f.AppointmentID, CreatedAt: d.now, ReportedAt: at,
		}
		a.mergeReported(b)
		d.moveAppointment(a, b.Status, at)
		d.setOutcome(OutcomeApplied, "")
	}
}

// maxPastAppointmentIDs bounds what is remembered of earlier appointments.
const maxPastAppointmentIDs = 20

// rememberPastAppointment remembers what an earlier appointment went by, so that late reports on it are told apart from those on a new one.
func (s *State) rememberPastAppointment(names ...string) {
	for _, name := range names {
		if name != "" && !s.isPastAppointment(name) {
			s.PastAppointmentIDs = append(slices.Clone(s.PastAppointmentIDs), name)
		}
	}
	s.PastAppointmentIDs = s.PastAppointmentIDs[max(len(s.PastAppointmentIDs)-maxPastAppointmentIDs, 0):]
}

func (s *State) isPastAppointment(name string) bool {
	return name != "" && slices.Contains(s.PastAppointmentIDs, name)
}

// mergeReported takes over how the provider says that the appointment stands, but for its status. What it does not say stays.
func (a *Appointment) mergeReported(b ReportedAppointment) {
	for _, text := range []struct {
		to   *string
		from string
	}{
		{&a.Provider, b.Provider}, {&a.Reference, b.Reference}, {&a.Confirmation, b.Confirmation}, {&a.SiteCode, b.Site},
		{&a.Zone, b.Zone},
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
