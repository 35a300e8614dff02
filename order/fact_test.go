package order

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

func TestPlausibleTimes(t *testing.T) {
	t.Parallel()
	received := t0.Add(48 * time.Hour)
	for _, c := range []struct {
		name      string
		sent      time.Time
		plausible bool
	}{
		{"missing or unreadable", time.Time{}, false},
		{"a microsecond before the order", t0.Add(-time.Microsecond), false},
		{"at the order's creation", t0, true},
		{"in between", t0.Add(time.Hour), true},
		{"as received", received, true},
		{"five minutes ahead", received.Add(5 * time.Minute), true},
		{"more than five minutes ahead", received.Add(5*time.Minute + time.Microsecond), false},
		{"in another zone", received.In(time.FixedZone("", -7*3600)), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := Fact{SentAt: c.sent, ReceivedAt: received}
			at, plausible := f.At(t0)
			require.Equal(t, c.plausible, plausible)
			want := received
			if c.plausible {
				want = c.sent
			}
			require.Equal(t, want, at)
		})
	}
}

// The replaced time is what lateness is measured by as well.
func TestAnImplausibleTimeIsReplacedInTheDecision(t *testing.T) {
	t.Parallel()
	s, _ := run(placed(t, nil), fact(KitReceived, 80))
	old := fact(KitShipped, -24*365) // a clock a year behind
	old.ReceivedAt = hour(90)
	_, d := run(s, old)
	require.Equal(t, Parked, d.Outcome, "as if sent when it was received, not late")
	require.Equal(t, hour(90), d.Next.ShipmentAt)

	ahead := fact(KitReceived, 24*365)
	ahead.ReceivedAt = hour(30)
	s, _ = run(placed(t, nil), ahead)
	require.Equal(t, hour(30), s.FactAt, "one wrong clock does not make everything after it late")
	require.Equal(t, hour(30), s.EnteredAt)
}

func TestEqualTimesCountInOrderOfArrival(t *testing.T) {
	t.Parallel()
	received, rejection := fact(KitReceived, 80), rejected(80, true)
	s, _ := run(placed(t, nil), received, rejection)
	require.Equal(t, lifecycle.LabProcessingBlocked, s.Status)
	s, _ = run(placed(t, nil), rejection, received)
	require.Equal(t, lifecycle.DeliveredToLab, s.Status)
}

// A fact that repeats the status is news of it: what is older than the repetition is late.
func TestARepeatedFactRenewsWhatLatenessIsMeasuredBy(t *testing.T) {
	t.Parallel()
	s, d := run(in(t, lifecycle.DeliveredToLab, nil), fact(KitReceived, 90))
	require.Equal(t, ReasonRepeated, d.Reason)
	require.Empty(t, d.Steps)
	require.Equal(t, hour(80), s.EnteredAt)
	_, d = run(s, rejected(85, true))
	require.Equal(t, Late, d.Outcome, "it was held up before it went back into production")

	same, _ := run(in(t, lifecycle.Completed, nil), fact(ReportReady, 100))
	d, _ = same.ApplyFetched(Fetched{Generation: same.Fetch.Generation, ResultID: "r"}, hour(100))
	_, d = run(d.Next, fact(ReportReady, 97))
	require.Equal(t, Late, d.Outcome, "results that are as new have been fetched")
}

func TestAccessionNumbers(t *testing.T) {
	t.Parallel()
	f := fact(KitShipped, 24)
	f.Accession = "M2"
	s, d := run(placed(t, nil), f)
	require.Equal(t, lifecycle.TransitCustomer, s.Status, "it is applied all the same")
	require.Equal(t, Applied, d.Outcome)
	require.Equal(t, "M000412207", s.Accession)
	require.True(t, s.Needs(AccessionMismatch))

	known, _ := run(newOrder(t, nil), f) // told by the fact, before the call was answered
	d = known.ApplyPlaced("M3", hour(25))
	require.Equal(t, "M2", d.Next.Accession)
	require.True(t, d.Next.Needs(AccessionMismatch))
	require.Empty(t, known.ApplyPlaced("M2", hour(25)).Next.Attention)
}

func TestDetailsGoWithTheirStatusOnly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		recoverable bool
		detail      lifecycle.Detail
		want        lifecycle.Detail
	}{
		{true, lifecycle.DateOfCollectionUnspecified, lifecycle.DateOfCollectionUnspecified},
		{true, lifecycle.SampleHemolyzed, ""},
		{false, lifecycle.SampleHemolyzed, lifecycle.SampleHemolyzed},
		{false, lifecycle.DemographicInformationMismatch, ""},
		{false, lifecycle.FulfillmentError, ""},
		{false, "", ""},
	} {
		f := rejected(90, c.recoverable)
		f.Detail = c.detail
		s, d := run(placed(t, nil), f)
		require.Equal(t, c.want, s.Detail)
		require.Empty(t, d.Steps[0].Detail, "the implied step has none")
		require.Equal(t, c.want, d.Steps[1].Detail)
	}
}
