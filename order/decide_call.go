package order

import "time"

// decideCall decides the outcome of a call to a partner.
func (s State) decideCall(c CallOutcome, now time.Time) *Recording {
	rec := &Recording{Cause: CauseCall(c.ID)}
	switch c.Kind {
	case CallPlace:
		rec.Decision = s.decidePlacement(c, now)
	case CallFetch:
		s.decideFetch(c, rec, now)
	case CallTrack:
		if c.Answer == AnswerNone {
			return nil // the trackers are asked for again
		}
		rec.Decision = s.ApplyTrackersCreated(c.ShipmentAt, now)
	case CallCancel:
		return s.decideCancelAnswer(c, rec, now)
	case CallCorrect:
		if s.PendingCorrection == nil || s.PendingCorrection.DemandID != c.DemandID {
			return nil // a newer correction, or none any more
		}
		rec.Decision = s.decideCorrection(c.Answer, now)
		if !c.Answer.refused() {
			rec.Decision.Next.noteHTTPStatus(AttentionTellLab, c.HTTPStatus)
		}
	case CallBook:
		return s.decideBookingAnswer(c, now)
	case CallRelease:
		if c.Answer == AnswerDone || c.Answer.refused() {
			rec.Decision = s.ApplyReleaseAnswer(c.AppointmentID, c.Answer.refused(), now)
		} else {
			rec.Decision = s.ApplyReleaseUnanswered(c.AppointmentID, now)
		}
	default:
		return nil
	}
	return rec
}

func (s State) decidePlacement(c CallOutcome, now time.Time) Decision {
	switch c.Answer {
	case AnswerDone:
		return s.ApplyPlacementAccepted(c.Accession, now)
	case AnswerRefused:
		return s.ApplyPlacementRefused(now)
	default:
		d := s.ApplyPlacementUnanswered(now)
		d.Next.noteHTTPStatus(AttentionPlacementUnanswered, c.HTTPStatus)
		return d
	}
}

func (s State) decideFetch(c CallOutcome, rec *Recording, now time.Time) {
	if c.Answer != AnswerDone || c.Fetched.ResultID == "" {
		rec.Decision = s.ApplyFetchFailed(c.Generation, now)
		return
	}
	d, visible := s.ApplyFetchedResults(c.Fetched, now)
	rec.Decision = d
	switch {
	case visible:
		rec.ResultID, rec.NewlyCritical = c.Fetched.ResultID, c.Fetched.Critical && s.HasNews(c.Fetched)
	case d.Outcome == OutcomeRefused:
		rec.HeldResultID = c.Fetched.ResultID
	}
}

// decideCancelAnswer decides the lab's answer to a cancellation. The answer is recorded for the newest demand. A round
// without an answer settles the demand only if the order cannot be cancelled any more.
func (s State) decideCancelAnswer(c CallOutcome, rec *Recording, now time.Time) *Recording {
	if s.PendingCancellation == nil {
		return nil // another run of this order has recorded the answer
	}
	dm := *s.PendingCancellation
	dm.Confirmed = true
	switch {
	case c.Answer == AnswerDone:
		return s.settleDemand(dm, now)
	case c.Answer.refused():
		return &Recording{Cause: CauseDemand(dm.ID), Decision: s.ApplyCancelRefused(now), DemandID: dm.ID}
	case s.CheckDemand(dm, now) != "":
		return s.settleDemand(dm, now)
	}
	rec.Decision = s.ApplyCancelUnanswered(now)
	rec.Decision.Next.noteHTTPStatus(AttentionCancelUnanswered, c.HTTPStatus)
	return rec
}

func (s State) decideCorrection(a CallAnswer, now time.Time) Decision {
	switch {
	case a == AnswerDone:
		return s.ApplyCorrectionAccepted(now)
	case a.refused():
		return s.ApplyCorrectionRefused(now)
	default:
		return s.ApplyCorrectionUnanswered(now)
	}
}

// decideBookingAnswer decides a provider's answer. No answer changes nothing: the provider is asked again. What was
// booked for a demand that was given up meanwhile is released.
func (s State) decideBookingAnswer(c CallOutcome, now time.Time) *Recording {
	if !s.WantsBooking(c.DemandID) {
		return nil
	}
	dm := s.PendingBooking.Demand
	switch {
	case c.Answer == AnswerDone && c.Appointment != nil:
		return s.bookingOutcome(dm, s.ApplyBookingAnswer(dm, *c.Appointment, now))
	case c.Answer == AnswerSlotGone:
		return s.bookingOutcome(dm, s.ApplyBookingRefused(dm, ReasonSlotGone, now))
	case c.Answer.refused():
		return s.bookingOutcome(dm, s.ApplyBookingRefused(dm, ReasonLabRefused, now))
	default:
		return nil
	}
}
