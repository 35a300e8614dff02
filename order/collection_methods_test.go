package order

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// newStateOf returns a new order of the collection method.
func newStateOf(m lifecycle.Modality, edit func(*Order, *Policy)) State {
	p := DefaultPolicy()
	o := &Order{ID: "o1", TeamID: "t1", Number: "K7Q2M9XW4T1B8C5D", Modality: m, Origin: OriginInitial, CreatedAt: t0}
	if edit != nil {
		edit(o, &p)
	}
	return NewState(o, p, time.Time{})
}

// requisitionedState returns an order that the lab has accepted.
func requisitionedState(m lifecycle.Modality, edit func(*Order, *Policy)) State {
	return newStateOf(m, edit).ApplyPlacementAccepted("A1", t0.Add(time.Second)).Next
}

func asRedraw(o *Order, _ *Policy) { o.Origin, o.ParentID = OriginRedraw, "o0" }

func asImported(o *Order, _ *Policy) { o.Imported = true }

// applyFetch applies results that were announced and fetched at hour h.
func applyFetch(t *testing.T, s State, h int, f FetchOutcome) Decision {
	t.Helper()
	s, d := applyFacts(s, newFact(FactReportReady, h))
	require.Equal(t, OutcomeApplied, d.Outcome)
	f.Generation, f.ResultID, f.Changed = s.Fetch.Generation, fmt.Sprintf("r%d", h), true
	d, _ = s.ApplyFetchedResults(f, hour(h))
	return d
}

func TestAnImportedOrderHasItsRequisition(t *testing.T) {
	t.Parallel()
	for _, m := range lifecycle.Modalities() {
		s := newStateOf(m, asImported)
		require.Equal(t, lifecycle.RequisitionBypassed, s.Status)
		require.Equal(t, int64(2), s.Sequence, "ordered, and this")
		require.Equal(t, PlacementDone, s.Placement.State)
		require.NotEmpty(t, s.Deadlines)
	}
}

func TestFactsThatImplyADraw(t *testing.T) {
	t.Parallel()
	draw := newFact(FactDrawCompleted, 48)
	draw.CollectedAt = hour(47)
	for _, test := range []struct {
		name     string
		modality lifecycle.Modality
		fact     Fact
		want     []lifecycle.LowStatus
	}{
		{"the phlebotomist's report", lifecycle.AtHomePhlebotomy, draw, []lifecycle.LowStatus{lifecycle.DrawCompleted}},
		{"the lab's word on an on-site draw", lifecycle.OnSite, draw, []lifecycle.LowStatus{lifecycle.DrawCompleted}},
		{"a sample at the lab", lifecycle.AtHomePhlebotomy, newFact(FactKitReceived, 60),
			[]lifecycle.LowStatus{lifecycle.DrawCompleted}},
		{"a sample at the lab, on-site", lifecycle.OnSite, newFact(FactKitReceived, 60),
			[]lifecycle.LowStatus{lifecycle.DrawCompleted}},
		{"a sample that is no good", lifecycle.AtHomePhlebotomy, rejectionFact(60, false),
			[]lifecycle.LowStatus{lifecycle.DrawCompleted, lifecycle.SampleError}},
		{"a sample that is no good, on-site", lifecycle.OnSite, rejectionFact(60, false),
			[]lifecycle.LowStatus{lifecycle.DrawCompleted, lifecycle.SampleError}},
		{"at a center a visit has no status", lifecycle.WalkIn, draw, nil},
		{"at a center a sample has no status", lifecycle.WalkIn, newFact(FactKitReceived, 60), nil},
		{"at a center a sample that is no good", lifecycle.WalkIn, rejectionFact(60, false),
			[]lifecycle.LowStatus{lifecycle.SampleError}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, d := applyFacts(requisitionedState(test.modality, nil), test.fact)
			require.Equal(t, OutcomeApplied, d.Outcome)
			if test.want == nil {
				require.Empty(t, d.Steps)
			} else {
				require.Equal(t, test.want, lowStatuses(d.Steps))
			}
			if test.fact.Kind == FactDrawCompleted {
				require.Equal(t, hour(47), s.CollectedAt)
			}
		})
	}
}

func TestARejectedSampleThatMayBeSaved(t *testing.T) {
	t.Parallel()
	s, d := applyFacts(requisitionedState(lifecycle.AtHomePhlebotomy, nil), rejectionFact(60, true))
	require.Equal(t, OutcomeApplied, d.Outcome)
	require.True(t, s.HasMark(AttentionSampleProblem))
	require.Equal(t, lifecycle.DrawCompleted, s.Status)
	require.Empty(t, applyFetch(t, s, 90, FetchOutcome{}).Next.Attention, "results clear it")
}

func TestAnOnSiteDraw(t *testing.T) {
	t.Parallel()
	drawn := Demand{Kind: DemandDrawCompleted, By: lifecycle.Client}
	d := requisitionedState(lifecycle.OnSite, nil).ApplyDemand(drawn, hour(5))
	require.Equal(t, []lifecycle.LowStatus{lifecycle.DrawCompleted}, lowStatuses(d.Steps))
	require.Equal(t, hour(5), d.Next.CollectedAt)
	require.Equal(t, ReasonTransitionNotAllowed, d.Next.CheckDemand(drawn, hour(6)), "once")
	require.Equal(t, ReasonTransitionNotAllowed, newStateOf(lifecycle.OnSite, nil).CheckDemand(drawn, hour(1)),
		"not before the requisition")
	require.Equal(t, ReasonNotForThisMethod, requisitionedState(lifecycle.WalkIn, nil).CheckDemand(drawn, hour(1)))
}

func TestFactsThatDoNotFitTheModalityAreParked(t *testing.T) {
	t.Parallel()
	appointment := newFact(FactAppointment, 30)
	appointment.Appointment = &ReportedAppointment{Status: lifecycle.AppointmentStatusConfirmed}
	for _, test := range []struct {
		modality lifecycle.Modality
		fact     Fact
	}{
		{lifecycle.WalkIn, newFact(FactKitShipped, 24)},
		{lifecycle.OnSite, courierFact(24, "outbound", lifecycle.WithCustomer)},
		{lifecycle.OnSite, appointment},
		{lifecycle.Testkit, appointment},
		{lifecycle.Testkit, newFact(FactDrawCompleted, 24)},
		{lifecycle.AtHomePhlebotomy, newFact(FactAppointment, 24)}, // without its appointment
	} {
		s, d := applyFacts(requisitionedState(test.modality, nil), test.fact)
		require.Equal(t, OutcomeParked, d.Outcome, "%s on %s", test.fact.Kind, test.modality)
		require.Equal(t, lifecycle.RequisitionCreated, s.Status)
		require.False(t, s.HasShipped)
	}
}

func TestPartialResults(t *testing.T) {
	t.Parallel()
	for _, m := range []lifecycle.Modality{lifecycle.WalkIn, lifecycle.AtHomePhlebotomy, lifecycle.OnSite} {
		d := applyFetch(t, requisitionedState(m, nil), 60, FetchOutcome{Partial: true})
		require.Equal(t, lifecycle.PartialResults, d.Next.Status)
		require.True(t, hasDeadline(d.Next, DeadlineName(AttentionResultsIncomplete), hour(60).Add(14*Day)))

		again := applyFetch(t, d.Next, 70, FetchOutcome{Partial: true})
		require.Equal(t, []lifecycle.LowStatus{lifecycle.PartialResults}, lowStatuses(again.Steps), "an event each time")
		same, _ := again.Next.ApplyFetchedResults(FetchOutcome{Generation: again.Next.Fetch.Generation, ResultID: "r",
			Partial: true}, hour(71))
		require.Empty(t, same.Steps, "the same report is no news")
		require.Equal(t, lifecycle.Completed, applyFetch(t, again.Next, 80, FetchOutcome{}).Next.Status)
	}
	kit := applyFetch(t, stateIn(t, lifecycle.DeliveredToLab, nil), 95, FetchOutcome{Partial: true})
	require.Empty(t, kit.Steps, "a testkit's are stored without an event")
}

func TestAPartialReportAfterTheFinalOneIsOld(t *testing.T) {
	t.Parallel()
	done := applyFetch(t, requisitionedState(lifecycle.WalkIn, nil), 60, FetchOutcome{}).Next
	s, _ := applyFacts(done, newFact(FactReportReady, 70))
	d, visible := s.ApplyFetchedResults(FetchOutcome{Generation: s.Fetch.Generation, ResultID: "r", Changed: true,
		Partial: true}, hour(70))
	require.False(t, visible)
	require.Empty(t, d.Steps)
	require.Equal(t, OutcomeLate, d.Outcome)
}

func TestRedraw(t *testing.T) {
	t.Parallel()
	lacking := FetchOutcome{MissingByLabFault: true}
	for name, test := range map[string]struct {
		state State
		found FetchOutcome
		want  lifecycle.LowStatus
	}{
		"an initial walk-in order": {requisitionedState(lifecycle.WalkIn, nil), lacking, lifecycle.RedrawAvailable},
		"nothing missing":          {requisitionedState(lifecycle.WalkIn, nil), FetchOutcome{}, lifecycle.Completed},
		"partial results": {requisitionedState(lifecycle.WalkIn, nil),
			FetchOutcome{MissingByLabFault: true, Partial: true}, lifecycle.PartialResults},
		"a redraw itself": {requisitionedState(lifecycle.WalkIn, asRedraw), lacking, lifecycle.Completed},
		"drawn at home, no second draw": {requisitionedState(lifecycle.AtHomePhlebotomy, nil), lacking,
			lifecycle.Completed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := applyFetch(t, test.state, 60, test.found)
			require.Equal(t, test.want, d.Next.Status)
			require.Equal(t, test.want == lifecycle.RedrawAvailable, d.CreateRedraw)
		})
	}
}

func TestACorrectionAfterARedrawReplacesTheResults(t *testing.T) {
	t.Parallel()
	s := applyFetch(t, requisitionedState(lifecycle.WalkIn, nil), 60, FetchOutcome{MissingByLabFault: true}).Next
	s, _ = applyFacts(s, newFact(FactReportReady, 90))
	d, visible := s.ApplyFetchedResults(FetchOutcome{Generation: s.Fetch.Generation, ResultID: "r2", Changed: true},
		hour(90))
	require.True(t, visible)
	require.Empty(t, d.Steps)
	require.False(t, d.CreateRedraw)
}

func TestResultsThatWereHeldBackAreAccepted(t *testing.T) {
	t.Parallel()
	accept := Demand{Kind: DemandAcceptResults, By: lifecycle.Client, Results: &FetchOutcome{ResultID: "r", Changed: true}}
	held := requisitionedState(lifecycle.WalkIn, nil).ApplyDemand(cancelBy(lifecycle.Client), hour(2)).Next
	held, _ = applyFacts(held, newFact(FactReportReady, 60))
	d, visible := held.ApplyFetchedResults(FetchOutcome{Generation: 1, ResultID: "r", Changed: true}, hour(60))
	require.False(t, visible)
	require.True(t, d.Next.HasMark(AttentionResultAfterEnd))

	d = d.Next.ApplyDemand(accept, hour(70))
	require.Equal(t, OutcomeApplied, d.Outcome)
	require.Empty(t, d.Steps, "an order that has ended keeps its status")
	require.False(t, d.Next.HasMark(AttentionResultAfterEnd))

	d = requisitionedState(lifecycle.OnSite, nil).ApplyDemand(accept, hour(70))
	require.Equal(t, []lifecycle.LowStatus{lifecycle.DrawCompleted, lifecycle.Completed}, lowStatuses(d.Steps))
	require.Equal(t, ReasonNoSuchResult, held.CheckDemand(Demand{Kind: DemandAcceptResults}, hour(70)))
	require.Equal(t, ReasonKitNotRegistered, registrableState(t).CheckDemand(accept, hour(70)))
	require.Equal(t, ReasonNotYetPlaced, scheduledState(t).CheckDemand(accept, hour(1)))
}

func cancelBy(a lifecycle.Actor) Demand { return Demand{Kind: DemandCancel, By: a} }

// TestDeadlinesOfVisitsAndDraws checks the table of deadlines for orders without kits.
func TestDeadlinesOfVisitsAndDraws(t *testing.T) {
	t.Parallel()
	at := t0.Add(time.Second)
	for _, test := range []struct {
		name  string
		state State
		want  Deadline
		mark  AttentionReason
	}{
		{"walk-in without a visit", requisitionedState(lifecycle.WalkIn, nil), Deadline{"visit_overdue", at.Add(14 * Day)},
			AttentionVisitOverdue},
		{"phlebotomy without a booking", requisitionedState(lifecycle.AtHomePhlebotomy, nil),
			Deadline{"visit_overdue", at.Add(14 * Day)}, AttentionVisitOverdue},
		{"imported walk-in", newStateOf(lifecycle.WalkIn, asImported), Deadline{"visit_overdue", t0.Add(14 * Day)},
			AttentionVisitOverdue},
		{"on-site, no draw", requisitionedState(lifecycle.OnSite, nil), Deadline{"draw_unreported", at.Add(14 * Day)},
			AttentionDrawUnreported},
		{"walk-in without a requisition", newStateOf(lifecycle.WalkIn, nil),
			Deadline{"requisition_overdue", t0.Add(8 * time.Hour)}, AttentionRequisitionOverdue},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, []Deadline{test.want}, test.state.Deadlines)
			d := test.state.ApplyDeadline(test.want, test.want.Due)
			require.Empty(t, d.Steps, "a mark never changes a status")
			require.True(t, d.Next.HasMark(test.mark))
		})
	}
}
