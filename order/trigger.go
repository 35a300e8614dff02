package order

import (
	"slices"
	"time"
)

// Trigger is the cause of an attention mark, such as one fact or one result version. It is resolved when somebody
// acknowledges the mark or makes the decision that the mark asks for. A resolved trigger raises no mark again. The same
// cause with a later time is a new trigger.
type Trigger struct {
	Reason   AttentionReason `json:"reason"`
	What     string          `json:"what,omitempty"`
	At       time.Time       `json:"at,omitzero"` // zero: the same thing again raises no mark
	Resolved bool            `json:"resolved,omitempty"`
}

// maxTriggers is the most triggers that a state holds. The oldest are dropped first.
const maxTriggers = 50

// raiseFor raises the mark of a trigger, unless that trigger has been resolved. It reports whether the mark is open.
func (s *State) raiseFor(t Trigger, at time.Time) bool {
	if s.isResolved(t) {
		return s.HasMark(t.Reason)
	}
	s.RaiseMark(t.Reason, at)
	s.addTrigger(t)
	return true
}

// isResolved reports whether a trigger with the same cause, and the same or a later time, has been resolved.
func (s *State) isResolved(t Trigger) bool {
	return slices.ContainsFunc(s.Triggers, func(e Trigger) bool {
		return e.Resolved && e.Reason == t.Reason && e.What == t.What && !t.At.After(e.At)
	})
}

// addTrigger stores a trigger. If there is one with the same cause, it stores the later time.
func (s *State) addTrigger(t Trigger) {
	s.Triggers = slices.Clone(s.Triggers)
	i := slices.IndexFunc(s.Triggers, func(e Trigger) bool { return e.Reason == t.Reason && e.What == t.What })
	if i < 0 {
		s.Triggers = append(s.Triggers, t)
		s.Triggers = s.Triggers[max(len(s.Triggers)-maxTriggers, 0):]
		return
	}
	if s.Triggers[i].At.After(t.At) {
		t.At = s.Triggers[i].At
	}
	s.Triggers[i] = t
}

// resolveMark clears a mark that somebody acknowledged or decided on, and stores its triggers as resolved. It reports
// whether the mark was open.
func (s *State) resolveMark(r AttentionReason) bool {
	if r == AttentionFactOutOfPlace && s.HasMark(r) {
		for _, f := range s.ParkedFacts {
			s.addTrigger(Trigger{Reason: r, What: f.InboxID})
		}
	}
	s.Triggers = slices.Clone(s.Triggers)
	for i := range s.Triggers {
		s.Triggers[i].Resolved = s.Triggers[i].Resolved || s.Triggers[i].Reason == r
	}
	return s.ClearMark(r)
}

// dropTriggers removes unresolved triggers of marks that are not open any more, and triggers of facts that are not
// parked any more.
func (s *State) dropTriggers() {
	s.Triggers = slices.DeleteFunc(slices.Clone(s.Triggers), func(t Trigger) bool {
		if t.Reason == AttentionFactOutOfPlace {
			return !slices.ContainsFunc(s.ParkedFacts, func(f Fact) bool { return f.InboxID == t.What })
		}
		return !t.Resolved && !s.HasMark(t.Reason)
	})
	if len(s.Triggers) == 0 {
		s.Triggers = nil
	}
}
