package order

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// ordered is an order of the collection method that has just been created.
func ordered(m lifecycle.Modality, edit func(*Order, *Policy)) State {
	p := DefaultPolicy()
	o := &Order{ID: "o1", TeamID: "t1", Number: "K7Q2M9XW4T1B8C5D", Modality: m, Origin: OriginInitial, CreatedAt: t0}
	if edit != nil {
		edit(o, &p)
	}
	return Begin(o, p, time.Time{})
}

// requisitioned is one that the lab has taken.
func requisitioned(m lifecycle.Modality, edit func(*Order, *Policy)) State {
	return ordered(m, edit).ApplyPlaced("A1", t0.Add(time.Second)).Next
}

func redrawn(o *Order, _ *Policy) { o.Origin, o.ParentID = OriginRedraw, "o0" }

func imported(o *Order, _ *Policy) { o.Imported = true }

// fetched is what a report that was announced and fetched at hour h does.
func fetched(t *testing.T, s State, h int, f Fetched) Decision {
	t.Helper()
	s, d := run(s, fact(ReportReady, h))
	require.Equal(t, Applied, d.Outcome)
	f.Generation, f.ResultID, f.Changed = s.Fetch.Generation, fmt.Sprintf("r%d", h), true
	d, _ = s.ApplyFetched(f, hour(h))
	return d
}

func TestAnImportedOrderHasItsRequisition(t *testing.T) {
	t.Parallel()
	for _, m := range lifecycle.Modalities() {
		s := ordered(m, imported)
		require.Equal(t, lifecycle.RequisitionBypassed, s.Status)
		require.Equal(t, int64(2), s.Sequence, "ordered, and this")
		require.Equal(t, PlacementDone, s.Placement.State)
		require.NotEmpty(t, s.Deadlines)
	}
}

func TestWhatProvesADraw(t *testing.T) {
	t.Parallel()
	draw := fact(DrawReport, 48)
	draw.CollectedAt = hour(47)
	for _, test := range []struct {
		name     string
		modality lifecycle.Modality
		fact     Fact
		want     []lifecycle.Low
	}{
		{"the phlebotomist's report", lifecycle.AtHomePhlebotomy, draw, []lifecycle.Low{lifecycle.DrawCompleted}},
		{"the lab's word on an on-site draw", lifecycle.OnSite, draw, []lifecycle.Low{lifecycle.DrawCompleted}},
		{"a sample at the lab", lifecycle.AtHomePhlebotomy, fact(KitReceived, 60), []lifecycle.Low{lifecycle.DrawCompleted}},
		{"a sample at the lab, on-site", lifecycle.OnSite, fact(KitReceived, 60), []lifecycle.Low{lifecycle.DrawCompleted}},
		{"a sample that is no good", lifecycle.AtHomePhlebotomy, rejected(60, false), []lifecycle.Low{lifecycle.DrawCompleted, lifecycle.SampleError}},
		{"a sample that is no good, on-site", lifecycle.OnSite, rejected(60, false), []lifecycle.Low{lifecycle.DrawCompleted, lifecycle.SampleError}},
		{"at a center a visit has no status", lifecycle.WalkIn, draw, nil},
		{"at a center a sample has no status", lifecycle.WalkIn, fact(KitReceived, 60), nil},
		{"at a center a sample that is no good", lifecycle.WalkIn, rejected(60, false), []lifecycle.Low{lifecycle.SampleError}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, d := run(requisitioned(test.modality, nil), test.fact)
			require.Equal(t, Applied, d.Outcome)
			if test.want == nil {
				require.Empty(t, d.Steps)
			} else {
				require.Equal(t, test.want, lows(d.Steps))
			}
			if test.fact.Kind == DrawReport {
				require.Equal(t, hour(47), s.CollectedAt)
			}
		})
	}
}

func TestARejectedSampleThatMayBeSaved(t *testing.T) {
	t.Parallel()
	s, d := run(requisitioned(lifecycle.AtHomePhlebotomy, nil), rejected(60, true))
	require.Equal(t, Applied, d.Outcome)
	require.True(t, s.Needs(SampleProblem))
	require.Equal(t, lifecycle.DrawCompleted, s.Status)
	require.Empty(t, fetched(t, s, 90, Fetched{}).Next.Attention, "results settle it")
}

func TestAnOnSiteDraw(t *testing.T) {
	t.Parallel()
	drawn := Demand{Kind: DemandDraw, By: lifecycle.Client}
	d := requisitioned(lifecycle.OnSite, nil).ApplyDemand(drawn, hour(5))
	require.Equal(t, []lifecycle.Low{lifecycle.DrawCompleted}, lows(d.Steps))
	require.Equal(t, hour(5), d.Next.CollectedAt)
	require.Equal(t, ReasonTransition, d.Next.CheckDemand(drawn, hour(6)), "once")
	require.Equal(t, ReasonTransition, ordered(lifecycle.OnSite, nil).CheckDemand(drawn, hour(1)), "not before the requisition")
	require.Equal(t, ReasonNotHere, requisitioned(lifecycle.WalkIn, nil).CheckDemand(drawn, hour(1)))
}

func TestFactsThatAnOrderHasNoPlaceForWait(t *testing.T) {
	t.Parallel()
	appointment := fact(AppointmentReport, 30)
	appointment.Appointment = &Booked{Status: lifecycle.AppointmentIsConfirmed}
	for _, test := range []struct {
		modality lifecycle.Modality
		fact     Fact
	}{
		{lifecycle.WalkIn, fact(KitShipped, 24)},
		{lifecycle.OnSite, courier(24, "outbound", lifecycle.WithCustomer)},
		{lifecycle.OnSite, appointment},
		{lifecycle.Testkit, appointment},
		{lifecycle.Testkit, fact(DrawReport, 24)},
		{lifecycle.AtHomePhlebotomy, fact(AppointmentReport, 24)}, // without its appointment
	} {
		s, d := run(requisitioned(test.modality, nil), test.fact)
		require.Equal(t, Parked, d.Outcome, "%s on %s", test.fact.Kind, test.modality)
		require.Equal(t, lifecycle.RequisitionCreated, s.Status)
		require.False(t, s.Shipped)
	}
}

func TestPartialResults(t *testing.T) {
	t.Parallel()
	for _, m := range []lifecycle.Modality{lifecycle.WalkIn, lifecycle.AtHomePhlebotomy, lifecycle.OnSite} {
		d := fetched(t, requisitioned(m, nil), 60, Fetched{Partial: true})
		require.Equal(t, lifecycle.PartialResults, d.Next.Status)
		require.True(t, hasDeadline(d.Next, DeadlineName(ResultsIncomplete), hour(60).Add(14*Day)))

		again := fetched(t, d.Next, 70, Fetched{Partial: true})
		require.Equal(t, []lifecycle.Low{lifecycle.PartialResults}, lows(again.Steps), "an event each time")
		same, _ := again.Next.ApplyFetched(Fetched{Generation: again.Next.Fetch.Generation, ResultID: "r", Partial: true}, hour(71))
		require.Empty(t, same.Steps, "the same report is no news")
		require.Equal(t, lifecycle.Completed, fetched(t, again.Next, 80, Fetched{}).Next.Status)
	}
	kit := fetched(t, in(t, lifecycle.DeliveredToLab, nil), 95, Fetched{Partial: true})
	require.Empty(t, kit.Steps, "a testkit's are stored without an event")
}

func TestAPartialReportAfterTheFinalOneIsOld(t *testing.T) {
	t.Parallel()
	done := fetched(t, requisitioned(lifecycle.WalkIn, nil), 60, Fetched{}).Next
	s, _ := run(done, fact(ReportReady, 70))
	d, visible := s.ApplyFetched(Fetched{Generation: s.Fetch.Generation, ResultID: "r", Changed: true, Partial: true}, hour(70))
	require.False(t, visible)
	require.Empty(t, d.Steps)
	require.Equal(t, Late, d.Outcome)
}

func TestRedraw(t *testing.T) {
	t.Parallel()
	lacking := Fetched{LabMissing: true}
	for name, test := range map[string]struct {
		state State
		found Fetched
		want  lifecycle.Low
	}{
		"an initial walk-in order":         {requisitioned(lifecycle.WalkIn, nil), lacking, lifecycle.RedrawAvailable},
		"nothing missing":                  {requisitioned(lifecycle.WalkIn, nil), Fetched{}, lifecycle.Completed},
		"partial results":                  {requisitioned(lifecycle.WalkIn, nil), Fetched{LabMissing: true, Partial: true}, lifecycle.PartialResults},
		"a redraw itself":                  {requisitioned(lifecycle.WalkIn, redrawn), lacking, lifecycle.Completed},
		"drawn at home, nobody comes back": {requisitioned(lifecycle.AtHomePhlebotomy, nil), lacking, lifecycle.Completed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := fetched(t, test.state, 60, test.found)
			require.Equal(t, test.want, d.Next.Status)
			require.Equal(t, test.want == lifecycle.RedrawAvailable, d.Redraw)
		})
	}
}

func TestACorrectionAfterARedrawReplacesTheResults(t *testing.T) {
	t.Parallel()
	s := fetched(t, requisitioned(lifecycle.WalkIn, nil), 60, Fetched{LabMissing: true}).Next
	s, _ = run(s, fact(ReportReady, 90))
	d, visible := s.ApplyFetched(Fetched{Generation: s.Fetch.Generation, ResultID: "r2", Changed: true}, hour(90))
	require.True(t, visible)
	require.Empty(t, d.Steps)
	require.False(t, d.Redraw)
}

func TestResultsThatWereHeldBackAreAccepted(t *testing.T) {
	t.Parallel()
	accept := Demand{Kind: DemandAccept, By: lifecycle.Client, Fetched: &Fetched{ResultID: "r", Changed: true}}
	held := requisitioned(lifecycle.WalkIn, nil).ApplyDemand(cancelBy(lifecycle.Client), hour(2)).Next
	held, _ = run(held, fact(ReportReady, 60))
	d, visible := held.ApplyFetched(Fetched{Generation: 1, ResultID: "r", Changed: true}, hour(60))
	require.False(t, visible)
	require.True(t, d.Next.Needs(ResultAfterEnd))

	d = d.Next.ApplyDemand(accept, hour(70))
	require.Equal(t, Applied, d.Outcome)
	require.Empty(t, d.Steps, "an order that has ended keeps its status")
	require.False(t, d.Next.Needs(ResultAfterEnd))

	d = requisitioned(lifecycle.OnSite, nil).ApplyDemand(accept, hour(70))
	require.Equal(t, []lifecycle.Low{lifecycle.DrawCompleted, lifecycle.Completed}, lows(d.Steps))
	require.Equal(t, ReasonNoResult, held.CheckDemand(Demand{Kind: DemandAccept}, hour(70)))
	require.Equal(t, ReasonUnregistered, registrable(t).CheckDemand(accept, hour(70)))
	require.Equal(t, ReasonUnplaced, scheduled(t).CheckDemand(accept, hour(1)))
}

func cancelBy(a lifecycle.Actor) Demand { return Demand{Kind: DemandCancel, By: a} }

// The deadlines table, for what is not a kit.
func TestDeadlinesOfVisitsAndDraws(t *testing.T) {
	t.Parallel()
	at := t0.Add(time.Second)
	for _, test := range []struct {
		name  string
		state State
		want  Deadline
		mark  AttentionReason
	}{
		{"walk-in, nobody comes", requisitioned(lifecycle.WalkIn, nil), Deadline{"visit_overdue", at.Add(14 * Day)}, VisitOverdue},
		{"phlebotomy, nobody books", requisitioned(lifecycle.AtHomePhlebotomy, nil), Deadline{"visit_overdue", at.Add(14 * Day)}, VisitOverdue},
		{"imported walk-in", ordered(lifecycle.WalkIn, imported), Deadline{"visit_overdue", t0.Add(14 * Day)}, VisitOverdue},
		{"on-site, no draw", requisitioned(lifecycle.OnSite, nil), Deadline{"draw_unreported", at.Add(14 * Day)}, DrawUnreported},
		{"walk-in without a requisition", ordered(lifecycle.WalkIn, nil), Deadline{"requisition_overdue", t0.Add(8 * time.Hour)}, RequisitionOverdue},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, []Deadline{test.want}, test.state.Deadlines)
			d := test.state.ApplyDeadline(test.want, test.want.Due)
			require.Empty(t, d.Steps, "a mark never changes a status")
			require.True(t, d.Next.Needs(test.mark))
		})
	}
}
