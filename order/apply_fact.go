package order

import (
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// ApplyFact decides what a partner's report does to the order. Nothing that a partner sends is dropped because of when it arrived:
// the report is applied, found late, parked until its turn comes, or refused because the order ended otherwise; what it carries is
// kept in every case. It is pure: the same state and fact give the same decision.
func (s State) ApplyFact(f Fact, now time.Time) Decision {
	d := s.decision(now)
	d.Next.unpark(f.InboxID)
	at, plausible := f.At(s.CreatedAt)
	d.keep(f, at)
	switch {
	case f.Amendment && !f.final():
		d.as(Applied, ReasonAmendment)
	case f.Kind == CourierReport && f.Target == "":
		d.as(Applied, "")
	case !f.fits(s.Modality):
		d.park(f, ReasonNotHere)
	case f.Kind == AppointmentReport:
		d.appointmentReported(f, at)
	case s.Terminal():
		d.afterEnd(f, at)
	case s.Status.In(lifecycle.StageOrdered) && (s.Placement.State == PlacementNone || !f.fromLab()):
		d.park(f, ReasonUnplaced)
	case s.Registrable && !s.Registered && f.fromLab() && f.Kind != KitShipped:
		d.beforeRegistration(f, at)
	case s.Status.In(lifecycle.StageRegistered) && !f.final():
		d.afterRegistration(f)
	default:
		d.requisitionProven(f, at)
		d.inOrder(f, at)
	}
	if !plausible && d.Outcome == Applied && d.Reason == "" {
		d.Reason = ReasonTimeReplaced
	}
	return d.finish()
}

// inOrder applies a fact to an order that has been placed and has not ended.
func (d *Decision) inOrder(f Fact, at time.Time) {
	switch {
	case f.Kind == ReportReady:
		d.announce(at)
	case f.Kind == DrawReport:
		d.drawReported(f, at)
	case d.Next.Modality != lifecycle.Testkit:
		d.sampleReported(f, at)
	case f.Kind == KitRejected:
		d.reject(f, at)
	default:
		d.move(f, target(f), at)
	}
}

func target(f Fact) lifecycle.Low {
	if to := f.Kind.Status(); to != "" {
		return to
	}
	return f.Target
}

// Status is the status of a kit that facts of the kind report, empty for a kind that says which.
func (k FactKind) Status() lifecycle.Low {
	switch k {
	case KitShipped:
		return lifecycle.TransitCustomer
	case KitReceived:
		return lifecycle.DeliveredToLab
	default:
		return ""
	}
}

// move takes the order to a status that the fact names, unless it is late, repeated or out of place. A courier's terminal report
// that is older than a later sighting is late as well: failing cannot be undone.
func (d *Decision) move(f Fact, to lifecycle.Low, at time.Time) {
	n := &d.Next
	switch {
	case at.Before(n.FactAt):
		d.as(Late, ReasonOlder)
	case n.Status == to:
		n.FactAt = at
		d.as(Applied, ReasonRepeated)
	case n.Machine().Check(n.Status, to, f.actor(), n.Conditions()) != nil:
		d.park(f, ReasonNoEdge)
	default:
		d.step(Step{To: to, At: at}, true)
		d.as(Applied, "")
		if n.Failed() {
			d.failed(at)
		}
	}
}

// reject applies a rejection: final → sample_error on any status; recoverable → lab_processing_blocked with a recovery window.
// Either proves that the kit is at the lab.
func (d *Decision) reject(f Fact, at time.Time) {
	n := &d.Next
	if f.final() {
		d.proven(at)
		d.step(Step{To: lifecycle.SampleError, Detail: detailFor(f.Detail, lifecycle.SampleError), At: at}, true)
		d.as(Applied, "")
		d.failed(at)
		return
	}
	blocked := n.Status.In(lifecycle.StageBlocked)
	switch {
	case d.answered(f), blocked && !at.After(n.Recovery.SuppliedAt):
		d.as(Late, ReasonSuperseded)
		return
	case at.Before(n.FactAt):
		d.as(Late, ReasonOlder)
		return
	case blocked && at.Equal(n.FactAt):
		d.as(Applied, ReasonRepeated)
		return
	case blocked:
		d.rejectAgain(f, at)
		return
	}
	d.proven(at)
	d.step(Step{To: lifecycle.LabProcessingBlocked, Detail: detailFor(f.Detail, lifecycle.LabProcessingBlocked), At: at}, true)
	n.Recovery = RecoveryState{OpenedAt: at}
	n.askToRecover(f, at)
	d.as(Applied, "")
}

// rejectAgain restarts the recovery window, at most as often as the policy says.
func (d *Decision) rejectAgain(f Fact, at time.Time) {
	n := &d.Next
	n.FactAt = at
	n.askToRecover(f, at)
	n.Recovery.SuppliedAt = time.Time{}
	if n.Recovery.Restarts < n.Policy.Recovery.MaxRestarts {
		n.Recovery = RecoveryState{OpenedAt: at, Restarts: n.Recovery.Restarts + 1}
	}
	d.as(Applied, ReasonRepeated)
}

func (s *State) askToRecover(f Fact, at time.Time) {
	s.Raise(RecoveryNeeded, at)
	if f.Recoverable == nil {
		s.Raise(RecoverableUnclear, at)
	}
}

func detailFor(detail lifecycle.Detail, to lifecycle.Low) lifecycle.Detail {
	if detail != "" && detail.AllowedWith(to) {
		return detail
	}
	return ""
}

// announce notes that a report can be fetched. The status changes only once its results are stored. An announcement that is not
// newer than one being fetched already is covered by that fetch.
func (d *Decision) announce(at time.Time) {
	n := &d.Next
	if n.Fetch.underWay() && !at.After(n.Fetch.AnnouncedAt) {
		d.as(Applied, ReasonRepeated)
		return
	}
	n.Fetch.Pending, n.Fetch.GivenUp = true, false
	n.Fetch.Generation++
	n.Fetch.Attempts = 0
	n.Fetch.StartedAt = d.now
	if at.After(n.Fetch.AnnouncedAt) {
		n.Fetch.AnnouncedAt = at
	}
	d.as(Applied, "")
}

// afterEnd is a fact on an order that has ended. Reports still count; anything newer than the end is a contradiction for a human.
func (d *Decision) afterEnd(f Fact, at time.Time) {
	n := &d.Next
	done := n.Status.In(lifecycle.StageCompleted)
	switch {
	case f.Kind == ReportReady && (done || n.Status.In(lifecycle.StageRedraw)):
		if !at.After(n.FactAt) {
			d.as(Late, ReasonOlder)
			return
		}
		d.announce(at)
	case f.Kind == ReportReady:
		n.announcedAfterEnd(at)
		d.announce(at)
		d.as(Refused, ReasonEnded)
	case f.final() && n.Status == lifecycle.SampleError:
		d.as(Late, ReasonRepeated)
	case at.Before(n.FactAt) && !f.final():
		d.as(Late, ReasonOlder)
	case f.Kind == CourierReport && (n.Status == f.Target || done && !lifecycle.Terminal(f.Target)):
		d.as(Late, ReasonRepeated) // the parcel's own epilogue
	default:
		n.raiseFor(f.trigger(ContradictoryFact, at), at)
		d.as(Refused, ReasonEnded)
	}
}

// requisitionProven precedes a lab's fact on an order whose placing call has not been answered yet: the lab evidently knows it.
func (d *Decision) requisitionProven(f Fact, at time.Time) {
	n := &d.Next
	if !n.unplaced() {
		return
	}
	d.requisition(Step{To: n.placed(), At: at, Implied: true}, true)
	if f.Accession != "" || n.Placement.State == PlacementRefused {
		n.Placement = Placement{State: PlacementDone}
	}
}

// proven precedes a step that proves that the sample is at the lab: the kit was delivered there, or the blood drawn.
func (d *Decision) proven(at time.Time) {
	n := &d.Next
	to := KitReceived.Status()
	if n.Modality != lifecycle.Testkit {
		to = lifecycle.DrawCompleted
	}
	if n.Status == to || n.Status.In(lifecycle.StageBlocked) {
		return
	}
	if !n.Machine().Allows(n.Status, to, n.Conditions()) {
		return
	}
	d.step(Step{To: to, At: at, Implied: true}, true)
	if to == lifecycle.DrawCompleted {
		d.drawn(at)
	}
}

// keep takes over what the fact carries, whatever becomes of it.
func (d *Decision) keep(f Fact, at time.Time) {
	n := &d.Next
	d.identify(f.Accession, at)
	if n.CollectedAt.IsZero() && plausibleCollection(f, n.CreatedAt) {
		n.CollectedAt = f.CollectedAt
	}
	if n.Modality == lifecycle.Testkit && f.fits(n.Modality) {
		d.keepWay(f, at)
	}
}

// identify takes over what the lab calls the sample. A kit that was ordered without a patient has a number from the beginning, and may
// get another with its requisition.
func (d *Decision) identify(accession string, at time.Time) {
	n := &d.Next
	known := &n.Accession
	if n.Registrable && !n.Registered {
		known = &n.KitID
	}
	switch {
	case accession == "":
	case *known == "":
		*known = accession
	case accession != *known && accession != n.KitID:
		n.raiseFor(Trigger{Reason: AccessionMismatch, What: accession}, at)
	}
}

// plausibleCollection reports whether a fact tells when the sample was collected, and that can be.
func plausibleCollection(f Fact, createdAt time.Time) bool {
	return !f.CollectedAt.IsZero() && !f.CollectedAt.Before(createdAt) && !f.CollectedAt.After(f.ReceivedAt.Add(implausibleAhead))
}

// keepWay takes over what the fact says of the kit's way.
func (d *Decision) keepWay(f Fact, at time.Time) {
	n := &d.Next
	n.Shipped = true
	switch f.Kind {
	case KitShipped:
		if !at.Before(n.ShipmentAt) {
			n.ShipmentAt = at
			n.Trackers = f.Outbound != "" || f.Inbound != ""
			d.Ship = true
		}
	case CourierReport:
		leg := &n.Outbound
		if f.Leg == string(lifecycle.Inbound) {
			leg = &n.Inbound
		}
		if at.After(leg.At) {
			leg.At = at
		}
		leg.Delivered = leg.Delivered || f.Delivered
	}
}

// park keeps the fact until its turn comes. On an order that has ended it never will, so a human looks at it.
func (d *Decision) park(f Fact, r Reason) {
	if d.Next.Terminal() {
		at, _ := f.At(d.Next.CreatedAt)
		d.Next.raiseFor(f.trigger(ContradictoryFact, at), f.ReceivedAt)
		d.as(Refused, r)
		return
	}
	d.Next.Parked = append(slices.Clone(d.Next.Parked), f)
	d.as(Parked, r)
}

func (s *State) unpark(inboxID string) {
	s.Parked = slices.DeleteFunc(slices.Clone(s.Parked), func(f Fact) bool { return f.InboxID == inboxID })
	if len(s.Parked) == 0 {
		s.Parked = nil
	}
}
