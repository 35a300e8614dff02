package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// orderRun is one run of an order's workflow.
type orderRun struct {
	id           string
	loaded       bool
	changed      bool  // something was recorded, or a coroutine ended, since the loop's last turn
	err          error // the error of a coroutine; the loop returns it
	state        order.State
	capabilities dispatch.LoadedOrder // what the partners can do; its State is out of date
	mutex        workflow.Mutex       // one decision at a time; never held across a partner call
	factSignals  workflow.ReceiveChannel
	wakeSignals  workflow.ReceiveChannel // something may be recorded that this run does not know
	published    publishedAttributes

	timer       workflow.Future
	timerDue    time.Time
	cancelTimer workflow.CancelFunc

	runningCoroutines  map[coroutine]bool // the coroutines that are running
	callsInFlight      int                // partner calls in flight
	recordingsInFlight int                // decisions that are being recorded or wait for the mutex
	// the lab is being asked for the requisition, or its answer is being recorded
	placementInFlight    bool
	bookingAppointmentID string             // the appointment that a provider is being called to book
	cancelAnswerCount    int                // the number of the partner's answers to cancellations
	lastCancelAnswer     order.DemandAnswer // the newest of them
	// the answers to demands about appointments, by the demand's id, until their callers take them
	bookingAnswers map[string]order.DemandAnswer
}

// Order runs one order: it applies facts and demands, places the order at its lab, acts on deadlines and fetches
// results. It ends when the order has ended and no work is pending. A later fact or demand starts another run of the
// same id.
func Order(ctx workflow.Context, in dispatch.OrderInput) error {
	// Cancelling the workflow from outside must not interrupt an order. An order is cancelled by a demand.
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	r := &orderRun{
		id:                in.OrderID,
		mutex:             workflow.NewMutex(ctx),
		factSignals:       workflow.GetSignalChannel(ctx, dispatch.SignalFact),
		wakeSignals:       workflow.GetSignalChannel(ctx, dispatch.SignalWake),
		runningCoroutines: map[coroutine]bool{},
		bookingAnswers:    map[string]order.DemandAnswer{},
	}
	// The handler is registered before the first wait, because a demand that arrives with the start would be refused
	// otherwise. It waits for the load.
	if err := r.registerDemandHandler(ctx); err != nil {
		return err
	}
	if err := r.loadAndRetryParked(ctx); err != nil {
		return err
	}
	return r.loop(ctx, in)
}

// loadAndRetryParked loads the order and retries parked facts: an earlier run may have ended before it did.
func (r *orderRun) loadAndRetryParked(ctx workflow.Context) error {
	if err := r.mutex.Lock(ctx); err != nil {
		return err
	}
	defer r.mutex.Unlock()
	if err := r.load(ctx); err != nil {
		return err
	}
	return r.retryParked(ctx)
}

// loop applies what has arrived, starts what the state asks for, and waits for more.
func (r *orderRun) loop(ctx workflow.Context, in dispatch.OrderInput) error {
	for {
		r.changed = false
		if err := r.reloadAfterWake(ctx); err != nil {
			return err
		}
		if err := r.applySignalledFacts(ctx); err != nil {
			return err
		}
		if err := r.applyDueDeadlines(ctx); err != nil {
			return err
		}
		r.startCallsAndTimer(ctx)
		if r.err != nil {
			return r.err
		}
		if r.isFinished(ctx) {
			return nil
		}
		if r.mayContinueAsNew(ctx) {
			return workflow.NewContinueAsNewError(ctx, Order, in)
		}
		err := workflow.Await(ctx, func() bool {
			return r.changed || r.factSignals.Len() > 0 || r.wakeSignals.Len() > 0 || r.hasTimerFired() || r.isFinished(ctx) ||
				r.mayContinueAsNew(ctx)
		})
		if err != nil {
			return err
		}
	}
}

// isFinished reports whether the order has ended and no signal, demand, call or recording is unfinished.
func (r *orderRun) isFinished(ctx workflow.Context) bool {
	_, fetching := r.state.NextFetch()
	busy := fetching || r.state.PendingCancellation != nil || r.state.PendingBooking != nil ||
		len(r.state.PendingReleases) > 0
	return r.state.Terminal() && !busy && len(r.runningCoroutines) == 0 && r.idle(ctx)
}

// mayContinueAsNew reports whether the history is long and a new run would not interrupt anything.
func (r *orderRun) mayContinueAsNew(ctx workflow.Context) bool {
	return workflow.GetInfo(ctx).GetContinueAsNewSuggested() && r.callsInFlight == 0 && r.recordingsInFlight == 0 &&
		r.idle(ctx)
}

// idle reports whether all signals are read and all update handlers are finished.
func (r *orderRun) idle(ctx workflow.Context) bool {
	return !r.changed && r.factSignals.Len() == 0 && r.wakeSignals.Len() == 0 && workflow.AllHandlersFinished(ctx)
}

// reloadAfterWake loads the order after the signal wake, because the store may have a recording that this run does not
// know. Its guard is the example of a guarded change (docs/rollouts.md): a run that ignored its first wake ignores all
// later ones.
func (r *orderRun) reloadAfterWake(ctx workflow.Context) error {
	asked := false
	for r.wakeSignals.ReceiveAsync(nil) {
		asked = true
	}
	if !asked || workflow.GetVersion(ctx, "wake", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return nil
	}
	return r.loadAndRetryParked(ctx)
}

// load reads the order from the store and publishes its search attributes. Status, deadlines, parked facts and
// unfinished calls are all part of the stored state.
func (r *orderRun) load(ctx workflow.Context) error {
	var l dispatch.LoadedOrder
	if err := workflow.ExecuteLocalActivity(storeContext(ctx), dispatch.ActivityLoad, r.id).Get(ctx, &l); err != nil {
		return err
	}
	r.capabilities, r.state, r.loaded = l, l.State, true
	return r.publishVisibility(ctx)
}

// storeContext has the options of local activities that use the store: attempts of five seconds each, one a second, for
// as long as the database is unavailable. A local activity's ScheduleToClose defaults to its StartToClose, which would
// fail an order after five seconds; so both are set.
func storeContext(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout:    5 * time.Second,
		ScheduleToCloseTimeout: 30 * 24 * time.Hour,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:        100 * time.Millisecond,
			BackoffCoefficient:     2,
			MaximumInterval:        time.Second,
			NonRetryableErrorTypes: []string{dispatch.ErrorStale, dispatch.ErrorUnknownOrder},
		},
	})
}
