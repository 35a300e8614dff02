package order

import (
	"slices"
	"time"
)

// DecideFailed returns what a cause does that can never be recorded as it is, because Aliquot itself fails at it. The
// order gets a mark and goes on without the cause: a fact or demand is refused, a deadline has acted, and a call counts
// as one without an answer. So one cause does not hold up an order.
func (s State) DecideFailed(c Cause, now time.Time) *Recording {
	d := s.newDecision(now)
	d.setOutcome(OutcomeRefused, ReasonRecordingFailed)
	rec := &Recording{Cause: c.ID()}
	switch {
	case c.Fact != nil:
		rec.Fact = c.Fact
		d.Next.removeParked(c.Fact.InboxID)
	case c.Demand != nil:
		rec.DemandID = c.Demand.ID
		d.dropDemand(c.Demand.ID)
	case c.WaitOver != nil:
		rec.DemandID = c.WaitOver.ID
		d.dropDemand(c.WaitOver.ID)
	case c.Deadline != nil:
		fired := d.Next.FiredDeadlines
		d.Next.FiredDeadlines = append(fired[:len(fired):len(fired)], *c.Deadline)
	case c.Call != nil:
		d.Next = s.stateAfterFailedCall(*c.Call, now)
	}
	d.Next.RaiseMark(AttentionRecordingFailed, now)
	rec.Decision = d.finalize()
	return rec
}

// DecideDropped is DecideFailed for the case that this fails too: it only raises the mark and drops the cause.
// Deadlines are not computed anew.
func (s State) DecideDropped(c Cause, now time.Time) *Recording {
	d := s.newDecision(now)
	d.setOutcome(OutcomeRefused, ReasonRecordingFailed)
	d.Next.RaiseMark(AttentionRecordingFailed, now)
	rec := &Recording{Cause: c.ID(), Decision: d, Fact: c.Fact, DemandID: c.DemandID()}
	if dl := c.Deadline; dl != nil {
		rec.Decision.Next.Deadlines = slices.DeleteFunc(slices.Clone(s.Deadlines),
			func(o Deadline) bool { return o.Name == dl.Name && o.Due.Equal(dl.Due) })
	}
	return rec
}

// dropDemand forgets that a partner is being asked about the demand.
func (d *Decision) dropDemand(id string) {
	n := &d.Next
	if n.PendingCancellation != nil && n.PendingCancellation.ID == id {
		n.PendingCancellation = nil
	}
	if n.WantsBooking(id) {
		d.abandonBooking()
	}
}

// stateAfterFailedCall returns the state after a call whose outcome cannot be recorded: that of a call without an
// answer, so that the next attempt waits. A booking is given up, and trackers are not created.
func (s State) stateAfterFailedCall(c CallOutcome, now time.Time) State {
	switch c.Kind {
	case CallTrack:
		s.TrackersPending = false
		return s
	case CallBook:
		if !s.WantsBooking(c.DemandID) {
			return s
		}
		return s.ApplyBookingGivenUp(s.PendingBooking.Demand, now).Next
	}
	c.Answer = AnswerNone
	if rec := s.decideCall(c, now); rec != nil {
		return rec.Decision.Next
	}
	return s
}
