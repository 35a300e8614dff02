package order

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// TestFetchSchedule is molecular-api#d32: at 0, 1, 5, 15 and 60 minutes, then hourly for 24 hours, then no more.
func TestFetchSchedule(t *testing.T) {
	t.Parallel()
	var want []time.Duration
	for _, minutes := range []int{0, 1, 5, 15, 60} {
		want = append(want, time.Duration(minutes)*time.Minute)
	}
	for h := 2; h <= 25; h++ {
		want = append(want, time.Duration(h)*time.Hour)
	}
	f := fact(ReportReady, 100)
	f.ReceivedAt = hour(103) // the schedule begins when we hear of the report
	s, _ := run(in(t, lifecycle.DeliveredToLab, nil), f)
	for _, offset := range want {
		at, ok := s.NextFetch()
		require.True(t, ok)
		require.Equal(t, hour(103).Add(offset), at)
		s = s.ApplyFetchMissed(1, at).Next
	}
	_, ok := s.NextFetch()
	require.False(t, ok, "given up")
	require.True(t, s.Fetch.GivenUp)
	require.True(t, s.Fetch.Pending)
	require.Equal(t, lifecycle.DeliveredToLab, s.Status)

	require.Equal(t, Deadline{Name: "results_unfetched", Due: hour(103 + 25)}, s.Deadlines[0])
	s, _ = fire(t, s, "results_unfetched")
	require.True(t, s.Needs(ResultsUnfetched))

	again, _ := run(s, fact(ReportReady, 99))
	_, ok = again.NextFetch()
	require.True(t, ok, "announced again, with whatever time, it is fetched again")

	s, _ = run(s, fact(ReportReady, 200))
	at, ok := s.NextFetch()
	require.True(t, ok, "a newer announcement begins anew")
	require.Equal(t, hour(200), at)
	require.Equal(t, Deadline{Name: "results_unfetched", Due: hour(225)}, s.Deadlines[0])
	require.True(t, s.Needs(ResultsUnfetched), "nothing has been fetched yet")
	d, _ := s.ApplyFetched(Fetched{Generation: 2, ResultID: "r", Changed: true}, hour(200))
	require.Equal(t, lifecycle.Completed, d.Next.Status)
	require.Empty(t, d.Next.Attention)
	require.Empty(t, d.Next.Deadlines)
	_, ok = d.Next.NextFetch()
	require.False(t, ok)
}

func TestAnnouncements(t *testing.T) {
	t.Parallel()
	s, _ := run(in(t, lifecycle.DeliveredToLab, nil), fact(ReportReady, 100))
	s = s.ApplyFetchMissed(1, hour(100)).Next
	for _, h := range []int{100, 99} {
		same, d := run(s, fact(ReportReady, h))
		require.Equal(t, ReasonRepeated, d.Reason, "covered by the fetch that is under way")
		require.Equal(t, s.Fetch, same.Fetch)
	}
	s, _ = run(s, fact(ReportReady, 101))
	require.Equal(t, Fetch{Pending: true, Generation: 2, AnnouncedAt: hour(101), StartedAt: hour(101)}, s.Fetch)
	require.Equal(t, s.Fetch, s.ApplyFetchMissed(1, hour(102)).Next.Fetch, "an attempt for the announcement before")

	d, visible := s.ApplyFetched(Fetched{Generation: 1, ResultID: "r", Changed: true}, hour(102))
	require.True(t, visible)
	require.Equal(t, lifecycle.Completed, d.Next.Status)
	require.True(t, d.Next.Fetch.Pending, "the newer report is still to be fetched")
	d, _ = d.Next.ApplyFetched(Fetched{Generation: 2, ResultID: "r", Changed: false}, hour(103))
	require.Empty(t, d.Steps)
	require.False(t, d.Next.Fetch.Pending)
}

func TestFetchedResults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		in      lifecycle.Low
		fetched Fetched
		steps   []lifecycle.Low
		visible bool
		mark    AttentionReason
	}{
		{"final", lifecycle.DeliveredToLab, Fetched{Changed: true}, []lifecycle.Low{lifecycle.Completed}, true, ""},
		{"final, blocked", lifecycle.LabProcessingBlocked, Fetched{Changed: true}, []lifecycle.Low{lifecycle.Completed}, true, ""},
		{
			"final, never received", lifecycle.TransitCustomer, Fetched{Changed: true},
			[]lifecycle.Low{lifecycle.DeliveredToLab, lifecycle.Completed}, true, "",
		},
		{"partial", lifecycle.DeliveredToLab, Fetched{Changed: true, Partial: true}, []lifecycle.Low{}, true, ""},
		{
			"partial, never received", lifecycle.TransitCustomer, Fetched{Changed: true, Partial: true},
			[]lifecycle.Low{lifecycle.DeliveredToLab}, true, "",
		},
		{"correction", lifecycle.Completed, Fetched{Changed: true}, []lifecycle.Low{lifecycle.Corrected}, true, ""},
		{"further correction", lifecycle.Corrected, Fetched{Changed: true}, []lifecycle.Low{lifecycle.Corrected}, true, ""},
		{"same content again", lifecycle.Completed, Fetched{}, []lifecycle.Low{}, true, ""},
		{"cancelled", lifecycle.Cancelled, Fetched{Changed: true}, []lifecycle.Low{}, false, ResultAfterEnd},
		{"stopped", lifecycle.DoNotProcess, Fetched{Changed: true}, []lifecycle.Low{}, false, ResultAfterEnd},
		{"failed", lifecycle.SampleError, Fetched{Changed: true}, []lifecycle.Low{}, false, ResultAfterEnd},
		{"lost", lifecycle.Lost, Fetched{Changed: true, Partial: true}, []lifecycle.Low{}, false, ResultAfterEnd},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			before, _ := run(in(t, c.in, nil), fact(ReportReady, 110))
			c.fetched.Generation, c.fetched.ResultID = before.Fetch.Generation, "r"
			d, visible := before.ApplyFetched(c.fetched, hour(111))
			require.Equal(t, c.steps, lows(d.Steps))
			require.Equal(t, c.visible, visible)
			for _, step := range d.Steps {
				require.Equal(t, hour(110), step.At, "by the lab's time")
				require.Equal(t, step.To == lifecycle.DeliveredToLab, step.Implied)
			}
			if c.mark != "" {
				require.True(t, d.Next.Needs(c.mark))
			}
			require.False(t, d.Next.Fetch.Pending)
		})
	}
}

func TestAnAnnouncementThatComesLateDoesNotAgeTheResults(t *testing.T) {
	t.Parallel()
	s, _ := run(in(t, lifecycle.DeliveredToLab, nil), fact(ReportReady, 110))
	d, _ := s.ApplyFetched(Fetched{Generation: 1, ResultID: "r1", Changed: true, Partial: true}, hour(110))
	s, _ = run(d.Next, fact(ReportReady, 100))
	require.True(t, s.Fetch.Pending)
	d, _ = s.ApplyFetched(Fetched{Generation: 2, ResultID: "r2", Changed: true}, hour(111))
	require.Equal(t, []Step{{To: lifecycle.Completed, At: hour(110)}}, d.Steps)
	require.Equal(t, 2, d.Next.Fetch.Versions)
}

func TestPlacementThatAFactHasOvertaken(t *testing.T) {
	t.Parallel()
	shipped, _ := run(newOrder(t, nil), fact(KitShipped, 1))
	require.Equal(t, PlacementStarted, shipped.Placement.State, "the call in flight is left to end: it tells the accession number")
	d := shipped.ApplyPlaced("M1", hour(2))
	require.Empty(t, d.Steps)
	require.Equal(t, "M1", d.Next.Accession)
	require.Equal(t, PlacementDone, d.Next.Placement.State)

	d = shipped.ApplyPlacementRefused(hour(2))
	require.Equal(t, PlacementDone, d.Next.Placement.State, "a refused call is not made again")
	require.Empty(t, d.Next.Attention)
	d = shipped.ApplyPlacementUnanswered(hour(2))
	require.Equal(t, Placement{State: PlacementStarted, Tries: 1}, d.Next.Placement)
	require.Empty(t, d.Next.Attention)
}

func TestPlacementAfterTheEnd(t *testing.T) {
	t.Parallel()
	d := in(t, lifecycle.DoNotProcess, nil).ApplyPlaced("M000412207", hour(3))
	require.Empty(t, d.Steps)
	require.Equal(t, lifecycle.DoNotProcess, d.Next.Status)
}

func TestTrackersAreOfTheNewestShipment(t *testing.T) {
	t.Parallel()
	s := in(t, lifecycle.TransitCustomer, nil)
	require.False(t, s.ApplyTracked(hour(24), hour(25)).Next.Trackers)
	again, d := run(s, fact(KitShipped, 48))
	require.True(t, d.Ship)
	require.True(t, again.ApplyTracked(hour(24), hour(49)).Next.Trackers, "made for the shipment before")
	require.False(t, again.ApplyTracked(hour(48), hour(49)).Next.Trackers)
	bare := fact(KitShipped, 72)
	bare.Outbound, bare.Inbound = "", ""
	s, _ = run(placed(t, nil), bare)
	require.False(t, s.Trackers, "there is nothing to track")
}
