package simulation

import (
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// Plan is what has to happen, in this order. The zero value is an order that is where it shall be.
type Plan struct {
	// Await is a status that the order reaches by itself, before which nothing can be asked; empty: none.
	Await lifecycle.LowStatus
	// Demand is what somebody asks then; empty: nothing.
	Demand order.DemandKind
	// By is who asks.
	By lifecycle.Actor
	// Reports are the statuses that the simulated partners report then, oldest first.
	Reports []lifecycle.LowStatus
}

// RefusedError says why a status cannot be simulated. Its text is for the client.
type RefusedError struct{ text string }

func (e *RefusedError) Error() string { return e.text }

// The texts of what cannot be simulated, where it is not for want of a way.
const (
	refusalScheduled    = "The order waits for its activate_by; clear that first"
	refusalByLab        = "The lab has refused the order's requisition"
	refusalUnregistered = "The kit has to be registered first"
	refusalNeedsPatient = "Registering a kit needs a patient: register it instead"
	refusalBypassed     = "Only imported orders have a requisition that was made elsewhere"
)

// PlanFor plans how the order gets to the status. The error is a *RefusedError when it cannot from where it is, or only with what
// nobody has given.
func PlanFor(s order.State, goal lifecycle.LowStatus) (Plan, error) {
	if s.Status == goal {
		return Plan{}, nil
	}
	if text := refusalText(s, goal); text != "" {
		return Plan{}, &RefusedError{text}
	}
	way, ok := findPath(s, goal)
	if !ok {
		from, to := s.FullStatus(), lifecycle.MustFullStatus(s.Modality, goal)
		return Plan{}, &RefusedError{"An order in status " + string(from) + " does not get to " + string(to)}
	}
	return newPlan(s, way), nil
}

// refusalText is why there is no use in looking for a way, or "".
func refusalText(s order.State, goal lifecycle.LowStatus) string {
	asked, _ := demandFor(s.Modality, goal)
	before := s.Machine().Name() == lifecycle.NameTestkitBeforeRegistration
	switch {
	case goal == lifecycle.RequisitionBypassed:
		return refusalBypassed
	case goal.In(lifecycle.StageRegistered) && before:
		return refusalNeedsPatient
	case before && !s.Machine().Has(goal):
		return refusalUnregistered
	case !s.Status.In(lifecycle.StageOrdered) || asked == order.DemandCancel || asked == order.DemandDoNotProcess:
		return ""
	case s.Placement.State == order.PlacementNone:
		return refusalScheduled
	case s.Placement.State == order.PlacementRefused:
		return refusalByLab
	}
	return ""
}

// newPlan says who brings about each status of a way. What an order reaches by itself comes first on every way, and what somebody asks
// before anything that is reported.
func newPlan(s order.State, way []lifecycle.LowStatus) Plan {
	var p Plan
	for _, to := range way {
		kind, by := demandFor(s.Modality, to)
		switch {
		case reachedByItself(to):
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

// reachedByItself reports whether the order gets to the status once the lab has taken it.
func reachedByItself(l lifecycle.LowStatus) bool {
	return l.In(lifecycle.StagePlaced, lifecycle.StageUnregistered)
}

// demandFor is the demand that leads to a status, and who makes it; empty where partners report it.
func demandFor(m lifecycle.Modality, to lifecycle.LowStatus) (order.DemandKind, lifecycle.Actor) {
	switch {
	case to == lifecycle.Cancelled:
		return order.DemandCancel, lifecycle.Client
	case to == lifecycle.DoNotProcess:
		return order.DemandDoNotProcess, lifecycle.Operations
	case to == lifecycle.DrawCompleted && m == lifecycle.OnSite:
		return order.DemandDrawCompleted, lifecycle.Client
	default:
		return "", ""
	}
}
