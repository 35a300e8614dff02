package simulation

import (
	"slices"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// successPath is the usual path of an order. For a kit that was registered after it was shipped, it omits the transit
// to the customer, because the kit may have arrived.
func successPath(s order.State) []lifecycle.LowStatus {
	path := s.Machine().UsualPath()
	if s.HasShipped && s.Machine().Name() == lifecycle.NameTestkitAfterRegistration &&
		lifecycle.IsRegisteredInTransit(s.Status) {
		path = slices.DeleteFunc(path, func(l lifecycle.LowStatus) bool { return l.Leg() == lifecycle.Outbound })
	}
	return path
}

// findPath returns the statuses that the order passes on its path to the goal, with the goal last. It returns false if
// the lifecycle has no such path. It follows the usual path as far as it can: it enters that path as early and leaves
// it as late as possible. If a demand leads to the goal, the path is the goal alone.
func findPath(s order.State, goal lifecycle.LowStatus) ([]lifecycle.LowStatus, bool) {
	f := pathFinder{s.Machine(), s.Conditions(), successPath(s)}
	direct := f.allows(s.Status, goal)
	if kind, _ := demandFor(s.Modality, goal); direct && kind != "" {
		return []lifecycle.LowStatus{goal}, true
	}
	if path, ok := f.findAlongSuccess(s.Status, goal); ok {
		return path, true
	}
	return []lifecycle.LowStatus{goal}, direct
}

// pathFinder finds paths in one machine under given conditions.
type pathFinder struct {
	machine     *lifecycle.Machine
	conditions  lifecycle.Conditions
	successPath []lifecycle.LowStatus
}

func (f pathFinder) allows(from, to lifecycle.LowStatus) bool {
	return f.machine.Allows(from, to, f.conditions)
}

// findAlongSuccess returns the path that follows the usual path.
func (f pathFinder) findAlongSuccess(from, goal lifecycle.LowStatus) ([]lifecycle.LowStatus, bool) {
	start := slices.Index(f.successPath, from)
	rest := start + 1
	if start < 0 {
		start = slices.IndexFunc(f.successPath, func(l lifecycle.LowStatus) bool { return f.allows(from, l) })
		rest = start
	}
	if start < 0 {
		return nil, false
	}
	if end := slices.Index(f.successPath, goal); end >= 0 {
		if end < start {
			return nil, false
		}
		return slices.Clone(f.successPath[rest : end+1]), true
	}
	for end := len(f.successPath) - 1; end >= start; end-- {
		if f.allows(f.successPath[end], goal) {
			return append(slices.Clone(f.successPath[rest:end+1]), goal), true
		}
	}
	return nil, false
}
