package order

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

func TestASilentOrderWaitsForASimulation(t *testing.T) {
	t.Parallel()
	o := Order{Modality: lifecycle.Testkit, CreatedAt: t0}
	s := NewState(&o, Policy{Silent: true, Deadlines: DefaultPolicy().Deadlines}, t0)
	require.Equal(t, PlacementHeld, s.Placement.State)
	require.Nil(t, s.Agenda().Place)
	require.Empty(t, s.Deadlines, "it waits for as long as its client wants")
	require.Equal(t, ReasonNotYetPlaced, s.ApplyFact(newFact(FactKitShipped, 24), hour(24)).Reason)
	cancelled := s.ApplyDemand(Demand{Kind: DemandCancel, By: lifecycle.Client}, hour(1)).Next
	require.False(t, cancelled.HasMark(AttentionCancelAtLab), "the lab has not got the order")

	placed := s.ApplyDemand(Demand{Kind: DemandPlace, By: lifecycle.Operations}, hour(1))
	require.Equal(t, OutcomeApplied, placed.Outcome)
	require.Equal(t, PlacementStarted, placed.Next.Placement.State)
	require.NotNil(t, placed.Next.Agenda().Place)
	require.Empty(t, placed.Next.Deadlines)
	again := placed.Next.ApplyDemand(Demand{Kind: DemandPlace, By: lifecycle.Operations}, hour(1))
	require.Equal(t, ReasonNotPlaceable, again.Reason)
}

func TestAScheduledSilentOrderIsHeldWhenItsDayComes(t *testing.T) {
	t.Parallel()
	day := Date{Year: 2026, Month: 3, Day: 9}
	o := Order{Modality: lifecycle.Testkit, CreatedAt: t0, ActivateBy: &day}
	s := NewState(&o, Policy{Silent: true, Deadlines: DefaultPolicy().Deadlines}, hour(48))
	require.Equal(t, PlacementNone, s.Placement.State)
	require.Equal(t, []Deadline{{Name: DeadlineActivation, Due: hour(48)}}, s.Deadlines)
	due := s.ApplyDeadline(s.Deadlines[0], hour(48)).Next
	require.Equal(t, PlacementHeld, due.Placement.State)
	require.Empty(t, due.Deadlines)

	cleared := s.ApplyDemand(Demand{Kind: DemandActivate, By: lifecycle.Client}, hour(1)).Next
	require.Equal(t, PlacementHeld, cleared.Placement.State)
	require.Empty(t, cleared.Deadlines)
	require.Equal(t, ReasonAlreadyActivated,
		cleared.ApplyDemand(Demand{Kind: DemandActivate, By: lifecycle.Client}, hour(2)).Reason)
}

// TestSilentOrdersRaiseNoMarkForWaiting compares every status with the same order that is not silent, which has a
// deadline in each of them.
func TestSilentOrdersRaiseNoMarkForWaiting(t *testing.T) {
	t.Parallel()
	waiting := 0
	for _, status := range lifecycle.Statuses() {
		s := stateEntering(status.Modality(), status.Low())
		for _, c := range circumstances(status.Modality()) {
			loud := s
			c.edit(&loud)
			quiet := loud
			quiet.Policy.Silent = true
			loud.recomputeDeadlines()
			quiet.recomputeDeadlines()
			allowed := map[DeadlineName]bool{
				DeadlineActivation: true, DeadlineAppointmentUnplaced: true, DeadlineAppointmentConfirmation: true,
				DeadlineName(AttentionFactOutOfPlace): true, DeadlineName(AttentionResultsUnfetched): true,
			}
			for _, d := range quiet.Deadlines {
				require.True(t, allowed[d.Name], "%s, %s: %s", status, c.name, d.Name)
			}
			if len(loud.Deadlines) > len(quiet.Deadlines) {
				waiting++
			}
		}
	}
	require.Greater(t, waiting, 30, "the control: the same orders wait otherwise")
}

func TestWhichOrdersAreSilent(t *testing.T) {
	t.Parallel()
	for passthrough, want := range map[string]bool{"": true, "a note": true, "sandbox": true, "sandbox:happy": false,
		"sandbox:nosuch": false, "sandbox:silent": false, "happy": true, "sandbox:": true} {
		o := Order{Passthrough: &passthrough}
		require.Equal(t, want, Policy{Silent: true}.ForOrder(&o, true).Silent, "%q", passthrough)
		require.False(t, Policy{Silent: true}.ForOrder(&o, false).Silent, "production")
		require.False(t, Policy{}.ForOrder(&o, true).Silent)
	}
	require.True(t, Policy{Silent: true}.ForOrder(&Order{}, true).Silent)
}

func TestARegisteredSilentKitIsHeldAgain(t *testing.T) {
	t.Parallel()
	o := Order{Modality: lifecycle.Testkit, Registrable: true, CreatedAt: t0}
	s := NewState(&o, Policy{Silent: true, Deadlines: DefaultPolicy().Deadlines}, t0)
	s = s.ApplyDemand(Demand{Kind: DemandPlace, By: lifecycle.Operations}, hour(1)).Next
	s = s.ApplyPlacementAccepted("K1", hour(2)).Next
	require.Equal(t, lifecycle.AwaitingRegistration, s.Status)
	require.Empty(t, s.Deadlines)
	s = s.ApplyDemand(Demand{Kind: DemandRegister, By: lifecycle.Client}, hour(3)).Next
	require.Equal(t, lifecycle.Registered, s.Status)
	require.Equal(t, PlacementHeld, s.Placement.State)
	s = s.ApplyDemand(Demand{Kind: DemandPlace, By: lifecycle.Operations}, hour(4)).Next
	require.Equal(t, PlacementStarted, s.Placement.State)
}
