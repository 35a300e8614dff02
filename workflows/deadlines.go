package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/order"
)

// settleDueDeadlines settles every due deadline, earliest first.
func (r *orderRun) settleDueDeadlines(ctx workflow.Context) error {
	if r.hasTimerFired() {
		r.timer = nil
	}
	for {
		dl, ok := r.agenda.NextDeadline()
		if !ok || dl.Due.After(workflow.Now(ctx)) {
			return nil
		}
		before := r.agenda.Revision
		if _, err := r.settleCause(ctx, order.Cause{Deadline: &dl}); err != nil {
			return err
		}
		if r.agenda.Revision == before {
			return nil // the store knows no such deadline, and nothing newer
		}
	}
}

func (r *orderRun) hasTimerFired() bool { return r.timer != nil && r.timer.IsReady() }

// unsettledDeadlinePause is the pause after a due deadline that the store would not settle.
const unsettledDeadlinePause = time.Minute

// startCallsAndTimer starts the coroutines that the state asks for, and a timer that fires no later than the next
// deadline. A timer that fires earlier is not replaced: a firing without effect costs less than a new timer at every
// step.
func (r *orderRun) startCallsAndTimer(ctx workflow.Context) {
	r.startCalls(ctx)
	dl, ok := r.agenda.NextDeadline()
	if !ok || r.timer != nil && !r.timerDue.After(dl.Due) {
		return
	}
	if r.timer != nil {
		r.cancelTimer()
	}
	var timerCtx workflow.Context
	timerCtx, r.cancelTimer = workflow.WithCancel(ctx)
	r.timerDue = dl.Due
	wait := dl.Due.Sub(workflow.Now(ctx))
	if wait <= 0 { // due, but the store would not settle it
		wait = unsettledDeadlinePause
	}
	r.timer = workflow.NewTimer(timerCtx, wait)
}
