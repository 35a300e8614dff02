package order

import (
	"slices"
	"time"
)

// Decide returns what a cause does to the order, with the id under which that is recorded. It returns nil if there is
// nothing to record: the order is past the cause, or waits for it as before. Decide is the one way from a cause to a
// rule; it changes nothing itself.
func (s State) Decide(c Cause, now time.Time) *Recording {
	switch {
	case c.Fact != nil:
		return s.decideFact(*c.Fact, now)
	case c.Demand != nil:
		return s.decideDemand(*c.Demand, now)
	case c.WaitOver != nil:
		return s.decideWaitOver(*c.WaitOver, now)
	case c.Deadline != nil:
		return s.decideDeadline(*c.Deadline, now)
	case c.Call != nil:
		return s.decideCall(*c.Call, now)
	default:
		return nil
	}
}

// decideFact decides a fact. A fact that is parked and stays parked changes nothing.
func (s State) decideFact(f Fact, now time.Time) *Recording {
	d := s.ApplyFact(f, now)
	parked := slices.ContainsFunc(s.ParkedFacts, func(p Fact) bool { return p.InboxID == f.InboxID })
	if d.Outcome == OutcomeParked && parked {
		return nil
	}
	return &Recording{Cause: CauseInbox(f.InboxID), Decision: d, Fact: &f}
}

// decideDemand decides a demand. If a partner has to be asked first, it records only that. A demand about which the
// partner is being asked already changes nothing.
func (s State) decideDemand(dm Demand, now time.Time) *Recording {
	if s.IsAskedAbout(dm.ID) {
		return nil
	}
	if s.CheckDemand(dm, now) != "" || s.HoldsSlot(dm) {
		return s.settleDemand(dm, now)
	}
	switch {
	case dm.Kind == DemandCancel && dm.LabConfirmsCancels && s.Placement.State == PlacementDone && !s.HasShipped:
		return &Recording{Cause: CauseCall(CancelAskCallPrefix + dm.ID), Decision: s.ApplyCancelAsked(dm, now)}
	case dm.Kind.ConcernsAppointment():
		return &Recording{Cause: CauseCall(bookAskCallPrefix + dm.ID), Decision: s.ApplyBookingAsked(dm, now)}
	default:
		return s.settleDemand(dm, now)
	}
}

// IsAskedAbout reports whether a partner is being asked about the demand.
func (s State) IsAskedAbout(demandID string) bool {
	return s.WantsCancellation(demandID) || s.WantsBooking(demandID)
}

// settleDemand applies or refuses a demand for good. Accepted results become the order's newest.
func (s State) settleDemand(dm Demand, now time.Time) *Recording {
	rec := &Recording{Cause: CauseDemand(dm.ID), Decision: s.ApplyDemand(dm, now), DemandID: dm.ID}
	if dm.Kind == DemandAcceptResults && rec.Decision.Outcome == OutcomeApplied {
		rec.ResultID, rec.NewlyCritical = dm.Results.ResultID, dm.Results.Critical && s.HasNews(*dm.Results)
	}
	return rec
}

// decideWaitOver decides a demand about an appointment whose caller does not wait any longer. An asynchronous booking
// becomes pending. Any other booking is given up. Other demands go on. If the provider is not being asked any more, and
// no answer was recorded, the demand is refused.
func (s State) decideWaitOver(dm Demand, now time.Time) *Recording {
	switch {
	case !s.WantsBooking(dm.ID):
		reason := s.CheckDemand(dm, now)
		if reason == "" {
			reason = ReasonProviderUnanswered
		}
		return s.bookingOutcome(dm, s.ApplyBookingRefused(dm, reason, now))
	case dm.Async:
		return &Recording{Cause: CauseCall(bookWaitCallPrefix + dm.ID), Decision: s.ApplyBookingPending(now)}
	case dm.Kind == DemandBookAppointment, dm.Kind == DemandRequestAppointment:
		return s.bookingOutcome(dm, s.ApplyBookingGivenUp(dm, now))
	default:
		return nil
	}
}

func (s State) bookingOutcome(dm Demand, d Decision) *Recording {
	return &Recording{Cause: CauseDemand(dm.ID), Decision: d, DemandID: dm.ID}
}

// decideDeadline decides a deadline. One that is not due, or that has moved or acted meanwhile, changes nothing.
func (s State) decideDeadline(dl Deadline, now time.Time) *Recording {
	open := slices.ContainsFunc(s.Deadlines, func(o Deadline) bool { return o.Name == dl.Name && o.Due.Equal(dl.Due) })
	if !open || now.Before(dl.Due) {
		return nil
	}
	return &Recording{Cause: CauseTimer(dl.Name, dl.Due), Decision: s.ApplyDeadline(dl, now)}
}
