package activities

import (
	"context"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/store"
)

// How often a lab is asked for a lab report without an order. The pauses grow: the announcement may have been too
// early, or the lab may be unavailable.
const (
	reviewPage     = 20 // per activity; each call waits for its turn with the account
	reviewPause    = 5 * time.Minute
	reviewPauseMax = 6 * time.Hour
	maxReviewTries = 16 // about two days
)

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
	for _, w := range waiting {
		reviewed, err := a.reviewUnmatchedReport(ctx, w)
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

// reviewUnmatchedReport asks the lab for one lab report. A lab without an answer is asked again later.
func (a *Activities) reviewUnmatchedReport(ctx context.Context, w store.UnmatchedResultFetch) (bool, error) {
	got, err := a.fetchUnmatched(ctx, w)
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
	lab, err := a.openLabAccount(ctx, w.AccountID)
	if err != nil {
		return got, fmt.Errorf("opening lab account %s: %w", w.AccountID, err)
	}
	if got, err = lab.FetchResults(ctx, w.OrderNumber); err == nil && got.LabReport == nil {
		err = errNotReady
	}
	a.Metrics.countCall("results_unmatched", err)
	return got, err
}

// nextReviewAttempt returns the time of the next attempt; zero: no attempt is left.
func (a *Activities) nextReviewAttempt(tries int) time.Time {
	if tries+1 >= maxReviewTries {
		return time.Time{}
	}
	return a.Now().Add(min(reviewPause<<min(tries, 8), reviewPauseMax))
}
