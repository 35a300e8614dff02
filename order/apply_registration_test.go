package order

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

func registerDemand() Demand { return Demand{ID: "d1", Kind: DemandRegister, By: lifecycle.Client} }

// registeredState returns a kit that was registered at hour h, in transit or not, and has no requisition yet.
func registeredState(t *testing.T, h int, facts ...Fact) State {
	t.Helper()
	s, _ := applyFacts(registrableState(t), facts...)
	d := s.ApplyDemand(registerDemand(), hour(h))
	require.Equal(t, OutcomeApplied, d.Outcome, "%s", d.Reason)
	return d.Next
}

func TestAKitIsRegistered(t *testing.T) {
	t.Parallel()
	s := registeredState(t, 50, newFact(FactKitShipped, 24), courierFact(40, "outbound", lifecycle.WithCustomer))
	require.Equal(t, lifecycle.Registered, s.Status)
	require.True(t, s.Registered)
	require.Equal(t, PlacementStarted, s.Placement.State, "its requisition is to be made")
	require.Equal(t, ReasonAlreadyRegistered, s.CheckDemand(registerDemand(), hour(51)))

	d := s.ApplyPlacementAccepted("", hour(50))
	require.Equal(t, []lifecycle.LowStatus{lifecycle.RequisitionCreated}, lowStatuses(d.Steps))
	require.Equal(t, "M1", d.Next.KitID, "the kit keeps its number")
	numbered := s.ApplyPlacementAccepted("A77", hour(50)).Next
	require.Equal(t, "A77", numbered.Accession, "and its requisition may have one of its own")
	require.Empty(t, numbered.Attention)
	d = d.Next.ApplyFact(newFact(FactKitReceived, 90), hour(90))
	require.Equal(t, lifecycle.DeliveredToLab, d.Next.Status)
}

func TestWhoCannotRegister(t *testing.T) {
	t.Parallel()
	ended := registrableState(t).ApplyDemand(Demand{Kind: DemandDoNotProcess, By: lifecycle.Operations}, hour(5)).Next
	lost, _ := applyFacts(registrableState(t), newFact(FactKitShipped, 24), courierFact(30, "outbound", lifecycle.Lost))
	for name, test := range map[string]struct {
		state State
		want  Reason
	}{
		"a kit whose patient is known": {placedState(t, nil), ReasonNotForThisMethod},
		"a kit that was stopped":       {ended, ReasonTransitionNotAllowed},
		"a kit that was lost":          {lost, ReasonTransitionNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := test.state.ApplyDemand(registerDemand(), hour(60))
			require.Equal(t, OutcomeRefused, d.Outcome)
			require.Equal(t, test.want, d.Reason)
			require.Equal(t, jsonText(t, test.state), jsonText(t, d.Next))
		})
	}
}

// TestSampleReceivedBeforeRegistration: a sample that reaches the lab before its registration is neither lost nor
// refused.
func TestSampleReceivedBeforeRegistration(t *testing.T) {
	t.Parallel()
	received := newFact(FactKitReceived, 70)
	s, d := applyFacts(registrableState(t), newFact(FactKitShipped, 24),
		courierFact(40, "outbound", lifecycle.WithCustomer), received)
	require.Equal(t, OutcomeParked, d.Outcome)
	require.True(t, s.HasMark(AttentionUnregisteredSample))
	require.Equal(t, lifecycle.WithCustomer, s.Status)

	s = s.ApplyDemand(registerDemand(), hour(100)).Next
	require.False(t, s.HasMark(AttentionUnregisteredSample))
	s, d = applyFacts(s, received)
	require.Equal(t, OutcomeParked, d.Outcome, "the lab has to get the patient first")
	s = s.ApplyPlacementAccepted("", hour(100)).Next
	s, d = applyFacts(s, received)
	require.Equal(t, OutcomeApplied, d.Outcome)
	require.Equal(t, []lifecycle.LowStatus{lifecycle.DeliveredToLab}, lowStatuses(d.Steps))
	require.Empty(t, s.ParkedFacts)
}

func TestARejectionBeforeTheRegistration(t *testing.T) {
	t.Parallel()
	t.Run("recoverable, is answered by the registration", func(t *testing.T) {
		t.Parallel()
		refused := rejectionFact(80, true)
		s, d := applyFacts(registrableState(t), newFact(FactKitShipped, 24),
			courierFact(40, "outbound", lifecycle.WithCustomer), refused)
		require.Equal(t, OutcomeParked, d.Outcome)
		s = s.ApplyDemand(registerDemand(), hour(100)).Next
		s, d = applyFacts(s, refused)
		require.Equal(t, OutcomeLate, d.Outcome)
		require.Equal(t, ReasonSuperseded, d.Reason)
		require.Empty(t, s.ParkedFacts)
		require.Equal(t, lifecycle.Registered, s.Status)
	})
	t.Run("final, stops the order", func(t *testing.T) {
		t.Parallel()
		s, _ := applyFacts(registrableState(t), newFact(FactKitShipped, 24), rejectionFact(80, false))
		require.Equal(t, lifecycle.DoNotProcess, s.Status)
		require.True(t, s.HasMark(AttentionReplacementNeeded))
	})
	t.Run("final, while the requisition is being made", func(t *testing.T) {
		t.Parallel()
		s, d := applyFacts(registeredState(t, 50, newFact(FactKitShipped, 24)), rejectionFact(80, false))
		require.Equal(t, []lifecycle.LowStatus{lifecycle.RequisitionCreated, lifecycle.DeliveredToLab, lifecycle.SampleError},
			lowStatuses(d.Steps))
		require.True(t, s.Terminal())
	})
}

// TestKitRegisteredInTransit: the deadlines of the outbound leg apply in any status.
func TestKitRegisteredInTransit(t *testing.T) {
	t.Parallel()
	onTheWay := registeredState(t, 50, newFact(FactKitShipped, 24), courierFact(30, "outbound", lifecycle.OutForDelivery))
	require.True(t, hasDeadline(onTheWay, DeadlineName(AttentionOutboundOverdue), hour(24+240)))

	s := onTheWay.ApplyPlacementAccepted("", hour(51)).Next
	require.True(t, hasDeadline(s, DeadlineName(AttentionOutboundOverdue), hour(24+240)))
	lost := Deadline{Name: DeadlineOutboundLost, Due: hour(30).Add(30 * Day)}
	require.True(t, hasDeadline(s, lost.Name, lost.Due))
	d := s.ApplyDeadline(lost, lost.Due)
	require.Equal(t, []lifecycle.LowStatus{lifecycle.Lost}, lowStatuses(d.Steps))

	arrived, _ := applyFacts(s, courierFact(60, "outbound", lifecycle.WithCustomer),
		courierFact(90, "inbound", lifecycle.TransitLab))
	require.False(t, hasDeadline(arrived, DeadlineOutboundLost, lost.Due))
	delivered := registeredState(t, 50, newFact(FactKitShipped, 24),
		courierFact(30, "outbound", lifecycle.WithCustomer)).ApplyPlacementAccepted("", hour(51)).Next
	require.False(t, hasDeadline(delivered, DeadlineName(AttentionOutboundOverdue), hour(24+240)), "that leg is over")
}

func TestAKitThatNobodyRegistersExpires(t *testing.T) {
	t.Parallel()
	s := registrableState(t)
	expiry := Deadline{Name: DeadlineKitExpiry, Due: t0.Add(365 * Day)}
	require.True(t, hasDeadline(s, expiry.Name, expiry.Due))
	d := s.ApplyDeadline(expiry, expiry.Due)
	require.Equal(t, lifecycle.DoNotProcess, d.Next.Status)
	require.Equal(t, ReasonTransitionNotAllowed, d.Next.CheckDemand(registerDemand(), expiry.Due))
	require.False(t, hasDeadline(registeredState(t, 50), expiry.Name, expiry.Due))
}

func hasDeadline(s State, name DeadlineName, due time.Time) bool {
	return containsDeadline(s.Deadlines, Deadline{Name: name, Due: due})
}
