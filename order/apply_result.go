package order

import (
	"slices"
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

	HeldID string `json:"held_id,omitempty"` // accept: the version of this order that was held back for the match review
}

// News reports whether a report differs from what the client sees. A fetch may have compared its version before that
// was accepted.
func (s State) News(f Fetched) bool {
	return f.Changed && (f.ResultID == "" || f.ResultID != s.Fetch.Shown)
}

// ApplyFetched decides what stored results do: complete the order, correct it where the content differs, or, on an order that ended
// otherwise, nothing that the client sees. visible says whether the client may see them.
func (s State) ApplyFetched(f Fetched, now time.Time) (d Decision, visible bool) {
	d = s.decision(now)
	n := &d.Next
	f.Changed = s.News(f)
	if f.Changed {
		n.Fetch.Versions++
	}
	if f.Generation == n.Fetch.Generation {
		n.Fetch.Pending, n.Fetch.GivenUp = false, false
		n.Settle(ResultsUnfetched)
	}
	visible = d.results(f, n.Fetch.AnnouncedAt)
	if visible {
		n.Fetch.Shown = f.ResultID
	}
	return d.finish(), visible
}

// results decides what a report does that was announced at a time.
func (d *Decision) results(f Fetched, at time.Time) (visible bool) {
	n := &d.Next
	if n.CollectedAt.IsZero() {
		n.CollectedAt = f.CollectedAt
	}
	switch {
	case n.Status.In(lifecycle.StageCompleted):
		return d.corrected(f, at)
	case n.Status.In(lifecycle.StageRedraw):
		return !f.Partial
	case n.Terminal():
		d.hold(f)
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

// hold keeps a report back whose order ended otherwise, for somebody to decide. What has been decided is not asked
// again.
func (d *Decision) hold(f Fetched) {
	n := &d.Next
	if n.decided(f) {
		d.as(Late, ReasonRepeated)
		return
	}
	n.Triggers = slices.DeleteFunc(slices.Clone(n.Triggers), func(t Trigger) bool {
		return t.Reason == ResultAfterEnd && t.What != "" && !t.Resolved // the version before is not asked about any more
	})
	n.Raise(ResultAfterEnd, d.now)
	n.addTrigger(Trigger{Reason: ResultAfterEnd, What: f.ResultID})
	d.as(Refused, ReasonEnded)
}

// decided reports whether a version on an order that ended otherwise needs no decision: the client sees it, somebody
// has acknowledged it, or it says what the client sees while nothing else is held back.
func (s *State) decided(f Fetched) bool {
	known := f.ResultID != "" && f.ResultID == s.Fetch.Shown
	same := !f.Changed && s.Fetch.Shown != "" && s.held() == ""
	return known || same || s.resolved(Trigger{Reason: ResultAfterEnd, What: f.ResultID})
}

// held is the version that is held back and that nobody has decided about.
func (s *State) held() string {
	for _, t := range s.Triggers {
		if t.Reason == ResultAfterEnd && t.What != "" && !t.Resolved {
			return t.What
		}
	}
	return ""
}

// announcedAfterEnd is an announcement of results on an order that ended otherwise. Once somebody has decided about
// such results, the lab may mean those: what is fetched says whether there is anything new.
func (s *State) announcedAfterEnd(at time.Time) {
	decided := slices.ContainsFunc(s.Triggers, func(t Trigger) bool { return t.Reason == ResultAfterEnd && t.Resolved })
	if decided || s.Fetch.Shown != "" {
		return
	}
	s.raiseFor(Trigger{Reason: ResultAfterEnd}, at)
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
	f := *dm.Fetched
	f.Changed = n.News(f)
	if held := n.held(); held == "" || held == f.ResultID || held == f.HeldID {
		n.resolve(ResultAfterEnd)
	}
	n.Fetch.Shown = f.ResultID
	if n.endedOtherwise() {
		return ""
	}
	if n.unplaced() {
		d.requisition(Step{To: n.placed(), At: d.now, Implied: true}, false)
		if n.Placement.State == PlacementRefused {
			n.Placement = Placement{State: PlacementDone}
		}
	}
	d.results(f, d.now)
	d.as(Applied, "")
	return ""
}

// endedOtherwise reports whether the order has ended without results.
func (s *State) endedOtherwise() bool {
	return s.Terminal() && !s.Status.In(lifecycle.StageCompleted, lifecycle.StageRedraw)
}
