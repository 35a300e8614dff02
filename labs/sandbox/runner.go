package sandbox

import (
	"context"
	"time"
)

// run is a script that runs for an order.
type run struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when it has ended
}

func (r *run) running() bool {
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

// stop ends the script. An attempt at a webhook that is under way is finished, so that the account tells its outcome.
func (r *run) stop() {
	if r == nil {
		return
	}
	r.cancel()
	<-r.done
}

// start runs the first script of an order, unless another was put for it or it was cancelled meanwhile.
func (s *Server) start(o *order, steps []Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.run == nil && o.state != stateCancelled {
		s.launch(o, steps)
	}
}

// restart ends what still runs for an order and runs the script instead.
func (s *Server) restart(o *order, script Script) {
	for {
		s.mu.Lock()
		current := o.run
		if !current.running() {
			break
		}
		s.mu.Unlock()
		current.stop()
	}
	defer s.mu.Unlock()
	o.script, o.manner = script.Name, script.Manner
	s.launch(o, script.Steps)
}

// launch starts a goroutine for the steps. The caller holds the mutex.
func (s *Server) launch(o *order, steps []Step) {
	if s.closed {
		return
	}
	ctx, cancel := context.WithCancel(s.ctx)
	current := &run{cancel: cancel, done: make(chan struct{})}
	o.run, o.waiting = current, false
	s.runs.Go(func() {
		defer cancel()
		defer close(current.done)
		s.play(ctx, o, steps)
	})
}

// play performs the steps one after the other, each when its time has come.
func (s *Server) play(ctx context.Context, o *order, steps []Step) {
	for _, step := range steps {
		if !s.due(ctx, o, step) {
			return
		}
		s.perform(ctx, o, step)
	}
}

// due waits until the step's time has come: its condition is met, its delay has passed, and the condition is still met.
func (s *Server) due(ctx context.Context, o *order, step Step) bool {
	for s.await(ctx, o, step.Awaits) && wait(ctx, s.cfg.real(time.Duration(step.After))+time.Duration(step.Pause)) {
		if s.meets(o, step.Awaits) {
			return true
		}
	}
	return false
}

func (s *Server) perform(ctx context.Context, o *order, step Step) {
	switch {
	case step.Kind == KindHappens:
		s.remember(ctx, o, step.Fact)
	case step.Kind == KindCourier:
		s.courierStep(ctx, o, step)
	case o.neutral != nil:
		s.neutralStep(ctx, o, step)
	case step.Kind == KindResults:
		s.generateResults(o, step.Empty)
	default:
		s.labStep(ctx, o, step)
	}
}

// remember lets a fact happen that is told later.
func (s *Server) remember(ctx context.Context, o *order, fact string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	o.happened[fact] = o.stamp(s.cfg.Now())
	o.happen(fact)
}

// labStep sends a lab webhook. The lab ships no kit that its customer has, so there is no kit_shipped for it.
func (s *Server) labStep(ctx context.Context, o *order, step Step) {
	if step.Kind == KindShipped && !o.fulfil {
		return
	}
	m, err := s.labMessage(ctx, o, step.Kind, step.Details)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		s.cfg.Logger.Error("sandbox: webhook not made", "order", o.number, "kind", step.Kind, "error", err)
		return
	}
	if step.Lost {
		return
	}
	for range max(step.Times, 1) {
		s.sender.deliver(ctx, m)
	}
}

// courierStep sends a tracker event, after its tracker has been created or was waited for long enough.
func (s *Server) courierStep(ctx context.Context, o *order, step Step) {
	if s.cfg.CourierURL == "" || !o.fulfil {
		return
	}
	if !s.awaitTracker(ctx, o, step.Leg) {
		return
	}
	m, err := s.courierMessage(o, step.Details)
	if err != nil {
		s.cfg.Logger.Error("sandbox: courier event not made", "order", o.number, "error", err)
		return
	}
	for range max(step.Times, 1) {
		s.sender.deliver(ctx, m)
	}
}

// wait returns false if the context ended first.
func wait(ctx context.Context, delay time.Duration) bool {
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
