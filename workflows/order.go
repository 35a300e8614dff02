package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// orderRun is one run of an order's workflow.
type orderRun struct {
	id      string
	loaded  bool
	changed bool  // something was recorded, or a coroutine ended, since the loop last looked
	failed  error // what a coroutine could not record; the loop returns it
	state   order.State
	can     dispatch.Loaded // what the partners can do; its State is only what the run began with
	lock    workflow.Mutex  // one decision at a time; never held across a partner call
	facts   workflow.ReceiveChannel
	wakes   workflow.ReceiveChannel // somebody says that something may be recorded of which this run does not know
	shown   labels

	timer       workflow.Future
	timerDue    time.Time
	cancelTimer workflow.CancelFunc

	running map[coroutine]bool      // the coroutines that exist
	calls   int                     // partner calls in flight
	records int                     // decisions being recorded, or waiting for their turn
	placing bool                    // the lab is asked for the requisition, or its answer is being recorded
	asking  string                  // the id of the appointment that a provider is being called to book
	answers int                     // by the partner, to cancellations
	answer  order.Answer            // the newest of them
	booked  map[string]order.Answer // what became of demands about appointments, by id, until it is told
}

// Order runs one order: it takes facts and demands, has the requisition made, keeps the deadlines and has results fetched, until
// the order has ended and nothing is left to do. A later fact or demand starts another run of the same id.
func Order(ctx workflow.Context, in dispatch.OrderInput) error {
	// Cancelling the workflow from outside must not tear an order apart: an order is cancelled by a demand.
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	r := &orderRun{
		id:      in.OrderID,
		lock:    workflow.NewMutex(ctx),
		facts:   workflow.GetSignalChannel(ctx, dispatch.SignalFact),
		wakes:   workflow.GetSignalChannel(ctx, dispatch.SignalWake),
		running: map[coroutine]bool{},
		booked:  map[string]order.Answer{},
	}
	// Registered before the first wait, because a demand that comes with the start is refused otherwise; handlers wait for the load.
	if err := r.handleDemands(ctx); err != nil {
		return err
	}
	if err := r.begin(ctx); err != nil {
		return err
	}
	return r.loop(ctx, in)
}

// begin loads the order and gives parked facts the chance that a run which was cut off between two recordings owed them.
func (r *orderRun) begin(ctx workflow.Context) error {
	if err := r.lock.Lock(ctx); err != nil {
		return err
	}
	defer r.lock.Unlock()
	if err := r.load(ctx); err != nil {
		return err
	}
	return r.retryParked(ctx)
}

// loop takes what has come, arms what the state asks for, and waits for more.
func (r *orderRun) loop(ctx workflow.Context, in dispatch.OrderInput) error {
	for {
		r.changed = false
		if err := r.wake(ctx); err != nil {
			return err
		}
		if err := r.takeFacts(ctx); err != nil {
			return err
		}
		if err := r.expire(ctx); err != nil {
			return err
		}
		r.arm(ctx)
		if r.failed != nil {
			return r.failed
		}
		if r.done(ctx) {
			return nil
		}
		if r.mayContinue(ctx) {
			return workflow.NewContinueAsNewError(ctx, Order, in)
		}
		err := workflow.Await(ctx, func() bool {
			return r.changed || r.facts.Len() > 0 || r.wakes.Len() > 0 || r.timerFired() || r.done(ctx) || r.mayContinue(ctx)
		})
		if err != nil {
			return err
		}
	}
}

// done reports whether the order has ended, and nothing that was signalled, asked or begun is unfinished.
func (r *orderRun) done(ctx workflow.Context) bool {
	_, fetching := r.state.NextFetch()
	busy := fetching || r.state.Cancelling != nil || r.state.Booking != nil || len(r.state.Releasing) > 0
	return r.state.Terminal() && !busy && len(r.running) == 0 && r.quiet(ctx)
}

// mayContinue reports whether the history has grown long and nothing would be cut short by beginning a new one.
func (r *orderRun) mayContinue(ctx workflow.Context) bool {
	return workflow.GetInfo(ctx).GetContinueAsNewSuggested() && r.calls == 0 && r.records == 0 && r.quiet(ctx)
}

// quiet reports whether no signal is unread and no update handler unfinished.
func (r *orderRun) quiet(ctx workflow.Context) bool {
	return !r.changed && r.facts.Len() == 0 && r.wakes.Len() == 0 && workflow.AllHandlersFinished(ctx)
}

// wake loads the order when the run was signalled that the store may hold something of which it does not know. The guard is the example
// of a guarded change (docs/rollouts.md): a run that has passed a wake without loading the order ignores wakes to its end.
func (r *orderRun) wake(ctx workflow.Context) error {
	asked := false
	for r.wakes.ReceiveAsync(nil) {
		asked = true
	}
	if !asked || workflow.GetVersion(ctx, "wake", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return nil
	}
	return r.begin(ctx)
}

// load reads the order from the store: status, deadlines, parked facts and unfinished calls are all rows.
func (r *orderRun) load(ctx workflow.Context) error {
	var l dispatch.Loaded
	if err := workflow.ExecuteLocalActivity(storeContext(ctx), dispatch.ActivityLoad, r.id).Get(ctx, &l); err != nil {
		return err
	}
	r.can, r.state, r.loaded = l, l.State, true
	return r.show(ctx)
}

// storeContext is how the store is reached: attempts of five seconds, every second, for as long as a database may be away. A local
// activity's ScheduleToClose defaults to its StartToClose, which would fail an order five seconds into an outage; so both are set.
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
