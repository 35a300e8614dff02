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
	DeadlineActivate       DeadlineName = "activate"                 // make the requisition
	DeadlineRecoveryWindow DeadlineName = "recovery_window"          // sample_error
	DeadlineOutboundLost   DeadlineName = "outbound_lost"            // lost, or attention
	DeadlineInboundLost    DeadlineName = "inbound_lost"             // lost, or attention
	DeadlineKitExpiry      DeadlineName = "kit_expiry"               // do_not_process
	DeadlineUnplaced       DeadlineName = "appointment_unplaced"     // cancel an appointment that has no requisition
	DeadlineConfirmation   DeadlineName = "appointment_confirmation" // cancel an appointment that was not confirmed
	recoveryReminder                    = "recovery_reminder_"
)

// Deadline is one absolute due time. It acts once.
type Deadline struct {
	Name DeadlineName `json:"name"`
	Due  time.Time    `json:"due"`
}

// arm computes the open deadlines from the state: what the table says for its circumstances, less what has acted already. A
// deadline whose due time moved (a window that restarted, a later courier report) is a new one. What has acted is never forgotten:
// the same deadline again would be the same cause, which a recording passes over, and it would stay due for ever.
func (s *State) arm() {
	all := s.table()
	s.Deadlines = slices.DeleteFunc(all, func(d Deadline) bool { return contains(s.Fired, d) })
	slices.SortFunc(s.Deadlines, func(a, b Deadline) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Name, b.Name))
	})
	if len(s.Deadlines) == 0 {
		s.Deadlines = nil
	}
}

func contains(list []Deadline, d Deadline) bool {
	return slices.ContainsFunc(list, func(e Deadline) bool { return e.Name == d.Name && e.Due.Equal(d.Due) })
}

// table is the table of order-lifecycle#deadlines. While an announced report is being fetched, a kit is neither given
// up as lost nor as not recovered: the report decides.
func (s *State) table() []Deadline {
	var out []Deadline
	add := func(name DeadlineName, from time.Time, after Duration) {
		out = append(out, Deadline{Name: name, Due: from.Add(after.Std())})
	}
	giveUp := func(name DeadlineName, from time.Time, after Duration) {
		if !s.Fetch.underWay() {
			add(name, from, after)
		}
	}
	after := s.Policy.Deadlines
	if oldest := s.oldestParked(); !oldest.IsZero() {
		add(DeadlineName(FactOutOfPlace), oldest, after.OutOfPlace)
	}
	if s.Fetch.Pending {
		add(DeadlineName(ResultsUnfetched), s.Fetch.StartedAt, after.ResultsFetch)
	}
	if s.Registrable && !s.Registered && !s.Terminal() {
		add(DeadlineKitExpiry, s.CreatedAt, after.KitExpiry)
	}
	out = append(out, s.tableAppointment()...)
	switch s.Status.Stage() {
	case lifecycle.StageOrdered:
		return s.tableOrdered(out)
	case lifecycle.StageRegistered:
		add(DeadlineName(RequisitionOverdue), s.EnteredAt, after.Requisition)
		if s.Outbound.open() {
			add(DeadlineName(OutboundOverdue), s.Outbound.Since, after.Outbound)
		}
	case lifecycle.StagePlaced, lifecycle.StageUnregistered:
		switch {
		case s.Modality == lifecycle.OnSite:
			add(DeadlineName(DrawUnreported), s.EnteredAt, after.OnSiteDraw)
		case s.Modality != lifecycle.Testkit:
			add(DeadlineName(VisitOverdue), s.EnteredAt, after.Visit)
		case !s.Shipped:
			add(DeadlineName(ShipmentOverdue), s.EnteredAt, after.Shipment)
		case s.Outbound.open(): // registered on its way
			add(DeadlineName(OutboundOverdue), s.Outbound.Since, after.Outbound)
			giveUp(DeadlineOutboundLost, s.Outbound.quietSince(), after.OutboundLost)
		}
	case lifecycle.StageAppointmentPending:
		add(DeadlineName(Unassigned), s.EnteredAt, after.AppointmentAssign)
	case lifecycle.StageAppointmentScheduled:
		if s.Appointment != nil && !s.Appointment.EndAt.IsZero() {
			add(DeadlineName(DrawUnreported), s.Appointment.EndAt, after.DrawReport)
		}
	case lifecycle.StageAppointmentCancelled:
		add(DeadlineName(VisitOverdue), s.EnteredAt, after.Visit)
	case lifecycle.StageOutbound:
		add(DeadlineName(OutboundOverdue), s.Outbound.Since, after.Outbound)
		giveUp(DeadlineOutboundLost, s.Outbound.quietSince(), after.OutboundLost)
	case lifecycle.StageWithCustomer:
		add(DeadlineName(KitUnused), s.EnteredAt, after.WithCustomer)
	case lifecycle.StageInbound:
		add(DeadlineName(InboundOverdue), s.Inbound.Since, after.Inbound)
		giveUp(DeadlineInboundLost, s.Inbound.quietSince(), after.InboundLost)
	case lifecycle.StageAtLab, lifecycle.StageDrawn:
		add(DeadlineName(ResultsOverdue), s.EnteredAt, s.turnaround())
	case lifecycle.StageBlocked:
		for i, r := range s.Policy.Recovery.Reminders {
			add(DeadlineName(fmt.Sprintf("%s%d", recoveryReminder, i+1)), s.Recovery.OpenedAt, r)
		}
		giveUp(DeadlineRecoveryWindow, s.Recovery.OpenedAt, s.Policy.Recovery.Window)
	case lifecycle.StagePartialResults:
		add(DeadlineName(ResultsIncomplete), s.EnteredAt, after.PartialResults)
	}
	return out
}

// tableOrdered: a scheduled order waits for its date; an active one for its requisition.
func (s *State) tableOrdered(out []Deadline) []Deadline {
	if s.Placement.State == PlacementNone {
		return append(out, Deadline{Name: DeadlineActivate, Due: s.ActivateAt})
	}
	from := s.EnteredAt
	if s.ActivateAt.After(from) {
		from = s.ActivateAt
	}
	return append(out, Deadline{
		Name: DeadlineName(RequisitionOverdue), Due: from.Add(s.Policy.Deadlines.Requisition.Std()),
	})
}

// How long an appointment without a requisition is kept (order-lifecycle#unplaced-appointment).
const (
	unplacedAfter  = 8 * time.Hour // since the order's creation or activation
	unplacedBefore = 2 * time.Hour // its start
)

// tableAppointment: an appointment that is only held, or waits for its confirmation, is given up in time.
func (s *State) tableAppointment() []Deadline {
	a := s.Appointment
	if !a.Active() || s.Terminal() {
		return nil
	}
	var out []Deadline
	if s.unplaced() {
		from := s.CreatedAt
		if s.ActivateAt.After(from) {
			from = s.ActivateAt
		}
		due := from.Add(unplacedAfter)
		if start := a.StartAt.Add(-unplacedBefore); !a.StartAt.IsZero() && start.Before(due) {
			due = start
		}
		out = append(out, Deadline{Name: DeadlineUnplaced, Due: due})
	}
	if a.Status == lifecycle.AppointmentIsPending && !a.ConfirmBy.IsZero() {
		out = append(out, Deadline{Name: DeadlineConfirmation, Due: a.ConfirmBy})
	}
	return out
}

func (s *State) turnaround() Duration {
	if s.ResultDays > 0 {
		return Duration(time.Duration(s.ResultDays) * Day)
	}
	return s.Policy.Deadlines.Results
}

// oldestParked is when the oldest parked fact was received of which nobody has acknowledged that it waits; zero: there
// is none.
func (s *State) oldestParked() time.Time {
	var oldest time.Time
	for _, f := range s.Parked {
		known := s.resolved(Trigger{Reason: FactOutOfPlace, What: f.InboxID})
		if !known && (oldest.IsZero() || f.ReceivedAt.Before(oldest)) {
			oldest = f.ReceivedAt
		}
	}
	return oldest
}

func (l LegReports) quietSince() time.Time {
	if l.At.After(l.Since) {
		return l.At
	}
	return l.Since
}
