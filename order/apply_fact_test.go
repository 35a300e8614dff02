package order

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

var t0 = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func orderedState(t *testing.T, edit func(*Policy)) State {
	t.Helper()
	p := DefaultPolicy()
	if edit != nil {
		edit(&p)
	}
	o := &Order{ID: "o1", TeamID: "t1", Number: "K7Q2M9XW4T1B8C5D", Modality: lifecycle.Testkit, Origin: OriginInitial,
		CreatedAt: t0}
	return NewState(o, p, time.Time{})
}

func placedState(t *testing.T, edit func(*Policy)) State {
	t.Helper()
	d := orderedState(t, edit).ApplyPlacementAccepted("M000412207", t0.Add(time.Second))
	require.Equal(t, lifecycle.RequisitionCreated, d.Next.Status)
	return d.Next
}

// newFact returns a lab's fact of h hours after the order's creation, received at the same time.
func newFact(kind FactKind, h int) Fact {
	at := t0.Add(time.Duration(h) * time.Hour)
	f := Fact{InboxID: string(kind) + at.Format(time.RFC3339), Kind: kind, SentAt: at, ReceivedAt: at}
	if kind == FactKitShipped {
		f.OutboundNumber, f.InboundNumber = "9420900204173500182641", "9420900204173500182719"
	}
	return f
}

func rejectionFact(h int, recoverable bool) Fact {
	f := newFact(FactKitRejected, h)
	f.Recoverable = &recoverable
	return f
}

func courierFact(h int, leg string, to lifecycle.LowStatus) Fact {
	f := newFact(FactCourierReport, h)
	f.InboxID += leg + string(to)
	f.Leg, f.TargetStatus = leg, to
	return f
}

func applyFacts(s State, facts ...Fact) (State, Decision) {
	var d Decision
	for _, f := range facts {
		d = s.ApplyFact(f, f.ReceivedAt)
		s = d.Next
	}
	return s, d
}

func lowStatuses(steps []Step) []lifecycle.LowStatus {
	out := make([]lifecycle.LowStatus, len(steps))
	for i, s := range steps {
		out[i] = s.To
	}
	return out
}

func TestFactsInOrder(t *testing.T) {
	t.Parallel()
	s, d := applyFacts(placedState(t, nil), newFact(FactKitShipped, 24))
	require.Equal(t, lifecycle.TransitCustomer, s.Status)
	require.True(t, d.StoreShipment)
	require.True(t, s.TrackersPending)
	s, _ = applyFacts(s, courierFact(30, "outbound", lifecycle.OutForDelivery),
		courierFact(32, "outbound", lifecycle.WithCustomer),
		courierFact(60, "inbound", lifecycle.TransitLab), newFact(FactKitReceived, 80))
	require.Equal(t, lifecycle.DeliveredToLab, s.Status)
	s, d = applyFacts(s, newFact(FactReportReady, 100))
	require.Empty(t, d.Steps, "the status waits for the results")
	require.True(t, s.Fetch.Pending)
	d, visible := s.ApplyFetchedResults(FetchOutcome{Generation: 1, ResultID: "r", Changed: true}, t0.Add(101*time.Hour))
	require.True(t, visible)
	require.Equal(t, []lifecycle.LowStatus{lifecycle.Completed}, lowStatuses(d.Steps))
	require.Empty(t, d.Next.Attention)
	require.Empty(t, d.Next.Deadlines)
}

func TestImpliedSteps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		f    Fact
		want []lifecycle.LowStatus
	}{
		{"final rejection", rejectionFact(30, false),
			[]lifecycle.LowStatus{lifecycle.DeliveredToLab, lifecycle.SampleError}},
		{"recoverable rejection", rejectionFact(30, true),
			[]lifecycle.LowStatus{lifecycle.DeliveredToLab, lifecycle.LabProcessingBlocked}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, d := applyFacts(placedState(t, nil), c.f)
			require.Equal(t, c.want, lowStatuses(d.Steps))
			require.True(t, d.Steps[0].Implied)
			require.Equal(t, d.Steps[0].At, d.Steps[1].At)
		})
	}
}

func TestFactBeforeThePlacingCallIsAnswered(t *testing.T) {
	t.Parallel()
	f := newFact(FactKitShipped, 1)
	f.Accession = "M1"
	s, d := applyFacts(orderedState(t, nil), f)
	require.Equal(t, []lifecycle.LowStatus{lifecycle.RequisitionCreated, lifecycle.TransitCustomer}, lowStatuses(d.Steps))
	require.Equal(t, "M1", s.Accession)
	require.Equal(t, PlacementDone, s.Placement.State)
	d = s.ApplyPlacementAccepted("M1", t0.Add(2*time.Hour))
	require.Empty(t, d.Steps, "the answer only fills gaps")
	require.Empty(t, d.Next.Attention)
}

func TestFactBeforeAScheduledOrderIsActivatedIsParked(t *testing.T) {
	t.Parallel()
	o := &Order{ID: "o1", Modality: lifecycle.Testkit, CreatedAt: t0, ActivateBy: &Date{2026, 3, 9}}
	s := NewState(o, DefaultPolicy(), Date{2026, 3, 9}.Start(time.UTC))
	dl, ok := s.NextDeadline()
	require.True(t, ok)
	require.Equal(t, DeadlineActivation, dl.Name)
	s, d := applyFacts(s, newFact(FactKitShipped, 1))
	require.Equal(t, OutcomeParked, d.Outcome)
	require.Len(t, s.ParkedFacts, 1)
	s = s.ApplyDeadline(dl, dl.Due).Next
	require.Equal(t, PlacementStarted, s.Placement.State)
	s = s.ApplyPlacementAccepted("M1", dl.Due.Add(time.Second)).Next
	d = s.ApplyFact(s.ParkedFacts[0], dl.Due.Add(time.Second))
	require.Equal(t, lifecycle.TransitCustomer, d.Next.Status)
	require.Empty(t, d.Next.ParkedFacts)
}

func TestLateFactChangesNoStatusButIsKept(t *testing.T) {
	t.Parallel()
	s, _ := applyFacts(placedState(t, nil), newFact(FactKitReceived, 80))
	s, d := applyFacts(s, newFact(FactKitShipped, 24))
	require.Equal(t, OutcomeLate, d.Outcome)
	require.Equal(t, lifecycle.DeliveredToLab, s.Status)
	require.True(t, d.StoreShipment, "the shipment is kept")
}

func TestNewerFactWithoutAnEdgeIsParked(t *testing.T) {
	t.Parallel()
	s, d := applyFacts(placedState(t, nil), newFact(FactKitReceived, 10), newFact(FactKitShipped, 24))
	require.Equal(t, OutcomeParked, d.Outcome)
	require.Equal(t, lifecycle.DeliveredToLab, s.Status)
	out := s.ApplyDeadline(Deadline{Name: DeadlineName(AttentionFactOutOfPlace), Due: t0.Add(48 * time.Hour)},
		t0.Add(48*time.Hour))
	require.True(t, out.Next.HasMark(AttentionFactOutOfPlace))
}

func TestImplausibleTimesCountAsReceived(t *testing.T) {
	t.Parallel()
	for _, sent := range []time.Time{{}, t0.Add(-time.Second), t0.Add(2*time.Hour + 5*time.Minute + time.Second)} {
		f := Fact{Kind: FactKitReceived, SentAt: sent, ReceivedAt: t0.Add(2 * time.Hour)}
		at, plausible := f.EffectiveTime(t0)
		require.False(t, plausible, "%v", sent)
		require.Equal(t, f.ReceivedAt, at)
		d := placedState(t, nil).ApplyFact(f, f.ReceivedAt)
		require.Equal(t, ReasonTimeImplausible, d.Reason, "it is flagged")
		require.Equal(t, f.ReceivedAt, d.Steps[0].At)
	}
	f := Fact{Kind: FactKitReceived, SentAt: t0.Add(2*time.Hour + 5*time.Minute), ReceivedAt: t0.Add(2 * time.Hour)}
	_, plausible := f.EffectiveTime(t0)
	require.True(t, plausible)
	require.Empty(t, placedState(t, nil).ApplyFact(f, f.ReceivedAt).Reason)
}

func TestAmendmentChangesDataOnlyUnlessItFails(t *testing.T) {
	t.Parallel()
	s, _ := applyFacts(placedState(t, nil), rejectionFact(30, true))
	again := rejectionFact(30, true)
	again.Amendment = true
	_, d := applyFacts(s, again)
	require.Equal(t, ReasonAmendment, d.Reason)
	require.Empty(t, d.Steps)
	final := rejectionFact(30, false)
	final.Amendment = true
	s, d = applyFacts(s, final)
	require.Equal(t, lifecycle.SampleError, s.Status)
	require.Equal(t, []lifecycle.LowStatus{lifecycle.SampleError}, lowStatuses(d.Steps))
}

func TestCourierFactDoesNotUnblockARejectedKit(t *testing.T) {
	t.Parallel()
	s, _ := applyFacts(placedState(t, nil), rejectionFact(30, true))
	_, d := applyFacts(s, courierFact(40, "inbound", lifecycle.DeliveredToLab))
	require.Equal(t, OutcomeParked, d.Outcome)
}

func TestFactsOnEndedOrders(t *testing.T) {
	t.Parallel()
	completed := func(t *testing.T) State {
		t.Helper()
		s, _ := applyFacts(placedState(t, nil), newFact(FactReportReady, 50))
		d, _ := s.ApplyFetchedResults(FetchOutcome{Generation: 1, Changed: true}, t0.Add(50*time.Hour))
		return d.Next
	}
	failed := func(t *testing.T) State {
		t.Helper()
		s, _ := applyFacts(placedState(t, nil), rejectionFact(50, false))
		return s
	}
	cancelled := func(t *testing.T) State {
		t.Helper()
		return placedState(t, nil).ApplyDemand(Demand{Kind: DemandCancel, By: lifecycle.Client}, t0.Add(50*time.Hour)).Next
	}
	for _, c := range []struct {
		name      string
		state     func(*testing.T) State
		f         Fact
		outcome   Outcome
		attention AttentionReason
		fetch     bool
	}{
		{"older shipment on completed", completed, newFact(FactKitShipped, 20), OutcomeLate, "", false},
		{"older recoverable rejection on completed", completed, rejectionFact(40, true), OutcomeLate, "", false},
		{"final rejection on completed", completed, rejectionFact(40, false), OutcomeRefused, AttentionContradictoryFact,
			false},
		{"newer rejection on completed", completed, rejectionFact(60, true), OutcomeRefused, AttentionContradictoryFact,
			false},
		{"older report on completed", completed, newFact(FactReportReady, 49), OutcomeLate, "", false},
		{"newer report on completed", completed, newFact(FactReportReady, 60), OutcomeApplied, "", true},
		{"report on sample_error", failed, newFact(FactReportReady, 60), OutcomeRefused, AttentionResultAfterEnd, true},
		{"second final rejection", failed, rejectionFact(60, false), OutcomeLate, AttentionReplacementNeeded, false},
		{"shipment of a cancelled kit", cancelled, newFact(FactKitShipped, 60), OutcomeRefused, AttentionContradictoryFact,
			false},
		{"courier's epilogue", completed, courierFact(70, "inbound", lifecycle.TransitLab), OutcomeLate, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			before := c.state(t)
			after, d := applyFacts(before, c.f)
			require.Equal(t, before.Status, after.Status)
			require.Empty(t, d.Steps)
			require.Equal(t, c.outcome, d.Outcome)
			require.Equal(t, c.fetch, after.Fetch.Pending)
			if c.attention != "" {
				require.True(t, after.HasMark(c.attention), "%v", after.Agenda().MarkReasons())
			} else {
				require.Equal(t, before.Attention, after.Attention)
			}
		})
	}
}
