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

// startCalls starts the coroutines that the agenda asks for and that are not running.
func (r *orderRun) startCalls(ctx workflow.Context) {
	r.ensureRunning(ctx, coroutinePlacing, r.agenda.Place != nil, r.placeOrder)
	r.ensureRunning(ctx, coroutineFetching, r.agenda.Fetch != nil, r.fetchResults)
	r.ensureRunning(ctx, coroutineTracking, r.agenda.Track != nil, r.createTrackers)
	r.ensureRunning(ctx, coroutineCancelling, r.agenda.Cancel != nil, r.cancelAtLab)
	r.ensureRunning(ctx, coroutineCorrecting, r.agenda.Correct != nil, r.correctAtLab)
	r.ensureRunning(ctx, coroutineBooking, r.agenda.Book != nil, r.bookAtProvider)
	r.ensureRunning(ctx, coroutineReleasing, len(r.agenda.Release) > 0, r.releaseAtProviders)
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

// placeOrder sends the requisition to the lab. A round without an answer is repeated with the same order number: a
// second number for the same intent could create two kits.
func (r *orderRun) placeOrder(ctx workflow.Context) error {
	for r.agenda.Place != nil {
		id := fmt.Sprintf("place-%d", r.agenda.Revision)
		var placed dispatch.PlaceResult
		call := partnerCall{
			activity: dispatch.ActivityPlace, options: placeOptions, out: &placed,
			in:       &dispatch.CallInput{OrderID: r.id, CallID: id, MaxCalls: maxPlaceCalls},
			isWanted: func() bool { return r.agenda.Place != nil }, inFlight: &r.placementInFlight,
		}
		err := r.callPartner(ctx, call)
		r.placementInFlight = !isErrorType(err, dispatch.ErrorStale)
		if stale, err := r.lookAfterStaleCall(ctx, err, call.isWanted); err != nil {
			return err
		} else if stale {
			continue
		}
		outcome := order.CallOutcome{Kind: order.CallPlace, ID: id, Answer: callAnswer(err), Accession: placed.Accession}
		_, err = r.settleOutcome(ctx, outcome, call.isWanted)
		r.placementInFlight = false
		if err != nil {
			return err
		}
		if err := r.pauseBetweenRounds(ctx); err != nil {
			return err
		}
	}
	return nil
}

// pauseBetweenRounds waits until the pause is over, operations ask for the next round, or no round is needed any more.
// Operations may have asked for the next round already. Then it does not wait.
func (r *orderRun) pauseBetweenRounds(ctx workflow.Context) error {
	if r.agenda.Place == nil || r.agenda.Place.UnansweredRounds == 0 {
		return nil
	}
	rounds := r.agenda.Place.UnansweredRounds
	_, err := workflow.AwaitWithTimeout(ctx, order.RoundPause(rounds), func() bool {
		return r.agenda.Place == nil || r.agenda.Place.UnansweredRounds != rounds
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
	for r.agenda.Fetch != nil {
		next := *r.agenda.Fetch
		if wait := next.Due.Sub(workflow.Now(ctx)); wait > 0 {
			changed, err := workflow.AwaitWithTimeout(ctx, wait,
				func() bool { return r.agenda.Fetch == nil || r.agenda.Fetch.Generation != next.Generation })
			if err != nil {
				return err
			}
			if changed {
				continue
			}
		}
		outcome := order.CallOutcome{Kind: order.CallFetch, Generation: next.Generation,
			ID: fmt.Sprintf("fetch-%d-%d", next.Generation, next.Attempts)}
		call := partnerCall{
			activity: dispatch.ActivityFetch, options: fetchOptions, out: &outcome.Fetched,
			in:       &dispatch.FetchInput{OrderID: r.id, Generation: next.Generation},
			isWanted: func() bool { return r.agenda.Fetch != nil && r.agenda.Fetch.Generation == next.Generation },
		}
		err := r.callPartner(ctx, call)
		if stale, err := r.lookAfterStaleCall(ctx, err, call.isWanted); err != nil {
			return err
		} else if stale {
			continue
		}
		outcome.Answer = callAnswer(err)
		if _, err := r.settleOutcome(ctx, outcome, call.isWanted); err != nil {
			return err
		}
	}
	return nil
}

// trackOptions are the options of a round of attempts, which takes about six hours. A round without an answer is
// followed by another one, as long as the order waits for trackers: a wrong key of the account loses no tracking.
var trackOptions = workflow.ActivityOptions{
	StartToCloseTimeout: time.Minute,
	RetryPolicy: &temporal.RetryPolicy{
		InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 10 * time.Minute, MaximumAttempts: 45,
	},
}

// createTrackers creates a courier tracker for each leg of the stored shipment. Until that is done the order continues
// without trackers, and the deadlines treat its legs as silent.
func (r *orderRun) createTrackers(ctx workflow.Context) error {
	for r.agenda.Track != nil {
		shipmentAt := r.agenda.Track.ShipmentAt
		// A later shipment of the same time needs trackers too, so the id names the revision.
		id := fmt.Sprintf("track-%d-%d", shipmentAt.UnixMicro(), r.agenda.Revision)
		out := dispatch.TrackResult{ShipmentAt: shipmentAt}
		isWanted := func() bool { return r.agenda.Track != nil && r.agenda.Track.ShipmentAt.Equal(shipmentAt) }
		err := r.runPartnerActivity(ctx, trackOptions, dispatch.ActivityTrack, r.id, &out)
		if stale, err := r.lookAfterStaleCall(ctx, err, isWanted); err != nil {
			return err
		} else if stale {
			continue
		}
		if err != nil {
			workflow.GetLogger(ctx).Warn("shipment without trackers", "order_id", r.id)
		}
		outcome := order.CallOutcome{Kind: order.CallTrack, ID: id, Answer: callAnswer(err), ShipmentAt: out.ShipmentAt}
		if _, err := r.settleOutcome(ctx, outcome, isWanted); err != nil {
			return err
		}
	}
	return nil
}
