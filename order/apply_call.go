package order

import (
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// ApplyPlacementAccepted decides what the lab's acceptance of the requisition does. Where a fact has proven the requisition meanwhile, the
// answer only fills gaps.
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

// ApplyPlacementRefused notes that the lab refused the requisition for good: the order stays, and waits for operations. Where a
// fact has proven the requisition meanwhile, the lab knows the order whatever it answers, and is not asked again.
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

// ApplyPlacementUnanswered notes that a round of attempts ended without an answer. The same number is sent again later.
func (s State) ApplyPlacementUnanswered(now time.Time) Decision {
	d := s.newDecision(now)
	n := &d.Next
	n.Placement.UnansweredRounds++
	if n.awaitsRequisition() && n.Placement.UnansweredRounds == 1 { // a further round is not news
		n.RaiseMark(AttentionPlacementUnanswered, now)
	}
	return d.finalize()
}

// ApplyCorrectionAccepted notes that the lab has accepted what was missing: back in production.
func (s State) ApplyCorrectionAccepted(now time.Time) Decision {
	d := s.newDecision(now)
	d.Next.PendingCorrection = nil
	if d.Next.Status.In(lifecycle.StageBlocked) {
		d.moveOnDemand(lifecycle.DeliveredToLab, lifecycle.System)
	}
	return d.finalize()
}

// ApplyCorrectionRefused notes that the lab would not take it by a call: somebody has to tell it.
func (s State) ApplyCorrectionRefused(now time.Time) Decision {
	d := s.newDecision(now)
	d.Next.PendingCorrection = nil
	if d.Next.Status.In(lifecycle.StageBlocked) {
		d.Next.RaiseMark(AttentionTellLab, now)
	}
	return d.finalize()
}

// ApplyCorrectionUnanswered notes that a round of attempts ended without an answer. The lab is told on; somebody may be faster.
func (s State) ApplyCorrectionUnanswered(now time.Time) Decision {
	d := s.newDecision(now)
	n := &d.Next
	if n.PendingCorrection != nil {
		c := *n.PendingCorrection
		c.UnansweredRounds++
		n.PendingCorrection = &c
		if c.UnansweredRounds == 1 { // a further round is not news
			n.RaiseMark(AttentionTellLab, now)
		}
	}
	return d.finalize()
}

// ApplyTrackersCreated notes that the couriers' trackers of the stored shipment exist. at is the shipment that they were made for: where a
// newer one has been stored meanwhile, trackers are still to be made.
func (s State) ApplyTrackersCreated(at, now time.Time) Decision {
	d := s.newDecision(now)
	if d.Next.ShipmentAt.Equal(at) {
		d.Next.TrackersPending = false
	}
	return d.finalize()
}

// firstFetchOffsets are the first fetch attempts after an announcement; hourly ones follow for 24 h (molecular-api#d32).
var firstFetchOffsets = []time.Duration{0, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}

const hourlyFetches = 24

// NextFetch is when the next attempt to fetch an announced report is due; false when none is pending or the schedule is over.
func (s State) NextFetch() (time.Time, bool) {
	f := s.Fetch
	if !f.inProgress() {
		return time.Time{}, false
	}
	if f.Attempts < len(firstFetchOffsets) {
		return f.StartedAt.Add(firstFetchOffsets[f.Attempts]), true
	}
	hours := f.Attempts - len(firstFetchOffsets) + 2
	return f.StartedAt.Add(time.Duration(hours) * time.Hour), true
}

// ApplyFetchFailed notes an attempt that found no results yet, or no answer.
func (s State) ApplyFetchFailed(generation int, now time.Time) Decision {
	d := s.newDecision(now)
	n := &d.Next
	if generation == n.Fetch.Generation {
		n.Fetch.Attempts++
		n.Fetch.GivenUp = n.Fetch.Attempts >= len(firstFetchOffsets)+hourlyFetches
	}
	return d.finalize()
}
