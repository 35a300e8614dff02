package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/store"
)

// How often a lab is asked for a lab report without an order. The pauses grow: the announcement may have been too
// early, or the lab may be unavailable.
const (
	reviewPage     = 20 // per activity; a call whose turn is not near is skipped
	reviewPause    = 5 * time.Minute
	reviewPauseMax = 6 * time.Hour
	maxReviewTries = 16 // about two days
)

// kindUnmatched is the kind of a call for a lab report without an order, as the metrics show it.
const kindUnmatched = "results_unmatched"

// ReviewUnmatchedReports fetches lab reports that were announced without a known order, and opens match reviews for
// them. It also advances the sandbox teams' tests of unmatched results.
func (a *Activities) ReviewUnmatchedReports(ctx context.Context,
	in dispatch.ReconcileInput) (dispatch.SweepResult, error) {
	defer a.startHeartbeat(ctx)()
	var out dispatch.SweepResult
	now := a.Now()
	if err := a.advanceReviewTests(ctx); err != nil {
		return out, a.internalError(ctx, "advancing tests of unmatched results", "", err)
	}
	waiting, err := a.Store.DueUnmatchedResultFetches(ctx, now.Add(-sweepDelaysFor(in).unmatched), now, reviewPage)
	if err != nil {
		return out, a.internalError(ctx, "finding lab reports without an order", "", err)
	}
	busy := busyAccounts{}
	for _, w := range waiting {
		reviewed, err := a.reviewUnmatchedReport(ctx, w, busy)
		if err != nil {
			return out, a.internalError(ctx, "reviewing a lab report without an order", "", err)
		}
		if reviewed {
			out.ReviewsOpened++
		}
	}
	return out, nil
}

// advanceReviewTests advances the tests of unmatched results of sandbox teams whose orders have reached the needed
// status.
func (a *Activities) advanceReviewTests(ctx context.Context) error {
	open, err := a.Store.UnfinishedUnmatchedResultTestRuns(ctx, sweepPage)
	if err != nil {
		return err
	}
	for _, run := range open {
		endpoints, err := a.Store.AdvanceUnmatchedResultTestRun(ctx, run)
		if err != nil {
			return err
		}
		a.nudgeAll(ctx, endpoints)
	}
	return nil
}

// nudgeAll nudges the deliveries of endpoints. The next sweep completes nudges that fail.
func (a *Activities) nudgeAll(ctx context.Context, endpoints []string) {
	for _, endpoint := range endpoints {
		if err := a.Dispatch.NudgeDeliveries(ctx, endpoint); err != nil {
			a.Log.WarnContext(ctx, "nudge lost", "endpoint_id", endpoint, "error", err)
		}
	}
}

// reviewUnmatchedReport asks the lab for one lab report. A lab without an answer is asked again later. If the account
// is busy, the lab is asked later too, and the attempt does not count.
func (a *Activities) reviewUnmatchedReport(ctx context.Context, w store.UnmatchedResultFetch,
	busy busyAccounts) (bool, error) {
	if busy.skip(a.Metrics, w.AccountID, kindUnmatched) {
		return false, a.Store.DelayUnmatchedResultFetch(ctx, w.InboxID, a.Now().Add(reviewPause))
	}
	got, err := a.fetchUnmatched(ctx, w)
	if _, notMade := errors.AsType[*notMadeError](err); notMade {
		a.Metrics.countNotMade(kindUnmatched, err)
		busy.note(w.AccountID, err)
		return false, a.Store.DelayUnmatchedResultFetch(ctx, w.InboxID, a.Now().Add(reviewPause))
	}
	if err != nil {
		a.Log.WarnContext(ctx, "an announced lab report without an order is not fetched yet",
			"inbox_id", w.InboxID, "lab_account_id", w.AccountID, "outcome", callOutcome(err), "error", err)
		return false, a.Store.RescheduleUnmatchedResultFetch(ctx, w.InboxID, a.nextReviewAttempt(w.Tries))
	}
	endpoints, err := a.Store.OpenUnmatchedReportReview(ctx, store.FetchedUnmatchedReport{
		InboxID: w.InboxID, Report: *got.LabReport, Hash: got.Hash, Raw: got.Raw, PDF: got.PDF,
	})
	if err != nil {
		return false, err
	}
	a.nudgeAll(ctx, endpoints)
	return true, nil
}

func (a *Activities) fetchUnmatched(ctx context.Context,
	w store.UnmatchedResultFetch) (got labs.FetchedResults, err error) {
	call := &partnerCall{kind: kindUnmatched, lane: store.LaneRoutine, inBatch: true}
	lab, err := a.openLabAccount(ctx, w.AccountID, call)
	if err != nil {
		return got, fmt.Errorf("opening lab account %s: %w", w.AccountID, err)
	}
	if got, err = lab.FetchResults(ctx, w.OrderNumber); err == nil && got.LabReport == nil {
		err = errNotReady
	}
	if _, notMade := errors.AsType[*notMadeError](err); !notMade {
		a.Metrics.countCall(kindUnmatched, err)
	}
	return got, err
}

// nextReviewAttempt returns the time of the next attempt; zero: no attempt is left.
func (a *Activities) nextReviewAttempt(tries int) time.Time {
	if tries+1 >= maxReviewTries {
		return time.Time{}
	}
	return a.Now().Add(min(reviewPause<<min(tries, 8), reviewPauseMax))
}
