package order

import (
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// NextDeadline is the earliest open deadline.
func (s State) NextDeadline() (Deadline, bool) {
	if len(s.Deadlines) == 0 {
		return Deadline{}, false
	}
	return s.Deadlines[0], true
}

// ApplyDeadline decides what a due deadline does. Most raise the attention that they are named after.
func (s State) ApplyDeadline(dl Deadline, now time.Time) Decision {
	d := s.decision(now)
	n := &d.Next
	n.Fired = append(n.Fired[:len(n.Fired):len(n.Fired)], dl)
	switch {
	case dl.Name == DeadlineActivate:
		n.activate()
	case dl.Name == DeadlineRecoveryWindow:
		d.step(Step{To: lifecycle.SampleError, Detail: lifecycle.SampleStabilityExceeded, At: now}, false)
		d.failed(now)
	case dl.Name == DeadlineOutboundLost:
		d.silent(n.Outbound, now)
	case dl.Name == DeadlineInboundLost:
		d.silent(n.Inbound, now)
	case dl.Name == DeadlineKitExpiry:
		d.step(Step{To: lifecycle.DoNotProcess, At: now}, false)
	case dl.Name == DeadlineUnplaced, dl.Name == DeadlineConfirmation:
		d.cancelAppointment(OriginSystem, lifecycle.Timer)
	case strings.HasPrefix(string(dl.Name), recoveryReminder):
		d.remind(now)
	default:
		n.Raise(AttentionReason(dl.Name), now)
	}
	return d.finish()
}

// silent: a kit is lost only if the courier has reported on that leg and then fell silent. A leg of which nothing was ever heard,
// or which the courier says has ended, is for a human to look at.
func (d *Decision) silent(leg LegReports, now time.Time) {
	n := &d.Next
	heard := !leg.At.IsZero() && !leg.At.Before(leg.Since) && !leg.Delivered
	if !heard || n.Machine().Check(n.Status, lifecycle.Lost, lifecycle.Timer, n.Conditions()) != nil {
		n.Raise(LegSilent, now)
		return
	}
	d.step(Step{To: lifecycle.Lost, At: now}, false)
	d.failed(now)
}

// remind renews whichever mark asks operations to save the rejected kit. What has been supplied is not asked for again,
// and a lab that is being told by a call needs nobody.
func (d *Decision) remind(now time.Time) {
	n := &d.Next
	switch {
	case n.Needs(TellLab), n.Correcting != nil:
	case !n.Recovery.SuppliedAt.IsZero():
		n.Raise(TellLab, now)
	default:
		n.Raise(RecoveryNeeded, now)
	}
	n.remind(RecoveryNeeded)
	n.remind(TellLab)
}
