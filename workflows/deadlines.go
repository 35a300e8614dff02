package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/order"
)

// applyDueDeadlines applies every due deadline, earliest first.
func (r *orderRun) applyDueDeadlines(ctx workflow.Context) error {
	if r.hasTimerFired() {
		r.timer = nil
	}
	for {
		dl, ok := r.state.NextDeadline()
		if !ok || dl.Due.After(workflow.Now(ctx)) {
			return nil
		}
		_, err := r.decideAndRecord(ctx, order.CauseTimer(dl.Name, dl.Due), func(s order.State) *order.Recording {
			if next, ok := s.NextDeadline(); !ok || next.Name != dl.Name || !next.Due.Equal(dl.Due) {
				return nil // another recording was first; the loop computes the due deadlines again
			}
			return &order.Recording{Decision: s.ApplyDeadline(dl, workflow.Now(ctx))}
		})
		if err != nil {
			return err
		}
	}
}

func (r *orderRun) hasTimerFired() bool { return r.timer != nil && r.timer.IsReady() }

// startCallsAndTimer starts the coroutines that the state asks for, and a timer that fires no later than the next
// deadline. A timer that fires earlier is not replaced: a firing without effect costs less than a new timer at every
// step.
func (r *orderRun) startCallsAndTimer(ctx workflow.Context) {
	r.startCalls(ctx)
	dl, ok := r.state.NextDeadline()
	if !ok || r.timer != nil && !r.timerDue.After(dl.Due) {
		return
	}
	if r.timer != nil {
		r.cancelTimer()
	}
	var timerCtx workflow.Context
	timerCtx, r.cancelTimer = workflow.WithCancel(ctx)
	r.timerDue = dl.Due
	r.timer = workflow.NewTimer(timerCtx, dl.Due.Sub(workflow.Now(ctx)))
}
