package order

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

var t0 = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func newOrder(t *testing.T, edit func(*Policy)) State {
	t.Helper()
	p := DefaultPolicy()
	if edit != nil {
		edit(&p)
	}
	o := &Order{ID: "o1", TeamID: "t1", Number: "K7Q2M9XW4T1B8C5D", Modality: lifecycle.Testkit, Origin: OriginInitial, CreatedAt: t0}
	return Begin(o, p, time.Time{})
}

func placed(t *testing.T, edit func(*Policy)) State {
	t.Helper()
	d := newOrder(t, edit).ApplyPlaced("M000412207", t0.Add(time.Second))
	require.Equal(t, lifecycle.RequisitionCreated, d.Next.Status)
	return d.Next
}

// fact makes a lab's fact whose own time is h hours after the order's creation, received at once.
func fact(kind FactKind, h int) Fact {
	at := t0.Add(time.Duration(h) * time.Hour)
	f := Fact{InboxID: string(kind) + at.Format(time.RFC3339), Kind: kind, SentAt: at, ReceivedAt: at}
	if kind == KitShipped {
		f.Outbound, f.Inbound = "9420900204173500182641", "9420900204173500182719"
	}
	return f
}

func rejected(h int, recoverable bool) Fact {
	f := fact(KitRejected, h)
	f.Recoverable = &recoverable
	return f
}

func courier(h int, leg string, to lifecycle.Low) Fact {
	f := fact(CourierReport, h)
	f.InboxID += leg + string(to)
	f.Leg, f.Target = leg, to
	return f
}

func run(s State, facts ...Fact) (State, Decision) {
	var d Decision
	for _, f := range facts {
		d = s.ApplyFact(f, f.ReceivedAt)
		s = d.Next
	}
	return s, d
}

func lows(steps []Step) []lifecycle.Low {
	out := make([]lifecycle.Low, len(steps))
	for i, s := range steps {
		out[i] = s.To
	}
	return out
}

func TestFactsInOrder(t *testing.T) {
	t.Parallel()
	s, d := run(placed(t, nil), fact(KitShipped, 24))
	require.Equal(t, lifecycle.TransitCustomer, s.Status)
	require.True(t, d.Ship)
	require.True(t, s.Trackers)
	s, _ = run(s, courier(30, "outbound", lifecycle.OutForDelivery), courier(32, "outbound", lifecycle.WithCustomer),
		courier(60, "inbound", lifecycle.TransitLab), fact(KitReceived, 80))
	require.Equal(t, lifecycle.DeliveredToLab, s.Status)
	s, d = run(s, fact(ReportReady, 100))
	require.Empty(t, d.Steps, "the status waits for the results")
	require.True(t, s.Fetch.Pending)
	d, visible := s.ApplyFetched(Fetched{Generation: 1, ResultID: "r", Changed: true}, t0.Add(101*time.Hour))
	require.True(t, visible)
	require.Equal(t, []lifecycle.Low{lifecycle.Completed}, lows(d.Steps))
	require.Empty(t, d.Next.Attention)
	require.Empty(t, d.Next.Deadlines)
}

func TestImpliedSteps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		f    Fact
		want []lifecycle.Low
	}{
		{"rejection for good", rejected(30, false), []lifecycle.Low{lifecycle.DeliveredToLab, lifecycle.SampleError}},
		{"recoverable rejection", rejected(30, true), []lifecycle.Low{lifecycle.DeliveredToLab, lifecycle.LabProcessingBlocked}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, d := run(placed(t, nil), c.f)
			require.Equal(t, c.want, lows(d.Steps))
			require.True(t, d.Steps[0].Implied)
			require.Equal(t, d.Steps[0].At, d.Steps[1].At)
		})
	}
}

func TestFactBeforeThePlacingCallIsAnswered(t *testing.T) {
	t.Parallel()
	f := fact(KitShipped, 1)
	f.Accession = "M1"
	s, d := run(newOrder(t, nil), f)
	require.Equal(t, []lifecycle.Low{lifecycle.RequisitionCreated, lifecycle.TransitCustomer}, lows(d.Steps))
	require.Equal(t, "M1", s.Accession)
	require.Equal(t, PlacementDone, s.Placement.State)
	d = s.ApplyPlaced("M1", t0.Add(2*time.Hour))
	require.Empty(t, d.Steps, "the answer only fills gaps")
	require.Empty(t, d.Next.Attention)
}

func TestFactBeforeAScheduledOrderIsActivatedIsParked(t *testing.T) {
	t.Parallel()
	o := &Order{ID: "o1", Modality: lifecycle.Testkit, CreatedAt: t0, ActivateBy: &Date{2026, 3, 9}}
	s := Begin(o, DefaultPolicy(), Date{2026, 3, 9}.Start(time.UTC))
	dl, ok := s.NextDeadline()
	require.True(t, ok)
	require.Equal(t, DeadlineActivate, dl.Name)
	s, d := run(s, fact(KitShipped, 1))
	require.Equal(t, Parked, d.Outcome)
	require.Len(t, s.Parked, 1)
	s = s.ApplyDeadline(dl, dl.Due).Next
	require.Equal(t, PlacementStarted, s.Placement.State)
	s = s.ApplyPlaced("M1", dl.Due.Add(time.Second)).Next
	d = s.ApplyFact(s.Parked[0], dl.Due.Add(time.Second))
	require.Equal(t, lifecycle.TransitCustomer, d.Next.Status)
	require.Empty(t, d.Next.Parked)
}

func TestLateFactChangesNoStatusButIsKept(t *testing.T) {
	t.Parallel()
	s, _ := run(placed(t, nil), fact(KitReceived, 80))
	s, d := run(s, fact(KitShipped, 24))
	require.Equal(t, Late, d.Outcome)
	require.Equal(t, lifecycle.DeliveredToLab, s.Status)
	require.True(t, d.Ship, "the shipment is kept")
}

func TestNewerFactWithoutAnEdgeIsParked(t *testing.T) {
	t.Parallel()
	s, d := run(placed(t, nil), fact(KitReceived, 10), fact(KitShipped, 24))
	require.Equal(t, Parked, d.Outcome)
	require.Equal(t, lifecycle.DeliveredToLab, s.Status)
	out := s.ApplyDeadline(Deadline{Name: DeadlineName(FactOutOfPlace), Due: t0.Add(48 * time.Hour)}, t0.Add(48*time.Hour))
	require.True(t, out.Next.Needs(FactOutOfPlace))
}

func TestImplausibleTimesCountAsReceived(t *testing.T) {
	t.Parallel()
	for _, sent := range []time.Time{{}, t0.Add(-time.Second), t0.Add(2*time.Hour + 5*time.Minute + time.Second)} {
		f := Fact{Kind: KitReceived, SentAt: sent, ReceivedAt: t0.Add(2 * time.Hour)}
		at, plausible := f.At(t0)
		require.False(t, plausible, "%v", sent)
		require.Equal(t, f.ReceivedAt, at)
		d := placed(t, nil).ApplyFact(f, f.ReceivedAt)
		require.Equal(t, ReasonTimeReplaced, d.Reason, "it is flagged")
		require.Equal(t, f.ReceivedAt, d.Steps[0].At)
	}
	f := Fact{Kind: KitReceived, SentAt: t0.Add(2*time.Hour + 5*time.Minute), ReceivedAt: t0.Add(2 * time.Hour)}
	_, plausible := f.At(t0)
	require.True(t, plausible)
	require.Empty(t, placed(t, nil).ApplyFact(f, f.ReceivedAt).Reason)
}

func TestAmendmentChangesDataOnlyUnlessItFails(t *testing.T) {
	t.Parallel()
	s, _ := run(placed(t, nil), rejected(30, true))
	again := rejected(30, true)
	again.Amendment = true
	_, d := run(s, again)
	require.Equal(t, ReasonAmendment, d.Reason)
	require.Empty(t, d.Steps)
	final := rejected(30, false)
	final.Amendment = true
	s, d = run(s, final)
	require.Equal(t, lifecycle.SampleError, s.Status)
	require.Equal(t, []lifecycle.Low{lifecycle.SampleError}, lows(d.Steps))
}

func TestCourierNeverPutsARejectedKitBackIntoProduction(t *testing.T) {
	t.Parallel()
	s, _ := run(placed(t, nil), rejected(30, true))
	_, d := run(s, courier(40, "inbound", lifecycle.DeliveredToLab))
	require.Equal(t, Parked, d.Outcome)
}

func TestEndedOrders(t *testing.T) {
	t.Parallel()
	completed := func(t *testing.T) State {
		t.Helper()
		s, _ := run(placed(t, nil), fact(ReportReady, 50))
		d, _ := s.ApplyFetched(Fetched{Generation: 1, Changed: true}, t0.Add(50*time.Hour))
		return d.Next
	}
	failed := func(t *testing.T) State { t.Helper(); s, _ := run(placed(t, nil), rejected(50, false)); return s }
	cancelled := func(t *testing.T) State {
		t.Helper()
		return placed(t, nil).ApplyDemand(Demand{Kind: DemandCancel, By: lifecycle.Client}, t0.Add(50*time.Hour)).Next
	}
	for _, c := range []struct {
		name      string
		state     func(*testing.T) State
		f         Fact
		outcome   Outcome
		attention AttentionReason
		fetch     bool
	}{
		{"older shipment on completed", completed, fact(KitShipped, 20), Late, "", false},
		{"older recoverable rejection on completed", completed, rejected(40, true), Late, "", false},
		{"final rejection on completed", completed, rejected(40, false), Refused, ContradictoryFact, false},
		{"newer rejection on completed", completed, rejected(60, true), Refused, ContradictoryFact, false},
		{"older report on completed", completed, fact(ReportReady, 49), Late, "", false},
		{"newer report on completed", completed, fact(ReportReady, 60), Applied, "", true},
		{"report on sample_error", failed, fact(ReportReady, 60), Refused, ResultAfterEnd, true},
		{"second final rejection", failed, rejected(60, false), Late, ReplacementNeeded, false},
		{"shipment of a cancelled kit", cancelled, fact(KitShipped, 60), Refused, ContradictoryFact, false},
		{"courier's epilogue", completed, courier(70, "inbound", lifecycle.TransitLab), Late, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			before := c.state(t)
			after, d := run(before, c.f)
			require.Equal(t, before.Status, after.Status)
			require.Empty(t, d.Steps)
			require.Equal(t, c.outcome, d.Outcome)
			require.Equal(t, c.fetch, after.Fetch.Pending)
			if c.attention != "" {
				require.True(t, after.Needs(c.attention), "%v", after.AttentionReasons())
			} else {
				require.Equal(t, before.Attention, after.Attention)
			}
		})
	}
}
