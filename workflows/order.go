package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// orderRun is one run of an order's workflow. It decides nothing about the order: the store decides on each cause from
// the state as stored. The run waits, keeps the timer, and makes the calls that the order's agenda asks for.
type orderRun struct {
	id          string
	started     bool         // the run has looked at the order
	adoptions   int          // how many agendas it has adopted
	changed     bool         // the agenda is new, or a coroutine ended, since the loop's last turn
	err         error        // the error of a coroutine; the loop returns it
	agenda      order.Agenda // of the newest state that the run knows
	wakeSignals workflow.ReceiveChannel
	mustLook    bool     // the store may have something that the run does not know
	namedItems  []string // the inbox items that signals have named since the last look
	published   publishedAttributes

	strays        int  // signals so far without a meaning, or that named nothing of this order
	newStrays     int  // those that the store does not count yet
	ignoresStrays bool // see dropStraySignals

	timer       workflow.Future
	timerDue    time.Time
	cancelTimer workflow.CancelFunc

	runningCoroutines map[coroutine]bool // the coroutines that are running
	callsInFlight     int                // partner calls in flight
	settlingInFlight  int                // causes that are being settled
	// the lab is being asked for the requisition, or its answer is being recorded
	placementInFlight    bool
	bookingAppointmentID string // the appointment that a provider is being called to book
	cancelAnswers        answers
	// the providers' answers to the demands whose callers wait, by the demand's id; nil: none yet
	bookingAnswers map[string]*order.DemandAnswer
}

// answers are the partner's answers to cancellations. All callers who wait get the newest.
type answers struct {
	count  int
	newest order.DemandAnswer
}

// Order runs one order: it settles facts and demands, places the order at its lab, acts on deadlines and fetches
// results. It ends when the order has ended and no work is pending. A later fact or demand starts another run of the
// same id.
func Order(ctx workflow.Context, in dispatch.OrderInput) error {
	// Cancelling the workflow from outside must not interrupt an order. An order is cancelled by a demand.
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	r := &orderRun{
		id:                in.OrderID,
		wakeSignals:       workflow.GetSignalChannel(ctx, dispatch.SignalWake),
		mustLook:          true,
		runningCoroutines: map[coroutine]bool{},
		bookingAnswers:    map[string]*order.DemandAnswer{},
	}
	// The handler is registered before the first wait, because a demand that arrives with the start would be refused
	// otherwise. It waits for the first look.
	err := workflow.SetUpdateHandlerWithOptions(ctx, dispatch.UpdateDemand, r.handleDemand,
		workflow.UpdateHandlerOptions{Validator: checkDemandID})
	if err != nil {
		return err
	}
	return r.loop(ctx, in)
}

// loop settles what has arrived, starts what the agenda asks for, and waits for more.
func (r *orderRun) loop(ctx workflow.Context, in dispatch.OrderInput) error {
	for {
		r.changed = false
		if err := r.lookIfWoken(ctx); err != nil {
			return err
		}
		if err := r.settleDueDeadlines(ctx); err != nil {
			return err
		}
		if r.err != nil {
			return r.err
		}
		r.startCallsAndTimer(ctx)
		if r.isFinished(ctx) {
			return nil
		}
		if r.mayContinueAsNew(ctx) {
			return workflow.NewContinueAsNewError(ctx, Order, in)
		}
		err := workflow.Await(ctx, func() bool {
			return r.changed || r.isWoken(ctx) || r.hasTimerFired() || r.isFinished(ctx) || r.mayContinueAsNew(ctx)
		})
		if err != nil {
			return err
		}
	}
}

// isFinished reports whether the order has ended and no signal, demand, call or recording is unfinished.
func (r *orderRun) isFinished(ctx workflow.Context) bool {
	return r.agenda.Finished() && len(r.runningCoroutines) == 0 && r.idle(ctx)
}

// mayContinueAsNew reports whether the history is long and a new run would not interrupt anything.
func (r *orderRun) mayContinueAsNew(ctx workflow.Context) bool {
	return workflow.GetInfo(ctx).GetContinueAsNewSuggested() && r.callsInFlight == 0 && r.settlingInFlight == 0 &&
		r.idle(ctx)
}

// idle reports whether all signals are read and all update handlers are finished.
func (r *orderRun) idle(ctx workflow.Context) bool {
	return !r.changed && !r.isWoken(ctx) && workflow.AllHandlersFinished(ctx)
}
