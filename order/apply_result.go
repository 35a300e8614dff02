package order

import (
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// Fetched is what a fetch of results found: no patient data, only what decides.
type Fetched struct {
	Generation int    `json:"generation"` // of the announcement that the fetch was for
	ResultID   string `json:"result_id"`  // the stored version; empty: nothing to fetch yet
	Changed    bool   `json:"changed"`    // its content differs from the version before
	Partial    bool   `json:"partial"`

	Critical    bool      `json:"critical,omitempty"`    // the whole report is critical
	LabMissing  bool      `json:"lab_missing,omitempty"` // markers are missing through the lab's fault
	CollectedAt time.Time `json:"collected_at,omitzero"` // as the report has it; zero: not told
}

// ApplyFetched decides what stored results do: complete the order, correct it where the content differs, or, on an order that ended
// otherwise, nothing that the client sees. visible says whether the client may see them.
func (s State) ApplyFetched(f Fetched, now time.Time) (d Decision, visible bool) {
	d = s.decision(now)
	n := &d.Next
	if f.Changed {
		n.Fetch.Versions++
	}
	if f.Generation == n.Fetch.Generation {
		n.Fetch.Pending, n.Fetch.GivenUp = false, false
		n.Settle(ResultsUnfetched)
	}
	visible = d.results(f, n.Fetch.AnnouncedAt)
	return d.finish(), visible
}

// results decides what a report does that was announced at a time.
func (d *Decision) results(f Fetched, at time.Time) (visible bool) {
	n := &d.Next
	if n.CollectedAt.IsZero() {
		n.CollectedAt = f.CollectedAt
	}
	switch {
	case n.Status == lifecycle.Completed || n.Status == lifecycle.Corrected:
		return d.corrected(f, at)
	case n.Status == lifecycle.RedrawAvailable:
		return !f.Partial
	case n.Terminal():
		n.Raise(ResultAfterEnd, d.now)
		d.as(Refused, ReasonEnded)
		return false
	}
	d.visited(at)
	d.proven(at)
	switch {
	case f.Partial:
		d.partial(f, at)
	case n.redrawable(f):
		d.step(Step{To: lifecycle.RedrawAvailable, At: at}, true)
		d.Redraw, n.Replaced = true, true
	default:
		d.step(Step{To: lifecycle.Completed, At: at}, true)
	}
	return true
}

// corrected is a report on an order that is complete. A partial one is older than what completed it.
func (d *Decision) corrected(f Fetched, at time.Time) (visible bool) {
	if f.Partial {
		d.as(Late, ReasonOlder)
		return false
	}
	if at.After(d.Next.FactAt) {
		d.Next.FactAt = at
	}
	if f.Changed {
		d.step(Step{To: lifecycle.Corrected, At: at}, true)
	}
	return true
}

// partial: each partial report with news is an event, but for a testkit, which has no such status.
func (d *Decision) partial(f Fetched, at time.Time) {
	n := &d.Next
	if n.Modality == lifecycle.Testkit || !f.Changed && n.Status == lifecycle.PartialResults {
		return
	}
	d.step(Step{To: lifecycle.PartialResults, At: at}, true)
}

// redrawable: an initial walk-in order whose final results lack markers through the lab's fault
// (order-lifecycle#redraw).
func (s *State) redrawable(f Fetched) bool {
	return f.LabMissing && s.Depth == 0 && s.Machine().Check(s.Status, lifecycle.RedrawAvailable, lifecycle.System, s.Conditions()) == nil
}

// visited ends the appointment at a patient service center that a report shows to have been kept.
func (d *Decision) visited(at time.Time) {
	a := d.Next.Appointment
	if d.Next.Modality == lifecycle.WalkIn && a.Active() && !a.StartAt.IsZero() && a.StartAt.Before(at) {
		d.drawn(a.StartAt)
	}
}

// accept makes results that were held back the order's, on somebody's word. An order that has ended keeps its status.
func (d *Decision) accept(dm Demand) Reason {
	n := &d.Next
	switch {
	case dm.Fetched == nil || dm.Fetched.ResultID == "":
		return ReasonNoResult
	case n.Registrable && !n.Registered && !n.Terminal():
		return ReasonUnregistered
	case n.unplaced() && n.Placement.State == PlacementNone:
		return ReasonUnplaced
	}
	n.Settle(ResultAfterEnd)
	if n.endedOtherwise() {
		return ""
	}
	if n.unplaced() {
		d.requisition(Step{To: n.placed(), At: d.now, Implied: true}, false)
		if n.Placement.State == PlacementRefused {
			n.Placement = Placement{State: PlacementDone}
		}
	}
	d.results(*dm.Fetched, d.now)
	d.as(Applied, "")
	return ""
}

// endedOtherwise reports whether the order has ended without results.
func (s *State) endedOtherwise() bool {
	switch s.Status {
	case lifecycle.Completed, lifecycle.Corrected, lifecycle.RedrawAvailable:
		return false
	default:
		return s.Terminal()
	}
}
