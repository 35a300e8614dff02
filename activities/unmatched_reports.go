package activities

import (
	"context"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/store"
)

// How often a lab is asked for results that it announced for an order nobody knows, ever more rarely: it may have announced them too
// early, or not be reached.
const (
	reviewPage     = 20 // per activity; each call waits for its turn with the account
	reviewPause    = 5 * time.Minute
	reviewPauseMax = 6 * time.Hour
	maxReviewTries = 16 // about two days
)

// ReviewUnmatchedReports fetches results that were announced for orders nobody knows, and has somebody decide whose they are.
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
		return out, a.internalError(ctx, "finding announced reports without an order", "", err)
	}
	for _, w := range waiting {
		reviewed, err := a.reviewUnmatchedReport(ctx, w)
		if err != nil {
			return out, a.internalError(ctx, "reviewing a report without an order", "", err)
		}
		if reviewed {
			out.ReviewsOpened++
		}
	}
	return out, nil
}

// advanceReviewTests takes tests of sandbox teams on, whose orders have got where they had to.
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

// nudgeAll tells those who deliver webhooks; the next sweep makes up for what is lost.
func (a *Activities) nudgeAll(ctx context.Context, endpoints []string) {
	for _, endpoint := range endpoints {
		if err := a.Dispatch.NudgeDeliveries(ctx, endpoint); err != nil {
			a.Log.WarnContext(ctx, "nudge lost", "endpoint_id", endpoint, "error", err)
		}
	}
}

// reviewUnmatchedReport asks the lab for one report. A lab that has none, or does not answer, is asked again later.
func (a *Activities) reviewUnmatchedReport(ctx context.Context, w store.UnmatchedResultFetch) (bool, error) {
	got, err := a.fetchUnmatched(ctx, w)
	if err != nil {
		a.Log.WarnContext(ctx, "an announced report without an order is not fetched yet",
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

// nextReviewAttempt is zero when the lab has been asked often enough.
func (a *Activities) nextReviewAttempt(tries int) time.Time {
	if tries+1 >= maxReviewTries {
		return time.Time{}
	}
	return a.Now().Add(min(reviewPause<<min(tries, 8), reviewPauseMax))
}
