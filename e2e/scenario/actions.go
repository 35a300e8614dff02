package scenario

import "context"

// The actions of the tables.
var (
	cancelOrder   = actionFor("cancel", (*Order).Cancel)
	activateOrder = actionFor("activate", (*Order).Activate)
	doNotProcess  = actionFor("do-not-process", (*Order).DoNotProcess)
	recoverKit    = actionFor("recover", (*Order).RecoverKit)
	registerKit   = actionFor("register", (*Order).Register)
	completeDraw  = actionFor("draw_completed of the client", (*Order).DrawCompleted)

	sendShipped       = sendFactAction("kit_shipped")
	sendReceived      = sendFactAction("sample_received")
	sendDrawCompleted = sendFactAction("draw_completed")
	// sendTransit has the courier report the wanted status of the kit.
	sendTransit = action{"transit",
		func(ctx context.Context, o *Order, to string) error { return o.SendTransit(ctx, to) }}
	rejectFinally = actionFor("final sample_rejected",
		func(o *Order, ctx context.Context) error { return o.SendRejection(ctx, false) })
	rejectRecoverably = actionFor("sample_rejected",
		func(o *Order, ctx context.Context) error { return o.SendRejection(ctx, true) })

	publishPartial    = publishReportAction("partial report", Partial, "normal", "")
	publishFinal      = publishReportAction("final report", Final, "normal", "")
	publishCritical   = publishReportAction("critical report", Final, "critical", "")
	publishLabFailure = publishReportAction("report that the lab has failed", Final, "normal", "internal_lab_failure")

	bookSlot            = actionFor("book", (*Order).Book)
	bookPending         = actionFor("book, unconfirmed", (*Order).BookPending)
	bookUnanswered      = actionFor("book, unanswered", (*Order).BookUnanswered)
	requestVisit        = actionFor("request", (*Order).Request)
	rescheduleVisit     = actionFor("reschedule", (*Order).Reschedule)
	cancelAppointment   = actionFor("cancel the appointment", (*Order).CancelAppointment)
	confirmAppointment  = changeAppointmentAction("confirmed")
	withdrawAppointment = changeAppointmentAction("pending")
	providerCancels     = changeAppointmentAction("cancelled")

	// awaitDeadline does nothing: the deadline of the order leads over the edge.
	awaitDeadline = action{"timer", func(context.Context, *Order, string) error { return nil }}
)

func actionFor(name string, do func(*Order, context.Context) error) action {
	return action{name, func(ctx context.Context, o *Order, _ string) error { return do(o, ctx) }}
}

func sendFactAction(kind string) action {
	return actionFor(kind, func(o *Order, ctx context.Context) error { return o.SendFact(ctx, kind, nil) })
}

func publishReportAction(name, status, interpretation, failure string) action {
	return actionFor(name, func(o *Order, ctx context.Context) error {
		return o.PublishReport(ctx, status, interpretation, failure)
	})
}

func changeAppointmentAction(status string) action {
	return actionFor("appointment "+status,
		func(o *Order, ctx context.Context) error { return o.ChangeAppointment(ctx, status) })
}

// The starters of the tables.

// startPlaced creates an order that is placed immediately.
func startPlaced(method, policy string) starter {
	return func(ctx context.Context, s *System) (*Order, error) {
		return s.PlaceOrder(ctx, method, policy, map[string]any{"passthrough": "sandbox:silent"})
	}
}

// startScheduled creates an order that becomes active tomorrow.
func startScheduled(method, policy string) starter {
	return func(ctx context.Context, s *System) (*Order, error) {
		return s.PlaceOrder(ctx, method, policy, map[string]any{"passthrough": "sandbox:silent", "activate_by": tomorrow()})
	}
}

// startImported imports an order whose requisition was created at the partner.
func startImported(method string) starter {
	return func(ctx context.Context, s *System) (*Order, error) { return s.ImportOrder(ctx, method) }
}

// startUnregisteredKit creates a kit that is registered later.
func startUnregisteredKit(policy string) starter {
	return func(ctx context.Context, s *System) (*Order, error) { return s.PlaceKit(ctx, policy, "silent") }
}

// startRefusedKit creates a kit that the lab refuses.
func startRefusedKit(policy string) starter {
	return func(ctx context.Context, s *System) (*Order, error) {
		o, err := s.PlaceKit(ctx, policy, "refuse-place")
		if err != nil {
			return o, err
		}
		return o, o.awaitAttention(ctx, "placement_refused")
	}
}

// startRegisteredKit creates a kit and registers its patient, which the lab is asked to record. If the lab does so, the
// requisition follows. If refuse is set, the lab refuses.
func startRegisteredKit(policy string, refuse bool) starter {
	return func(ctx context.Context, s *System) (*Order, error) {
		o, err := s.PlaceKit(ctx, policy, "silent")
		if err != nil {
			return o, err
		}
		if _, err = o.awaitStatus(ctx, "awaiting_registration"); err != nil || !refuse {
			return o, errOr(err, func() error { return o.Register(ctx) })
		}
		behaviour := map[string]any{"calls": map[string]any{"register": map[string]any{"refuse": "already_registered"}}}
		err = errOr(o.SetCallBehaviour(ctx, behaviour), func() error { return o.Register(ctx) })
		return o, errOr(err, func() error { return o.awaitAttention(ctx, "placement_refused") })
	}
}

// errOr returns the error if it is not nil, otherwise the result of then.
func errOr(err error, then func() error) error {
	if err != nil {
		return err
	}
	return then()
}
