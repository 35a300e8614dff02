package order

import (
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// NextDeadline returns the earliest open deadline; false: there is no open one.
func (s State) NextDeadline() (Deadline, bool) {
	if len(s.Deadlines) == 0 {
		return Deadline{}, false
	}
	return s.Deadlines[0], true
}

// ApplyDeadline applies a due deadline. Most deadlines raise the mark that they are named after.
func (s State) ApplyDeadline(dl Deadline, now time.Time) Decision {
	d := s.newDecision(now)
	n := &d.Next
	n.FiredDeadlines = append(n.FiredDeadlines[:len(n.FiredDeadlines):len(n.FiredDeadlines)], dl)
	switch {
	case dl.Name == DeadlineActivation:
		n.startPlacement()
	case dl.Name == DeadlineRecoveryWindow:
		d.appendStep(Step{To: lifecycle.SampleError, Detail: lifecycle.SampleStabilityExceeded, At: now}, false)
		d.applyReplacementPolicy(now)
	case dl.Name == DeadlineOutboundLost:
		d.applySilentLeg(n.Outbound, now)
	case dl.Name == DeadlineInboundLost:
		d.applySilentLeg(n.Inbound, now)
	case dl.Name == DeadlineKitExpiry:
		d.appendStep(Step{To: lifecycle.DoNotProcess, At: now}, false)
	case dl.Name == DeadlineAppointmentUnplaced, dl.Name == DeadlineAppointmentConfirmation:
		d.cancelAppointment(AppointmentOriginSystem, lifecycle.Timer)
	case strings.HasPrefix(string(dl.Name), recoveryReminderPrefix):
		d.remindOfRecovery(now)
	default:
		n.RaiseMark(AttentionReason(dl.Name), now)
	}
	return d.finalize()
}

// applySilentLeg marks a kit as lost if the courier has reported on the leg and then stopped. If there was no courier
// fact on the leg, or if the courier reported its end, the mark leg_silent is raised instead.
func (d *Decision) applySilentLeg(leg LegProgress, now time.Time) {
	n := &d.Next
	heard := !leg.LastReportAt.IsZero() && !leg.LastReportAt.Before(leg.StartedAt) && !leg.Delivered
	if !heard || n.Machine().Check(n.Status, lifecycle.Lost, lifecycle.Timer, n.Conditions()) != nil {
		n.RaiseMark(AttentionLegSilent, now)
		return
	}
	d.appendStep(Step{To: lifecycle.Lost, At: now}, false)
	d.applyReplacementPolicy(now)
}

// remindOfRecovery raises the mark again that asks operations to recover the rejected kit, and counts the reminder. It
// does nothing while Aliquot itself sends a correction to the lab.
func (d *Decision) remindOfRecovery(now time.Time) {
	n := &d.Next
	switch {
	case n.HasMark(AttentionTellLab), n.PendingCorrection != nil:
	case !n.Recovery.SuppliedAt.IsZero():
		n.RaiseMark(AttentionTellLab, now)
	default:
		n.RaiseMark(AttentionRecoveryNeeded, now)
	}
	n.countReminder(AttentionRecoveryNeeded)
	n.countReminder(AttentionTellLab)
}
