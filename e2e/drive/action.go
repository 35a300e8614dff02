package drive

import "context"

// The actions that the tables are made of.
var (
	cancelled = act("cancel", (*Order).Cancel)
	activated = act("activate", (*Order).Activate)
	stopped   = act("do-not-process", (*Order).Stop)
	recovered = act("recover", (*Order).Recover)
	register  = act("register", (*Order).Register)
	drawn     = act("draw_completed of the client", (*Order).DrawCompleted)

	shipped  = fact("kit_shipped")
	received = fact("sample_received")
	reported = fact("draw_completed")
	// carried is what the courier says: the kit is in the status that is wanted.
	carried  = action{"transit", func(ctx context.Context, o *Order, to string) error { return o.Transit(ctx, to) }}
	rejected = act("sample_rejected for good", func(o *Order, ctx context.Context) error { return o.Reject(ctx, false) })
	held     = act("sample_rejected", func(o *Order, ctx context.Context) error { return o.Reject(ctx, true) })

	partial   = report("partial report", Partial, "normal", "")
	final     = report("final report", Final, "normal", "")
	critical  = report("critical report", Final, "critical", "")
	deficient = report("report that the lab has failed", Final, "normal", "internal_lab_failure")

	booked        = act("book", (*Order).Book)
	bookedPending = act("book, unconfirmed", (*Order).BookPending)
	bookedAway    = act("book, unanswered", (*Order).BookUnanswered)
	requested     = act("request", (*Order).Request)
	rescheduled   = act("reschedule", (*Order).Reschedule)
	dropped       = act("cancel the appointment", (*Order).CancelAppointment)
	confirmed     = visit("confirmed")
	withdrawn     = visit("pending")
	calledOff     = visit("cancelled")

	// waited is a deadline that passes.
	waited = action{"timer", func(context.Context, *Order, string) error { return nil }}
)

func act(name string, do func(*Order, context.Context) error) action {
	return action{name, func(ctx context.Context, o *Order, _ string) error { return do(o, ctx) }}
}

func fact(kind string) action {
	return act(kind, func(o *Order, ctx context.Context) error { return o.Fact(ctx, kind, nil) })
}

func report(name, status, interpretation, failure string) action {
	return act(name, func(o *Order, ctx context.Context) error { return o.Report(ctx, status, interpretation, failure) })
}

func visit(status string) action {
	return act("appointment "+status, func(o *Order, ctx context.Context) error { return o.Visit(ctx, status) })
}

// The ways in which orders begin.

// placed is an order whose requisition is made at once.
func placed(method, pace string) start {
	return func(ctx context.Context, s *System) (*Order, error) {
		return s.Place(ctx, method, pace, map[string]any{"passthrough": "sandbox:silent"})
	}
}

// scheduled is an order that is not active before tomorrow.
func scheduled(method, pace string) start {
	return func(ctx context.Context, s *System) (*Order, error) {
		return s.Place(ctx, method, pace, map[string]any{"passthrough": "sandbox:silent", "activate_by": tomorrow()})
	}
}

// imported is an order whose requisition was made elsewhere.
func imported(method string) start {
	return func(ctx context.Context, s *System) (*Order, error) { return s.Import(ctx, method) }
}

// kit is one that is registered later.
func kit(pace string) start {
	return func(ctx context.Context, s *System) (*Order, error) { return s.PlaceKit(ctx, pace, "silent") }
}

// refusedKit is one that the lab does not take.
func refusedKit(pace string) start {
	return func(ctx context.Context, s *System) (*Order, error) {
		o, err := s.PlaceKit(ctx, pace, "refuse-place")
		if err != nil {
			return o, err
		}
		return o, o.awaitAttention(ctx, "placement_refused")
	}
}

// registered is a kit whose patient the lab is told of; unless it refuses to be told, the requisition follows.
func registered(pace string, refuse bool) start {
	return func(ctx context.Context, s *System) (*Order, error) {
		o, err := s.PlaceKit(ctx, pace, "silent")
		if err != nil {
			return o, err
		}
		if _, err = o.arrive(ctx, "awaiting_registration"); err != nil || !refuse {
			return o, firstOf(err, func() error { return o.Register(ctx) })
		}
		manner := map[string]any{"calls": map[string]any{"register": map[string]any{"refuse": "already_registered"}}}
		err = firstOf(o.Script(ctx, manner), func() error { return o.Register(ctx) })
		return o, firstOf(err, func() error { return o.awaitAttention(ctx, "placement_refused") })
	}
}

// firstOf is the error, or what then is when there is none.
func firstOf(err error, then func() error) error {
	if err != nil {
		return err
	}
	return then()
}
