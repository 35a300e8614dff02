package simulation

import (
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// Plan is what has to happen, in this order. The zero value is an order that has the status already.
type Plan struct {
	// Place: the order is held back, and its placement has to be started first.
	Place bool
	// Await is a status that the order reaches without help. No demand can be made before it. Empty: none.
	Await lifecycle.LowStatus
	// Demand is the demand that is made then; empty: none.
	Demand order.DemandKind
	// By is who makes it.
	By lifecycle.Actor
	// Reports are the statuses that the simulated partners report after that, oldest first.
	Reports []lifecycle.LowStatus
}

// RefusedError says why a status cannot be simulated. Its text is for the client.
type RefusedError struct{ text string }

func (e *RefusedError) Error() string { return e.text }

// The texts for goals that cannot be simulated for another reason than a missing path.
const (
	refusalScheduled    = "The order waits for its activate_by; clear that first"
	refusalByLab        = "The lab has refused the order's requisition"
	refusalUnregistered = "The kit has to be registered first"
	refusalNeedsPatient = "Registering a kit needs a patient: register it instead"
	refusalBypassed     = "Only imported orders have a requisition that was made elsewhere"
)

// PlanFor plans how the order gets to the status. The error is a *RefusedError if it cannot get there, or only with
// data that is missing.
func PlanFor(s order.State, goal lifecycle.LowStatus) (Plan, error) {
	if s.Status == goal {
		return Plan{}, nil
	}
	if text := refusalText(s, goal); text != "" {
		return Plan{}, &RefusedError{text}
	}
	path, ok := findPath(s, goal)
	if !ok {
		from, to := s.FullStatus(), lifecycle.MustFullStatus(s.Modality, goal)
		return Plan{}, &RefusedError{"An order in status " + string(from) + " does not get to " + string(to)}
	}
	return newPlan(s, path), nil
}

// refusalText returns the reason for which no path is searched, or "".
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

// newPlan says for each status of a path whether the order reaches it without help, a demand leads to it, or partners
// report it. On every path these come in this order.
func newPlan(s order.State, path []lifecycle.LowStatus) Plan {
	var p Plan
	for _, to := range path {
		kind, by := demandFor(s.Modality, to)
		p.Place = p.Place || kind == "" && s.Placement.State == order.PlacementHeld
		switch {
		case isReachedByLab(to):
			p.Await = to
		case kind != "":
			p.Demand, p.By = kind, by
		default:
			p.Reports = append(p.Reports, to)
		}
	}
	if p.Demand == "" && len(p.Reports) > 0 {
		p.Await = "" // the simulated lab reports as soon as it has the order
	}
	return p
}

// isReachedByLab reports whether the order reaches the status once the lab has accepted it.
func isReachedByLab(l lifecycle.LowStatus) bool {
	return l.In(lifecycle.StagePlaced, lifecycle.StageUnregistered)
}

// demandFor returns the demand that leads to a status, and who makes it; empty: partners report the status.
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
