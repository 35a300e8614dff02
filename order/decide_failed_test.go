package order

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// A cause that cannot be recorded is refused with a mark, and the order is in a state in which it goes on.
func TestDecideFailed(t *testing.T) {
	t.Parallel()
	s := newDecideStates(t)
	announced, _ := applyFacts(s.atLab, newFact(FactReportReady, 95))
	early := courierFact(1, "outbound", lifecycle.TransitCustomer)
	parked := s.ordered.ApplyFact(early, hour(1)).Next
	require.Len(t, parked.ParkedFacts, 1)
	due := s.placed.Deadlines[0]
	reschedule := bookingOf(lifecycle.WalkIn, DemandRescheduleAppointment, "s3", 60)
	rescheduling := s.booked.ApplyBookingAsked(reschedule, hour(3)).Next
	releasing := s.booking.ApplyBookingGivenUp(s.booking1, hour(3)).Next
	tracked, _ := applyFacts(s.placed, newFact(FactKitShipped, 24))
	call := func(kind CallKind, demandID string) Cause {
		return ofCall(CallOutcome{Kind: kind, ID: "round", Answer: AnswerDone, DemandID: demandID,
			Generation: announced.Fetch.Generation, AppointmentID: s.booking1.ID})
	}
	unchanged := func(State) bool { return true }

	for name, test := range map[string]struct {
		state    State
		cause    Cause
		recorded string // the id of the recording
		demand   string
		holds    func(State) bool
	}{
		"a fact": {s.placed, ofFact(newFact(FactKitShipped, 24)), "inbox:kit_shipped2026-03-03T10:00:00Z", "", unchanged},
		"a parked fact": {parked, ofFact(early), CauseInbox(early.InboxID), "", func(n State) bool {
			return n.ParkedFacts == nil
		}},
		"a demand": {s.placed, ofDemand(cancelDemand("c1", false)), "demand:c1", "c1", unchanged},
		"a cancellation that the lab is asked for": {s.cancelling, ofDemand(cancelDemand("c1", true)), "demand:c1", "c1",
			func(n State) bool { return n.PendingCancellation == nil }},
		"another cancellation": {s.cancelling, ofDemand(cancelDemand("c2", true)), "demand:c2", "c2",
			func(n State) bool { return n.PendingCancellation != nil }},
		"a booking": {s.booking, ofWaitOver(s.booking1), "demand:b-s1", "b-s1", func(n State) bool {
			return n.PendingBooking == nil && len(n.PendingReleases) == 1
		}},
		"a reschedule": {rescheduling, ofWaitOver(reschedule), "demand:b-s3", "b-s3", func(n State) bool {
			return n.PendingBooking == nil && len(n.PendingReleases) == 0 && n.Appointment.Active()
		}},
		"a deadline": {s.placed, ofDeadline(due), CauseTimer(due.Name, due.Due), "", func(n State) bool {
			return !hasDeadline(n, due.Name, due.Due) && n.Decide(ofDeadline(due), due.Due) == nil
		}},
		"a placement": {s.ordered, call(CallPlace, ""), "call:round", "", func(n State) bool {
			return n.Placement == Placement{State: PlacementStarted, UnansweredRounds: 1}
		}},
		"a fetch": {announced, call(CallFetch, ""), "call:round", "", func(n State) bool {
			return n.Fetch.Attempts == 1 && n.Fetch.Pending
		}},
		"trackers": {tracked, call(CallTrack, ""), "call:round", "", func(n State) bool { return !n.TrackersPending }},
		"the lab's answer to a cancellation": {s.cancelling, call(CallCancel, "c1"), "call:round", "",
			func(n State) bool { return n.HasMark(AttentionCancelUnanswered) }},
		"an answer that nobody waits for": {s.placed, call(CallCancel, "c1"), "call:round", "", unchanged},
		"a correction": {s.correcting, call(CallCorrect, "r1"), "call:round", "", func(n State) bool {
			return n.PendingCorrection.UnansweredRounds == 1
		}},
		"a provider's answer": {s.booking, call(CallBook, "b-s1"), "call:round", "", func(n State) bool {
			return n.PendingBooking == nil && len(n.PendingReleases) == 1
		}},
		"an answer to another booking": {s.booking, call(CallBook, "b-s0"), "call:round", "", func(n State) bool {
			return n.PendingBooking != nil
		}},
		"a release": {releasing, call(CallRelease, ""), "call:round", "", func(n State) bool {
			return n.PendingReleases[0].UnansweredAttempts == 1
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := jsonText(t, test.state)
			rec := test.state.DecideFailed(test.cause, hour(100))
			require.Equal(t, before, jsonText(t, test.state), "the state does not change")
			require.Equal(t, []any{test.recorded, OutcomeRefused, ReasonRecordingFailed, test.demand, test.cause.Fact},
				[]any{rec.Cause, rec.Decision.Outcome, rec.Decision.Reason, rec.DemandID, rec.Fact})
			next := rec.Decision.Next
			require.True(t, next.HasMark(AttentionRecordingFailed))
			require.Empty(t, rec.Decision.Steps)
			require.Equal(t, test.state.Status, next.Status, "the order does not move")
			require.True(t, test.holds(next), "%+v", next)
			require.Equal(t, DemandAnswer{Done: true}, acknowledged(t, next), "operations can clear the mark")
		})
	}
}

// acknowledged returns the answer to the acknowledgement of the mark that DecideFailed raises.
func acknowledged(t *testing.T, s State) DemandAnswer {
	t.Helper()
	rec := s.Decide(ofDemand(Demand{ID: "ack", Kind: DemandAcknowledgeMark, By: lifecycle.Operations,
		Reason: string(AttentionRecordingFailed)}), hour(101))
	require.False(t, rec.Decision.Next.HasMark(AttentionRecordingFailed))
	return DemandAnswer{Done: rec.Decision.Outcome == OutcomeApplied, Reason: rec.Decision.Reason}
}
