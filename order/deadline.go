package order

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// DeadlineName names a row of the table of deadlines. Most are named after the mark that they raise.
type DeadlineName string

// The deadlines that do more than raise a mark of the same name, with what they do.
const (
	DeadlineActivation     DeadlineName = "activate"        // start the placement
	DeadlineRecoveryWindow DeadlineName = "recovery_window" // enter sample_error
	DeadlineOutboundLost   DeadlineName = "outbound_lost"   // enter lost, or raise leg_silent
	DeadlineInboundLost    DeadlineName = "inbound_lost"    // enter lost, or raise leg_silent
	DeadlineKitExpiry      DeadlineName = "kit_expiry"      // enter do_not_process
	// cancel an appointment without a requisition
	DeadlineAppointmentUnplaced DeadlineName = "appointment_unplaced"
	// cancel an appointment that is not confirmed
	DeadlineAppointmentConfirmation DeadlineName = "appointment_confirmation"
)

// recoveryReminderPrefix precedes the number of a reminder.
const recoveryReminderPrefix = "recovery_reminder_"

// Deadline is one absolute due time. It acts once.
type Deadline struct {
	Name DeadlineName `json:"name"`
	Due  time.Time    `json:"due"`
}

// recomputeDeadlines computes the open deadlines from the state, without those that have fired. A deadline with another
// due time is a new one (after a restarted recovery window or a later courier fact). Fired deadlines are never removed
// from the list of fired ones. A removed one would be due again with the same cause, its recording would change
// nothing, and it would stay due for ever.
func (s *State) recomputeDeadlines() {
	all := s.openDeadlines()
	s.Deadlines = slices.DeleteFunc(all, func(d Deadline) bool { return containsDeadline(s.FiredDeadlines, d) })
	slices.SortFunc(s.Deadlines, func(a, b Deadline) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Name, b.Name))
	})
	if len(s.Deadlines) == 0 {
		s.Deadlines = nil
	}
}

func containsDeadline(list []Deadline, d Deadline) bool {
	return slices.ContainsFunc(list, func(e Deadline) bool { return e.Name == d.Name && e.Due.Equal(d.Due) })
}

// openDeadlines implements the table of order-lifecycle#deadlines. While an announced lab report is being fetched, no
// kit becomes lost and no recovery window closes, because the report may complete the order. A silent order has no
// deadline for what it waits for, because a simulation decides when that comes (order-lifecycle#silent-orders).
func (s *State) openDeadlines() []Deadline {
	var out []Deadline
	add := func(name DeadlineName, from time.Time, after Duration) {
		out = append(out, Deadline{Name: name, Due: from.Add(after.Std())})
	}
	addUnlessFetching := func(name DeadlineName, from time.Time, after Duration) {
		if !s.Fetch.inProgress() {
			add(name, from, after)
		}
	}
	after := s.Policy.Deadlines
	if oldest := s.oldestParkedAt(); !oldest.IsZero() {
		add(DeadlineName(AttentionFactOutOfPlace), oldest, after.ParkedFact)
	}
	if s.Fetch.Pending {
		add(DeadlineName(AttentionResultsUnfetched), s.Fetch.StartedAt, after.ResultsFetch)
	}
	if s.Registrable && !s.Registered && !s.Terminal() && !s.Policy.Silent {
		add(DeadlineKitExpiry, s.CreatedAt, after.KitExpiry)
	}
	out = append(out, s.appointmentDeadlines()...)
	if s.Status.In(lifecycle.StageOrdered) {
		return s.appendOrderedDeadline(out)
	}
	if s.Policy.Silent {
		return out
	}
	switch s.Status.Stage() {
	case lifecycle.StageRegistered:
		add(DeadlineName(AttentionRequisitionOverdue), s.EnteredAt, after.Requisition)
		if s.Outbound.inProgress() {
			add(DeadlineName(AttentionOutboundOverdue), s.Outbound.StartedAt, after.Outbound)
		}
	case lifecycle.StagePlaced, lifecycle.StageUnregistered:
		switch {
		case s.Modality == lifecycle.OnSite:
			add(DeadlineName(AttentionDrawUnreported), s.EnteredAt, after.OnSiteDraw)
		case s.Modality != lifecycle.Testkit:
			add(DeadlineName(AttentionVisitOverdue), s.EnteredAt, after.Visit)
		case !s.HasShipped:
			add(DeadlineName(AttentionShipmentOverdue), s.EnteredAt, after.Shipment)
		case s.Outbound.inProgress(): // registered before it arrived
			add(DeadlineName(AttentionOutboundOverdue), s.Outbound.StartedAt, after.Outbound)
			addUnlessFetching(DeadlineOutboundLost, s.Outbound.lastHeardAt(), after.OutboundLost)
		}
	case lifecycle.StageAppointmentPending:
		add(DeadlineName(AttentionAppointmentUnassigned), s.EnteredAt, after.AppointmentAssign)
	case lifecycle.StageAppointmentScheduled:
		if s.Appointment != nil && !s.Appointment.EndAt.IsZero() {
			add(DeadlineName(AttentionDrawUnreported), s.Appointment.EndAt, after.DrawReport)
		}
	case lifecycle.StageAppointmentCancelled:
		add(DeadlineName(AttentionVisitOverdue), s.EnteredAt, after.Visit)
	case lifecycle.StageOutbound:
		add(DeadlineName(AttentionOutboundOverdue), s.Outbound.StartedAt, after.Outbound)
		addUnlessFetching(DeadlineOutboundLost, s.Outbound.lastHeardAt(), after.OutboundLost)
	case lifecycle.StageWithCustomer:
		add(DeadlineName(AttentionKitUnused), s.EnteredAt, after.WithCustomer)
	case lifecycle.StageInbound:
		add(DeadlineName(AttentionInboundOverdue), s.Inbound.StartedAt, after.Inbound)
		addUnlessFetching(DeadlineInboundLost, s.Inbound.lastHeardAt(), after.InboundLost)
	case lifecycle.StageAtLab, lifecycle.StageDrawn:
		add(DeadlineName(AttentionResultsOverdue), s.EnteredAt, s.resultsDeadline())
	case lifecycle.StageBlocked:
		for i, r := range s.Policy.Recovery.Reminders {
			add(DeadlineName(fmt.Sprintf("%s%d", recoveryReminderPrefix, i+1)), s.Recovery.OpenedAt, r)
		}
		addUnlessFetching(DeadlineRecoveryWindow, s.Recovery.OpenedAt, s.Policy.Recovery.Window)
	case lifecycle.StagePartialResults:
		add(DeadlineName(AttentionResultsIncomplete), s.EnteredAt, after.PartialResults)
	}
	return out
}

// appendOrderedDeadline adds the activation of a scheduled order, or the limit for the requisition of an active one. A
// silent order has no such limit.
func (s *State) appendOrderedDeadline(out []Deadline) []Deadline {
	switch {
	case s.Placement.State == PlacementNone:
		return append(out, Deadline{Name: DeadlineActivation, Due: s.ActivateAt})
	case s.Policy.Silent:
		return out
	}
	from := s.EnteredAt
	if s.ActivateAt.After(from) {
		from = s.ActivateAt
	}
	return append(out, Deadline{
		Name: DeadlineName(AttentionRequisitionOverdue), Due: from.Add(s.Policy.Deadlines.Requisition.Std()),
	})
}

// How long an appointment without a requisition is reserved (order-lifecycle#unplaced-appointment).
const (
	reservationLimit = 8 * time.Hour // since the order's creation or activation
	reservationLead  = 2 * time.Hour // before the appointment's start
)

// appointmentDeadlines returns the times at which a reserved or unconfirmed appointment is cancelled.
func (s *State) appointmentDeadlines() []Deadline {
	a := s.Appointment
	if !a.Active() || s.Terminal() {
		return nil
	}
	var out []Deadline
	if s.awaitsRequisition() {
		from := s.CreatedAt
		if s.ActivateAt.After(from) {
			from = s.ActivateAt
		}
		due := from.Add(reservationLimit)
		if start := a.StartAt.Add(-reservationLead); !a.StartAt.IsZero() && start.Before(due) {
			due = start
		}
		out = append(out, Deadline{Name: DeadlineAppointmentUnplaced, Due: due})
	}
	if a.Status == lifecycle.AppointmentStatusPending && !a.ConfirmBy.IsZero() {
		out = append(out, Deadline{Name: DeadlineAppointmentConfirmation, Due: a.ConfirmBy})
	}
	return out
}

func (s *State) resultsDeadline() Duration {
	if s.TurnaroundDays > 0 {
		return Duration(time.Duration(s.TurnaroundDays) * Day)
	}
	return s.Policy.Deadlines.Results
}

// oldestParkedAt returns when the oldest parked fact was received. Facts that somebody has acknowledged as parked do
// not count. Zero: there is no such fact.
func (s *State) oldestParkedAt() time.Time {
	var oldest time.Time
	for _, f := range s.ParkedFacts {
		known := s.isResolved(Trigger{Reason: AttentionFactOutOfPlace, What: f.InboxID})
		if !known && (oldest.IsZero() || f.ReceivedAt.Before(oldest)) {
			oldest = f.ReceivedAt
		}
	}
	return oldest
}

func (l LegProgress) lastHeardAt() time.Time {
	if l.LastReportAt.After(l.StartedAt) {
		return l.LastReportAt
	}
	return l.StartedAt
}
