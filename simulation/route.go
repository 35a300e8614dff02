package simulation

import (
	"slices"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// successOf is the way of an order with which all goes well. That of a kit that was registered after it had been shipped leaves out
// the way to the customer: the kit may be there already.
func successOf(s order.State) []lifecycle.Low {
	way := s.Machine().UsualWay()
	if s.Shipped && s.Machine().Name() == lifecycle.NameTestkitAfterRegistration && lifecycle.RegisteredOnItsWay(s.Status) {
		way = slices.DeleteFunc(way, func(l lifecycle.Low) bool { return l.Leg() == lifecycle.Outbound })
	}
	return way
}

// route is the statuses that the order passes on its way to the goal, the goal last; false when the lifecycle has no such way. It
// follows the way of success as far as it can: joins it where it can first, and leaves it where it can last. What somebody has to ask
// for is asked at once.
func route(s order.State, goal lifecycle.Low) ([]lifecycle.Low, bool) {
	w := walker{s.Machine(), s.Conditions(), successOf(s)}
	direct := w.allows(s.Status, goal)
	if kind, _ := asking(s.Modality, goal); direct && kind != "" {
		return []lifecycle.Low{goal}, true
	}
	if way, ok := w.along(s.Status, goal); ok {
		return way, true
	}
	return []lifecycle.Low{goal}, direct
}

// walker looks for ways in one machine under given conditions.
type walker struct {
	machine    *lifecycle.Machine
	conditions lifecycle.Conditions
	path       []lifecycle.Low // of success
}

func (w walker) allows(from, to lifecycle.Low) bool { return w.machine.Allows(from, to, w.conditions) }

// along is the way that leads along the path.
func (w walker) along(from, goal lifecycle.Low) ([]lifecycle.Low, bool) {
	start := slices.Index(w.path, from)
	rest := start + 1
	if start < 0 {
		start = slices.IndexFunc(w.path, func(l lifecycle.Low) bool { return w.allows(from, l) })
		rest = start
	}
	if start < 0 {
		return nil, false
	}
	if end := slices.Index(w.path, goal); end >= 0 {
		if end < start {
			return nil, false
		}
		return slices.Clone(w.path[rest : end+1]), true
	}
	for end := len(w.path) - 1; end >= start; end-- {
		if w.allows(w.path[end], goal) {
			return append(slices.Clone(w.path[rest:end+1]), goal), true
		}
	}
	return nil, false
}
