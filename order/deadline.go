package order

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// DeadlineName names a row of the deadlines table. Most are named after the attention that they raise.
type DeadlineName string

// The deadlines that do more than raise an attention of the same name.
const (
	DeadlineActivation     DeadlineName = "activate"        // make the requisition
	DeadlineRecoveryWindow DeadlineName = "recovery_window" // sample_error
	DeadlineOutboundLost   DeadlineName = "outbound_lost"   // lost, or attention
	DeadlineInboundLost    DeadlineName = "inbound_lost"    // lost, or attention
	DeadlineKitExpiry      DeadlineName = "kit_expiry"      // do_not_process
	// cancel an appointment that has no requisition
	DeadlineAppointmentUnplaced DeadlineName = "appointment_unplaced"
	// cancel an appointment that was not confirmed
	DeadlineAppointmentConfirmation DeadlineName = "appointment_confirmation"
	recoveryReminderPrefix                       = "recovery_reminder_"
)

// Deadline is one absolute due time. It acts once.
type Deadline struct {
	Name DeadlineName `json:"name"`
	Due  time.Time    `json:"due"`
}

// recomputeDeadlines computes the open deadlines from the state: what the table says for its circumstances, less what has acted already. A
// deadline whose due time moved (a window that restarted, a later courier report) is a new one. What has acted is never forgotten:
// the same deadline again would be the same cause, which a recording passes over, and it would stay due for ever.
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

// openDeadlines is the table of order-lifecycle#deadlines. While an announced report is being fetched, a kit is neither given
// up as lost nor as not recovered: the report decides.
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
	if s.Registrable && !s.Registered && !s.Terminal() {
		add(DeadlineKitExpiry, s.CreatedAt, after.KitExpiry)
	}
	out = append(out, s.appointmentDeadlines()...)
	switch s.Status.Stage() {
	case lifecycle.StageOrdered:
		return s.appendOrderedDeadline(out)
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
		case s.Outbound.inProgress(): // registered on its way
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
		add(DeadlineName(AttentionResultsOverdue), s.EnteredAt, s.resultsLimit())
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

// appendOrderedDeadline: a scheduled order waits for its date; an active one for its requisition.
func (s *State) appendOrderedDeadline(out []Deadline) []Deadline {
	if s.Placement.State == PlacementNone {
		return append(out, Deadline{Name: DeadlineActivation, Due: s.ActivateAt})
	}
	from := s.EnteredAt
	if s.ActivateAt.After(from) {
		from = s.ActivateAt
	}
	return append(out, Deadline{
		Name: DeadlineName(AttentionRequisitionOverdue), Due: from.Add(s.Policy.Deadlines.Requisition.Std()),
	})
}

// How long an appointment without a requisition is kept (order-lifecycle#unplaced-appointment).
const (
	reservationLimit = 8 * time.Hour // since the order's creation or activation
	reservationLead  = 2 * time.Hour // its start
)

// appointmentDeadlines: an appointment that is only held, or waits for its confirmation, is given up in time.
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

func (s *State) resultsLimit() Duration {
	if s.TurnaroundDays > 0 {
		return Duration(time.Duration(s.TurnaroundDays) * Day)
	}
	return s.Policy.Deadlines.Results
}

// oldestParkedAt is when the oldest parked fact was received of which nobody has acknowledged that it waits; zero: there
// is none.
func (s *State) oldestParkedAt() time.Time {
	var oldest time.Time
	for _, f := range s.ParkedFacts {
		known := s.resolved(Trigger{Reason: AttentionFactOutOfPlace, What: f.InboxID})
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
