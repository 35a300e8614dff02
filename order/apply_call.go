package order

import (
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// ApplyPlaced decides what the lab's acceptance of the requisition does. Where a fact has proven the requisition meanwhile, the
// answer only fills gaps.
func (s State) ApplyPlaced(accession string, now time.Time) Decision {
	d := s.decision(now)
	n := &d.Next
	d.identify(accession, now)
	n.Placement = Placement{State: PlacementDone}
	if n.unplaced() {
		d.requisition(Step{To: n.placed(), At: now}, false)
	}
	return d.finish()
}

// ApplyPlacementRefused notes that the lab refused the requisition for good: the order stays, and waits for operations. Where a
// fact has proven the requisition meanwhile, the lab knows the order whatever it answers, and is not asked again.
func (s State) ApplyPlacementRefused(now time.Time) Decision {
	d := s.decision(now)
	n := &d.Next
	if !n.unplaced() {
		n.Placement = Placement{State: PlacementDone}
		return d.finish()
	}
	n.Placement.State = PlacementRefused
	n.Settle(PlacementUnanswered)
	n.Raise(RefusedByLab, now)
	d.as(Refused, ReasonLabRefused)
	return d.finish()
}

// ApplyPlacementUnanswered notes that a round of attempts ended without an answer. The same number is sent again later.
func (s State) ApplyPlacementUnanswered(now time.Time) Decision {
	d := s.decision(now)
	n := &d.Next
	n.Placement.Tries++
	if n.unplaced() && n.Placement.Tries == 1 { // a further round is not news
		n.Raise(PlacementUnanswered, now)
	}
	return d.finish()
}

// ApplyCorrected notes that the lab has accepted what was missing: back in production.
func (s State) ApplyCorrected(now time.Time) Decision {
	d := s.decision(now)
	d.Next.Correcting = nil
	if d.Next.Status.In(lifecycle.StageBlocked) {
		d.demandStep(lifecycle.DeliveredToLab, lifecycle.System)
	}
	return d.finish()
}

// ApplyCorrectionRefused notes that the lab would not take it by a call: somebody has to tell it.
func (s State) ApplyCorrectionRefused(now time.Time) Decision {
	d := s.decision(now)
	d.Next.Correcting = nil
	if d.Next.Status.In(lifecycle.StageBlocked) {
		d.Next.Raise(TellLab, now)
	}
	return d.finish()
}

// ApplyCorrectionUnanswered notes that a round of attempts ended without an answer. The lab is told on; somebody may be faster.
func (s State) ApplyCorrectionUnanswered(now time.Time) Decision {
	d := s.decision(now)
	n := &d.Next
	if n.Correcting != nil {
		c := *n.Correcting
		c.Tries++
		n.Correcting = &c
		if c.Tries == 1 { // a further round is not news
			n.Raise(TellLab, now)
		}
	}
	return d.finish()
}

// ApplyTracked notes that the couriers' trackers of the stored shipment exist. at is the shipment that they were made for: where a
// newer one has been stored meanwhile, trackers are still to be made.
func (s State) ApplyTracked(at, now time.Time) Decision {
	d := s.decision(now)
	if d.Next.ShipmentAt.Equal(at) {
		d.Next.Trackers = false
	}
	return d.finish()
}

// fetchOffsets are the first fetch attempts after an announcement; hourly ones follow for 24 h (molecular-api#d32).
var fetchOffsets = []time.Duration{0, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}

const hourlyFetches = 24

// NextFetch is when the next attempt to fetch an announced report is due; false when none is pending or the schedule is over.
func (s State) NextFetch() (time.Time, bool) {
	f := s.Fetch
	if !f.underWay() {
		return time.Time{}, false
	}
	if f.Attempts < len(fetchOffsets) {
		return f.StartedAt.Add(fetchOffsets[f.Attempts]), true
	}
	hours := f.Attempts - len(fetchOffsets) + 2
	return f.StartedAt.Add(time.Duration(hours) * time.Hour), true
}

// ApplyFetchMissed notes an attempt that found no results yet, or no answer.
func (s State) ApplyFetchMissed(generation int, now time.Time) Decision {
	d := s.decision(now)
	n := &d.Next
	if generation == n.Fetch.Generation {
		n.Fetch.Attempts++
		n.Fetch.GivenUp = n.Fetch.Attempts >= len(fetchOffsets)+hourlyFetches
	}
	return d.finish()
}
