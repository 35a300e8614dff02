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
			at, plausible := f.EffectiveTime(t0)
			require.Equal(t, c.plausible, plausible)
			want := received
			if c.plausible {
				want = c.sent
			}
			require.Equal(t, want, at)
		})
	}
}

// TestAnImplausibleTimeIsReplacedInTheDecision checks that lateness is measured by the replaced time.
func TestAnImplausibleTimeIsReplacedInTheDecision(t *testing.T) {
	t.Parallel()
	s, _ := applyFacts(placedState(t, nil), newFact(FactKitReceived, 80))
	old := newFact(FactKitShipped, -24*365) // a clock a year behind
	old.ReceivedAt = hour(90)
	_, d := applyFacts(s, old)
	require.Equal(t, OutcomeParked, d.Outcome, "as if sent when it was received, not late")
	require.Equal(t, hour(90), d.Next.ShipmentAt)

	ahead := newFact(FactKitReceived, 24*365)
	ahead.ReceivedAt = hour(30)
	s, _ = applyFacts(placedState(t, nil), ahead)
	require.Equal(t, hour(30), s.NewestFactAt, "one wrong clock does not make everything after it late")
	require.Equal(t, hour(30), s.EnteredAt)
}

func TestEqualTimesCountInOrderOfArrival(t *testing.T) {
	t.Parallel()
	received, rejection := newFact(FactKitReceived, 80), rejectionFact(80, true)
	s, _ := applyFacts(placedState(t, nil), received, rejection)
	require.Equal(t, lifecycle.LabProcessingBlocked, s.Status)
	s, _ = applyFacts(placedState(t, nil), rejection, received)
	require.Equal(t, lifecycle.DeliveredToLab, s.Status)
}

// TestARepeatedFactRenewsWhatLatenessIsMeasuredBy: a fact that is older than a repetition of the status is late.
func TestARepeatedFactRenewsWhatLatenessIsMeasuredBy(t *testing.T) {
	t.Parallel()
	s, d := applyFacts(stateIn(t, lifecycle.DeliveredToLab, nil), newFact(FactKitReceived, 90))
	require.Equal(t, ReasonRepeated, d.Reason)
	require.Empty(t, d.Steps)
	require.Equal(t, hour(80), s.EnteredAt)
	_, d = applyFacts(s, rejectionFact(85, true))
	require.Equal(t, OutcomeLate, d.Outcome, "it was held up before it went back into production")

	same, _ := applyFacts(stateIn(t, lifecycle.Completed, nil), newFact(FactReportReady, 100))
	d, _ = same.ApplyFetchedResults(FetchOutcome{Generation: same.Fetch.Generation, ResultID: "r"}, hour(100))
	_, d = applyFacts(d.Next, newFact(FactReportReady, 97))
	require.Equal(t, OutcomeLate, d.Outcome, "results that are as new have been fetched")
}

func TestAccessionNumbers(t *testing.T) {
	t.Parallel()
	f := newFact(FactKitShipped, 24)
	f.Accession = "M2"
	s, d := applyFacts(placedState(t, nil), f)
	require.Equal(t, lifecycle.TransitCustomer, s.Status, "it is applied all the same")
	require.Equal(t, OutcomeApplied, d.Outcome)
	require.Equal(t, "M000412207", s.Accession)
	require.True(t, s.HasMark(AttentionAccessionMismatch))

	known, _ := applyFacts(orderedState(t, nil), f) // known from the fact, before the answer
	d = known.ApplyPlacementAccepted("M3", hour(25))
	require.Equal(t, "M2", d.Next.Accession)
	require.True(t, d.Next.HasMark(AttentionAccessionMismatch))
	require.Empty(t, known.ApplyPlacementAccepted("M2", hour(25)).Next.Attention)
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
		f := rejectionFact(90, c.recoverable)
		f.Detail = c.detail
		s, d := applyFacts(placedState(t, nil), f)
		require.Equal(t, c.want, s.Detail)
		require.Empty(t, d.Steps[0].Detail, "the implied step has none")
		require.Equal(t, c.want, d.Steps[1].Detail)
	}
}
