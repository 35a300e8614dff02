package workflows

import (
	"errors"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// partnerCall is a call to a lab account, for which its activity may have to be run several times: if the call's turn
// is not near, the activity ends and the run waits.
type partnerCall struct {
	activity string
	options  workflow.ActivityOptions
	in       dispatch.TurnInput
	out      any
	isWanted func() bool // whether the order still asks for the call
	// set while the activity runs, cleared while the run waits and, after the call, by the caller; nil: not needed
	inFlight *bool
}

// callerOptions are the options of one attempt of a call whose caller waits twelve seconds. An attempt that no worker
// starts in time, or that would outlast its caller, is not made.
var callerOptions = workflow.ActivityOptions{
	ScheduleToStartTimeout: 5 * time.Second,
	StartToCloseTimeout:    10 * time.Second,
	ScheduleToCloseTimeout: 12 * time.Second,
	RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
}

// The pauses after an attempt that no worker has started.
const (
	notStartedPause    = 2 * time.Second
	notStartedPauseMax = time.Minute
)

// callPartner makes one call to a lab account: it runs the activity, and runs it again when the activity says so. The
// error is of the type dispatch.ErrorStale if the call is not wanted any more.
func (r *orderRun) callPartner(ctx workflow.Context, c partnerCall) error {
	for try := 0; ; try++ {
		c.setInFlight(true)
		err := r.runPartnerActivity(ctx, c.options, c.activity, c.in, c.out)
		pause, again := c.nextAsk(err, try)
		if !again {
			return err
		}
		c.setInFlight(false)
		if _, err := workflow.AwaitWithTimeout(ctx, pause, func() bool { return !c.isWanted() }); err != nil {
			return err
		}
		// A demand that is being settled may make the call unwanted.
		err = workflow.Await(ctx, func() bool { return r.settlingInFlight == 0 || !c.isWanted() })
		if err != nil {
			return err
		}
		if !c.isWanted() {
			return temporal.NewNonRetryableApplicationError("not wanted any more", dispatch.ErrorStale, nil)
		}
	}
}

func (c partnerCall) setInFlight(is bool) {
	if c.inFlight != nil {
		*c.inFlight = is
	}
}

// nextAsk returns how long to wait before the activity is run again. again is false if it has made the call, or has
// failed. It sets the turn of the next ask.
func (c partnerCall) nextAsk(err error, try int) (pause time.Duration, again bool) {
	if late, ok := errors.AsType[*temporal.TimeoutError](err); ok &&
		late.TimeoutType() == enumspb.TIMEOUT_TYPE_SCHEDULE_TO_START {
		return min(notStartedPause<<min(try, 8), notStartedPauseMax), true
	}
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	var back dispatch.ComeBack
	if !ok || app.Type() != dispatch.ErrorComeBack || app.Details(&back) != nil {
		return 0, false
	}
	c.in.SetTurn(back.Turn)
	return back.After, true
}

// runPartnerActivity runs one partner activity.
func (r *orderRun) runPartnerActivity(ctx workflow.Context, o workflow.ActivityOptions, name string,
	in, out any) error {
	o.TaskQueue = dispatch.QueueLabs
	r.callsInFlight++
	defer func() { r.callsInFlight-- }()
	return workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, o), name, in).Get(ctx, out)
}
