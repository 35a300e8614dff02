package simulation

import (
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// Plan is what has to happen, in this order. The zero value is an order that is where it shall be.
type Plan struct {
	// Await is a status that the order reaches by itself, before which nothing can be asked; empty: none.
	Await lifecycle.Low
	// Demand is what somebody asks then; empty: nothing.
	Demand order.DemandKind
	// By is who asks.
	By lifecycle.Actor
	// Reports are the statuses that the simulated partners report then, oldest first.
	Reports []lifecycle.Low
}

// RefusedError says why a status cannot be simulated. Its text is for the client.
type RefusedError struct{ text string }

func (e *RefusedError) Error() string { return e.text }

// The texts of what cannot be simulated, where it is not for want of a way.
const (
	textScheduled  = "The order waits for its activate_by; clear that first"
	textRefused    = "The lab has refused the order's requisition"
	textRegister   = "The kit has to be registered first"
	textRegistered = "Registering a kit needs a patient: register it instead"
	textBypassed   = "Only imported orders have a requisition that was made elsewhere"
)

// For plans how the order gets to the status. The error is a *RefusedError when it cannot from where it is, or only with what
// nobody has given.
func For(s order.State, goal lifecycle.Low) (Plan, error) {
	if s.Status == goal {
		return Plan{}, nil
	}
	if text := impossible(s, goal); text != "" {
		return Plan{}, &RefusedError{text}
	}
	way, ok := route(s, goal)
	if !ok {
		from, to := s.FullStatus(), lifecycle.MustFull(s.Modality, goal)
		return Plan{}, &RefusedError{"An order in status " + string(from) + " does not get to " + string(to)}
	}
	return plan(s, way), nil
}

// impossible is why there is no use in looking for a way, or "".
func impossible(s order.State, goal lifecycle.Low) string {
	asked, _ := asking(s.Modality, goal)
	before := s.Machine().Name() == lifecycle.NameTestkitBeforeRegistration
	switch {
	case goal == lifecycle.RequisitionBypassed:
		return textBypassed
	case goal.In(lifecycle.StageRegistered) && before:
		return textRegistered
	case before && !s.Machine().Has(goal):
		return textRegister
	case !s.Status.In(lifecycle.StageOrdered) || asked == order.DemandCancel || asked == order.DemandDoNotProcess:
		return ""
	case s.Placement.State == order.PlacementNone:
		return textScheduled
	case s.Placement.State == order.PlacementRefused:
		return textRefused
	}
	return ""
}

// plan says who brings about each status of a way. What an order reaches by itself comes first on every way, and what somebody asks
// before anything that is reported.
func plan(s order.State, way []lifecycle.Low) Plan {
	var p Plan
	for _, to := range way {
		kind, by := asking(s.Modality, to)
		switch {
		case byItself(to):
			p.Await = to
		case kind != "":
			p.Demand, p.By = kind, by
		default:
			p.Reports = append(p.Reports, to)
		}
	}
	if p.Demand == "" && len(p.Reports) > 0 {
		p.Await = "" // a simulated lab reports once it has the order
	}
	return p
}

// byItself reports whether the order gets to the status once the lab has taken it.
func byItself(l lifecycle.Low) bool {
	return l.In(lifecycle.StagePlaced, lifecycle.StageUnregistered)
}

// asking is the demand that leads to a status, and who makes it; empty where partners report it.
func asking(m lifecycle.Modality, to lifecycle.Low) (order.DemandKind, lifecycle.Actor) {
	switch {
	case to == lifecycle.Cancelled:
		return order.DemandCancel, lifecycle.Client
	case to == lifecycle.DoNotProcess:
		return order.DemandDoNotProcess, lifecycle.Operations
	case to == lifecycle.DrawCompleted && m == lifecycle.OnSite:
		return order.DemandDraw, lifecycle.Client
	default:
		return "", ""
	}
}
