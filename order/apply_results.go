package order

import (
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// FetchOutcome is what a fetch of results found. It holds no patient data, only what a decision depends on.
type FetchOutcome struct {
	Generation int    `json:"generation"` // of the announcement that was fetched
	ResultID   string `json:"result_id"`  // the stored version; empty: no results yet
	Changed    bool   `json:"changed"`    // its content differs from the version before
	Partial    bool   `json:"partial"`

	Critical          bool      `json:"critical,omitempty"`    // the lab report as a whole is critical
	MissingByLabFault bool      `json:"lab_missing,omitempty"` // markers are missing through the lab's fault
	CollectedAt       time.Time `json:"collected_at,omitzero"` // from the lab report; zero: it has no such time

	// in what the person whom the report names differs from the order's patient
	Differs PatientDifference `json:"differs,omitempty"`

	HeldID string `json:"held_id,omitempty"` // accept: the order's version that the match review is about
}

// HasNews reports whether a lab report differs from the results that the client sees now. FetchOutcome.Changed alone
// does not say that, because this version may have been accepted after the fetch compared it.
func (s State) HasNews(f FetchOutcome) bool {
	return f.Changed && (f.ResultID == "" || f.ResultID != s.Fetch.Shown)
}

// ApplyFetchedResults applies stored results: they complete the order, or correct it if their content differs. If the
// order ended otherwise, or the results name somebody else, they are held. visible reports whether the client may see
// the results.
func (s State) ApplyFetchedResults(f FetchOutcome, now time.Time) (d Decision, visible bool) {
	d = s.newDecision(now)
	n := &d.Next
	f.Changed = s.HasNews(f)
	if f.Changed {
		n.Fetch.StoredVersions++
	}
	if f.Generation == n.Fetch.Generation {
		n.Fetch.Pending, n.Fetch.GivenUp = false, false
		n.ClearMark(AttentionResultsUnfetched)
	}
	visible = d.applyResults(f, n.Fetch.AnnouncedAt)
	if visible {
		d.showResults(f)
	}
	return d.finalize(), visible
}

// showResults makes the results those that the client sees. They take the place of a held version that named somebody
// else.
func (d *Decision) showResults(f FetchOutcome) {
	n := &d.Next
	isNew := n.Fetch.Shown != f.ResultID
	n.Fetch.Shown = f.ResultID
	n.ClearMark(AttentionResultOfOtherPatient)
	if isNew && f.Differs != PatientDiffersNot {
		n.raiseFor(Trigger{Reason: AttentionPatientMismatch, What: f.ResultID}, d.now)
	}
}

// applyResults applies a lab report that was announced at the given time.
func (d *Decision) applyResults(f FetchOutcome, at time.Time) (visible bool) {
	n := &d.Next
	if f.Differs == PatientDiffersByBoth && f.ResultID != n.Fetch.Shown && !n.endedWithoutResults() {
		d.holdResults(f, AttentionResultOfOtherPatient)
		return false
	}
	if n.CollectedAt.IsZero() {
		n.CollectedAt = f.CollectedAt
	}
	switch {
	case n.Status.In(lifecycle.StageCompleted):
		return d.applyCorrection(f, at)
	case n.Status.In(lifecycle.StageRedraw):
		return !f.Partial
	case n.Terminal():
		d.holdResults(f, AttentionResultAfterEnd)
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

// holdResults holds a lab report of an order that ended otherwise, or that names somebody else, until somebody decides
// its match review. It does not hold a lab report again that was decided before.
func (d *Decision) holdResults(f FetchOutcome, mark AttentionReason) {
	n := &d.Next
	if n.needsNoDecision(f, mark) {
		d.setOutcome(OutcomeLate, ReasonRepeated)
		return
	}
	n.Triggers = slices.DeleteFunc(slices.Clone(n.Triggers), func(t Trigger) bool {
		return t.Reason == mark && t.What == f.ResultID // addTrigger appends it as the newest
	})
	n.RaiseMark(mark, d.now)
	n.addTrigger(Trigger{Reason: mark, What: f.ResultID})
	reason := ReasonOrderEnded
	if mark == AttentionResultOfOtherPatient {
		reason = ReasonOtherPatient
	}
	d.setOutcome(OutcomeRefused, reason)
}

// needsNoDecision reports whether a result version that would be held needs no decision. There are three such cases:
// the client sees the version; somebody has acknowledged it; or the client sees the same content, and no other version
// is held.
func (s *State) needsNoDecision(f FetchOutcome, mark AttentionReason) bool {
	known := f.ResultID != "" && f.ResultID == s.Fetch.Shown
	same := !f.Changed && s.Fetch.Shown != "" && s.heldResultID(mark) == ""
	return known || same || s.isResolved(Trigger{Reason: mark, What: f.ResultID})
}

// heldResultID returns the version that is held under a mark and not decided on; empty: none. The mark is about the
// newest version. A decision on it also decides on the versions that were held before it.
func (s *State) heldResultID(mark AttentionReason) string {
	for _, t := range slices.Backward(s.Triggers) {
		if t.Reason == mark && t.What != "" && !t.Resolved {
			return t.What
		}
	}
	return ""
}

// raiseResultAfterEnd raises result_after_end for an announcement on an order that ended otherwise. It raises no mark
// if somebody has decided on such results before, because the announcement may be about those. The fetched results then
// show whether they are new.
func (s *State) raiseResultAfterEnd(at time.Time) {
	decided := slices.ContainsFunc(s.Triggers,
		func(t Trigger) bool { return t.Reason == AttentionResultAfterEnd && t.Resolved })
	if decided || s.Fetch.Shown != "" {
		return
	}
	s.raiseFor(Trigger{Reason: AttentionResultAfterEnd}, at)
}

// applyCorrection applies a lab report to a completed order. A partial report is older than the one that completed it.
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

// applyPartialResults records an event for each partial lab report that has news. A testkit order has no status for
// partial results.
func (d *Decision) applyPartialResults(f FetchOutcome, at time.Time) {
	n := &d.Next
	if n.Modality == lifecycle.Testkit || !f.Changed && n.Status == lifecycle.PartialResults {
		return
	}
	d.appendStep(Step{To: lifecycle.PartialResults, At: at}, true)
}

// qualifiesForRedraw reports whether the order is an initial walk-in order whose final results lack markers through the
// lab's fault (order-lifecycle#redraw).
func (s *State) qualifiesForRedraw(f FetchOutcome) bool {
	return f.MissingByLabFault && s.ReplacementDepth == 0 &&
		s.Machine().Check(s.Status, lifecycle.RedrawAvailable, lifecycle.System, s.Conditions()) == nil
}

// completeVisit completes the appointment at a patient service center that a lab report proves.
func (d *Decision) completeVisit(at time.Time) {
	a := d.Next.Appointment
	if d.Next.Modality == lifecycle.WalkIn && a.Active() && !a.StartAt.IsZero() && a.StartAt.Before(at) {
		d.recordDraw(a.StartAt)
	}
}

// acceptHeldResults makes held results the order's results, because somebody accepted them. An order that ended keeps
// its status.
func (d *Decision) acceptHeldResults(dm Demand) Reason {
	n := &d.Next
	switch {
	case dm.Results == nil || dm.Results.ResultID == "":
		return ReasonNoSuchResult
	case n.Registrable && !n.Registered && !n.Terminal():
		return ReasonKitNotRegistered
	case n.awaitsRequisition() && !n.Placement.isSent():
		return ReasonNotYetPlaced
	}
	f := *dm.Results
	f.Changed = n.HasNews(f)
	f.Differs = PatientDiffersNot // somebody has compared the patients
	for _, mark := range []AttentionReason{AttentionResultAfterEnd, AttentionResultOfOtherPatient} {
		if held := n.heldResultID(mark); held == "" || held == f.ResultID || held == f.HeldID {
			n.resolveMark(mark)
		}
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
