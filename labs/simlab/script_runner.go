package simlab

import (
	"context"
	"time"
)

// scriptRun is the run of a script for an order.
type scriptRun struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when the run has ended
}

func (r *scriptRun) isRunning() bool {
	if r == nil {
		return false
	}
	select {
	case <-r.done:
		return false
	default:
		return true
	}
}

// cancelAndWait ends the run. It waits for a webhook attempt in progress, so that the traffic log has its outcome.
func (r *scriptRun) cancelAndWait() {
	if r == nil {
		return
	}
	r.cancel()
	<-r.done
}

// startFirstScript starts the first script of an order, unless the order was cancelled or another script was started in
// the meantime.
func (s *Server) startFirstScript(o *order, steps []Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.run == nil && o.state != stateCancelled {
		s.startRun(o, steps)
	}
}

// replaceScript ends the running script of an order and starts another one.
func (s *Server) replaceScript(o *order, script Script) {
	for {
		s.mu.Lock()
		current := o.run
		if !current.isRunning() {
			break
		}
		s.mu.Unlock()
		current.cancelAndWait()
	}
	defer s.mu.Unlock()
	o.script, o.behaviour = script.Name, script.OrderBehaviour
	s.startRun(o, script.Steps)
}

// startRun starts a goroutine that performs the steps. The caller holds the mutex.
func (s *Server) startRun(o *order, steps []Step) {
	if s.closed {
		return
	}
	ctx, cancel := context.WithCancel(s.ctx)
	current := &scriptRun{cancel: cancel, done: make(chan struct{})}
	o.run, o.awaitsCondition = current, false
	s.runs.Go(func() {
		defer cancel()
		defer close(current.done)
		s.runSteps(ctx, o, steps)
	})
}

// runSteps performs the steps in sequence, each at its time.
func (s *Server) runSteps(ctx context.Context, o *order, steps []Step) {
	for _, step := range steps {
		if !s.awaitStepTime(ctx, o, step) {
			return
		}
		s.performStep(ctx, o, step)
	}
}

// awaitStepTime waits until the step's condition is met, its delay has passed and the condition is still met. It
// returns false if the context ended first.
func (s *Server) awaitStepTime(ctx context.Context, o *order, step Step) bool {
	for s.awaitCondition(ctx, o, step.Awaits) &&
		sleep(ctx, s.cfg.realDelay(time.Duration(step.After))+time.Duration(step.Pause)) {
		if s.conditionMet(o, step.Awaits) {
			return true
		}
	}
	return false
}

func (s *Server) performStep(ctx context.Context, o *order, step Step) {
	switch {
	case step.Kind == KindHappens:
		s.applyUnsentFact(ctx, o, step.Fact)
	case step.Kind == KindCourier:
		s.sendCourierEvent(ctx, o, step)
	case o.neutral != nil:
		s.performNeutralStep(ctx, o, step)
	case step.Kind == KindResults:
		s.generateResults(o, step)
	default:
		s.sendMolecularFact(ctx, o, step)
	}
}

// applyUnsentFact records a fact that a later step sends.
func (s *Server) applyUnsentFact(ctx context.Context, o *order, fact string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	o.unsentFactTimes[fact] = o.nextFactTime(s.cfg.Now())
	o.setStateAfterFact(fact)
}

// sendMolecularFact sends a lab webhook. If the customer has the kit already, the lab does not ship it, and kit_shipped
// is not sent.
func (s *Server) sendMolecularFact(ctx context.Context, o *order, step Step) {
	if step.Kind == KindShipped && !o.labShipsKit {
		return
	}
	m, err := s.applyMolecularFact(ctx, o, step.Kind, step.Details)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		s.cfg.Logger.Error("simulated lab: webhook not encoded", "order", o.number, "kind", step.Kind, "error", err)
		return
	}
	if step.Unsent {
		return
	}
	for range max(step.Times, 1) {
		s.sender.deliver(ctx, m)
	}
}

// sendCourierEvent sends a courier event after its tracker has been requested, or after the wait for that has timed
// out.
func (s *Server) sendCourierEvent(ctx context.Context, o *order, step Step) {
	if s.cfg.CourierURL == "" || !o.labShipsKit {
		return
	}
	if !s.awaitTrackerRequest(ctx, o, step.Leg) {
		return
	}
	m, err := s.applyCourierEvent(o, step.Details)
	if err != nil {
		s.cfg.Logger.Error("simulated lab: courier event not encoded", "order", o.number, "error", err)
		return
	}
	for range max(step.Times, 1) {
		s.sender.deliver(ctx, m)
	}
}

// sleep waits. It returns false if the context ended first.
func sleep(ctx context.Context, delay time.Duration) bool {
	if delay <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
