package order

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// deadlineAt returns a deadline the given number of days after an hour.
func deadlineAt(name DeadlineName, h, days int) Deadline {
	return Deadline{Name: name, Due: hour(h).Add(time.Duration(days) * Day)}
}

// fireDeadline fires the earliest deadline at its due time, and checks its name.
func fireDeadline(t *testing.T, s State, name DeadlineName) (State, Decision) {
	t.Helper()
	dl, ok := s.NextDeadline()
	require.True(t, ok)
	require.Equal(t, name, dl.Name)
	d := s.ApplyDeadline(dl, dl.Due)
	require.NotContains(t, d.Next.Deadlines, dl, "it acts once")
	return d.Next, d
}

// TestDeadlinesTable checks the table of order-lifecycle#deadlines: all open deadlines in each status of a testkit.
func TestDeadlinesTable(t *testing.T) {
	t.Parallel()
	afterPlacing := func(d time.Duration) time.Time { return t0.Add(time.Second + d) }
	for status, want := range map[lifecycle.LowStatus][]Deadline{
		lifecycle.Ordered:             {{Name: "requisition_overdue", Due: hour(8)}},
		lifecycle.RequisitionCreated:  {{Name: "shipment_overdue", Due: afterPlacing(7 * Day)}},
		lifecycle.RequisitionBypassed: {{Name: "shipment_overdue", Due: afterPlacing(7 * Day)}},
		lifecycle.TransitCustomer: {deadlineAt("outbound_overdue", 24, 10),
			deadlineAt(DeadlineOutboundLost, 24, 30)},
		lifecycle.OutForDelivery: {deadlineAt("outbound_overdue", 24, 10),
			deadlineAt(DeadlineOutboundLost, 30, 30)},
		lifecycle.ProblemInTransitCustomer: {deadlineAt("outbound_overdue", 24, 10),
			deadlineAt(DeadlineOutboundLost, 30, 30)},
		lifecycle.WithCustomer:        {deadlineAt("kit_unused", 30, 30)},
		lifecycle.TransitLab:          {deadlineAt("inbound_overdue", 60, 7), deadlineAt(DeadlineInboundLost, 60, 21)},
		lifecycle.ProblemInTransitLab: {deadlineAt("inbound_overdue", 60, 7), deadlineAt(DeadlineInboundLost, 64, 21)},
		lifecycle.DeliveredToLab:      {deadlineAt("results_overdue", 80, 14)},
		lifecycle.LabProcessingBlocked: {
			deadlineAt("recovery_reminder_1", 90, 3), deadlineAt("recovery_reminder_2", 90, 7),
			deadlineAt("recovery_reminder_3", 90, 10),
			deadlineAt(DeadlineRecoveryWindow, 90, 14),
		},
	} {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			require.Equal(t, want, stateIn(t, status, nil).Deadlines)
		})
	}
	for _, status := range testkitStatuses {
		if lifecycle.Terminal(status) {
			require.Empty(t, stateIn(t, status, nil).Deadlines, "%s", status)
		}
	}
}

func TestDeadlinesThatRaiseAttention(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in    lifecycle.LowStatus
		mark  AttentionReason
		leave Fact // takes the order out of the statuses that the mark belongs to
	}{
		{lifecycle.RequisitionCreated, AttentionShipmentOverdue, newFact(FactKitShipped, 24)},
		{lifecycle.RequisitionBypassed, AttentionShipmentOverdue, newFact(FactKitShipped, 24)},
		{lifecycle.TransitCustomer, AttentionOutboundOverdue, courierFact(62, "outbound", lifecycle.WithCustomer)},
		{lifecycle.OutForDelivery, AttentionOutboundOverdue, courierFact(62, "outbound", lifecycle.WithCustomer)},
		{lifecycle.ProblemInTransitCustomer, AttentionOutboundOverdue, courierFact(62, "outbound", lifecycle.WithCustomer)},
		{lifecycle.WithCustomer, AttentionKitUnused, courierFact(62, "inbound", lifecycle.TransitLab)},
		{lifecycle.TransitLab, AttentionInboundOverdue, newFact(FactKitReceived, 70)},
		{lifecycle.ProblemInTransitLab, AttentionInboundOverdue, newFact(FactKitReceived, 70)},
		{lifecycle.DeliveredToLab, AttentionResultsOverdue, rejectionFact(90, true)},
		{lifecycle.LabProcessingBlocked, AttentionRecoveryNeeded, newFact(FactKitReceived, 95)},
	} {
		t.Run(string(c.in), func(t *testing.T) {
			t.Parallel()
			before := stateIn(t, c.in, nil)
			name := DeadlineName(c.mark)
			if c.in == lifecycle.LabProcessingBlocked {
				name = recoveryReminderPrefix + "1"
			}
			s, d := fireDeadline(t, before, name)
			require.Empty(t, d.Steps, "attention never changes the status")
			require.Equal(t, c.in, s.Status)
			require.Equal(t, []string{string(c.mark)}, s.Agenda().MarkReasons())
			left, _ := applyFacts(s, c.leave)
			require.NotEqual(t, c.in, left.Status)
			require.False(t, left.HasMark(c.mark), "it is cleared with the status")
		})
	}
}

func TestAttentionStaysWithinItsStatuses(t *testing.T) {
	t.Parallel()
	s, _ := fireDeadline(t, stateIn(t, lifecycle.TransitCustomer, nil), "outbound_overdue")
	s, _ = applyFacts(s, courierFact(62, "outbound", lifecycle.OutForDelivery))
	require.True(t, s.HasMark(AttentionOutboundOverdue))
	require.Equal(t, []Deadline{deadlineAt(DeadlineOutboundLost, 62, 30)}, s.Deadlines, "the leg's deadline has acted")
}

func TestRequisitionOverdue(t *testing.T) {
	t.Parallel()
	s, _ := fireDeadline(t, orderedState(t, nil), "requisition_overdue")
	require.Equal(t, []string{"requisition_overdue"}, s.Agenda().MarkReasons())
	require.Empty(t, s.ApplyPlacementAccepted("M1", hour(9)).Next.Attention)
}

func TestDeadlinesOfAScheduledOrder(t *testing.T) {
	t.Parallel()
	s := scheduledState(t)
	at := time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC)
	require.Equal(t, []Deadline{{Name: DeadlineActivation, Due: at}}, s.Deadlines)
	s, d := fireDeadline(t, s, DeadlineActivation)
	require.Empty(t, d.Steps, "the requisition is made first")
	require.Equal(t, PlacementStarted, s.Placement.State)
	require.Equal(t, []Deadline{{Name: "requisition_overdue", Due: at.Add(8 * time.Hour)}}, s.Deadlines,
		"counted from its activation")
	cancelled := scheduledState(t).ApplyDemand(Demand{Kind: DemandCancel, By: lifecycle.Client}, hour(1)).Next
	require.Empty(t, cancelled.Deadlines, "cancelling cancels the timer")
}

func TestTurnaroundOfTheTestWins(t *testing.T) {
	t.Parallel()
	days := 5
	o := &Order{ID: "o1", Modality: lifecycle.Testkit, CreatedAt: t0, LabTest: LabTest{WorstCaseTATDays: &days}}
	s, _ := applyFacts(NewState(o, DefaultPolicy(), time.Time{}), newFact(FactKitReceived, 80))
	require.Equal(t, []Deadline{deadlineAt("results_overdue", 80, 5)}, s.Deadlines)
}

func TestLostOnlyIfTheCourierFellSilent(t *testing.T) {
	t.Parallel()
	nowhere := courierFact(30, "outbound", "") // a fact without a status
	labelOnly := courierFact(20, "outbound", "")
	delivered := courierFact(62, "inbound", "")
	delivered.LegEnded = true
	outbound, inbound := DeadlineOutboundLost, DeadlineInboundLost
	for _, c := range []struct {
		name  string
		facts []Fact
		due   Deadline
		lost  bool
	}{
		{"outbound, no courier fact", []Fact{newFact(FactKitShipped, 24)}, deadlineAt(outbound, 24, 30), false},
		{"outbound, a courier fact before the shipment only", []Fact{labelOnly, newFact(FactKitShipped, 24)},
			deadlineAt(outbound, 24, 30), false},
		{"outbound, one courier fact", []Fact{newFact(FactKitShipped, 24), nowhere}, deadlineAt(outbound, 30, 30), true},
		{"outbound, two courier facts", []Fact{newFact(FactKitShipped, 24), nowhere, courierFact(50, "outbound", "")},
			deadlineAt(outbound, 50, 30), true},
		{"outbound, a fact of the other leg only", []Fact{newFact(FactKitShipped, 24), courierFact(30, "inbound", "")},
			deadlineAt(outbound, 24, 30), false},
		{"inbound, one fact", []Fact{courierFact(60, "inbound", lifecycle.TransitLab)}, deadlineAt(inbound, 60, 21), true},
		{"inbound, with a problem", []Fact{
			courierFact(60, "inbound", lifecycle.TransitLab), courierFact(64, "inbound", lifecycle.ProblemInTransitLab),
		}, deadlineAt(inbound, 64, 21), true},
		{"inbound, ended by the courier", []Fact{courierFact(60, "inbound", lifecycle.TransitLab), delivered},
			deadlineAt(inbound, 62, 21), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, _ := applyFacts(placedState(t, nil), c.facts...)
			require.Contains(t, s.Deadlines, c.due)
			before := s.Status
			s, _ = fireDeadline(t, s, s.Deadlines[0].Name) // overdue, which comes first
			s, d := fireDeadline(t, s, c.due.Name)
			if c.lost {
				require.Equal(t, []Step{{To: lifecycle.Lost, At: c.due.Due}}, d.Steps)
				require.Equal(t, []string{"replacement_needed"}, s.Agenda().MarkReasons())
				return
			}
			require.Equal(t, before, s.Status)
			require.True(t, s.HasMark(AttentionLegSilent))
			require.Empty(t, s.Deadlines)
		})
	}
}

func TestACourierThatSpeaksAgainRenewsTheLegsDeadline(t *testing.T) {
	t.Parallel()
	s, _ := fireDeadline(t, stateIn(t, lifecycle.TransitCustomer, nil), "outbound_overdue")
	s, _ = fireDeadline(t, s, DeadlineOutboundLost)
	require.True(t, s.HasMark(AttentionLegSilent))
	s, _ = applyFacts(s, courierFact(24*40, "outbound", ""))
	require.Equal(t, []Deadline{deadlineAt(DeadlineOutboundLost, 24*40, 30)}, s.Deadlines)
	s, _ = fireDeadline(t, s, DeadlineOutboundLost)
	require.Equal(t, lifecycle.Lost, s.Status)
}

// TestNothingIsGivenUpWhileAnAnnouncedReportIsFetched: an announced lab report decides whether its kit is lost or
// failed.
func TestNothingIsGivenUpWhileAnAnnouncedReportIsFetched(t *testing.T) {
	t.Parallel()
	for status, name := range map[lifecycle.LowStatus]DeadlineName{
		lifecycle.LabProcessingBlocked: DeadlineRecoveryWindow,
		lifecycle.OutForDelivery:       DeadlineOutboundLost,
		lifecycle.TransitLab:           DeadlineInboundLost,
	} {
		before := stateIn(t, status, nil)
		armed := func(s State) bool {
			return slices.ContainsFunc(s.Deadlines, func(d Deadline) bool { return d.Name == name })
		}
		require.True(t, armed(before))
		s, _ := applyFacts(before, newFact(FactReportReady, 100))
		require.False(t, armed(s), "%s", status)
		d, _ := s.ApplyFetchedResults(FetchOutcome{Generation: 1, ResultID: "r", Changed: true}, hour(101))
		require.Equal(t, lifecycle.Completed, d.Next.Status)

		for at, due := s.NextFetch(); due; at, due = s.NextFetch() {
			s = s.ApplyFetchFailed(1, at).Next
		}
		require.True(t, armed(s), "%s: no fetch is in progress", status)
	}
}

func TestKitExpiry(t *testing.T) {
	t.Parallel()
	s := registrableState(t)
	require.Equal(t, deadlineAt(DeadlineKitExpiry, 0, 365), s.Deadlines[1])
	s, _ = fireDeadline(t, s, "shipment_overdue")
	s, d := fireDeadline(t, s, DeadlineKitExpiry)
	require.Equal(t, []lifecycle.LowStatus{lifecycle.DoNotProcess}, lowStatuses(d.Steps))
	require.Empty(t, s.Attention)
	require.Empty(t, s.Deadlines)
	require.Empty(t, s.CheckDemand(Demand{Kind: DemandReplace}, hour(0)), "operations may send another kit")
}

func TestParkedFactsAreMarkedAfterADay(t *testing.T) {
	t.Parallel()
	s, _ := applyFacts(stateIn(t, lifecycle.DeliveredToLab, nil), courierFact(90, "inbound", lifecycle.TransitLab),
		courierFact(95, "inbound", lifecycle.ProblemInTransitLab))
	require.Len(t, s.ParkedFacts, 2)
	require.Equal(t, deadlineAt(DeadlineName(AttentionFactOutOfPlace), 90, 1), s.Deadlines[0], "counted from the oldest")
	s, _ = fireDeadline(t, s, DeadlineName(AttentionFactOutOfPlace))
	require.True(t, s.HasMark(AttentionFactOutOfPlace))
	again := s.ApplyFact(s.ParkedFacts[0], hour(120))
	require.Equal(t, OutcomeParked, again.Outcome)
	require.Len(t, again.Next.ParkedFacts, 2)
	require.True(t, again.Next.HasMark(AttentionFactOutOfPlace), "a retry without an edge clears no mark")

	one, _ := applyFacts(stateIn(t, lifecycle.DeliveredToLab, nil), courierFact(90, "inbound", lifecycle.TransitLab))
	one, _ = fireDeadline(t, one, DeadlineName(AttentionFactOutOfPlace))
	again = one.ApplyFact(one.ParkedFacts[0], hour(120))
	require.True(t, again.Next.HasMark(AttentionFactOutOfPlace))
	ended, _ := applyFacts(one, rejectionFact(130, false))
	d := ended.ApplyFact(ended.ParkedFacts[0], hour(130))
	require.Equal(t, OutcomeLate, d.Outcome)
	require.Empty(t, d.Next.ParkedFacts)
	require.False(t, d.Next.HasMark(AttentionFactOutOfPlace), "the mark is cleared with the last parked fact")
}
