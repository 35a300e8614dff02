package order

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

func TestDecideCall(t *testing.T) {
	t.Parallel()
	s := newDecideStates(t)
	announced, _ := applyFacts(s.atLab, newFact(FactReportReady, 95))
	held, _ := applyFacts(s.placed, newFact(FactReportReady, 2))
	held = held.ApplyDemand(Demand{ID: "n", Kind: DemandDoNotProcess, By: lifecycle.Operations}, hour(3)).Next
	report := FetchOutcome{Generation: announced.Fetch.Generation, ResultID: "r1", Changed: true, Critical: true}
	shippedWhileAsked, _ := applyFacts(s.cancelling, newFact(FactKitShipped, 24))
	answer := &ReportedAppointment{Status: confirmed, Reference: "ref-1"}
	releasing := s.booking.ApplyBookingGivenUp(s.booking1, hour(3)).Next
	tracked, _ := applyFacts(s.placed, newFact(FactKitShipped, 24))
	place := func(a CallAnswer) CallOutcome { return CallOutcome{Kind: CallPlace, Answer: a, Accession: "M1"} }
	cancel := func(a CallAnswer) CallOutcome { return CallOutcome{Kind: CallCancel, Answer: a, DemandID: "c1"} }
	correct := func(a CallAnswer, d string) CallOutcome {
		return CallOutcome{Kind: CallCorrect, Answer: a, DemandID: d}
	}
	book := func(a CallAnswer, d string) CallOutcome {
		return CallOutcome{Kind: CallBook, Answer: a, DemandID: d, Appointment: answer}
	}
	release := func(a CallAnswer) CallOutcome {
		return CallOutcome{Kind: CallRelease, Answer: a, AppointmentID: s.booking1.ID}
	}
	fetch := func(a CallAnswer, f FetchOutcome) CallOutcome {
		return CallOutcome{Kind: CallFetch, Answer: a, Generation: announced.Fetch.Generation, Fetched: f}
	}

	for name, test := range map[string]struct {
		state  State
		call   CallOutcome
		want   string // the id of the recording; "call": that of the call; empty: nothing is recorded
		reason Reason
		holds  func(State, Recording) bool // what is true after it
	}{
		"a call that nobody knows": {s.placed, CallOutcome{Kind: "visit"}, "", "", nil},
		"placed": {s.ordered, place(AnswerDone), "call", "", func(n State, _ Recording) bool {
			return n.Status == lifecycle.RequisitionCreated && n.Accession == "M1"
		}},
		"not placed": {s.ordered, place(AnswerRefused), "call", ReasonLabRefused, func(n State, _ Recording) bool {
			return n.Placement.State == PlacementRefused
		}},
		"no answer to a placement": {s.ordered, place(AnswerNone), "call", "", func(n State, _ Recording) bool {
			return n.Placement == Placement{State: PlacementStarted, UnansweredRounds: 1}
		}},
		"fetched": {announced, fetch(AnswerDone, report), "call", "", func(n State, r Recording) bool {
			return n.Status == lifecycle.Completed && r.ResultID == "r1" && r.NewlyCritical && r.HeldResultID == ""
		}},
		"nothing to fetch yet": {announced, fetch(AnswerDone, FetchOutcome{}), "call", "", func(n State, r Recording) bool {
			return n.Fetch.Attempts == 1 && n.Fetch.Pending && r.ResultID == ""
		}},
		"no answer to a fetch": {announced, fetch(AnswerNone, FetchOutcome{}), "call", "", func(n State, _ Recording) bool {
			return n.Fetch.Attempts == 1
		}},
		"results of an order that ended": {held, CallOutcome{Kind: CallFetch, Answer: AnswerDone, Generation: 1,
			Fetched: FetchOutcome{Generation: 1, ResultID: "r2", Changed: true}}, "call", ReasonOrderEnded,
			func(n State, r Recording) bool {
				return n.Status == lifecycle.DoNotProcess && r.HeldResultID == "r2" && r.ResultID == ""
			}},
		"tracked": {tracked, CallOutcome{Kind: CallTrack, Answer: AnswerDone, ShipmentAt: tracked.ShipmentAt}, "call", "",
			func(n State, _ Recording) bool { return !n.TrackersPending }},
		"another shipment was tracked": {tracked, CallOutcome{Kind: CallTrack, Answer: AnswerDone, ShipmentAt: hour(1)},
			"call", "", func(n State, _ Recording) bool { return n.TrackersPending }},

		"the lab cancels": {s.cancelling, cancel(AnswerDone), "demand:c1", "", func(n State, r Recording) bool {
			return n.Status == lifecycle.Cancelled && r.DemandID == "c1" && !n.HasMark(AttentionCancelAtLab)
		}},
		"the lab refuses to cancel": {s.cancelling, cancel(AnswerRefused), "demand:c1", ReasonLabRefused,
			func(n State, r Recording) bool {
				return n.Status == lifecycle.RequisitionCreated && r.DemandID == "c1" && n.PendingCancellation == nil
			}},
		"the lab cannot cancel": {s.cancelling, cancel(AnswerNotSupported), "demand:c1", ReasonLabRefused,
			func(n State, _ Recording) bool { return n.PendingCancellation == nil }},
		"no answer to a cancellation": {s.cancelling, cancel(AnswerNone), "call", "", func(n State, r Recording) bool {
			return n.HasMark(AttentionCancelUnanswered) && n.PendingCancellation != nil && r.DemandID == ""
		}},
		"no answer, and the kit has shipped": {shippedWhileAsked, cancel(AnswerNone), "demand:c1",
			ReasonTransitionNotAllowed, func(n State, _ Recording) bool { return n.PendingCancellation == nil }},
		"no cancellation is pending": {s.placed, cancel(AnswerDone), "", "", nil},

		"the lab takes a correction": {s.correcting, correct(AnswerDone, "r1"), "call", "", func(n State, _ Recording) bool {
			return n.Status == lifecycle.DeliveredToLab && n.PendingCorrection == nil
		}},
		"the lab takes none": {s.correcting, correct(AnswerNotSupported, "r1"), "call", "", func(n State, _ Recording) bool {
			return n.HasMark(AttentionTellLab) && n.PendingCorrection == nil
		}},
		"no answer to a correction": {s.correcting, correct(AnswerNone, "r1"), "call", "", func(n State, _ Recording) bool {
			return n.PendingCorrection.UnansweredRounds == 1
		}},
		"a newer correction is pending": {s.correcting, correct(AnswerDone, "r0"), "", "", nil},
		"no correction is pending":      {s.blocked, correct(AnswerDone, "r1"), "", "", nil},

		"booked": {s.booking, book(AnswerDone, "b-s1"), "demand:b-s1", "", func(n State, r Recording) bool {
			return n.Status == lifecycle.AppointmentScheduled && n.PendingBooking == nil && r.DemandID == "b-s1"
		}},
		"the slot is gone": {s.booking, book(AnswerSlotGone, "b-s1"), "demand:b-s1", ReasonSlotGone,
			func(n State, _ Recording) bool { return n.PendingBooking == nil }},
		"the provider refuses": {s.booking, book(AnswerRefused, "b-s1"), "demand:b-s1", ReasonLabRefused,
			func(n State, _ Recording) bool { return n.PendingBooking == nil }},
		"the provider has no such call": {s.booking, book(AnswerNotSupported, "b-s1"), "demand:b-s1", ReasonLabRefused,
			func(n State, _ Recording) bool { return n.PendingBooking == nil }},
		"no answer to a booking":        {s.booking, book(AnswerNone, "b-s1"), "", "", nil},
		"the answer to another booking": {s.booking, book(AnswerDone, "b-s0"), "", "", nil},
		"the booking was given up":      {releasing, book(AnswerDone, "b-s1"), "", "", nil},
		"done, without an appointment": {s.booking, CallOutcome{Kind: CallBook, Answer: AnswerDone, DemandID: "b-s1"},
			"", "", nil},
		"released": {releasing, release(AnswerDone), "call", "", func(n State, _ Recording) bool {
			return len(n.PendingReleases) == 0 && !n.HasMark(AttentionAppointmentAtProvider)
		}},
		"a release is refused": {releasing, release(AnswerRefused), "call", "", func(n State, _ Recording) bool {
			return len(n.PendingReleases) == 0 && n.HasMark(AttentionAppointmentAtProvider)
		}},
		"no answer to a release": {releasing, release(AnswerNone), "call", "", func(n State, _ Recording) bool {
			return n.PendingReleases[0].UnansweredAttempts == 1
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.call.ID = "a-round"
			before := jsonText(t, test.state)
			rec := test.state.Decide(ofCall(test.call), hour(100))
			require.Equal(t, before, jsonText(t, test.state), "the state does not change")
			if test.want == "" {
				require.Nil(t, rec)
				return
			}
			require.NotNil(t, rec)
			if test.want == "call" {
				test.want = "call:a-round"
			}
			require.Equal(t, []any{test.want, test.reason}, []any{rec.Cause, rec.Decision.Reason})
			require.True(t, test.holds(rec.Decision.Next, *rec), "%+v", rec.Decision.Next)
		})
	}
}

// Accepted results become the order's newest ones.
func TestDecideAcceptedResults(t *testing.T) {
	t.Parallel()
	held, _ := applyFacts(stateIn(t, lifecycle.DeliveredToLab, nil))
	dm := Demand{ID: "a1", Kind: DemandAcceptResults, By: lifecycle.Operations,
		Results: &FetchOutcome{ResultID: "r9", Changed: true, Critical: true}}
	rec := held.Decide(ofDemand(dm), hour(100))
	require.Equal(t, []any{OutcomeApplied, "demand:a1", "a1", "r9", true},
		[]any{rec.Decision.Outcome, rec.Cause, rec.DemandID, rec.ResultID, rec.NewlyCritical})
	require.Equal(t, lifecycle.Completed, rec.Decision.Next.Status)

	dm.Results = nil
	refused := held.Decide(ofDemand(dm), hour(100))
	require.Equal(t, []any{OutcomeRefused, ReasonNoSuchResult, ""},
		[]any{refused.Decision.Outcome, refused.Decision.Reason, refused.ResultID})
}
