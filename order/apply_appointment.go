package order

import (
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// This file holds the rules by which an appointment changes and its order follows.

// appendAppointmentStep records an event of an appointment, which becomes the order's newest appointment. A confirmed
// appointment that is confirmed again was moved to another time.
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

// statusByAppointment returns the status of an order whose appointment has the given status. It returns false if no
// status of the order corresponds to that.
func statusByAppointment(t AppointmentType, s lifecycle.AppointmentStatus) (lifecycle.LowStatus, bool) {
	if s == lifecycle.AppointmentStatusCompleted {
		return lifecycle.DrawCompleted, t == Phlebotomy
	}
	return lifecycle.Following(s)
}

// followAppointment takes the order to the status of its appointment. It does nothing before the requisition exists, or
// if there is no edge. It tries the given actors in turn and uses the first who may take the edge.
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

// applyRequisition takes the order to the status of its requisition. If the order has an active appointment, the order
// also follows the appointment. A reserved appointment becomes confirmed.
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

// applyAppointmentFact applies a provider's fact about an appointment.
func (d *Decision) applyAppointmentFact(f Fact, at time.Time) {
	n := &d.Next
	switch {
	case n.hasPendingRelease(f.AppointmentID):
		d.setOutcome(OutcomeLate, ReasonSuperseded)
	case n.PendingBooking != nil && n.PendingBooking.Demand.AppointmentID() == f.AppointmentID &&
		!n.PendingBooking.AnsweredPending:
		d.parkOrRefuse(f, ReasonNoEdge) // it arrived before the answer to the booking
	case n.isAboutAppointment(f):
		d.updateAppointment(f, at)
	default:
		d.createAppointment(f, at)
	}
}

// isAboutAppointment reports whether the fact is about the newest appointment.
func (s *State) isAboutAppointment(f Fact) bool {
	a := s.Appointment
	if a == nil {
		return false
	}
	known := a.Reference != "" && (f.Appointment.Reference == a.Reference || f.AppointmentID == a.Reference)
	return f.AppointmentID == a.ID || known
}

// updateAppointment applies a fact about the order's newest appointment.
func (d *Decision) updateAppointment(f Fact, at time.Time) {
	n := &d.Next
	a, b := *n.Appointment, *f.Appointment
	to := b.Status
	unchanged := to == a.Status && (b.StartAt.IsZero() || b.StartAt.Equal(a.StartAt))
	switch {
	case at.Before(a.ReportedAt):
		d.setOutcome(OutcomeLate, ReasonOlder)
	case !a.Active() && !unchanged && at.Before(a.EndedAt):
		// a lab report showed the end of the visit before the provider reported its beginning
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
		d.parkOrRefuse(f, ReasonNotYetPlaced)
	case !lifecycle.AppointmentAllows(a.Status, to) && !impliesConfirmation(a.Status, to):
		d.parkOrRefuse(f, ReasonNoEdge)
	default:
		if to == lifecycle.AppointmentStatusPending {
			a.StartAt, a.EndAt = time.Time{}, time.Time{} // withdrawn: without a time, unless the provider names one
		}
		a.mergeReported(b)
		a.ReportedAt = at
		d.moveAppointment(a, to, at)
		d.setOutcome(OutcomeApplied, "")
	}
}

// impliesConfirmation reports whether the change from one status to the other proves a confirmation that nobody
// reported.
func impliesConfirmation(from, to lifecycle.AppointmentStatus) bool {
	return lifecycle.AppointmentAllows(from, lifecycle.AppointmentStatusConfirmed) &&
		lifecycle.AppointmentAllows(lifecycle.AppointmentStatusConfirmed, to) &&
		(to == lifecycle.AppointmentStatusInProgress || to == lifecycle.AppointmentStatusCompleted)
}

// moveAppointment takes an appointment to a status that its provider reports, and the order after it. It records a
// confirmation first if that is implied.
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

// recordCollection records the collection time of the sample: the start of the visit if it is known, else the time of
// the report.
func (d *Decision) recordCollection(start, reported time.Time) {
	if !d.Next.CollectedAt.IsZero() {
		return
	}
	d.Next.CollectedAt = reported
	if !start.IsZero() && start.Before(reported) {
		d.Next.CollectedAt = start
	}
}

// createAppointment applies a fact about an appointment that was not booked through us: the patient called the
// provider.
func (d *Decision) createAppointment(f Fact, at time.Time) {
	n := &d.Next
	b := *f.Appointment
	switch {
	case n.isPastAppointment(f.AppointmentID), n.isPastAppointment(b.Reference):
		d.setOutcome(OutcomeLate, ReasonSuperseded) // it is about an earlier appointment of the order
	case !b.Status.Active():
		d.parkOrRefuse(f, ReasonNoEdge) // its end was reported before its beginning
	case n.Terminal():
		n.raiseFor(f.trigger(AttentionContradictoryFact, at), at)
		d.setOutcome(OutcomeRefused, ReasonOrderEnded)
	case n.awaitsRequisition():
		d.parkOrRefuse(f, ReasonNotYetPlaced)
	case n.Appointment.Active() || n.Appointment.isVisitCompleted() || n.PendingBooking != nil:
		d.parkOrRefuse(f, ReasonNoEdge) // one appointment at a time, and none after a visit that took place
	default:
		// The appointment gets the id of the inbox item: an id that the provider chose could be another order's.
		a := Appointment{
			ID: f.InboxID, Type: AppointmentTypeOf(n.Modality), Reference: f.AppointmentID, CreatedAt: d.now, ReportedAt: at,
		}
		a.mergeReported(b)
		d.moveAppointment(a, b.Status, at)
		d.setOutcome(OutcomeApplied, "")
	}
}

// maxPastAppointmentIDs bounds how many ids of earlier appointments a state remembers.
const maxPastAppointmentIDs = 20

// rememberPastAppointment stores the ids of an earlier appointment, so that a late fact about it is not taken for one
// about a new appointment.
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

// mergeReported copies what the provider reports of the appointment, except its status. Absent values stay as they are.
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
