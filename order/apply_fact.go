package order

import (
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// ApplyFact decides what a fact does to the order. Facts can arrive in any order, and none is dropped for its time of
// arrival. A fact is applied, or is late, or is parked until an edge allows it, or is refused because the order ended
// otherwise. Its data is stored in every case.
func (s State) ApplyFact(f Fact, now time.Time) Decision {
	d := s.newDecision(now)
	d.Next.removeParked(f.InboxID)
	at, plausible := f.EffectiveTime(s.CreatedAt)
	d.copyFactData(f, at)
	switch {
	case f.Amendment && !f.isFinalRejection():
		d.setOutcome(OutcomeApplied, ReasonAmendment)
	case f.Kind == FactCourierReport && f.TargetStatus == "":
		d.setOutcome(OutcomeApplied, "")
	case !f.appliesTo(s.Modality):
		d.parkOrRefuse(f, ReasonNotForThisMethod)
	case f.Kind == FactAppointment:
		d.applyAppointmentFact(f, at)
	case s.Terminal():
		d.applyAfterEnd(f, at)
	case s.Status.In(lifecycle.StageOrdered) && (!s.Placement.isSent() || !f.isFromLab()):
		d.parkOrRefuse(f, ReasonNotYetPlaced)
	case s.Registrable && !s.Registered && f.isFromLab() && f.Kind != FactKitShipped:
		d.applyBeforeRegistration(f, at)
	case s.Status.In(lifecycle.StageRegistered) && !f.isFinalRejection():
		d.applyAfterRegistration(f)
	default:
		d.implyRequisition(f, at)
		d.applyToOpenOrder(f, at)
	}
	if !plausible && d.Outcome == OutcomeApplied && d.Reason == "" {
		d.Reason = ReasonTimeImplausible
	}
	return d.finalize()
}

// applyToOpenOrder applies a fact to an order that has been placed and has not ended.
func (d *Decision) applyToOpenOrder(f Fact, at time.Time) {
	switch {
	case f.Kind == FactReportReady:
		d.scheduleFetch(at)
	case f.Kind == FactDrawCompleted:
		d.applyDrawFact(f, at)
	case d.Next.Modality != lifecycle.Testkit:
		d.applySampleFact(f, at)
	case f.Kind == FactKitRejected:
		d.applyRejection(f, at)
	default:
		d.moveByFact(f, targetStatus(f), at)
	}
}

func targetStatus(f Fact) lifecycle.LowStatus {
	if to := f.Kind.Status(); to != "" {
		return to
	}
	return f.TargetStatus
}

// Status returns the kit status that facts of the kind report. It is empty for a kind whose facts name a status
// themselves.
func (k FactKind) Status() lifecycle.LowStatus {
	switch k {
	case FactKitShipped:
		return lifecycle.TransitCustomer
	case FactKitReceived:
		return lifecycle.DeliveredToLab
	default:
		return ""
	}
}

// moveByFact takes the order to the status that a fact reports, unless the fact is late, repeated or without an edge. A
// terminal status of a courier is also late if a later scan is known, because a failed order cannot be restored.
func (d *Decision) moveByFact(f Fact, to lifecycle.LowStatus, at time.Time) {
	n := &d.Next
	switch {
	case at.Before(n.NewestFactAt):
		d.setOutcome(OutcomeLate, ReasonOlder)
	case n.Status == to:
		n.NewestFactAt = at
		d.setOutcome(OutcomeApplied, ReasonRepeated)
	case n.Machine().Check(n.Status, to, f.reporter(), n.Conditions()) != nil:
		d.parkOrRefuse(f, ReasonNoEdge)
	default:
		d.appendStep(Step{To: to, At: at}, true)
		d.setOutcome(OutcomeApplied, "")
		if n.Failed() {
			d.applyReplacementPolicy(at)
		}
	}
}

// applyRejection applies a rejection: a final one → sample_error from any status; a recoverable one →
// lab_processing_blocked with a recovery window. Both prove that the kit is at the lab.
func (d *Decision) applyRejection(f Fact, at time.Time) {
	n := &d.Next
	if f.isFinalRejection() {
		d.implySampleAtLab(at)
		d.appendStep(Step{To: lifecycle.SampleError, Detail: detailAllowedWith(f.Detail, lifecycle.SampleError), At: at},
			true)
		d.setOutcome(OutcomeApplied, "")
		d.applyReplacementPolicy(at)
		return
	}
	blocked := n.Status.In(lifecycle.StageBlocked)
	switch {
	case d.isSuppliedByRegistration(f), blocked && !at.After(n.Recovery.SuppliedAt):
		d.setOutcome(OutcomeLate, ReasonSuperseded)
		return
	case at.Before(n.NewestFactAt):
		d.setOutcome(OutcomeLate, ReasonOlder)
		return
	case blocked && at.Equal(n.NewestFactAt):
		d.setOutcome(OutcomeApplied, ReasonRepeated)
		return
	case blocked:
		d.restartRecoveryWindow(f, at)
		return
	}
	d.implySampleAtLab(at)
	d.appendStep(Step{To: lifecycle.LabProcessingBlocked,
		Detail: detailAllowedWith(f.Detail, lifecycle.LabProcessingBlocked), At: at}, true)
	n.Recovery = RecoveryState{OpenedAt: at}
	n.raiseRecoveryMarks(f, at)
	d.setOutcome(OutcomeApplied, "")
}

// restartRecoveryWindow restarts the recovery window, at most Policy.Recovery.MaxRestarts times.
func (d *Decision) restartRecoveryWindow(f Fact, at time.Time) {
	n := &d.Next
	n.NewestFactAt = at
	n.raiseRecoveryMarks(f, at)
	n.Recovery.SuppliedAt = time.Time{}
	if n.Recovery.Restarts < n.Policy.Recovery.MaxRestarts {
		n.Recovery = RecoveryState{OpenedAt: at, Restarts: n.Recovery.Restarts + 1}
	}
	d.setOutcome(OutcomeApplied, ReasonRepeated)
}

func (s *State) raiseRecoveryMarks(f Fact, at time.Time) {
	s.RaiseMark(AttentionRecoveryNeeded, at)
	if f.Recoverable == nil {
		s.RaiseMark(AttentionRecoverableUnclear, at)
	}
}

func detailAllowedWith(detail lifecycle.Detail, to lifecycle.LowStatus) lifecycle.Detail {
	if detail != "" && detail.AllowedWith(to) {
		return detail
	}
	return ""
}

// scheduleFetch starts the fetch of an announced lab report. The status changes only when the results are stored. An
// announcement that is not newer than the one being fetched starts no fetch of its own.
func (d *Decision) scheduleFetch(at time.Time) {
	n := &d.Next
	if n.Fetch.inProgress() && !at.After(n.Fetch.AnnouncedAt) {
		d.setOutcome(OutcomeApplied, ReasonRepeated)
		return
	}
	n.Fetch.Pending, n.Fetch.GivenUp = true, false
	n.Fetch.Generation++
	n.Fetch.Attempts = 0
	n.Fetch.StartedAt = d.now
	if at.After(n.Fetch.AnnouncedAt) {
		n.Fetch.AnnouncedAt = at
	}
	d.setOutcome(OutcomeApplied, "")
}

// applyAfterEnd applies a fact to an order that has ended. Announcements still start a fetch. Any other fact that is
// newer than the end raises contradictory_fact.
func (d *Decision) applyAfterEnd(f Fact, at time.Time) {
	n := &d.Next
	done := n.Status.In(lifecycle.StageCompleted)
	switch {
	case f.Kind == FactReportReady && (done || n.Status.In(lifecycle.StageRedraw)):
		if !at.After(n.NewestFactAt) {
			d.setOutcome(OutcomeLate, ReasonOlder)
			return
		}
		d.scheduleFetch(at)
	case f.Kind == FactReportReady:
		n.raiseResultAfterEnd(at)
		d.scheduleFetch(at)
		d.setOutcome(OutcomeRefused, ReasonOrderEnded)
	case f.isFinalRejection() && n.Status == lifecycle.SampleError:
		d.setOutcome(OutcomeLate, ReasonRepeated)
	case at.Before(n.NewestFactAt) && !f.isFinalRejection():
		d.setOutcome(OutcomeLate, ReasonOlder)
	case f.Kind == FactCourierReport && (n.Status == f.TargetStatus || done && !lifecycle.Terminal(f.TargetStatus)):
		d.setOutcome(OutcomeLate, ReasonRepeated) // the courier reports on after the order has ended
	default:
		n.raiseFor(f.trigger(AttentionContradictoryFact, at), at)
		d.setOutcome(OutcomeRefused, ReasonOrderEnded)
	}
}

// implyRequisition adds the requisition before a lab's fact on an order whose placement has no answer yet: the fact
// proves that the lab knows the order.
func (d *Decision) implyRequisition(f Fact, at time.Time) {
	n := &d.Next
	if !n.awaitsRequisition() {
		return
	}
	d.applyRequisition(Step{To: n.statusAfterPlacement(), At: at, Implied: true}, true)
	if f.Accession != "" || n.Placement.State == PlacementRefused {
		n.Placement = Placement{State: PlacementDone}
	}
}

// implySampleAtLab adds the implied step before a step at the lab: the kit was delivered to the lab, or the blood was
// drawn.
func (d *Decision) implySampleAtLab(at time.Time) {
	n := &d.Next
	to := FactKitReceived.Status()
	if n.Modality != lifecycle.Testkit {
		to = lifecycle.DrawCompleted
	}
	if n.Status == to || n.Status.In(lifecycle.StageBlocked) {
		return
	}
	if !n.Machine().Allows(n.Status, to, n.Conditions()) {
		return
	}
	d.appendStep(Step{To: to, At: at, Implied: true}, true)
	if to == lifecycle.DrawCompleted {
		d.recordDraw(at)
	}
}

// copyFactData copies the data of a fact into the state, whatever the outcome of the fact is.
func (d *Decision) copyFactData(f Fact, at time.Time) {
	n := &d.Next
	d.recordAccession(f.Accession, at)
	if n.CollectedAt.IsZero() && hasPlausibleCollection(f, n.CreatedAt) {
		n.CollectedAt = f.CollectedAt
	}
	if n.Modality == lifecycle.Testkit && f.appliesTo(n.Modality) {
		d.recordTransit(f, at)
	}
}

// recordAccession stores the lab's accession number, and raises accession_mismatch if it differs from the known one. A
// kit that was ordered without a patient has an accession number from the start. Its requisition may replace that
// number.
func (d *Decision) recordAccession(accession string, at time.Time) {
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
		n.raiseFor(Trigger{Reason: AttentionAccessionMismatch, What: accession}, at)
	}
}

// hasPlausibleCollection reports whether a fact has a collection time that lies between the order's creation and the
// fact's receipt.
func hasPlausibleCollection(f Fact, createdAt time.Time) bool {
	return !f.CollectedAt.IsZero() && !f.CollectedAt.Before(createdAt) &&
		!f.CollectedAt.After(f.ReceivedAt.Add(implausibleAhead))
}

// recordTransit stores what a fact reports on the transit of the kit.
func (d *Decision) recordTransit(f Fact, at time.Time) {
	n := &d.Next
	n.HasShipped = true
	switch f.Kind {
	case FactKitShipped:
		if !at.Before(n.ShipmentAt) {
			n.ShipmentAt = at
			n.TrackersPending = f.OutboundNumber != "" || f.InboundNumber != ""
			d.StoreShipment = true
		}
	case FactCourierReport:
		leg := &n.Outbound
		if f.Leg == string(lifecycle.Inbound) {
			leg = &n.Inbound
		}
		if at.After(leg.LastReportAt) {
			leg.LastReportAt = at
		}
		leg.Delivered = leg.Delivered || f.LegEnded
	}
}

// parkOrRefuse parks the fact until an edge allows it. No edge can follow on an order that has ended, so the fact is
// refused there and raises contradictory_fact.
func (d *Decision) parkOrRefuse(f Fact, r Reason) {
	if d.Next.Terminal() {
		at, _ := f.EffectiveTime(d.Next.CreatedAt)
		d.Next.raiseFor(f.trigger(AttentionContradictoryFact, at), f.ReceivedAt)
		d.setOutcome(OutcomeRefused, r)
		return
	}
	d.Next.ParkedFacts = append(slices.Clone(d.Next.ParkedFacts), f)
	d.setOutcome(OutcomeParked, r)
}

func (s *State) removeParked(inboxID string) {
	s.ParkedFacts = slices.DeleteFunc(slices.Clone(s.ParkedFacts), func(f Fact) bool { return f.InboxID == inboxID })
	if len(s.ParkedFacts) == 0 {
		s.ParkedFacts = nil
	}
}
