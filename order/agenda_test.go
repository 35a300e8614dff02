package order

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// agendaStates are states with one call to make, by the kind of the call.
func agendaStates(t *testing.T) map[CallKind]State {
	t.Helper()
	s := newDecideStates(t)
	announced, _ := applyFacts(s.atLab, newFact(FactReportReady, 95))
	tracked, _ := applyFacts(s.placed, newFact(FactKitShipped, 24))
	require.True(t, tracked.TrackersPending)
	all := map[CallKind]State{
		CallPlace: s.ordered, CallFetch: announced, CallTrack: tracked, CallCancel: s.cancelling,
		CallCorrect: s.correcting, CallBook: s.booking, CallRelease: s.booking.ApplyBookingGivenUp(s.booking1, hour(3)).Next,
	}
	for kind, st := range all {
		st.TrackersPending = kind == CallTrack // other kits have trackers
		all[kind] = st
	}
	return all
}

// calls lists the calls of an agenda.
func (a Agenda) calls() []CallKind {
	var kinds []CallKind
	for _, c := range []struct {
		kind   CallKind
		wanted bool
	}{
		{CallPlace, a.Place != nil}, {CallFetch, a.Fetch != nil}, {CallTrack, a.Track != nil},
		{CallCancel, a.Cancel != nil}, {CallCorrect, a.Correct != nil}, {CallBook, a.Book != nil},
		{CallRelease, len(a.Release) > 0},
	} {
		if c.wanted {
			kinds = append(kinds, c.kind)
		}
	}
	return kinds
}

// TestAgendaHasTheCalls checks which call each state wants, and which of them keep an order unfinished that has ended.
func TestAgendaHasTheCalls(t *testing.T) {
	t.Parallel()
	for kind, s := range agendaStates(t) {
		a := s.Agenda()
		require.Equal(t, []CallKind{kind}, a.calls())
		unimportant := kind == CallPlace || kind == CallTrack || kind == CallCorrect
		require.Equal(t, !unimportant, a.HasCalls(), kind)
		require.False(t, a.Finished(), kind)

		ended := s
		ended.Status = lifecycle.Cancelled
		after := ended.Agenda()
		require.True(t, after.Ended)
		require.Equal(t, unimportant, after.Finished(), kind)
		if kind == CallPlace || kind == CallTrack {
			require.Empty(t, after.calls(), "it is not wanted after the end")
		}
	}
	require.Empty(t, stateIn(t, lifecycle.Completed, nil).Agenda().calls())
}

func TestAgendaShowsTheState(t *testing.T) {
	t.Parallel()
	early := courierFact(1, "outbound", lifecycle.TransitCustomer)
	s := orderedState(t, nil).ApplyFact(early, hour(1)).Next.ApplyPlacementUnanswered(hour(2)).Next
	s.Revision, s.Sequence, s.Detail, s.Accession = 7, 3, "delayed", "M1"
	a := s.Agenda()
	require.Equal(t, []any{int64(7), int64(3), "t1", "K7Q2M9XW4T1B8C5D", lifecycle.Testkit, lifecycle.Ordered,
		lifecycle.Detail("delayed"), false, "M1"},
		[]any{a.Revision, a.Sequence, a.TeamID, a.Number, a.Modality, a.Status, a.Detail, a.Ended, a.Accession})
	require.Equal(t, lifecycle.Status("received.testkit.ordered"), a.FullStatus)
	require.Equal(t, []ParkedFact{{Kind: FactCourierReport, ReceivedAt: hour(1)}}, a.Parked)
	require.Equal(t, []string{string(AttentionPlacementUnanswered)}, a.MarkReasons())
	require.Equal(t, &PlaceTask{UnansweredRounds: 1}, a.Place)
	next, ok := a.NextDeadline()
	require.True(t, ok)
	require.Equal(t, s.Deadlines[0], next)
	_, ok = Agenda{}.NextDeadline()
	require.False(t, ok)
}

// The tasks hold what the calls need.
func TestAgendaTasks(t *testing.T) {
	t.Parallel()
	all := agendaStates(t)
	due, ok := all[CallFetch].NextFetch()
	require.True(t, ok)
	require.Equal(t, &FetchTask{Generation: 1, Due: due}, all[CallFetch].Agenda().Fetch)
	require.Equal(t, &TrackTask{ShipmentAt: hour(24)}, all[CallTrack].Agenda().Track)
	require.Equal(t, &DemandTask{DemandID: "c1"}, all[CallCancel].Agenda().Cancel)
	require.Equal(t, &DemandTask{DemandID: "r1", UnansweredRounds: 1},
		all[CallCorrect].ApplyCorrectionUnanswered(hour(92)).Next.Agenda().Correct)
	require.Equal(t, &BookTask{Demand: all[CallBook].PendingBooking.Demand}, all[CallBook].Agenda().Book)
	require.Equal(t, "b-s1", all[CallRelease].Agenda().Release[0].AppointmentID)

	for kind, withAppointment := range map[DemandKind]bool{DemandRescheduleAppointment: true,
		DemandCancelAppointment: true, DemandBookAppointment: false} {
		booked := withBookedAppointment(t, lifecycle.WalkIn)
		booked = booked.ApplyBookingAsked(bookingOf(lifecycle.WalkIn, kind, "s3", 60), hour(3)).Next
		want := Appointment{}
		if withAppointment {
			want = *booked.Appointment
		}
		require.Equal(t, want, booked.Agenda().Book.Appointment, kind)
	}
}

// ActsBy is the next deadline, or the time by which the outcome of a call is recorded, whichever is first.
func TestActsBy(t *testing.T) {
	t.Parallel()
	all := agendaStates(t)
	fetch, _ := all[CallFetch].NextFetch()
	recorded := hour(96)
	within := func(d time.Duration) time.Time { return recorded.Add(d) }
	for name, test := range map[string]struct {
		state State
		want  time.Time
	}{
		"nothing to do":            {State{}, time.Time{}},
		"an order that ended":      {stateIn(t, lifecycle.Cancelled, nil), time.Time{}},
		"a deadline":               {State{Deadlines: []Deadline{{Due: hour(200)}, {Due: hour(300)}}}, hour(200)},
		"a call":                   {all[CallCancel], within(10 * time.Minute)},
		"a booking":                {all[CallBook], within(10 * time.Minute)},
		"a release":                {all[CallRelease], within(10 * time.Minute)},
		"a placement":              {all[CallPlace], within(10 * time.Minute)},
		"a placement, third round": {withPlacementRounds(all[CallPlace], 2), within(20 * time.Minute)},
		"a placement, many rounds": {withPlacementRounds(all[CallPlace], 99), within(70 * time.Minute)},
		"a correction":             {all[CallCorrect], within(10 * time.Minute)},
		"a correction, next round": {all[CallCorrect].ApplyCorrectionUnanswered(hour(92)).Next, within(15 * time.Minute)},
		"a fetch":                  {all[CallFetch], fetch.Add(10 * time.Minute)},
		"trackers keep nobody":     {all[CallTrack], time.Time{}},
	} {
		if name != "a deadline" {
			test.state.Deadlines = nil
		}
		require.Equal(t, test.want, test.state.ActsBy(recorded), name)
		if name == "a deadline" || test.want.IsZero() {
			continue
		}
		earlier := test.state
		earlier.Deadlines = []Deadline{{Name: DeadlineActivation, Due: test.want.Add(-time.Second)}}
		require.Equal(t, test.want.Add(-time.Second), earlier.ActsBy(recorded), name)
		earlier.Deadlines[0].Due = test.want.Add(time.Second)
		require.Equal(t, test.want, earlier.ActsBy(recorded), name)
	}
}

func withPlacementRounds(s State, rounds int) State {
	s.Placement.UnansweredRounds = rounds
	return s
}

func TestRoundPause(t *testing.T) {
	t.Parallel()
	for rounds, want := range map[int]time.Duration{0: 0, 1: 5 * time.Minute, 2: 10 * time.Minute, 4: 40 * time.Minute,
		5: time.Hour, 9: time.Hour, 1000: time.Hour} {
		require.Equal(t, want, RoundPause(rounds), rounds)
	}
}

// A status of a newer build is shown as it is: the order of a build that does not know it goes on.
func TestAgendaOfAnUnknownStatus(t *testing.T) {
	t.Parallel()
	s := orderedState(t, nil)
	s.Status = "held_at_customs"
	require.Equal(t, lifecycle.Status("held_at_customs"), s.Agenda().FullStatus)
	require.Panics(t, func() { _ = s.FullStatus() }, "the control")
}
