package order

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// cancelDemand is a client's cancellation. At a lab that confirms cancellations, the lab is asked first.
func cancelDemand(id string, atLab bool) Demand {
	return Demand{ID: id, Kind: DemandCancel, By: lifecycle.Client, LabConfirmsCancels: atLab}
}

func ofFact(f Fact) Cause         { return Cause{Fact: &f} }
func ofDemand(d Demand) Cause     { return Cause{Demand: &d} }
func ofWaitOver(d Demand) Cause   { return Cause{WaitOver: &d} }
func ofDeadline(d Deadline) Cause { return Cause{Deadline: &d} }
func ofCall(c CallOutcome) Cause  { return Cause{Call: &c} }

// decideStates are the states that the tests of decisions begin with.
type decideStates struct {
	ordered, placed, transit, atLab, blocked, cancelled State

	cancelling, booking, booked, correcting State

	booking1, async Demand
}

func newDecideStates(t *testing.T) decideStates {
	t.Helper()
	s := decideStates{
		ordered: orderedState(t, nil), placed: placedState(t, nil), transit: stateIn(t, lifecycle.TransitCustomer, nil),
		atLab: stateIn(t, lifecycle.DeliveredToLab, nil), blocked: stateIn(t, lifecycle.LabProcessingBlocked, nil),
		cancelled: stateIn(t, lifecycle.Cancelled, nil), booked: withBookedAppointment(t, lifecycle.WalkIn),
		booking1: bookingOf(lifecycle.WalkIn, DemandBookAppointment, "s1", 48),
	}
	s.async = s.booking1
	s.async.Async, s.async.ConfirmWithin = true, Duration(15*time.Minute)
	s.cancelling = s.placed.ApplyCancelAsked(cancelDemand("c1", true), hour(1)).Next
	s.booking = requisitionedState(lifecycle.WalkIn, nil).ApplyBookingAsked(s.booking1, hour(2)).Next
	s.correcting = s.blocked.ApplyDemand(Demand{ID: "r1", Kind: DemandRecover, By: lifecycle.Operations,
		LabTakesCorrections: true}, hour(91)).Next
	require.NotNil(t, s.correcting.PendingCorrection)
	return s
}

func TestDecide(t *testing.T) {
	t.Parallel()
	s := newDecideStates(t)
	parked, early := s.ordered, newFact(FactCourierReport, 1)
	early.Leg, early.TargetStatus = "outbound", lifecycle.TransitCustomer
	parked = parked.ApplyFact(early, hour(1)).Next
	require.Len(t, parked.ParkedFacts, 1)
	due := s.placed.Deadlines[0]
	moved := Deadline{Name: due.Name, Due: due.Due.Add(-time.Minute)}
	other := bookingOf(lifecycle.WalkIn, DemandBookAppointment, "s2", 50)
	reschedule := bookingOf(lifecycle.WalkIn, DemandRescheduleAppointment, "s3", 60)
	rescheduling := s.booked.ApplyBookingAsked(reschedule, hour(3)).Next
	asyncBooking := requisitionedState(lifecycle.WalkIn, nil).ApplyBookingAsked(s.async, hour(2)).Next

	for name, test := range map[string]struct {
		state   State
		cause   Cause
		at      time.Time
		want    string // the id of the recording; empty: nothing is recorded
		outcome Outcome
		reason  Reason
		demand  string // the demand that is settled
	}{
		"no cause": {s.placed, Cause{}, hour(1), "", "", "", ""},

		"a fact": {s.placed, ofFact(newFact(FactKitShipped, 24)), hour(24),
			"inbox:kit_shipped2026-03-03T10:00:00Z", OutcomeApplied, "", ""},
		"a fact to park": {s.ordered, ofFact(early), hour(1), CauseInbox(early.InboxID), OutcomeParked,
			ReasonNotYetPlaced, ""},
		"it stays parked": {parked, ofFact(early), hour(2), "", "", "", ""},
		"it is parked no more": {parked.ApplyPlacementAccepted("A", hour(2)).Next, ofFact(early), hour(2),
			CauseInbox(early.InboxID), OutcomeApplied, "", ""},

		"a demand": {s.placed, ofDemand(cancelDemand("c1", false)), hour(1),
			"demand:c1", OutcomeApplied, "", "c1"},
		"a demand that is refused": {s.atLab, ofDemand(cancelDemand("c1", true)), hour(99),
			"demand:c1", OutcomeRefused, ReasonTransitionNotAllowed, "c1"},
		"the lab is asked": {s.placed, ofDemand(cancelDemand("c1", true)), hour(1),
			"call:cancel-ask-c1", OutcomeApplied, "", ""},
		"the lab does not know": {s.ordered, ofDemand(cancelDemand("c1", true)), hour(1),
			"demand:c1", OutcomeApplied, "", "c1"},
		"it is being asked": {s.cancelling, ofDemand(cancelDemand("c1", true)), hour(2), "", "", "", ""},
		"another cancellation": {s.cancelling, ofDemand(cancelDemand("c2", true)), hour(2),
			"call:cancel-ask-c2", OutcomeApplied, "", ""},
		"a booking": {requisitionedState(lifecycle.WalkIn, nil), ofDemand(s.booking1), hour(2),
			"call:book-ask-b-s1", OutcomeApplied, "", ""},
		"the provider is being asked": {s.booking, ofDemand(s.booking1), hour(2), "", "", "", ""},
		"it is asked for another": {s.booking, ofDemand(other), hour(2),
			"demand:b-s2", OutcomeRefused, ReasonBookingUnderWay, "b-s2"},
		"the slot is held already": {s.booked, ofDemand(s.booking1), hour(3), "demand:b-s1", OutcomeApplied, "", "b-s1"},

		"the caller waits no longer": {s.booking, ofWaitOver(s.booking1), hour(3),
			"demand:b-s1", OutcomeRefused, ReasonProviderUnanswered, "b-s1"},
		"nor does an asynchronous one": {asyncBooking, ofWaitOver(s.async), hour(3),
			"call:book-wait-b-s1", OutcomeApplied, "", ""},
		"a reschedule goes on": {rescheduling, ofWaitOver(reschedule), hour(4), "", "", "", ""},
		"nobody is asked": {requisitionedState(lifecycle.WalkIn, nil), ofWaitOver(s.booking1), hour(3),
			"demand:b-s1", OutcomeRefused, ReasonProviderUnanswered, "b-s1"},
		"nobody is asked, and cannot be": {s.booked, ofWaitOver(other), hour(3),
			"demand:b-s2", OutcomeRefused, ReasonAlreadyBooked, "b-s2"},

		"a deadline": {s.placed, ofDeadline(due), due.Due,
			CauseTimer(due.Name, due.Due), OutcomeApplied, "", ""},
		"a deadline too early":   {s.placed, ofDeadline(due), due.Due.Add(-time.Microsecond), "", "", "", ""},
		"a deadline that moved":  {s.placed, ofDeadline(moved), due.Due, "", "", "", ""},
		"a deadline that acted":  {s.placed.ApplyDeadline(due, due.Due).Next, ofDeadline(due), due.Due, "", "", "", ""},
		"a deadline of the past": {s.cancelled, ofDeadline(due), due.Due, "", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := jsonText(t, test.state)
			rec := test.state.Decide(test.cause, test.at)
			require.Equal(t, before, jsonText(t, test.state), "the state does not change")
			if test.want == "" {
				require.Nil(t, rec)
				return
			}
			require.NotNil(t, rec)
			require.Equal(t, []any{test.want, test.outcome, test.reason, test.demand},
				[]any{rec.Cause, rec.Decision.Outcome, rec.Decision.Reason, rec.DemandID})
			require.Equal(t, test.cause.Fact, rec.Fact)
			require.Equal(t, test.state.Status, rec.Decision.From)
		})
	}
}

// Each cause has one id under which it is recorded, and names the demand that it is.
func TestCauseIDs(t *testing.T) {
	t.Parallel()
	due := Deadline{Name: DeadlineActivation, Due: time.UnixMicro(7).UTC()}
	for want, test := range map[string]struct {
		cause  Cause
		demand string
	}{
		"":                 {Cause{}, ""},
		"inbox:i":          {ofFact(Fact{InboxID: "i"}), ""},
		"demand:d":         {ofDemand(Demand{ID: "d"}), "d"},
		"demand:w":         {ofWaitOver(Demand{ID: "w"}), "w"},
		"timer:activate:7": {ofDeadline(due), ""},
		"call:c":           {ofCall(CallOutcome{ID: "c", DemandID: "d"}), ""},
	} {
		require.Equal(t, want, test.cause.ID())
		require.Equal(t, test.demand, test.cause.DemandID(), want)
	}
}
