package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// coroutine names a partner call, with its waits and retries, that runs beside the loop.
type coroutine string

const (
	placing    coroutine = "placing"
	fetching   coroutine = "fetching"
	tracking   coroutine = "tracking"
	cancelling coroutine = "cancelling"
	correcting coroutine = "correcting"
	booking    coroutine = "booking"
	releasing  coroutine = "releasing"
)

// armCalls starts the coroutines that the state asks for and that do not run yet.
func (r *orderRun) armCalls(ctx workflow.Context) {
	r.keep(ctx, placing, r.wantsPlacing(), r.place)
	_, due := r.state.NextFetch()
	r.keep(ctx, fetching, due, r.fetch)
	r.keep(ctx, tracking, r.wantsTrackers(), r.track)
	r.keep(ctx, cancelling, r.state.Cancelling != nil, r.cancelAtLab)
	r.keep(ctx, correcting, r.state.Correcting != nil, r.correct)
	r.keep(ctx, booking, r.state.Booking != nil, r.book)
	r.keep(ctx, releasing, len(r.state.Releasing) > 0, r.release)
}

func (r *orderRun) keep(ctx workflow.Context, c coroutine, wanted bool, run func(workflow.Context) error) {
	if !wanted || r.running[c] {
		return
	}
	r.running[c] = true
	workflow.Go(ctx, func(ctx workflow.Context) {
		if err := run(ctx); err != nil {
			r.failed = err
		}
		delete(r.running, c)
		r.changed = true
	})
}

// call runs one partner activity, outside the mutex.
func (r *orderRun) call(ctx workflow.Context, o workflow.ActivityOptions, name string, in, out any) error {
	o.TaskQueue = dispatch.QueueLabs
	r.calls++
	defer func() { r.calls-- }()
	return workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, o), name, in).Get(ctx, out)
}

func (r *orderRun) wantsPlacing() bool {
	return r.state.Placement.State == order.PlacementStarted && !r.state.Terminal()
}

// placeOptions is one round of the requisition call: five attempts (molecular-api#d25), each of which waits for its
// turn with the lab account, however many orders are before it, and then up to 30 s for the answer.
var placeOptions = workflow.ActivityOptions{
	StartToCloseTimeout: 2 * time.Hour,
	HeartbeatTimeout:    time.Minute,
	RetryPolicy: &temporal.RetryPolicy{
		InitialInterval: time.Second, BackoffCoefficient: 3, MaximumInterval: time.Minute, MaximumAttempts: 5,
		NonRetryableErrorTypes: []string{dispatch.ErrorRefused, dispatch.ErrorUnknownOrder},
	},
}

// Between rounds of a requisition that nobody answered.
const (
	placePause    = 5 * time.Minute
	placePauseMax = time.Hour
)

// place has the requisition made. Rounds that end without an answer are repeated with the same order number: a second number for
// the same intent could make two kits.
func (r *orderRun) place(ctx workflow.Context) error {
	for r.wantsPlacing() {
		id := fmt.Sprintf("place-%d", r.state.Revision)
		var out dispatch.PlaceResult
		r.placing = true
		err := r.call(ctx, placeOptions, dispatch.ActivityPlace, dispatch.CallInput{OrderID: r.id, CallID: id}, &out)
		_, recErr := r.record(ctx, order.CauseCall(id), func(s order.State) *order.Recording {
			return &order.Recording{Decision: placementDecision(s, out, err, workflow.Now(ctx))}
		})
		r.placing = false
		if recErr != nil || err == nil || isType(err, dispatch.ErrorRefused) {
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
		return s.ApplyPlaced(out.Accession, now)
	case isType(err, dispatch.ErrorRefused):
		return s.ApplyPlacementRefused(now)
	default:
		return s.ApplyPlacementUnanswered(now)
	}
}

// pauseBetweenRounds waits, unless operations ask for the next round or none is wanted any more. Where the round was recorded by a task
// that was lost, either may have been recorded after it: then no round counts.
func (r *orderRun) pauseBetweenRounds(ctx workflow.Context) error {
	tries := r.state.Placement.Tries
	if tries == 0 {
		return nil
	}
	pause := min(placePause<<min(tries-1, 8), placePauseMax)
	_, err := workflow.AwaitWithTimeout(ctx, pause, func() bool {
		return !r.wantsPlacing() || r.state.Placement.Tries != tries
	})
	return err
}

// fetchOptions is one attempt; the schedule of attempts is the order's own. Only one whose worker stopped, before it asked or while it
// did, is repeated at once.
var fetchOptions = workflow.ActivityOptions{
	StartToCloseTimeout: 2 * time.Hour,
	HeartbeatTimeout:    time.Minute,
	RetryPolicy: &temporal.RetryPolicy{
		InitialInterval: time.Second, MaximumAttempts: 5,
		NonRetryableErrorTypes: []string{dispatch.ErrorBusy, dispatch.ErrorUnanswered, dispatch.ErrorFault, dispatch.ErrorPanic},
	},
}

// fetch gets an announced report, on the schedule of molecular-api#d32. A newer announcement begins the schedule anew.
func (r *orderRun) fetch(ctx workflow.Context) error {
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
		var out order.Fetched
		err := r.call(ctx, fetchOptions, dispatch.ActivityFetch, dispatch.FetchInput{OrderID: r.id, Generation: generation}, &out)
		cause := order.CauseCall(fmt.Sprintf("fetch-%d-%d", generation, attempt))
		if err := r.fetched(ctx, cause, generation, out, err); err != nil {
			return err
		}
	}
}

func (r *orderRun) fetched(ctx workflow.Context, cause string, generation int, out order.Fetched, failed error) error {
	_, err := r.record(ctx, cause, func(s order.State) *order.Recording {
		if failed != nil || out.ResultID == "" {
			return &order.Recording{Decision: s.ApplyFetchMissed(generation, workflow.Now(ctx))}
		}
		d, visible := s.ApplyFetched(out, workflow.Now(ctx))
		rec := &order.Recording{Decision: d}
		switch {
		case visible:
			rec.ResultID, rec.Critical = out.ResultID, out.Critical && s.News(out)
		case s.Terminal() && d.Outcome == order.Refused:
			rec.HeldID = out.ResultID
		}
		return rec
	})
	return err
}

func (r *orderRun) wantsTrackers() bool {
	return r.state.Trackers && r.can.CanTrack && !r.state.Terminal()
}

// trackOptions: the attempts span about six hours.
var trackOptions = workflow.ActivityOptions{
	StartToCloseTimeout: time.Minute,
	RetryPolicy: &temporal.RetryPolicy{
		InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 10 * time.Minute, MaximumAttempts: 45,
	},
}

// track has a courier tracker made for each leg of the stored shipment. Where that cannot be done, the order goes on without: a leg
// that nobody reports on is what the deadlines call silent.
func (r *orderRun) track(ctx workflow.Context) error {
	for r.wantsTrackers() {
		out := dispatch.TrackResult{ShipmentAt: r.state.ShipmentAt}
		if err := r.call(ctx, trackOptions, dispatch.ActivityTrack, r.id, &out); err != nil {
			workflow.GetLogger(ctx).Warn("shipment without trackers", "order_id", r.id)
		}
		cause := order.CauseCall(fmt.Sprintf("track-%d", out.ShipmentAt.UnixMicro()))
		_, err := r.record(ctx, cause, func(s order.State) *order.Recording {
			return &order.Recording{Decision: s.ApplyTracked(out.ShipmentAt, workflow.Now(ctx))}
		})
		if err != nil {
			return err
		}
	}
	return nil
}
