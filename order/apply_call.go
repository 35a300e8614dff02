package order

import (
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// ApplyPlacementAccepted applies the lab's acceptance of the requisition. If a fact has proven the requisition
// meanwhile, only missing data is added.
func (s State) ApplyPlacementAccepted(accession string, now time.Time) Decision {
	d := s.newDecision(now)
	n := &d.Next
	d.recordAccession(accession, now)
	n.Placement = Placement{State: PlacementDone}
	if n.awaitsRequisition() {
		d.applyRequisition(Step{To: n.statusAfterPlacement(), At: now}, false)
	}
	return d.finalize()
}

// ApplyPlacementRefused applies the lab's refusal of the requisition: the order keeps its status and waits for
// operations. If a fact has proven the requisition meanwhile, the lab knows the order and is not asked again.
func (s State) ApplyPlacementRefused(now time.Time) Decision {
	d := s.newDecision(now)
	n := &d.Next
	if !n.awaitsRequisition() {
		n.Placement = Placement{State: PlacementDone}
		return d.finalize()
	}
	n.Placement.State = PlacementRefused
	n.ClearMark(AttentionPlacementUnanswered)
	n.RaiseMark(AttentionPlacementRefused, now)
	d.setOutcome(OutcomeRefused, ReasonLabRefused)
	return d.finalize()
}

// ApplyPlacementUnanswered records a round of attempts that ended without an answer. Later rounds send the same number.
func (s State) ApplyPlacementUnanswered(now time.Time) Decision {
	d := s.newDecision(now)
	n := &d.Next
	n.Placement.UnansweredRounds++
	if n.awaitsRequisition() && n.Placement.UnansweredRounds == 1 { // further rounds raise no mark
		n.RaiseMark(AttentionPlacementUnanswered, now)
	}
	return d.finalize()
}

// ApplyCorrectionAccepted records that the lab has accepted a correction: the kit is back in production.
func (s State) ApplyCorrectionAccepted(now time.Time) Decision {
	d := s.newDecision(now)
	d.Next.PendingCorrection = nil
	if d.Next.Status.In(lifecycle.StageBlocked) {
		d.moveOnDemand(lifecycle.DeliveredToLab, lifecycle.System)
	}
	return d.finalize()
}

// ApplyCorrectionRefused records that the lab did not accept a correction by a call: operations have to contact it.
func (s State) ApplyCorrectionRefused(now time.Time) Decision {
	d := s.newDecision(now)
	d.Next.PendingCorrection = nil
	if d.Next.Status.In(lifecycle.StageBlocked) {
		d.Next.RaiseMark(AttentionTellLab, now)
	}
	return d.finalize()
}

// ApplyCorrectionUnanswered records a round of attempts that ended without an answer. Further rounds follow. The mark
// asks operations to contact the lab as well.
func (s State) ApplyCorrectionUnanswered(now time.Time) Decision {
	d := s.newDecision(now)
	n := &d.Next
	if n.PendingCorrection != nil {
		c := *n.PendingCorrection
		c.UnansweredRounds++
		n.PendingCorrection = &c
		if c.UnansweredRounds == 1 { // further rounds raise no mark
			n.RaiseMark(AttentionTellLab, now)
		}
	}
	return d.finalize()
}

// ApplyTrackersCreated records that the trackers of a shipment exist at the courier aggregator. at is the time of that
// shipment. If a newer shipment has been stored meanwhile, its trackers are still to be created.
func (s State) ApplyTrackersCreated(at, now time.Time) Decision {
	d := s.newDecision(now)
	if d.Next.ShipmentAt.Equal(at) {
		d.Next.TrackersPending = false
	}
	return d.finalize()
}
