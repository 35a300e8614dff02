package order

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// remember notes what has raised a mark.
func (w *walk) remember(before State, d Decision, again cause) {
	if w.raised == nil {
		w.raised = map[AttentionReason][]cause{}
	}
	for _, a := range d.Next.Attention {
		if !before.Needs(a.Reason) {
			w.raised[a.Reason] = append(w.raised[a.Reason], again)
		}
	}
}

// checkResolved: once somebody has acknowledged a mark, nothing that has raised it raises it again. Once somebody has
// accepted a report, the same version neither asks for a decision nor makes an event.
func (w *walk) checkResolved(dm Demand, d Decision) {
	if d.Outcome != Applied {
		return
	}
	switch dm.Kind {
	case DemandAcknowledge:
		r := AttentionReason(dm.Reason)
		for _, again := range w.raised[r] {
			repeated := again(d.Next)
			require.False(w.t, repeated.Next.Needs(r), "%s is raised again", r)
		}
		require.False(w.t, r == FactOutOfPlace && len(deadlinesOf(d.Next, r)) > 0, "somebody has seen all that is parked")
	case DemandAccept:
		f := *dm.Fetched
		f.Generation, f.Changed = d.Next.Fetch.Generation, true // compared before it was accepted
		again, _ := d.Next.ApplyFetched(f, w.now)
		require.Empty(w.t, again.Steps)
		require.Equal(w.t, d.Next.Needs(ResultAfterEnd), again.Next.Needs(ResultAfterEnd))
	}
}

func deadlinesOf(s State, r AttentionReason) (out []Deadline) {
	for _, dl := range s.Deadlines {
		if dl.Name == DeadlineName(r) {
			out = append(out, dl)
		}
	}
	return out
}

// happening is one thing that happens to an order.
type happening func(State) Decision

func reports(f Fact) happening { return func(s State) Decision { return s.ApplyFact(f, f.ReceivedAt) } }

func announced(h int) happening { return reports(fact(ReportReady, h)) }

// fetches is the end of the fetch that the newest announcement asked for.
func fetches(version string, changed bool) happening {
	return func(s State) Decision {
		d, _ := s.ApplyFetched(Fetched{Generation: s.Fetch.Generation, ResultID: version, Changed: changed}, hour(300))
		return d
	}
}

// accepts takes a version on that was held back as another, or as itself.
func accepts(version, held string) happening {
	return func(s State) Decision {
		f := Fetched{ResultID: version, Changed: true, HeldID: held}
		return s.ApplyDemand(Demand{Kind: DemandAccept, By: lifecycle.Client, Fetched: &f}, hour(300))
	}
}

func acknowledges(r AttentionReason) happening {
	return func(s State) Decision {
		return s.ApplyDemand(Demand{Kind: DemandAcknowledge, By: lifecycle.Operations, Reason: string(r)}, hour(300))
	}
}

// happen makes things happen, one after the other, and returns the last decision.
func happen(s State, all ...happening) *Decision {
	var d Decision
	for _, h := range all {
		d = h(s)
		s = d.Next
	}
	return &d
}

// Results on an order that ended otherwise ask for a decision once, in whatever order they are announced, fetched and
// decided about.
func TestResultsAfterTheEndAreDecidedOnce(t *testing.T) {
	t.Parallel()
	held := []happening{announced(60), fetches("v1", true)}
	acknowledged := acknowledges(ResultAfterEnd)
	for name, c := range map[string]struct {
		then []happening
		open bool
		held string
	}{
		"held back":                            {nil, true, "v1"},
		"accepted":                             {[]happening{accepts("v1", "v1")}, false, ""},
		"accepted, announced":                  {[]happening{accepts("v1", "v1"), announced(70)}, false, ""},
		"accepted, announced again, same time": {[]happening{accepts("v1", "v1"), announced(60)}, false, ""},
		"accepted, announced, fetched": {
			[]happening{accepts("v1", "v1"), announced(70), fetches("v1", false)}, false, "",
		},
		"announced, accepted, fetched": {
			[]happening{announced(70), accepts("v1", "v1"), fetches("v1", false)}, false, "",
		},
		"announced, fetch stored, accepted": {
			[]happening{announced(70), accepts("v1", "v1"), fetches("v1", true)}, false, "",
		},
		"announced, fetched, accepted": {
			[]happening{announced(70), fetches("v1", true), accepts("v1", "v1")}, false, "",
		},
		"accepted as a later version": {
			[]happening{accepts("v3", "v1"), announced(70), fetches("v3", false)}, false, "",
		},
		"accepted, corrected": {
			[]happening{accepts("v1", "v1"), announced(70), fetches("v2", true)}, true, "v2",
		},
		"accepted, corrected, said again": {
			[]happening{accepts("v1", "v1"), announced(70), fetches("v2", true), announced(80), fetches("v2", true)}, true, "v2",
		},
		"accepted, corrected, accepted": {
			[]happening{accepts("v1", "v1"), announced(70), fetches("v2", true), accepts("v2", "v2"),
				announced(80), fetches("v2", false)}, false, "",
		},
		"corrected, the first accepted": {
			[]happening{announced(70), fetches("v2", true), accepts("v3", "v1")}, true, "v2",
		},
		"corrected, the correction accepted": {
			[]happening{announced(70), fetches("v2", true), accepts("v2", "v2")}, false, "",
		},
		"accepted, corrected, taken back": {
			[]happening{accepts("v1", "v1"), announced(70), fetches("v2", true), announced(80),
				fetches("v3", false)}, true, "v3",
		},
		"accepted, corrected, seen, taken back": {
			[]happening{accepts("v1", "v1"), announced(70), fetches("v2", true), acknowledged, announced(80),
				fetches("v3", false)}, false, "",
		},
		"acknowledged":            {[]happening{acknowledged}, false, ""},
		"acknowledged, announced": {[]happening{acknowledged, announced(70)}, false, ""},
		"acknowledged, announced, fetched": {
			[]happening{acknowledged, announced(70), fetches("v1", true)}, false, "",
		},
		"announced, acknowledged, fetched": {
			[]happening{announced(70), acknowledged, fetches("v1", true)}, false, "",
		},
		"acknowledged, corrected": {
			[]happening{acknowledged, announced(70), fetches("v2", true)}, true, "v2",
		},
		"acknowledged, accepted, fetched": {
			[]happening{acknowledged, accepts("v1", "v1"), announced(70), fetches("v1", false)}, false, "",
		},
		"somebody else's results accepted onto it": {[]happening{accepts("x", "")}, true, "v1"},
	} {
		for _, end := range []DemandKind{DemandCancel, DemandDoNotProcess} {
			t.Run(name+", "+string(end), func(t *testing.T) {
				t.Parallel()
				ended := placed(t, nil).ApplyDemand(Demand{Kind: end, By: lifecycle.Operations}, hour(2)).Next
				other := ended.AttentionReasons()
				d := happen(ended, append(held[:len(held):len(held)], c.then...)...)
				require.Equal(t, c.open, d.Next.Needs(ResultAfterEnd))
				require.Equal(t, c.held, d.Next.held())
				d.Next.Settle(ResultAfterEnd)
				require.Equal(t, other, d.Next.AttentionReasons(), "and no other mark")
				require.Equal(t, ended.Status, d.Next.Status)
			})
		}
	}
}

// What is fetched and found decided about is not held back, so that no review opens.
func TestADecidedVersionIsNotHeldBack(t *testing.T) {
	t.Parallel()
	cancelled := placed(t, nil).ApplyDemand(Demand{Kind: DemandCancel, By: lifecycle.Client}, hour(2)).Next
	d := happen(cancelled, announced(60), fetches("v1", true))
	require.Equal(t, Refused, d.Outcome, "this is what has the workflow hold it back")
	d = happen(d.Next, announced(70), accepts("v1", "v1"), fetches("v1", true))
	require.Equal(t, Late, d.Outcome)
	require.Equal(t, ReasonRepeated, d.Reason)
	require.Empty(t, deadlinesOf(d.Next, ResultsUnfetched))
	require.Equal(t, 1, d.Next.Fetch.Versions)
	require.False(t, d.Next.News(Fetched{ResultID: "v1", Changed: true}), "the client gets one critical webhook")
	require.True(t, d.Next.News(Fetched{ResultID: "v2", Changed: true}))
}

// An acknowledged announcement, whose results had not come yet, says nothing about the results.
func TestAnAcknowledgedAnnouncement(t *testing.T) {
	t.Parallel()
	cancelled := placed(t, nil).ApplyDemand(Demand{Kind: DemandCancel, By: lifecycle.Client}, hour(2)).Next
	d := happen(cancelled, announced(60))
	require.True(t, d.Next.Needs(ResultAfterEnd))
	d = happen(d.Next, acknowledges(ResultAfterEnd), announced(70))
	require.False(t, d.Next.Needs(ResultAfterEnd), "the same announcement again")
	require.NotEmpty(t, deadlinesOf(d.Next, ResultsUnfetched))
	require.True(t, happen(d.Next, fetches("v1", true)).Next.Needs(ResultAfterEnd))
}

// The order is running, and its own fetch brings what somebody accepts onto it at the same time.
func TestAVersionCompletesAnOrderOnce(t *testing.T) {
	t.Parallel()
	for name, sequence := range map[string][]happening{
		"accepted, fetched":            {accepts("v1", ""), fetches("v1", true)},
		"fetched, accepted":            {fetches("v1", true), accepts("v1", "")},
		"accepted, announced, fetched": {accepts("v1", ""), announced(110), fetches("v1", true)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := happen(in(t, lifecycle.DeliveredToLab, nil), announced(100)).Next
			d := happen(s, sequence...)
			require.Equal(t, lifecycle.Completed, d.Next.Status, "no correction")
			require.Empty(t, d.Steps)
			require.Empty(t, d.Next.Attention)
			d = happen(d.Next, announced(120), fetches("v2", true))
			require.Equal(t, []lifecycle.Low{lifecycle.Corrected}, lows(d.Steps))
		})
	}
}

// A mark that was acknowledged stays away when the same fact comes again, in another report, and is raised by what is
// new.
func TestAnAcknowledgedMarkIsNotRaisedByARepeat(t *testing.T) {
	t.Parallel()
	accession := func(number string, h int) Fact {
		f := fact(KitShipped, h)
		f.Accession = number
		return f
	}
	confirmed := Demand{Kind: DemandCancel, By: lifecycle.Client, Confirmed: true}
	cancelled := placed(t, nil).ApplyDemand(confirmed, hour(2)).Next
	visit := func(status lifecycle.AppointmentStatus, h int) Fact {
		f := fact(AppointmentReport, h)
		f.AppointmentID, f.Appointment = "theirs", &Booked{Status: status}
		return f
	}
	walkIn := requisitioned(lifecycle.WalkIn, nil)
	for name, c := range map[string]struct {
		state State
		mark  AttentionReason
		first Fact
		news  Fact
	}{
		"a contradiction":       {cancelled, ContradictoryFact, fact(KitShipped, 24), fact(KitShipped, 30)},
		"another contradiction": {cancelled, ContradictoryFact, fact(KitShipped, 24), fact(KitReceived, 24)},
		"by a courier": {
			cancelled, ContradictoryFact, courier(24, "outbound", lifecycle.TransitCustomer),
			courier(24, "outbound", lifecycle.Lost),
		},
		"a rejection":        {cancelled, ContradictoryFact, rejected(24, true), rejected(24, false)},
		"not for its method": {cancelled, ContradictoryFact, fact(DrawReport, 24), fact(DrawReport, 30)},
		"a visit after the end": {
			walkIn.ApplyDemand(cancelBy(lifecycle.Client),
				hour(2)).Next, ContradictoryFact, visit("confirmed", 24), visit("in_progress", 24),
		},
		"another accession number":   {placed(t, nil), AccessionMismatch, accession("M2", 24), accession("M3", 24)},
		"a sample with a problem":    {walkIn, SampleProblem, rejected(24, true), rejected(30, true)},
		"an unregistered kit":        {registrable(t), UnregisteredKit, fact(KitReceived, 24), rejected(30, true)},
		"a kit that is to be saved":  {placed(t, nil), RecoveryNeeded, rejected(24, true), rejected(30, true)},
		"an unreadable recoverable":  {placed(t, nil), RecoverableUnclear, fact(KitRejected, 24), fact(KitRejected, 30)},
		"results after the end":      {cancelled, ResultAfterEnd, fact(ReportReady, 24), Fact{}},
		"an accession, known before": {placed(t, nil), AccessionMismatch, accession("M2", 24), accession("M3", 30)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := happen(c.state, reports(c.first)).Next
			require.True(t, s.Needs(c.mark))
			again := c.first
			again.InboxID += " again"
			require.True(t, happen(s, reports(again)).Next.Needs(c.mark), "nobody has seen it")
			s = happen(s, reports(again), acknowledges(c.mark)).Next
			require.False(t, s.Needs(c.mark))
			again.InboxID, again.ReceivedAt = again.InboxID+"st", again.ReceivedAt.Add(2*time.Hour)
			s = happen(s, reports(again)).Next
			require.False(t, s.Needs(c.mark), "it says what somebody has seen")
			if c.news.Kind != "" {
				require.True(t, happen(s, reports(c.news)).Next.Needs(c.mark), "it says something new")
			}
		})
	}
}

// Of several parked facts all are seen by who acknowledges that they wait. A later one is not.
func TestAcknowledgedParkedFacts(t *testing.T) {
	t.Parallel()
	mark := DeadlineName(FactOutOfPlace)
	s, d := run(scheduled(t), fact(KitReceived, 10), fact(ReportReady, 12))
	require.Equal(t, Parked, d.Outcome)
	s, _ = fire(t, s, mark)
	require.True(t, s.Needs(FactOutOfPlace))
	s = happen(s, acknowledges(FactOutOfPlace)).Next
	require.Empty(t, deadlinesOf(s, FactOutOfPlace))
	s.unpark(fact(KitReceived, 10).InboxID)
	left := s.decision(hour(50))
	s = left.finish().Next
	require.Empty(t, deadlinesOf(s, FactOutOfPlace), "the second was seen as well")
	require.Len(t, s.Triggers, 1)
	s, _ = run(s, fact(KitShipped, 60))
	require.Equal(t, []Deadline{{Name: mark, Due: hour(60 + 24)}}, deadlinesOf(s, FactOutOfPlace))
}

// What was supplied answers every rejection that is older.
func TestARejectionIsAnsweredByWhatWasSupplied(t *testing.T) {
	t.Parallel()
	for _, correctable := range []bool{false, true} {
		supply := Demand{Kind: DemandRecover, By: lifecycle.Operations, Correctable: correctable}
		s := in(t, lifecycle.LabProcessingBlocked, nil).ApplyDemand(supply, hour(95)).Next
		window := s.Recovery
		for _, h := range []int{90, 93} {
			again := rejected(h, true)
			again.InboxID, again.ReceivedAt = "again", hour(96)
			d := s.ApplyFact(again, hour(96))
			require.Equal(t, Late, d.Outcome)
			require.False(t, d.Next.Needs(RecoveryNeeded))
			require.Equal(t, window, d.Next.Recovery)
		}
		reminded, _ := fire(t, s, "recovery_reminder_1")
		require.False(t, reminded.Needs(RecoveryNeeded))
		require.Equal(t, !correctable, reminded.Needs(TellLab))
		newer, _ := run(s, rejected(97, true))
		require.True(t, newer.Needs(RecoveryNeeded))
		require.Zero(t, newer.Recovery.SuppliedAt)
	}
	supply := Demand{Kind: DemandRecover, By: lifecycle.Operations}
	told := in(t, lifecycle.LabProcessingBlocked, nil).ApplyDemand(supply, hour(95)).Next
	seen, _ := fire(t, happen(told, acknowledges(TellLab)).Next, "recovery_reminder_1")
	require.Equal(t, []string{"tell_lab"}, seen.AttentionReasons(), "what is left to do for a blocked kit is raised again")
}

// A partner that goes on not answering is no news. Another request that it does not answer is.
func TestAnAcknowledgedSilenceIsNotRaisedByTheNextAttempt(t *testing.T) {
	t.Parallel()
	now := hour(100)
	unanswered := func(s State) Decision { return s.ApplyPlacementUnanswered(now) }
	s := happen(newOrder(t, nil), unanswered, acknowledges(PlacementUnanswered), unanswered).Next
	require.False(t, s.Needs(PlacementUnanswered))
	place := func(s State) Decision { return s.ApplyDemand(Demand{Kind: DemandPlace, By: lifecycle.Operations}, now) }
	require.True(t, happen(s, place, unanswered).Next.Needs(PlacementUnanswered))

	asked := func(id string) happening {
		return func(s State) Decision { return s.ApplyCancelAsked(Demand{ID: id, Kind: DemandCancel}, now) }
	}
	silent := func(s State) Decision { return s.ApplyCancelUnanswered(now) }
	s = happen(placed(t, nil), asked("1"), silent, acknowledges(CancelUnanswered), silent).Next
	require.False(t, s.Needs(CancelUnanswered))
	refused := func(s State) Decision { return s.ApplyCancelRefused(now) }
	require.True(t, happen(s, refused, asked("2"), silent).Next.Needs(CancelUnanswered))

	corrects := func(id string) happening {
		return func(s State) Decision {
			return s.ApplyDemand(Demand{ID: id, Kind: DemandRecover, By: lifecycle.Operations, Correctable: true}, now)
		}
	}
	untold := func(s State) Decision { return s.ApplyCorrectionUnanswered(now) }
	s = happen(in(t, lifecycle.LabProcessingBlocked, nil), corrects("1"), untold, acknowledges(TellLab), untold).Next
	require.False(t, s.Needs(TellLab))
	require.True(t, happen(s, corrects("2"), untold).Next.Needs(TellLab))
}

// Somebody has talked to the provider about an appointment; that it still does not answer, or refuses, is no news.
func TestAnAcknowledgedAppointmentAtItsProvider(t *testing.T) {
	t.Parallel()
	missed := func(id string) happening {
		return func(s State) Decision { return s.ApplyReleaseMissed(id, hour(100)) }
	}
	s := requisitioned(lifecycle.WalkIn, nil)
	s.Releasing = []Release{{AppointmentID: "a", Tries: releaseTries - 1}, {AppointmentID: "b", Tries: releaseTries - 1}}
	s = happen(s, missed("a")).Next
	require.True(t, s.Needs(AppointmentAtProvider))
	s = happen(s, acknowledges(AppointmentAtProvider), missed("a")).Next
	require.False(t, s.Needs(AppointmentAtProvider))
	refused := happen(s, func(s State) Decision { return s.ApplyReleased("a", true, hour(101)) }).Next
	require.False(t, refused.Needs(AppointmentAtProvider))
	require.False(t, refused.Undropped)
	require.True(t, happen(s, missed("b")).Next.Needs(AppointmentAtProvider))
}

func TestTriggersAreBounded(t *testing.T) {
	t.Parallel()
	s := placed(t, nil)
	for h := range 3 * keptTriggers {
		f := fact(KitShipped, 24)
		f.InboxID, f.Accession = time.Duration(h).String(), time.Duration(h).String()
		s, _ = run(s, f)
	}
	require.Len(t, s.Triggers, keptTriggers)
	require.Empty(t, happen(placed(t, nil), reports(rejected(24, true)), reports(fact(KitReceived, 30))).Next.Triggers)
}
