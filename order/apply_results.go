package order

import (
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// FetchOutcome is what a fetch of results found: no patient data, only what decides.
type FetchOutcome struct {
	Generation int    `json:"generation"` // of the announcement that the fetch was for
	ResultID   string `json:"result_id"`  // the stored version; empty: nothing to fetch yet
	Changed    bool   `json:"changed"`    // its content differs from the version before
	Partial    bool   `json:"partial"`

	Critical          bool      `json:"critical,omitempty"`    // the whole report is critical
	MissingByLabFault bool      `json:"lab_missing,omitempty"` // markers are missing through the lab's fault
	CollectedAt       time.Time `json:"collected_at,omitzero"` // as the report has it; zero: not told

	HeldID string `json:"held_id,omitempty"` // accept: the version of this order that was held back for the match review
}

// News reports whether a report differs from what the client sees. A fetch may have compared its version before that
// was accepted.
func (s State) News(f FetchOutcome) bool {
	return f.Changed && (f.ResultID == "" || f.ResultID != s.Fetch.Shown)
}

// ApplyFetchedResults decides what stored results do: complete the order, correct it where the content differs, or, on an order that ended
// otherwise, nothing that the client sees. visible says whether the client may see them.
func (s State) ApplyFetchedResults(f FetchOutcome, now time.Time) (d Decision, visible bool) {
	d = s.newDecision(now)
	n := &d.Next
	f.Changed = s.News(f)
	if f.Changed {
		n.Fetch.StoredVersions++
	}
	if f.Generation == n.Fetch.Generation {
		n.Fetch.Pending, n.Fetch.GivenUp = false, false
		n.ClearMark(AttentionResultsUnfetched)
	}
	visible = d.applyResults(f, n.Fetch.AnnouncedAt)
	if visible {
		n.Fetch.Shown = f.ResultID
	}
	return d.finalize(), visible
}

// applyResults decides what a report does that was announced at a time.
func (d *Decision) applyResults(f FetchOutcome, at time.Time) (visible bool) {
	n := &d.Next
	if n.CollectedAt.IsZero() {
		n.CollectedAt = f.CollectedAt
	}
	switch {
	case n.Status.In(lifecycle.StageCompleted):
		return d.applyCorrection(f, at)
	case n.Status.In(lifecycle.StageRedraw):
		return !f.Partial
	case n.Terminal():
		d.hold(f)
		return false
	}
	d.completeVisit(at)
	d.implySampleAtLab(at)
	switch {
	case f.Partial:
		d.applyPartialResults(f, at)
	case n.qualifiesForRedraw(f):
		d.appendStep(Step{To: lifecycle.RedrawAvailable, At: at}, true)
		d.CreateRedraw, n.Replaced = true, true
	default:
		d.appendStep(Step{To: lifecycle.Completed, At: at}, true)
	}
	return true
}

// hold keeps a report back whose order ended otherwise, for somebody to decide. What has been decided is not asked
// again.
func (d *Decision) hold(f FetchOutcome) {
	n := &d.Next
	if n.decided(f) {
		d.setOutcome(OutcomeLate, ReasonRepeated)
		return
	}
	n.Triggers = slices.DeleteFunc(slices.Clone(n.Triggers), func(t Trigger) bool {
		// the version before is not asked about any more
		return t.Reason == AttentionResultAfterEnd && t.What != "" && !t.Resolved
	})
	n.RaiseMark(AttentionResultAfterEnd, d.now)
	n.addTrigger(Trigger{Reason: AttentionResultAfterEnd, What: f.ResultID})
	d.setOutcome(OutcomeRefused, ReasonOrderEnded)
}

// decided reports whether a version on an order that ended otherwise needs no decision: the client sees it, somebody
// has acknowledged it, or it says what the client sees while nothing else is held back.
func (s *State) decided(f FetchOutcome) bool {
	known := f.ResultID != "" && f.ResultID == s.Fetch.Shown
	same := !f.Changed && s.Fetch.Shown != "" && s.held() == ""
	return known || same || s.resolved(Trigger{Reason: AttentionResultAfterEnd, What: f.ResultID})
}

// held is the version that is held back and that nobody has decided about.
func (s *State) held() string {
	for _, t := range s.Triggers {
		if t.Reason == AttentionResultAfterEnd && t.What != "" && !t.Resolved {
			return t.What
		}
	}
	return ""
}

// announcedAfterEnd is an announcement of results on an order that ended otherwise. Once somebody has decided about
// such results, the lab may mean those: what is fetched says whether there is anything new.
func (s *State) announcedAfterEnd(at time.Time) {
	decided := slices.ContainsFunc(s.Triggers,
		func(t Trigger) bool { return t.Reason == AttentionResultAfterEnd && t.Resolved })
	if decided || s.Fetch.Shown != "" {
		return
	}
	s.raiseFor(Trigger{Reason: AttentionResultAfterEnd}, at)
}

// applyCorrection is a report on an order that is complete. A partial one is older than what completed it.
func (d *Decision) applyCorrection(f FetchOutcome, at time.Time) (visible bool) {
	if f.Partial {
		d.setOutcome(OutcomeLate, ReasonOlder)
		return false
	}
	if at.After(d.Next.NewestFactAt) {
		d.Next.NewestFactAt = at
	}
	if f.Changed {
		d.appendStep(Step{To: lifecycle.Corrected, At: at}, true)
	}
	return true
}

// applyPartialResults: each partial report with news is an event, but for a testkit, which has no such status.
func (d *Decision) applyPartialResults(f FetchOutcome, at time.Time) {
	n := &d.Next
	if n.Modality == lifecycle.Testkit || !f.Changed && n.Status == lifecycle.PartialResults {
		return
	}
	d.appendStep(Step{To: lifecycle.PartialResults, At: at}, true)
}

// qualifiesForRedraw: an initial walk-in order whose final results lack markers through the lab's fault
// (order-lifecycle#redraw).
func (s *State) qualifiesForRedraw(f FetchOutcome) bool {
	return f.MissingByLabFault && s.ReplacementDepth == 0 &&
		s.Machine().Check(s.Status, lifecycle.RedrawAvailable, lifecycle.System, s.Conditions()) == nil
}

// completeVisit ends the appointment at a patient service center that a report shows to have been kept.
func (d *Decision) completeVisit(at time.Time) {
	a := d.Next.Appointment
	if d.Next.Modality == lifecycle.WalkIn && a.Active() && !a.StartAt.IsZero() && a.StartAt.Before(at) {
		d.recordDraw(a.StartAt)
	}
}

// acceptHeldResults makes results that were held back the order's, on somebody's word. An order that has ended keeps its status.
func (d *Decision) acceptHeldResults(dm Demand) Reason {
	n := &d.Next
	switch {
	case dm.Results == nil || dm.Results.ResultID == "":
		return ReasonNoSuchResult
	case n.Registrable && !n.Registered && !n.Terminal():
		return ReasonKitNotRegistered
	case n.awaitsRequisition() && n.Placement.State == PlacementNone:
		return ReasonNotYetPlaced
	}
	f := *dm.Results
	f.Changed = n.News(f)
	if held := n.held(); held == "" || held == f.ResultID || held == f.HeldID {
		n.resolve(AttentionResultAfterEnd)
	}
	n.Fetch.Shown = f.ResultID
	if n.endedWithoutResults() {
		return ""
	}
	if n.awaitsRequisition() {
		d.applyRequisition(Step{To: n.statusAfterPlacement(), At: d.now, Implied: true}, false)
		if n.Placement.State == PlacementRefused {
			n.Placement = Placement{State: PlacementDone}
		}
	}
	d.applyResults(f, d.now)
	d.setOutcome(OutcomeApplied, "")
	return ""
}

// endedWithoutResults reports whether the order has ended without results.
func (s *State) endedWithoutResults() bool {
	return s.Terminal() && !s.Status.In(lifecycle.StageCompleted, lifecycle.StageRedraw)
}
