package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// coroutine names a partner call, with its waits and retries, that runs beside the loop.
type coroutine string

const (
	coroutinePlacing    coroutine = "placing"
	coroutineFetching   coroutine = "fetching"
	coroutineTracking   coroutine = "tracking"
	coroutineCancelling coroutine = "cancelling"
	coroutineCorrecting coroutine = "correcting"
	coroutineBooking    coroutine = "booking"
	coroutineReleasing  coroutine = "releasing"
)

// startCalls starts the coroutines that the state asks for and that are not running.
func (r *orderRun) startCalls(ctx workflow.Context) {
	r.ensureRunning(ctx, coroutinePlacing, r.needsPlacement(), r.placeOrder)
	_, due := r.state.NextFetch()
	r.ensureRunning(ctx, coroutineFetching, due, r.fetchResults)
	r.ensureRunning(ctx, coroutineTracking, r.needsTrackers(), r.createTrackers)
	r.ensureRunning(ctx, coroutineCancelling, r.state.PendingCancellation != nil, r.cancelAtLab)
	r.ensureRunning(ctx, coroutineCorrecting, r.state.PendingCorrection != nil, r.correctAtLab)
	r.ensureRunning(ctx, coroutineBooking, r.state.PendingBooking != nil, r.bookAtProvider)
	r.ensureRunning(ctx, coroutineReleasing, len(r.state.PendingReleases) > 0, r.releaseAtProviders)
}

func (r *orderRun) ensureRunning(ctx workflow.Context, c coroutine, wanted bool, run func(workflow.Context) error) {
	if !wanted || r.runningCoroutines[c] {
		return
	}
	r.runningCoroutines[c] = true
	workflow.Go(ctx, func(ctx workflow.Context) {
		if err := run(ctx); err != nil {
			r.err = err
		}
		delete(r.runningCoroutines, c)
		r.changed = true
	})
}

func (r *orderRun) needsPlacement() bool { return r.state.WantsPlacement() }

// maxPlaceCalls is how many calls a round of placement makes (molecular-api#d25).
const maxPlaceCalls = 5

// placeOptions are the options of one round of placement. The activity counts the calls of the round; MaximumAttempts
// also limits attempts that fail before the call. An attempt waits at most 10 s for its turn, and 30 s for an answer.
var placeOptions = workflow.ActivityOptions{
	StartToCloseTimeout: time.Minute,
	RetryPolicy: &temporal.RetryPolicy{
		InitialInterval: time.Second, BackoffCoefficient: 3, MaximumInterval: time.Minute, MaximumAttempts: 10,
		NonRetryableErrorTypes: []string{dispatch.ErrorRefused, dispatch.ErrorUnknownOrder},
	},
}

// The pauses between rounds of a placement without an answer.
const (
	placePause    = 5 * time.Minute
	placePauseMax = time.Hour
)

// placeOrder sends the requisition to the lab. A round without an answer is repeated with the same order number: a
// second number for the same intent could create two kits.
func (r *orderRun) placeOrder(ctx workflow.Context) error {
	for r.needsPlacement() {
		id := fmt.Sprintf("place-%d", r.state.Revision)
		var out dispatch.PlaceResult
		err := r.callPartner(ctx, partnerCall{
			activity: dispatch.ActivityPlace, options: placeOptions, out: &out,
			in:       &dispatch.CallInput{OrderID: r.id, CallID: id, MaxCalls: maxPlaceCalls},
			isWanted: r.needsPlacement, inFlight: &r.placementInFlight,
		})
		if isErrorType(err, dispatch.ErrorStale) {
			r.placementInFlight = false
			if err := r.reloadAfterStaleCall(ctx); err != nil {
				return err
			}
			continue
		}
		_, recErr := r.decideAndRecord(ctx, order.CauseCall(id), func(s order.State) *order.Recording {
			return &order.Recording{Decision: placementDecision(s, out, err, workflow.Now(ctx))}
		})
		r.placementInFlight = false
		if recErr != nil || err == nil || isErrorType(err, dispatch.ErrorRefused) {
			return recErr
		}
		if err := r.pauseBetweenRounds(ctx); err != nil {
			return err
		}
	}
	return nil
}

func placementDecision(s order.State, out dispatch.PlaceResult, err error, now time.Time) order.Decision {
	switch {
	case err == nil:
		return s.ApplyPlacementAccepted(out.Accession, now)
	case isErrorType(err, dispatch.ErrorRefused):
		return s.ApplyPlacementRefused(now)
	default:
		return s.ApplyPlacementUnanswered(now)
	}
}

// pauseBetweenRounds waits until the pause is over, operations ask for the next round, or no round is needed any more.
// If the task that recorded the round was lost, operations may have asked for the next round meanwhile. Then it does
// not wait.
func (r *orderRun) pauseBetweenRounds(ctx workflow.Context) error {
	tries := r.state.Placement.UnansweredRounds
	if tries == 0 {
		return nil
	}
	pause := min(placePause<<min(tries-1, 8), placePauseMax)
	_, err := workflow.AwaitWithTimeout(ctx, pause, func() bool {
		return !r.needsPlacement() || r.state.Placement.UnansweredRounds != tries
	})
	return err
}

// fetchOptions are the options of one attempt to fetch results: up to three requests, for a token, the results and a
// document. The order has its own schedule of attempts. Only an attempt whose worker was lost is repeated at once.
var fetchOptions = workflow.ActivityOptions{
	StartToCloseTimeout: 90 * time.Second,
	RetryPolicy: &temporal.RetryPolicy{
		InitialInterval: time.Second, MaximumAttempts: 5,
		NonRetryableErrorTypes: []string{dispatch.ErrorBusy, dispatch.ErrorUnanswered, dispatch.ErrorFault,
			dispatch.ErrorPanic},
	},
}

// fetchResults fetches an announced lab report on the schedule of molecular-api#d32. A newer announcement restarts the
// schedule.
func (r *orderRun) fetchResults(ctx workflow.Context) error {
	for {
		due, ok := r.state.NextFetch()
		if !ok {
			return nil
		}
		generation, attempt := r.state.Fetch.Generation, r.state.Fetch.Attempts
		if wait := due.Sub(workflow.Now(ctx)); wait > 0 {
			overtaken, err := workflow.AwaitWithTimeout(ctx, wait, func() bool { return r.state.Fetch.Generation != generation })
			if err != nil {
				return err
			}
			if overtaken {
				continue
			}
		}
		var out order.FetchOutcome
		err := r.callPartner(ctx, partnerCall{
			activity: dispatch.ActivityFetch, options: fetchOptions, out: &out,
			in:       &dispatch.FetchInput{OrderID: r.id, Generation: generation},
			isWanted: func() bool { return r.state.WantsFetch(generation) },
		})
		if isErrorType(err, dispatch.ErrorStale) {
			if err := r.reloadAfterStaleCall(ctx); err != nil {
				return err
			}
			continue
		}
		cause := order.CauseCall(fmt.Sprintf("fetch-%d-%d", generation, attempt))
		if err := r.recordFetch(ctx, cause, generation, out, err); err != nil {
			return err
		}
	}
}

func (r *orderRun) recordFetch(ctx workflow.Context, cause string, generation int, out order.FetchOutcome,
	failed error) error {
	_, err := r.decideAndRecord(ctx, cause, func(s order.State) *order.Recording {
		if failed != nil || out.ResultID == "" {
			return &order.Recording{Decision: s.ApplyFetchFailed(generation, workflow.Now(ctx))}
		}
		d, visible := s.ApplyFetchedResults(out, workflow.Now(ctx))
		rec := &order.Recording{Decision: d}
		switch {
		case visible:
			rec.ResultID, rec.NewlyCritical = out.ResultID, out.Critical && s.HasNews(out)
		case s.Terminal() && d.Outcome == order.OutcomeRefused:
			rec.HeldResultID = out.ResultID
		}
		return rec
	})
	return err
}

func (r *orderRun) needsTrackers() bool {
	return r.state.TrackersPending && r.capabilities.CanTrack && !r.state.Terminal()
}

// trackOptions: the attempts take about six hours.
var trackOptions = workflow.ActivityOptions{
	StartToCloseTimeout: time.Minute,
	RetryPolicy: &temporal.RetryPolicy{
		InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 10 * time.Minute, MaximumAttempts: 45,
	},
}

// createTrackers creates a courier tracker for each leg of the stored shipment. If that fails, the order continues
// without trackers, and the deadlines treat its legs as silent.
func (r *orderRun) createTrackers(ctx workflow.Context) error {
	for r.needsTrackers() {
		out := dispatch.TrackResult{ShipmentAt: r.state.ShipmentAt}
		err := r.runPartnerActivity(ctx, trackOptions, dispatch.ActivityTrack, r.id, &out)
		if isErrorType(err, dispatch.ErrorStale) {
			if err := r.reloadAfterStaleCall(ctx); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			workflow.GetLogger(ctx).Warn("shipment without trackers", "order_id", r.id)
		}
		cause := order.CauseCall(fmt.Sprintf("track-%d", out.ShipmentAt.UnixMicro()))
		_, err = r.decideAndRecord(ctx, cause, func(s order.State) *order.Recording {
			return &order.Recording{Decision: s.ApplyTrackersCreated(out.ShipmentAt, workflow.Now(ctx))}
		})
		if err != nil {
			return err
		}
	}
	return nil
}
