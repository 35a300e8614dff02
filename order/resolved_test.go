package order

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// happening is one thing that happens to an order.
type happening func(State) Decision

func reports(f Fact) happening { return func(s State) Decision { return s.ApplyFact(f, f.ReceivedAt) } }

func announcementAt(h int) happening { return reports(newFact(FactReportReady, h)) }

// fetches ends the fetch that the newest announcement asked for.
func fetches(version string, changed bool) happening {
	return func(s State) Decision {
		d, _ := s.ApplyFetchedResults(FetchOutcome{Generation: s.Fetch.Generation, ResultID: version, Changed: changed},
			hour(300))
		return d
	}
}

// accepts accepts a version that was held, or another one.
func accepts(version, held string) happening {
	return func(s State) Decision {
		f := FetchOutcome{ResultID: version, Changed: true, HeldID: held}
		return s.ApplyDemand(Demand{Kind: DemandAcceptResults, By: lifecycle.Client, Results: &f}, hour(300))
	}
}

func acknowledges(r AttentionReason) happening {
	return func(s State) Decision {
		return s.ApplyDemand(Demand{Kind: DemandAcknowledgeMark, By: lifecycle.Operations, Reason: string(r)}, hour(300))
	}
}

// applyHappenings makes things happen, one after the other, and returns the last decision.
func applyHappenings(s State, all ...happening) *Decision {
	var d Decision
	for _, h := range all {
		d = h(s)
		s = d.Next
	}
	return &d
}

// TestResultsAfterTheEndAreDecidedOnce: results on an order that ended otherwise ask for one decision, in whatever
// order they are announced, fetched and decided on.
func TestResultsAfterTheEndAreDecidedOnce(t *testing.T) {
	t.Parallel()
	held := []happening{announcementAt(60), fetches("v1", true)}
	acknowledged := acknowledges(AttentionResultAfterEnd)
	for name, c := range map[string]struct {
		then []happening
		open bool
		held string
	}{
		"held back":                            {nil, true, "v1"},
		"accepted":                             {[]happening{accepts("v1", "v1")}, false, ""},
		"accepted, announced":                  {[]happening{accepts("v1", "v1"), announcementAt(70)}, false, ""},
		"accepted, announced again, same time": {[]happening{accepts("v1", "v1"), announcementAt(60)}, false, ""},
		"accepted, announced, fetched": {
			[]happening{accepts("v1", "v1"), announcementAt(70), fetches("v1", false)}, false, "",
		},
		"announced, accepted, fetched": {
			[]happening{announcementAt(70), accepts("v1", "v1"), fetches("v1", false)}, false, "",
		},
		"announced, fetch stored, accepted": {
			[]happening{announcementAt(70), accepts("v1", "v1"), fetches("v1", true)}, false, "",
		},
		"announced, fetched, accepted": {
			[]happening{announcementAt(70), fetches("v1", true), accepts("v1", "v1")}, false, "",
		},
		"accepted as a later version": {
			[]happening{accepts("v3", "v1"), announcementAt(70), fetches("v3", false)}, false, "",
		},
		"accepted, corrected": {
			[]happening{accepts("v1", "v1"), announcementAt(70), fetches("v2", true)}, true, "v2",
		},
		"accepted, corrected, said again": {
			[]happening{accepts("v1", "v1"), announcementAt(70), fetches("v2", true), announcementAt(80), fetches("v2", true)},
			true, "v2",
		},
		"accepted, corrected, accepted": {
			[]happening{accepts("v1", "v1"), announcementAt(70), fetches("v2", true), accepts("v2", "v2"),
				announcementAt(80), fetches("v2", false)}, false, "",
		},
		"corrected, the first accepted": {
			[]happening{announcementAt(70), fetches("v2", true), accepts("v3", "v1")}, true, "v2",
		},
		"corrected, the correction accepted": {
			[]happening{announcementAt(70), fetches("v2", true), accepts("v2", "v2")}, false, "",
		},
		"accepted, corrected, taken back": {
			[]happening{accepts("v1", "v1"), announcementAt(70), fetches("v2", true), announcementAt(80),
				fetches("v3", false)}, true, "v3",
		},
		"accepted, corrected, seen, taken back": {
			[]happening{accepts("v1", "v1"), announcementAt(70), fetches("v2", true), acknowledged, announcementAt(80),
				fetches("v3", false)}, false, "",
		},
		"acknowledged":            {[]happening{acknowledged}, false, ""},
		"acknowledged, announced": {[]happening{acknowledged, announcementAt(70)}, false, ""},
		"acknowledged, announced, fetched": {
			[]happening{acknowledged, announcementAt(70), fetches("v1", true)}, false, "",
		},
		"announced, acknowledged, fetched": {
			[]happening{announcementAt(70), acknowledged, fetches("v1", true)}, false, "",
		},
		"acknowledged, corrected": {
			[]happening{acknowledged, announcementAt(70), fetches("v2", true)}, true, "v2",
		},
		"corrected, acknowledged, the first fetched again": {
			[]happening{announcementAt(70), fetches("v2", true), acknowledged, fetches("v1", false)}, false, "",
		},
		"corrected, the correction accepted, the first fetched again": {
			[]happening{announcementAt(70), fetches("v2", true), accepts("v2", "v2"), fetches("v1", true)}, false, "",
		},
		"corrected, the first fetched again": {
			[]happening{announcementAt(70), fetches("v2", true), fetches("v1", true)}, true, "v1",
		},
		"acknowledged, accepted, fetched": {
			[]happening{acknowledged, accepts("v1", "v1"), announcementAt(70), fetches("v1", false)}, false, "",
		},
		"another report accepted onto it, fetched": {
			[]happening{accepts("x", ""), announcementAt(70), fetches("x", true)}, true, "v1",
		},
		"somebody else's results accepted onto it": {[]happening{accepts("x", "")}, true, "v1"},
	} {
		for _, end := range []DemandKind{DemandCancel, DemandDoNotProcess} {
			t.Run(name+", "+string(end), func(t *testing.T) {
				t.Parallel()
				ended := placedState(t, nil).ApplyDemand(Demand{Kind: end, By: lifecycle.Operations}, hour(2)).Next
				other := ended.Agenda().MarkReasons()
				d := applyHappenings(ended, append(held[:len(held):len(held)], c.then...)...)
				require.Equal(t, c.open, d.Next.HasMark(AttentionResultAfterEnd))
				require.Equal(t, c.held, d.Next.heldResultID(AttentionResultAfterEnd))
				d.Next.ClearMark(AttentionResultAfterEnd)
				require.Equal(t, other, d.Next.Agenda().MarkReasons(), "and no other mark")
				require.Equal(t, ended.Status, d.Next.Status)
			})
		}
	}
}

// TestADecidedVersionIsNotHeldBack: a fetched version that was decided on opens no match review.
func TestADecidedVersionIsNotHeldBack(t *testing.T) {
	t.Parallel()
	cancelled := placedState(t, nil).ApplyDemand(Demand{Kind: DemandCancel, By: lifecycle.Client}, hour(2)).Next
	d := applyHappenings(cancelled, announcementAt(60), fetches("v1", true))
	require.Equal(t, OutcomeRefused, d.Outcome, "this is what has the workflow hold it back")
	d = applyHappenings(d.Next, announcementAt(70), accepts("v1", "v1"), fetches("v1", true))
	require.Equal(t, OutcomeLate, d.Outcome)
	require.Equal(t, ReasonRepeated, d.Reason)
	require.Empty(t, deadlinesOf(d.Next, AttentionResultsUnfetched))
	require.Equal(t, 1, d.Next.Fetch.StoredVersions)
	require.False(t, d.Next.HasNews(FetchOutcome{ResultID: "v1", Changed: true}), "the client gets one critical webhook")
	require.True(t, d.Next.HasNews(FetchOutcome{ResultID: "v2", Changed: true}))
}

// TestAnAcknowledgedAnnouncement: an acknowledgement before the results says nothing about the results.
func TestAnAcknowledgedAnnouncement(t *testing.T) {
	t.Parallel()
	cancelled := placedState(t, nil).ApplyDemand(Demand{Kind: DemandCancel, By: lifecycle.Client}, hour(2)).Next
	d := applyHappenings(cancelled, announcementAt(60))
	require.True(t, d.Next.HasMark(AttentionResultAfterEnd))
	d = applyHappenings(d.Next, acknowledges(AttentionResultAfterEnd), announcementAt(70))
	require.False(t, d.Next.HasMark(AttentionResultAfterEnd), "the same announcement again")
	require.NotEmpty(t, deadlinesOf(d.Next, AttentionResultsUnfetched))
	require.True(t, applyHappenings(d.Next, fetches("v1", true)).Next.HasMark(AttentionResultAfterEnd))
}

// TestAVersionCompletesAnOrderOnce: an open order fetches a version that somebody accepts for it at the same time.
func TestAVersionCompletesAnOrderOnce(t *testing.T) {
	t.Parallel()
	for name, sequence := range map[string][]happening{
		"accepted, fetched":            {accepts("v1", ""), fetches("v1", true)},
		"fetched, accepted":            {fetches("v1", true), accepts("v1", "")},
		"accepted, announced, fetched": {accepts("v1", ""), announcementAt(110), fetches("v1", true)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := applyHappenings(stateIn(t, lifecycle.DeliveredToLab, nil), announcementAt(100)).Next
			d := applyHappenings(s, sequence...)
			require.Equal(t, lifecycle.Completed, d.Next.Status, "no correction")
			require.Empty(t, d.Steps)
			require.Empty(t, d.Next.Attention)
			d = applyHappenings(d.Next, announcementAt(120), fetches("v2", true))
			require.Equal(t, []lifecycle.LowStatus{lifecycle.Corrected}, lowStatuses(d.Steps))
		})
	}
}

// TestAnAcknowledgedMarkIsNotRaisedByARepeat: the same fact in another inbox item does not raise an acknowledged mark
// again, and a new one does.
func TestAnAcknowledgedMarkIsNotRaisedByARepeat(t *testing.T) {
	t.Parallel()
	accession := func(number string, h int) Fact {
		f := newFact(FactKitShipped, h)
		f.Accession = number
		return f
	}
	confirmed := Demand{Kind: DemandCancel, By: lifecycle.Client, Confirmed: true}
	cancelled := placedState(t, nil).ApplyDemand(confirmed, hour(2)).Next
	visit := func(status lifecycle.AppointmentStatus, h int) Fact {
		f := newFact(FactAppointment, h)
		f.AppointmentID, f.Appointment = "theirs", &ReportedAppointment{Status: status}
		return f
	}
	walkIn := requisitionedState(lifecycle.WalkIn, nil)
	for name, c := range map[string]struct {
		state State
		mark  AttentionReason
		first Fact
		news  Fact
	}{
		"a contradiction": {cancelled, AttentionContradictoryFact, newFact(FactKitShipped, 24),
			newFact(FactKitShipped, 30)},
		"another contradiction": {cancelled, AttentionContradictoryFact, newFact(FactKitShipped, 24),
			newFact(FactKitReceived, 24)},
		"by a courier": {
			cancelled, AttentionContradictoryFact, courierFact(24, "outbound", lifecycle.TransitCustomer),
			courierFact(24, "outbound", lifecycle.Lost),
		},
		"a rejection": {cancelled, AttentionContradictoryFact, rejectionFact(24, true), rejectionFact(24, false)},
		"not for its method": {cancelled, AttentionContradictoryFact, newFact(FactDrawCompleted, 24),
			newFact(FactDrawCompleted, 30)},
		"a visit after the end": {
			walkIn.ApplyDemand(cancelBy(lifecycle.Client),
				hour(2)).Next, AttentionContradictoryFact, visit("confirmed", 24), visit("in_progress", 24),
		},
		"another accession number": {placedState(t, nil), AttentionAccessionMismatch, accession("M2", 24),
			accession("M3", 24)},
		"a sample with a problem": {walkIn, AttentionSampleProblem, rejectionFact(24, true), rejectionFact(30, true)},
		"an unregistered kit": {registrableState(t), AttentionUnregisteredSample, newFact(FactKitReceived, 24),
			rejectionFact(30, true)},
		"a kit that is to be saved": {placedState(t, nil), AttentionRecoveryNeeded, rejectionFact(24, true),
			rejectionFact(30, true)},
		"an unreadable recoverable": {placedState(t, nil), AttentionRecoverableUnclear, newFact(FactKitRejected, 24),
			newFact(FactKitRejected, 30)},
		"results after the end": {cancelled, AttentionResultAfterEnd, newFact(FactReportReady, 24), Fact{}},
		"an accession, known before": {placedState(t, nil), AttentionAccessionMismatch, accession("M2", 24),
			accession("M3", 30)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := applyHappenings(c.state, reports(c.first)).Next
			require.True(t, s.HasMark(c.mark))
			again := c.first
			again.InboxID += " again"
			require.True(t, applyHappenings(s, reports(again)).Next.HasMark(c.mark), "it was not acknowledged")
			s = applyHappenings(s, reports(again), acknowledges(c.mark)).Next
			require.False(t, s.HasMark(c.mark))
			again.InboxID, again.ReceivedAt = again.InboxID+"st", again.ReceivedAt.Add(2*time.Hour)
			s = applyHappenings(s, reports(again)).Next
			require.False(t, s.HasMark(c.mark), "it says what somebody has seen")
			if c.news.Kind != "" {
				require.True(t, applyHappenings(s, reports(c.news)).Next.HasMark(c.mark), "it says something new")
			}
		})
	}
}

// TestAcknowledgedParkedFacts: an acknowledgement covers all facts that are parked at the time, and no later ones.
func TestAcknowledgedParkedFacts(t *testing.T) {
	t.Parallel()
	mark := DeadlineName(AttentionFactOutOfPlace)
	s, d := applyFacts(scheduledState(t), newFact(FactKitReceived, 10), newFact(FactReportReady, 12))
	require.Equal(t, OutcomeParked, d.Outcome)
	s, _ = fireDeadline(t, s, mark)
	require.True(t, s.HasMark(AttentionFactOutOfPlace))
	s = applyHappenings(s, acknowledges(AttentionFactOutOfPlace)).Next
	require.Empty(t, deadlinesOf(s, AttentionFactOutOfPlace))
	s.removeParked(newFact(FactKitReceived, 10).InboxID)
	left := s.newDecision(hour(50))
	s = left.finalize().Next
	require.Empty(t, deadlinesOf(s, AttentionFactOutOfPlace), "the second was seen as well")
	require.Len(t, s.Triggers, 1)
	s, _ = applyFacts(s, newFact(FactKitShipped, 60))
	require.Equal(t, []Deadline{{Name: mark, Due: hour(60 + 24)}}, deadlinesOf(s, AttentionFactOutOfPlace))
}

// TestARejectionIsAnsweredByWhatWasSupplied: what was supplied answers every older rejection.
func TestARejectionIsAnsweredByWhatWasSupplied(t *testing.T) {
	t.Parallel()
	for _, correctable := range []bool{false, true} {
		supply := Demand{Kind: DemandRecover, By: lifecycle.Operations, LabTakesCorrections: correctable}
		s := stateIn(t, lifecycle.LabProcessingBlocked, nil).ApplyDemand(supply, hour(95)).Next
		window := s.Recovery
		for _, h := range []int{90, 93} {
			again := rejectionFact(h, true)
			again.InboxID, again.ReceivedAt = "again", hour(96)
			d := s.ApplyFact(again, hour(96))
			require.Equal(t, OutcomeLate, d.Outcome)
			require.False(t, d.Next.HasMark(AttentionRecoveryNeeded))
			require.Equal(t, window, d.Next.Recovery)
		}
		reminded, _ := fireDeadline(t, s, "recovery_reminder_1")
		require.False(t, reminded.HasMark(AttentionRecoveryNeeded))
		require.Equal(t, !correctable, reminded.HasMark(AttentionTellLab))
		newer, _ := applyFacts(s, rejectionFact(97, true))
		require.True(t, newer.HasMark(AttentionRecoveryNeeded))
		require.Zero(t, newer.Recovery.SuppliedAt)
	}
	supply := Demand{Kind: DemandRecover, By: lifecycle.Operations}
	supplied := stateIn(t, lifecycle.LabProcessingBlocked, nil).ApplyDemand(supply, hour(95)).Next
	seen, _ := fireDeadline(t, applyHappenings(supplied, acknowledges(AttentionTellLab)).Next, "recovery_reminder_1")
	require.Equal(t, []string{"tell_lab"}, seen.Agenda().MarkReasons(),
		"what is left to do for a blocked kit is raised again")
}

// TestAnAcknowledgedSilenceIsNotRaisedByTheNextAttempt: further attempts without an answer raise no mark, and another
// demand without an answer does.
func TestAnAcknowledgedSilenceIsNotRaisedByTheNextAttempt(t *testing.T) {
	t.Parallel()
	now := hour(100)
	unanswered := func(s State) Decision { return s.ApplyPlacementUnanswered(now) }
	s := applyHappenings(orderedState(t, nil), unanswered, acknowledges(AttentionPlacementUnanswered), unanswered).Next
	require.False(t, s.HasMark(AttentionPlacementUnanswered))
	place := func(s State) Decision { return s.ApplyDemand(Demand{Kind: DemandPlace, By: lifecycle.Operations}, now) }
	require.True(t, applyHappenings(s, place, unanswered).Next.HasMark(AttentionPlacementUnanswered))

	asked := func(id string) happening {
		return func(s State) Decision { return s.ApplyCancelAsked(Demand{ID: id, Kind: DemandCancel}, now) }
	}
	silent := func(s State) Decision { return s.ApplyCancelUnanswered(now) }
	s = applyHappenings(placedState(t, nil), asked("1"), silent, acknowledges(AttentionCancelUnanswered), silent).Next
	require.False(t, s.HasMark(AttentionCancelUnanswered))
	refused := func(s State) Decision { return s.ApplyCancelRefused(now) }
	require.True(t, applyHappenings(s, refused, asked("2"), silent).Next.HasMark(AttentionCancelUnanswered))

	corrects := func(id string) happening {
		return func(s State) Decision {
			return s.ApplyDemand(Demand{ID: id, Kind: DemandRecover, By: lifecycle.Operations, LabTakesCorrections: true}, now)
		}
	}
	noAnswer := func(s State) Decision { return s.ApplyCorrectionUnanswered(now) }
	s = applyHappenings(stateIn(t, lifecycle.LabProcessingBlocked, nil), corrects("1"), noAnswer,
		acknowledges(AttentionTellLab),
		noAnswer).Next
	require.False(t, s.HasMark(AttentionTellLab))
	require.True(t, applyHappenings(s, corrects("2"), noAnswer).Next.HasMark(AttentionTellLab))
}

// TestAnAcknowledgedAppointmentAtItsProvider: once operations have acknowledged the mark, the provider's further
// silence or refusal raises none.
func TestAnAcknowledgedAppointmentAtItsProvider(t *testing.T) {
	t.Parallel()
	missed := func(id string) happening {
		return func(s State) Decision { return s.ApplyReleaseUnanswered(id, hour(100)) }
	}
	s := requisitionedState(lifecycle.WalkIn, nil)
	s.PendingReleases = []AppointmentRelease{{AppointmentID: "a", UnansweredAttempts: releaseAttemptsBeforeMark - 1},
		{AppointmentID: "b", UnansweredAttempts: releaseAttemptsBeforeMark - 1}}
	s = applyHappenings(s, missed("a")).Next
	require.True(t, s.HasMark(AttentionAppointmentAtProvider))
	s = applyHappenings(s, acknowledges(AttentionAppointmentAtProvider), missed("a")).Next
	require.False(t, s.HasMark(AttentionAppointmentAtProvider))
	refused := applyHappenings(s, func(s State) Decision { return s.ApplyReleaseAnswer("a", true, hour(101)) }).Next
	require.False(t, refused.HasMark(AttentionAppointmentAtProvider))
	require.False(t, refused.ReleaseRefused)
	require.True(t, applyHappenings(s, missed("b")).Next.HasMark(AttentionAppointmentAtProvider))
}

func TestTriggersAreBounded(t *testing.T) {
	t.Parallel()
	s := placedState(t, nil)
	for h := range 3 * maxTriggers {
		f := newFact(FactKitShipped, 24)
		f.InboxID, f.Accession = time.Duration(h).String(), time.Duration(h).String()
		s, _ = applyFacts(s, f)
	}
	require.Len(t, s.Triggers, maxTriggers)
	require.Empty(t, applyHappenings(placedState(t, nil), reports(rejectionFact(24, true)),
		reports(newFact(FactKitReceived, 30))).Next.Triggers)
}
