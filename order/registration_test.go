package order

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

func register() Demand { return Demand{ID: "d1", Kind: DemandRegister, By: lifecycle.Client} }

// registered is a kit that was registered at hour h, on its way or not, and whose requisition has not been made yet.
func registered(t *testing.T, h int, facts ...Fact) State {
	t.Helper()
	s, _ := run(registrable(t), facts...)
	d := s.ApplyDemand(register(), hour(h))
	require.Equal(t, Applied, d.Outcome, "%s", d.Reason)
	return d.Next
}

func TestAKitIsRegistered(t *testing.T) {
	t.Parallel()
	s := registered(t, 50, fact(KitShipped, 24), courier(40, "outbound", lifecycle.WithCustomer))
	require.Equal(t, lifecycle.Registered, s.Status)
	require.True(t, s.Registered)
	require.Equal(t, PlacementStarted, s.Placement.State, "its requisition is to be made")
	require.Equal(t, ReasonRegistered, s.CheckDemand(register(), hour(51)))

	d := s.ApplyPlaced("", hour(50))
	require.Equal(t, []lifecycle.Low{lifecycle.RequisitionCreated}, lows(d.Steps))
	require.Equal(t, "M1", d.Next.KitID, "the kit keeps its number")
	numbered := s.ApplyPlaced("A77", hour(50)).Next
	require.Equal(t, "A77", numbered.Accession, "and its requisition may have one of its own")
	require.Empty(t, numbered.Attention)
	d = d.Next.ApplyFact(fact(KitReceived, 90), hour(90))
	require.Equal(t, lifecycle.DeliveredToLab, d.Next.Status)
}

func TestWhoCannotRegister(t *testing.T) {
	t.Parallel()
	ended := registrable(t).ApplyDemand(Demand{Kind: DemandDoNotProcess, By: lifecycle.Operations}, hour(5)).Next
	lost, _ := run(registrable(t), fact(KitShipped, 24), courier(30, "outbound", lifecycle.Lost))
	for name, test := range map[string]struct {
		state State
		want  Reason
	}{
		"a kit whose patient is known": {placed(t, nil), ReasonNotHere},
		"a kit that was stopped":       {ended, ReasonTransition},
		"a kit that was lost":          {lost, ReasonTransition},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := test.state.ApplyDemand(register(), hour(60))
			require.Equal(t, Refused, d.Outcome)
			require.Equal(t, test.want, d.Reason)
			require.Equal(t, text(t, test.state), text(t, d.Next))
		})
	}
}

// A sample that reaches the lab before its kit is registered is not lost and not refused.
func TestASampleThatWasFasterThanTheRegistration(t *testing.T) {
	t.Parallel()
	received := fact(KitReceived, 70)
	s, d := run(registrable(t), fact(KitShipped, 24), courier(40, "outbound", lifecycle.WithCustomer), received)
	require.Equal(t, Parked, d.Outcome)
	require.True(t, s.Needs(UnregisteredKit))
	require.Equal(t, lifecycle.WithCustomer, s.Status)

	s = s.ApplyDemand(register(), hour(100)).Next
	require.False(t, s.Needs(UnregisteredKit))
	s, d = run(s, received)
	require.Equal(t, Parked, d.Outcome, "the lab has to be told of the patient first")
	s = s.ApplyPlaced("", hour(100)).Next
	s, d = run(s, received)
	require.Equal(t, Applied, d.Outcome)
	require.Equal(t, []lifecycle.Low{lifecycle.DeliveredToLab}, lows(d.Steps))
	require.Empty(t, s.Parked)
}

func TestARejectionBeforeTheRegistration(t *testing.T) {
	t.Parallel()
	t.Run("recoverable, is answered by the registration", func(t *testing.T) {
		t.Parallel()
		refused := rejected(80, true)
		s, d := run(registrable(t), fact(KitShipped, 24), courier(40, "outbound", lifecycle.WithCustomer), refused)
		require.Equal(t, Parked, d.Outcome)
		s = s.ApplyDemand(register(), hour(100)).Next
		s, d = run(s, refused)
		require.Equal(t, Late, d.Outcome)
		require.Equal(t, ReasonSuperseded, d.Reason)
		require.Empty(t, s.Parked)
		require.Equal(t, lifecycle.Registered, s.Status)
	})
	t.Run("for good, stops the order", func(t *testing.T) {
		t.Parallel()
		s, _ := run(registrable(t), fact(KitShipped, 24), rejected(80, false))
		require.Equal(t, lifecycle.DoNotProcess, s.Status)
		require.True(t, s.Needs(ReplacementNeeded))
	})
	t.Run("for good, while the requisition is being made", func(t *testing.T) {
		t.Parallel()
		s, d := run(registered(t, 50, fact(KitShipped, 24)), rejected(80, false))
		require.Equal(t, []lifecycle.Low{lifecycle.RequisitionCreated, lifecycle.DeliveredToLab, lifecycle.SampleError}, lows(d.Steps))
		require.True(t, s.Terminal())
	})
}

// The deadlines of the outbound leg run on by leg, whatever the status.
func TestAKitThatIsRegisteredOnItsWayIsFollowedOn(t *testing.T) {
	t.Parallel()
	onTheWay := registered(t, 50, fact(KitShipped, 24), courier(30, "outbound", lifecycle.OutForDelivery))
	require.True(t, hasDeadline(onTheWay, DeadlineName(OutboundOverdue), hour(24+240)))

	s := onTheWay.ApplyPlaced("", hour(51)).Next
	require.True(t, hasDeadline(s, DeadlineName(OutboundOverdue), hour(24+240)))
	lost := Deadline{Name: DeadlineOutboundLost, Due: hour(30).Add(30 * Day)}
	require.True(t, hasDeadline(s, lost.Name, lost.Due))
	d := s.ApplyDeadline(lost, lost.Due)
	require.Equal(t, []lifecycle.Low{lifecycle.Lost}, lows(d.Steps))

	arrived, _ := run(s, courier(60, "outbound", lifecycle.WithCustomer), courier(90, "inbound", lifecycle.TransitLab))
	require.False(t, hasDeadline(arrived, DeadlineOutboundLost, lost.Due))
	delivered := registered(t, 50, fact(KitShipped, 24), courier(30, "outbound", lifecycle.WithCustomer)).ApplyPlaced("", hour(51)).Next
	require.False(t, hasDeadline(delivered, DeadlineName(OutboundOverdue), hour(24+240)), "that way is over")
}

func TestAKitThatNobodyRegistersExpires(t *testing.T) {
	t.Parallel()
	s := registrable(t)
	expiry := Deadline{Name: DeadlineKitExpiry, Due: t0.Add(365 * Day)}
	require.True(t, hasDeadline(s, expiry.Name, expiry.Due))
	d := s.ApplyDeadline(expiry, expiry.Due)
	require.Equal(t, lifecycle.DoNotProcess, d.Next.Status)
	require.Equal(t, ReasonTransition, d.Next.CheckDemand(register(), expiry.Due))
	require.False(t, hasDeadline(registered(t, 50), expiry.Name, expiry.Due))
}

func hasDeadline(s State, name DeadlineName, due time.Time) bool {
	return contains(s.Deadlines, Deadline{Name: name, Due: due})
}
