package order

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// due is a deadline that many days after an hour.
func due(name DeadlineName, h, days int) Deadline {
	return Deadline{Name: name, Due: hour(h).Add(time.Duration(days) * Day)}
}

// fire lets the earliest deadline act at its due time, and checks its name.
func fire(t *testing.T, s State, name DeadlineName) (State, Decision) {
	t.Helper()
	dl, ok := s.NextDeadline()
	require.True(t, ok)
	require.Equal(t, name, dl.Name)
	d := s.ApplyDeadline(dl, dl.Due)
	require.NotContains(t, d.Next.Deadlines, dl, "it acts once")
	return d.Next, d
}

// TestDeadlinesTable is the table of order-lifecycle#deadlines: everything that is armed in each status of a testkit.
func TestDeadlinesTable(t *testing.T) {
	t.Parallel()
	afterPlacing := func(d time.Duration) time.Time { return t0.Add(time.Second + d) }
	for status, want := range map[lifecycle.Low][]Deadline{
		lifecycle.Ordered:                  {{Name: "requisition_overdue", Due: hour(8)}},
		lifecycle.RequisitionCreated:       {{Name: "shipment_overdue", Due: afterPlacing(7 * Day)}},
		lifecycle.RequisitionBypassed:      {{Name: "shipment_overdue", Due: afterPlacing(7 * Day)}},
		lifecycle.TransitCustomer:          {due("outbound_overdue", 24, 10), due(DeadlineOutboundLost, 24, 30)},
		lifecycle.OutForDelivery:           {due("outbound_overdue", 24, 10), due(DeadlineOutboundLost, 30, 30)},
		lifecycle.ProblemInTransitCustomer: {due("outbound_overdue", 24, 10), due(DeadlineOutboundLost, 30, 30)},
		lifecycle.WithCustomer:             {due("kit_unused", 30, 30)},
		lifecycle.TransitLab:               {due("inbound_overdue", 60, 7), due(DeadlineInboundLost, 60, 21)},
		lifecycle.ProblemInTransitLab:      {due("inbound_overdue", 60, 7), due(DeadlineInboundLost, 64, 21)},
		lifecycle.DeliveredToLab:           {due("results_overdue", 80, 14)},
		lifecycle.LabProcessingBlocked: {
			due("recovery_reminder_1", 90, 3), due("recovery_reminder_2", 90, 7), due("recovery_reminder_3", 90, 10),
			due(DeadlineRecoveryWindow, 90, 14),
		},
	} {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			require.Equal(t, want, in(t, status, nil).Deadlines)
		})
	}
	for _, status := range testkitStatuses {
		if lifecycle.Terminal(status) {
			require.Empty(t, in(t, status, nil).Deadlines, "%s", status)
		}
	}
}

func TestDeadlinesThatRaiseAttention(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in    lifecycle.Low
		mark  AttentionReason
		leave Fact // takes the order out of the statuses that the mark belongs to
	}{
		{lifecycle.RequisitionCreated, ShipmentOverdue, fact(KitShipped, 24)},
		{lifecycle.RequisitionBypassed, ShipmentOverdue, fact(KitShipped, 24)},
		{lifecycle.TransitCustomer, OutboundOverdue, courier(62, "outbound", lifecycle.WithCustomer)},
		{lifecycle.OutForDelivery, OutboundOverdue, courier(62, "outbound", lifecycle.WithCustomer)},
		{lifecycle.ProblemInTransitCustomer, OutboundOverdue, courier(62, "outbound", lifecycle.WithCustomer)},
		{lifecycle.WithCustomer, KitUnused, courier(62, "inbound", lifecycle.TransitLab)},
		{lifecycle.TransitLab, InboundOverdue, fact(KitReceived, 70)},
		{lifecycle.ProblemInTransitLab, InboundOverdue, fact(KitReceived, 70)},
		{lifecycle.DeliveredToLab, ResultsOverdue, rejected(90, true)},
		{lifecycle.LabProcessingBlocked, RecoveryNeeded, fact(KitReceived, 95)},
	} {
		t.Run(string(c.in), func(t *testing.T) {
			t.Parallel()
			before := in(t, c.in, nil)
			name := DeadlineName(c.mark)
			if c.in == lifecycle.LabProcessingBlocked {
				name = recoveryReminder + "1"
			}
			s, d := fire(t, before, name)
			require.Empty(t, d.Steps, "attention never changes the status")
			require.Equal(t, c.in, s.Status)
			require.Equal(t, []string{string(c.mark)}, s.AttentionReasons())
			left, _ := run(s, c.leave)
			require.NotEqual(t, c.in, left.Status)
			require.False(t, left.Needs(c.mark), "it goes away with the status")
		})
	}
}

func TestAttentionStaysWithinItsStatuses(t *testing.T) {
	t.Parallel()
	s, _ := fire(t, in(t, lifecycle.TransitCustomer, nil), "outbound_overdue")
	s, _ = run(s, courier(62, "outbound", lifecycle.OutForDelivery))
	require.True(t, s.Needs(OutboundOverdue))
	require.Equal(t, []Deadline{due(DeadlineOutboundLost, 62, 30)}, s.Deadlines, "the leg's deadline has acted")
}

func TestRequisitionOverdue(t *testing.T) {
	t.Parallel()
	s, _ := fire(t, newOrder(t, nil), "requisition_overdue")
	require.Equal(t, []string{"requisition_overdue"}, s.AttentionReasons())
	require.Empty(t, s.ApplyPlaced("M1", hour(9)).Next.Attention)
}

func TestDeadlinesOfAScheduledOrder(t *testing.T) {
	t.Parallel()
	s := scheduled(t)
	at := time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC)
	require.Equal(t, []Deadline{{Name: DeadlineActivate, Due: at}}, s.Deadlines)
	s, d := fire(t, s, DeadlineActivate)
	require.Empty(t, d.Steps, "the requisition is made first")
	require.Equal(t, PlacementStarted, s.Placement.State)
	require.Equal(t, []Deadline{{Name: "requisition_overdue", Due: at.Add(8 * time.Hour)}}, s.Deadlines, "counted from its activation")
	cancelled := scheduled(t).ApplyDemand(Demand{Kind: DemandCancel, By: lifecycle.Client}, hour(1)).Next
	require.Empty(t, cancelled.Deadlines, "cancelling cancels the timer")
}

func TestTurnaroundOfTheTestWins(t *testing.T) {
	t.Parallel()
	days := 5
	o := &Order{ID: "o1", Modality: lifecycle.Testkit, CreatedAt: t0, LabTest: LabTest{WorstCaseTATDays: &days}}
	s, _ := run(Begin(o, DefaultPolicy(), time.Time{}), fact(KitReceived, 80))
	require.Equal(t, []Deadline{due("results_overdue", 80, 5)}, s.Deadlines)
}

func TestLostOnlyIfTheCourierFellSilent(t *testing.T) {
	t.Parallel()
	nowhere := courier(30, "outbound", "") // a report that asks for no status
	labelOnly := courier(20, "outbound", "")
	delivered := courier(62, "inbound", "")
	delivered.Delivered = true
	outbound, inbound := DeadlineOutboundLost, DeadlineInboundLost
	for _, c := range []struct {
		name  string
		facts []Fact
		due   Deadline
		lost  bool
	}{
		{"outbound, never heard of", []Fact{fact(KitShipped, 24)}, due(outbound, 24, 30), false},
		{"outbound, heard of before it set out only", []Fact{labelOnly, fact(KitShipped, 24)}, due(outbound, 24, 30), false},
		{"outbound, heard of", []Fact{fact(KitShipped, 24), nowhere}, due(outbound, 30, 30), true},
		{"outbound, heard of again", []Fact{fact(KitShipped, 24), nowhere, courier(50, "outbound", "")}, due(outbound, 50, 30), true},
		{"outbound, heard of the other leg only", []Fact{fact(KitShipped, 24), courier(30, "inbound", "")}, due(outbound, 24, 30), false},
		{"inbound, heard of", []Fact{courier(60, "inbound", lifecycle.TransitLab)}, due(inbound, 60, 21), true},
		{"inbound, with a problem", []Fact{
			courier(60, "inbound", lifecycle.TransitLab), courier(64, "inbound", lifecycle.ProblemInTransitLab),
		}, due(inbound, 64, 21), true},
		{"inbound, ended by the courier", []Fact{courier(60, "inbound", lifecycle.TransitLab), delivered}, due(inbound, 62, 21), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, _ := run(placed(t, nil), c.facts...)
			require.Contains(t, s.Deadlines, c.due)
			before := s.Status
			s, _ = fire(t, s, s.Deadlines[0].Name) // overdue, which comes first
			s, d := fire(t, s, c.due.Name)
			if c.lost {
				require.Equal(t, []Step{{To: lifecycle.Lost, At: c.due.Due}}, d.Steps)
				require.Equal(t, []string{"replacement_needed"}, s.AttentionReasons())
				return
			}
			require.Equal(t, before, s.Status)
			require.True(t, s.Needs(LegSilent))
			require.Empty(t, s.Deadlines)
		})
	}
}

func TestACourierThatSpeaksAgainRenewsTheLegsDeadline(t *testing.T) {
	t.Parallel()
	s, _ := fire(t, in(t, lifecycle.TransitCustomer, nil), "outbound_overdue")
	s, _ = fire(t, s, DeadlineOutboundLost)
	require.True(t, s.Needs(LegSilent))
	s, _ = run(s, courier(24*40, "outbound", ""))
	require.Equal(t, []Deadline{due(DeadlineOutboundLost, 24*40, 30)}, s.Deadlines)
	s, _ = fire(t, s, DeadlineOutboundLost)
	require.Equal(t, lifecycle.Lost, s.Status)
}

// A report that the lab has announced decides; a kit that it reports on is neither lost nor beyond saving.
func TestNothingIsGivenUpWhileAnAnnouncedReportIsFetched(t *testing.T) {
	t.Parallel()
	for status, name := range map[lifecycle.Low]DeadlineName{
		lifecycle.LabProcessingBlocked: DeadlineRecoveryWindow,
		lifecycle.OutForDelivery:       DeadlineOutboundLost,
		lifecycle.TransitLab:           DeadlineInboundLost,
	} {
		before := in(t, status, nil)
		armed := func(s State) bool {
			return slices.ContainsFunc(s.Deadlines, func(d Deadline) bool { return d.Name == name })
		}
		require.True(t, armed(before))
		s, _ := run(before, fact(ReportReady, 100))
		require.False(t, armed(s), "%s", status)
		d, _ := s.ApplyFetched(Fetched{Generation: 1, ResultID: "r", Changed: true}, hour(101))
		require.Equal(t, lifecycle.Completed, d.Next.Status)

		for at, due := s.NextFetch(); due; at, due = s.NextFetch() {
			s = s.ApplyFetchMissed(1, at).Next
		}
		require.True(t, armed(s), "%s: nobody fetches the report any more", status)
	}
}

func TestKitExpiry(t *testing.T) {
	t.Parallel()
	s := registrable(t)
	require.Equal(t, due(DeadlineKitExpiry, 0, 365), s.Deadlines[1])
	s, _ = fire(t, s, "shipment_overdue")
	s, d := fire(t, s, DeadlineKitExpiry)
	require.Equal(t, []lifecycle.Low{lifecycle.DoNotProcess}, lows(d.Steps))
	require.Empty(t, s.Attention)
	require.Empty(t, s.Deadlines)
	require.Empty(t, s.CheckDemand(Demand{Kind: DemandReplace}, hour(0)), "operations may send another kit")
}

func TestParkedFactsAreMarkedAfterADay(t *testing.T) {
	t.Parallel()
	s, _ := run(in(t, lifecycle.DeliveredToLab, nil), courier(90, "inbound", lifecycle.TransitLab), courier(95, "inbound", lifecycle.ProblemInTransitLab))
	require.Len(t, s.Parked, 2)
	require.Equal(t, due(DeadlineName(FactOutOfPlace), 90, 1), s.Deadlines[0], "counted from the oldest")
	s, _ = fire(t, s, DeadlineName(FactOutOfPlace))
	require.True(t, s.Needs(FactOutOfPlace))
	again := s.ApplyFact(s.Parked[0], hour(120))
	require.Equal(t, Parked, again.Outcome)
	require.Len(t, again.Next.Parked, 2)
	require.True(t, again.Next.Needs(FactOutOfPlace), "trying in vain settles nothing")

	one, _ := run(in(t, lifecycle.DeliveredToLab, nil), courier(90, "inbound", lifecycle.TransitLab))
	one, _ = fire(t, one, DeadlineName(FactOutOfPlace))
	again = one.ApplyFact(one.Parked[0], hour(120))
	require.True(t, again.Next.Needs(FactOutOfPlace))
	ended, _ := run(one, rejected(130, false))
	d := ended.ApplyFact(ended.Parked[0], hour(130))
	require.Equal(t, Late, d.Outcome)
	require.Empty(t, d.Next.Parked)
	require.False(t, d.Next.Needs(FactOutOfPlace), "the mark goes with the last parked fact")
}
