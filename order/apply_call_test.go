package order

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// TestFetchSchedule checks molecular-api#d32: at 0, 1, 5, 15 and 60 minutes, then hourly for 24 hours, then no more.
func TestFetchSchedule(t *testing.T) {
	t.Parallel()
	var want []time.Duration
	for _, minutes := range []int{0, 1, 5, 15, 60} {
		want = append(want, time.Duration(minutes)*time.Minute)
	}
	for h := 2; h <= 25; h++ {
		want = append(want, time.Duration(h)*time.Hour)
	}
	f := newFact(FactReportReady, 100)
	f.ReceivedAt = hour(103) // the schedule begins when the fact is received
	s, _ := applyFacts(stateIn(t, lifecycle.DeliveredToLab, nil), f)
	for _, offset := range want {
		at, ok := s.NextFetch()
		require.True(t, ok)
		require.Equal(t, hour(103).Add(offset), at)
		s = s.ApplyFetchFailed(1, at).Next
	}
	_, ok := s.NextFetch()
	require.False(t, ok, "given up")
	require.True(t, s.Fetch.GivenUp)
	require.True(t, s.Fetch.Pending)
	require.Equal(t, lifecycle.DeliveredToLab, s.Status)

	require.Equal(t, Deadline{Name: "results_unfetched", Due: hour(103 + 25)}, s.Deadlines[0])
	s, _ = fireDeadline(t, s, "results_unfetched")
	require.True(t, s.HasMark(AttentionResultsUnfetched))

	again, _ := applyFacts(s, newFact(FactReportReady, 99))
	_, ok = again.NextFetch()
	require.True(t, ok, "announced again, with whatever time, it is fetched again")

	s, _ = applyFacts(s, newFact(FactReportReady, 200))
	at, ok := s.NextFetch()
	require.True(t, ok, "a newer announcement restarts the schedule")
	require.Equal(t, hour(200), at)
	require.Equal(t, Deadline{Name: "results_unfetched", Due: hour(225)}, s.Deadlines[0])
	require.True(t, s.HasMark(AttentionResultsUnfetched), "nothing has been fetched yet")
	d, _ := s.ApplyFetchedResults(FetchOutcome{Generation: 2, ResultID: "r", Changed: true}, hour(200))
	require.Equal(t, lifecycle.Completed, d.Next.Status)
	require.Empty(t, d.Next.Attention)
	require.Empty(t, d.Next.Deadlines)
	_, ok = d.Next.NextFetch()
	require.False(t, ok)
}

func TestReportAnnouncements(t *testing.T) {
	t.Parallel()
	s, _ := applyFacts(stateIn(t, lifecycle.DeliveredToLab, nil), newFact(FactReportReady, 100))
	s = s.ApplyFetchFailed(1, hour(100)).Next
	for _, h := range []int{100, 99} {
		same, d := applyFacts(s, newFact(FactReportReady, h))
		require.Equal(t, ReasonRepeated, d.Reason, "covered by the fetch that is under way")
		require.Equal(t, s.Fetch, same.Fetch)
	}
	s, _ = applyFacts(s, newFact(FactReportReady, 101))
	require.Equal(t, Fetch{Pending: true, Generation: 2, AnnouncedAt: hour(101), StartedAt: hour(101)}, s.Fetch)
	require.Equal(t, s.Fetch, s.ApplyFetchFailed(1, hour(102)).Next.Fetch, "an attempt for the announcement before")

	d, visible := s.ApplyFetchedResults(FetchOutcome{Generation: 1, ResultID: "r", Changed: true}, hour(102))
	require.True(t, visible)
	require.Equal(t, lifecycle.Completed, d.Next.Status)
	require.True(t, d.Next.Fetch.Pending, "the newer report is still to be fetched")
	d, _ = d.Next.ApplyFetchedResults(FetchOutcome{Generation: 2, ResultID: "r", Changed: false}, hour(103))
	require.Empty(t, d.Steps)
	require.False(t, d.Next.Fetch.Pending)
}

func TestFetchedResults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		in      lifecycle.LowStatus
		fetched FetchOutcome
		steps   []lifecycle.LowStatus
		visible bool
		mark    AttentionReason
	}{
		{"final", lifecycle.DeliveredToLab, FetchOutcome{Changed: true}, []lifecycle.LowStatus{lifecycle.Completed}, true,
			""},
		{"final, blocked", lifecycle.LabProcessingBlocked, FetchOutcome{Changed: true},
			[]lifecycle.LowStatus{lifecycle.Completed}, true, ""},
		{
			"final, never received", lifecycle.TransitCustomer, FetchOutcome{Changed: true},
			[]lifecycle.LowStatus{lifecycle.DeliveredToLab, lifecycle.Completed}, true, "",
		},
		{"partial", lifecycle.DeliveredToLab, FetchOutcome{Changed: true, Partial: true}, []lifecycle.LowStatus{}, true, ""},
		{
			"partial, never received", lifecycle.TransitCustomer, FetchOutcome{Changed: true, Partial: true},
			[]lifecycle.LowStatus{lifecycle.DeliveredToLab}, true, "",
		},
		{"correction", lifecycle.Completed, FetchOutcome{Changed: true}, []lifecycle.LowStatus{lifecycle.Corrected}, true,
			""},
		{"further correction", lifecycle.Corrected, FetchOutcome{Changed: true}, []lifecycle.LowStatus{lifecycle.Corrected},
			true, ""},
		{"same content again", lifecycle.Completed, FetchOutcome{}, []lifecycle.LowStatus{}, true, ""},
		{"cancelled", lifecycle.Cancelled, FetchOutcome{Changed: true}, []lifecycle.LowStatus{}, false,
			AttentionResultAfterEnd},
		{"stopped", lifecycle.DoNotProcess, FetchOutcome{Changed: true}, []lifecycle.LowStatus{}, false,
			AttentionResultAfterEnd},
		{"failed", lifecycle.SampleError, FetchOutcome{Changed: true}, []lifecycle.LowStatus{}, false,
			AttentionResultAfterEnd},
		{"lost", lifecycle.Lost, FetchOutcome{Changed: true, Partial: true}, []lifecycle.LowStatus{}, false,
			AttentionResultAfterEnd},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			before, _ := applyFacts(stateIn(t, c.in, nil), newFact(FactReportReady, 110))
			c.fetched.Generation, c.fetched.ResultID = before.Fetch.Generation, "r"
			d, visible := before.ApplyFetchedResults(c.fetched, hour(111))
			require.Equal(t, c.steps, lowStatuses(d.Steps))
			require.Equal(t, c.visible, visible)
			for _, step := range d.Steps {
				require.Equal(t, hour(110), step.At, "by the lab's time")
				require.Equal(t, step.To == lifecycle.DeliveredToLab, step.Implied)
			}
			if c.mark != "" {
				require.True(t, d.Next.HasMark(c.mark))
			}
			require.False(t, d.Next.Fetch.Pending)
		})
	}
}

func TestLateAnnouncementKeepsTheNewestReportTime(t *testing.T) {
	t.Parallel()
	s, _ := applyFacts(stateIn(t, lifecycle.DeliveredToLab, nil), newFact(FactReportReady, 110))
	d, _ := s.ApplyFetchedResults(FetchOutcome{Generation: 1, ResultID: "r1", Changed: true, Partial: true}, hour(110))
	s, _ = applyFacts(d.Next, newFact(FactReportReady, 100))
	require.True(t, s.Fetch.Pending)
	d, _ = s.ApplyFetchedResults(FetchOutcome{Generation: 2, ResultID: "r2", Changed: true}, hour(111))
	require.Equal(t, []Step{{To: lifecycle.Completed, At: hour(110)}}, d.Steps)
	require.Equal(t, 2, d.Next.Fetch.StoredVersions)
}

func TestPlacementAnswerAfterAFact(t *testing.T) {
	t.Parallel()
	shipped, _ := applyFacts(orderedState(t, nil), newFact(FactKitShipped, 1))
	require.Equal(t, PlacementStarted, shipped.Placement.State,
		"the call in flight ends normally: it returns the accession number")
	d := shipped.ApplyPlacementAccepted("M1", hour(2))
	require.Empty(t, d.Steps)
	require.Equal(t, "M1", d.Next.Accession)
	require.Equal(t, PlacementDone, d.Next.Placement.State)

	d = shipped.ApplyPlacementRefused(hour(2))
	require.Equal(t, PlacementDone, d.Next.Placement.State, "a refused call is not made again")
	require.Empty(t, d.Next.Attention)
	d = shipped.ApplyPlacementUnanswered(hour(2))
	require.Equal(t, Placement{State: PlacementStarted, UnansweredRounds: 1}, d.Next.Placement)
	require.Empty(t, d.Next.Attention)
}

func TestPlacementAfterTheEnd(t *testing.T) {
	t.Parallel()
	d := stateIn(t, lifecycle.DoNotProcess, nil).ApplyPlacementAccepted("M000412207", hour(3))
	require.Empty(t, d.Steps)
	require.Equal(t, lifecycle.DoNotProcess, d.Next.Status)
}

func TestTrackersAreOfTheNewestShipment(t *testing.T) {
	t.Parallel()
	s := stateIn(t, lifecycle.TransitCustomer, nil)
	require.False(t, s.ApplyTrackersCreated(hour(24), hour(25)).Next.TrackersPending)
	again, d := applyFacts(s, newFact(FactKitShipped, 48))
	require.True(t, d.StoreShipment)
	require.True(t, again.ApplyTrackersCreated(hour(24), hour(49)).Next.TrackersPending, "made for the shipment before")
	require.False(t, again.ApplyTrackersCreated(hour(48), hour(49)).Next.TrackersPending)
	bare := newFact(FactKitShipped, 72)
	bare.OutboundNumber, bare.InboundNumber = "", ""
	s, _ = applyFacts(placedState(t, nil), bare)
	require.False(t, s.TrackersPending, "there is nothing to track")
}
