package activities

import (
	"context"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/dispatch"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/store"
)

// How often a lab is asked for results that it announced for an order nobody knows, ever more rarely: it may have announced them too
// early, or not be reached.
const (
	reviewPage     = 20 // per activity; each call waits for its turn with the account
	reviewPause    = 5 * time.Minute
	reviewPauseMax = 6 * time.Hour
	reviewTries    = 16 // about two days
)

// ReviewReports fetches results that were announced for orders nobody knows, and has somebody decide whose they are.
func (a *Activities) ReviewReports(ctx context.Context, in dispatch.ReconcileInput) (dispatch.SweepResult, error) {
	defer a.heartbeat(ctx)()
	var out dispatch.SweepResult
	now := a.Now()
	if err := a.advanceReviewTests(ctx); err != nil {
		return out, a.fault(ctx, "advancing tests of unmatched results", "", err)
	}
	waiting, err := a.Store.UnmatchedReports(ctx, now.Add(-patienceOf(in).unmatched), now, reviewPage)
	if err != nil {
		return out, a.fault(ctx, "finding announced reports without an order", "", err)
	}
	for _, w := range waiting {
		reviewed, err := a.reviewReport(ctx, w)
		if err != nil {
			return out, a.fault(ctx, "reviewing a report without an order", "", err)
		}
		if reviewed {
			out.Reviews++
		}
	}
	return out, nil
}

// advanceReviewTests takes tests of sandbox teams on, whose orders have got where they had to.
func (a *Activities) advanceReviewTests(ctx context.Context) error {
	open, err := a.Store.OpenReviewTests(ctx, sweepPage)
	if err != nil {
		return err
	}
	for _, run := range open {
		endpoints, err := a.Store.AdvanceReviewTest(ctx, run)
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

// reviewReport asks the lab for one report. A lab that has none, or does not answer, is asked again later.
func (a *Activities) reviewReport(ctx context.Context, w store.UnmatchedReport) (bool, error) {
	got, err := a.fetchUnmatched(ctx, w)
	if err != nil {
		a.Log.WarnContext(ctx, "an announced report without an order is not fetched yet",
			"inbox_id", w.InboxID, "lab_account_id", w.AccountID, "outcome", outcomeOf(err), "error", err)
		return false, a.Store.PostponeReport(ctx, w.InboxID, a.nextReview(w.Tries))
	}
	endpoints, err := a.Store.ReviewReport(ctx, store.FetchedReport{
		InboxID: w.InboxID, Report: *got.Report, Hash: got.Hash, Raw: got.Raw, PDF: got.PDF,
	})
	if err != nil {
		return false, err
	}
	a.nudgeAll(ctx, endpoints)
	return true, nil
}

func (a *Activities) fetchUnmatched(ctx context.Context, w store.UnmatchedReport) (got labs.Reported, err error) {
	lab, err := a.account(ctx, w.AccountID)
	if err != nil {
		return got, fmt.Errorf("opening lab account %s: %w", w.AccountID, err)
	}
	if got, err = lab.Results(ctx, w.Number); err == nil && got.Report == nil {
		err = errNotReady
	}
	a.Metrics.called("results_unmatched", err)
	return got, err
}

// nextReview is zero when the lab has been asked often enough.
func (a *Activities) nextReview(tries int) time.Time {
	if tries+1 >= reviewTries {
		return time.Time{}
	}
	return a.Now().Add(min(reviewPause<<min(tries, 8), reviewPauseMax))
}
