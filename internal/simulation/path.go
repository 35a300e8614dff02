package simulation

import (
	"slices"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// successPath is the way of an order with which all goes well. That of a kit that was registered after it had been shipped leaves out
// the way to the customer: the kit may be there already.
func successPath(s order.State) []lifecycle.LowStatus {
	way := s.Machine().UsualPath()
	if s.HasShipped && s.Machine().Name() == lifecycle.NameTestkitAfterRegistration &&
		lifecycle.RegisteredInTransit(s.Status) {
		way = slices.DeleteFunc(way, func(l lifecycle.LowStatus) bool { return l.Leg() == lifecycle.Outbound })
	}
	return way
}

// findPath is the statuses that the order passes on its way to the goal, the goal last; false when the lifecycle has no such way. It
// follows the way of success as far as it can: joins it where it can first, and leaves it where it can last. What somebody has to ask
// for is asked at once.
func findPath(s order.State, goal lifecycle.LowStatus) ([]lifecycle.LowStatus, bool) {
	w := pathFinder{s.Machine(), s.Conditions(), successPath(s)}
	direct := w.allows(s.Status, goal)
	if kind, _ := demandFor(s.Modality, goal); direct && kind != "" {
		return []lifecycle.LowStatus{goal}, true
	}
	if way, ok := w.alongSuccess(s.Status, goal); ok {
		return way, true
	}
	return []lifecycle.LowStatus{goal}, direct
}

// pathFinder looks for ways in one machine under given conditions.
type pathFinder struct {
	machine     *lifecycle.Machine
	conditions  lifecycle.Conditions
	successPath []lifecycle.LowStatus // of success
}

func (w pathFinder) allows(from, to lifecycle.LowStatus) bool {
	return w.machine.Allows(from, to, w.conditions)
}

// alongSuccess is the way that leads along the path.
func (w pathFinder) alongSuccess(from, goal lifecycle.LowStatus) ([]lifecycle.LowStatus, bool) {
	start := slices.Index(w.successPath, from)
	rest := start + 1
	if start < 0 {
		start = slices.IndexFunc(w.successPath, func(l lifecycle.LowStatus) bool { return w.allows(from, l) })
		rest = start
	}
	if start < 0 {
		return nil, false
	}
	if end := slices.Index(w.successPath, goal); end >= 0 {
		if end < start {
			return nil, false
		}
		return slices.Clone(w.successPath[rest : end+1]), true
	}
	for end := len(w.successPath) - 1; end >= start; end-- {
		if w.allows(w.successPath[end], goal) {
			return append(slices.Clone(w.successPath[rest:end+1]), goal), true
		}
	}
	return nil, false
}
