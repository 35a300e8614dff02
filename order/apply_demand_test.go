package order

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// demands are all demands on a testkit order, except the acknowledgement of a mark.
var demands = []struct {
	name    string
	demand  Demand
	refusal Reason
}{
	{"cancel", Demand{Kind: DemandCancel, By: lifecycle.Client}, ReasonTransitionNotAllowed},
	{"cancel, operations", Demand{Kind: DemandCancel, By: lifecycle.Operations}, ReasonTransitionNotAllowed},
	{"do_not_process", Demand{Kind: DemandDoNotProcess, By: lifecycle.Operations, Reason: "duplicate"},
		ReasonTransitionNotAllowed},
	{"do_not_process, client", Demand{Kind: DemandDoNotProcess, By: lifecycle.Client}, ReasonTransitionNotAllowed},
	{"recover", Demand{Kind: DemandRecover, By: lifecycle.Operations}, ReasonNotBlocked},
	{"recover, confirmed", Demand{Kind: DemandRecover, By: lifecycle.Operations, Confirmed: true}, ReasonNotBlocked},
	{"place", Demand{Kind: DemandPlace, By: lifecycle.Operations}, ReasonNotPlaceable},
	{"activate", Demand{Kind: DemandActivate, By: lifecycle.Client}, ReasonTransitionNotAllowed},
	{"replace", Demand{Kind: DemandReplace, By: lifecycle.Operations}, ReasonNotReplaceable},
	{"unknown", Demand{Kind: "sing", By: lifecycle.Operations}, ReasonTransitionNotAllowed},
}

// statusesThatApply lists the demands that each status applies, after order-lifecycle#edges. A status that is not
// listed applies none.
var statusesThatApply = map[lifecycle.LowStatus][]string{
	lifecycle.Ordered:                    {"cancel", "cancel, operations", "do_not_process"},
	lifecycle.RequisitionCreated:         {"cancel", "cancel, operations", "do_not_process"},
	lifecycle.RequisitionBypassed:        {"cancel", "cancel, operations", "do_not_process"},
	lifecycle.TransitCustomer:            {"do_not_process"},
	lifecycle.OutForDelivery:             {"do_not_process"},
	lifecycle.ProblemInTransitCustomer:   {"do_not_process"},
	lifecycle.WithCustomer:               {"do_not_process"},
	lifecycle.TransitLab:                 {"do_not_process"},
	lifecycle.ProblemInTransitLab:        {"do_not_process"},
	lifecycle.DeliveredToLab:             {"do_not_process"},
	lifecycle.LabProcessingBlocked:       {"do_not_process", "recover", "recover, confirmed"},
	lifecycle.SampleError:                {"replace"},
	lifecycle.FailureToDeliverToCustomer: {"replace"},
	lifecycle.FailureToDeliverToLab:      {"replace"},
	lifecycle.Lost:                       {"replace"},
}

func TestDemandsInEveryStatus(t *testing.T) {
	t.Parallel()
	now := hour(101)
	for _, status := range testkitStatuses {
		for _, c := range demands {
			t.Run(string(status)+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				s := stateIn(t, status, nil)
				d := s.ApplyDemand(c.demand, now)
				require.Equal(t, d.Reason, s.CheckDemand(c.demand, now))
				require.Equal(t, status, d.From)
				if slices.Contains(statusesThatApply[status], c.name) {
					require.Equal(t, OutcomeApplied, d.Outcome)
					require.Empty(t, d.Reason)
					return
				}
				want := c.refusal
				if status == lifecycle.Ordered && c.demand.Kind == DemandActivate {
					want = ReasonNotScheduled
				}
				require.Equal(t, OutcomeRefused, d.Outcome)
				require.Equal(t, want, d.Reason)
				require.Empty(t, d.Steps)
				require.False(t, d.CreateReplacement)
				require.Equal(t, jsonText(t, s), jsonText(t, d.Next), "a refused demand changes nothing")
			})
		}
	}
}

func TestDemandsThatEndAnOrder(t *testing.T) {
	t.Parallel()
	for kind, want := range map[DemandKind]lifecycle.LowStatus{
		DemandCancel: lifecycle.Cancelled, DemandDoNotProcess: lifecycle.DoNotProcess,
	} {
		d := placedState(t, nil).ApplyDemand(Demand{Kind: kind, By: lifecycle.Operations}, hour(5))
		require.Equal(t, []Step{{To: want, At: hour(5)}}, d.Steps)
		require.Empty(t, d.Next.Deadlines)
		require.False(t, d.CreateReplacement)
	}
}

func TestActivate(t *testing.T) {
	t.Parallel()
	now := hour(30)
	later, sooner, today, past := now.AddDate(0, 0, 20), now.AddDate(0, 0, 2), now.Truncate(Day),
		now.Truncate(Day).Add(-Day)
	for _, c := range []struct {
		name    string
		to      time.Time
		starts  bool
		nextDue time.Time
	}{
		{"later", later, false, later},
		{"sooner", sooner, false, sooner},
		{"today means now", today, true, now.Add(8 * time.Hour)},
		{"a date that has passed since the API took it", past, true, now.Add(8 * time.Hour)},
		{"cleared means now", time.Time{}, true, now.Add(8 * time.Hour)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dm := Demand{Kind: DemandActivate, By: lifecycle.Client, ActivateAt: c.to}
			if !c.to.IsZero() {
				dm.ActivateBy = DateOf(c.to).String()
			}
			d := scheduledState(t).ApplyDemand(dm, now)
			require.Equal(t, OutcomeApplied, d.Outcome)
			require.Empty(t, d.Steps)
			require.Equal(t, dm.ActivateBy, d.Next.ActivateBy)
			want := Deadline{Name: DeadlineActivation, Due: c.nextDue}
			if c.starts {
				want.Name = DeadlineName(AttentionRequisitionOverdue)
			}
			require.Equal(t, []Deadline{want}, d.Next.Deadlines, "the timer follows")
			require.Equal(t, c.starts, d.Next.Placement.State == PlacementStarted)
			if c.starts {
				require.Equal(t, ReasonAlreadyActivated, d.Next.CheckDemand(dm, now))
			}
		})
	}
	require.Equal(t, ReasonNotScheduled, orderedState(t, nil).CheckDemand(Demand{Kind: DemandActivate}, now))
	require.Equal(t, ReasonNotPlaceable, scheduledState(t).CheckDemand(Demand{Kind: DemandPlace}, now),
		"it waits for its date, not for operations")
}

func TestPlaceAgain(t *testing.T) {
	t.Parallel()
	place := Demand{Kind: DemandPlace, By: lifecycle.Operations}
	unanswered := orderedState(t, nil).ApplyPlacementUnanswered(hour(1)).Next
	require.Equal(t, []string{"placement_unanswered"}, unanswered.Agenda().MarkReasons())
	refused := unanswered.ApplyPlacementRefused(hour(2))
	require.Equal(t, OutcomeRefused, refused.Outcome)
	require.Equal(t, lifecycle.Ordered, refused.Next.Status)
	require.Equal(t, []string{"placement_refused"}, refused.Next.Agenda().MarkReasons())
	for _, s := range []State{unanswered, refused.Next} {
		d := s.ApplyDemand(place, hour(3))
		require.Equal(t, OutcomeApplied, d.Outcome)
		require.Equal(t, Placement{State: PlacementStarted}, d.Next.Placement)
		require.Empty(t, d.Next.Attention)
		require.Equal(t, ReasonNotPlaceable, d.Next.CheckDemand(place, hour(3)), "the call is on its way")
	}
}

func TestRecover(t *testing.T) {
	t.Parallel()
	blocked := stateIn(t, lifecycle.LabProcessingBlocked, nil)
	require.Equal(t, []string{"recovery_needed"}, blocked.Agenda().MarkReasons())
	supplied := blocked.ApplyDemand(Demand{Kind: DemandRecover, By: lifecycle.Operations}, hour(92))
	require.Empty(t, supplied.Steps, "the lab has to get it and to confirm")
	require.Equal(t, []string{"tell_lab"}, supplied.Next.Agenda().MarkReasons())
	require.Equal(t, blocked.Deadlines, supplied.Next.Deadlines, "the window does not move")

	t.Run("the lab confirmed", func(t *testing.T) {
		t.Parallel()
		d := supplied.Next.ApplyDemand(Demand{Kind: DemandRecover, By: lifecycle.Operations, Confirmed: true}, hour(94))
		require.Equal(t, []lifecycle.LowStatus{lifecycle.DeliveredToLab}, lowStatuses(d.Steps))
		require.Empty(t, d.Next.Attention)
		require.Equal(t, RecoveryState{}, d.Next.Recovery)
		_, late := applyFacts(d.Next, rejectionFact(91, true))
		require.Equal(t, OutcomeLate, late.Outcome, "a rejection from before the recovery")
		again, _ := applyFacts(d.Next, rejectionFact(95, true))
		require.Equal(t, lifecycle.LabProcessingBlocked, again.Status)
	})
	t.Run("the lab reports it back in production", func(t *testing.T) {
		t.Parallel()
		s, _ := applyFacts(supplied.Next, newFact(FactKitReceived, 93))
		require.Equal(t, lifecycle.DeliveredToLab, s.Status)
		require.Empty(t, s.Attention)
	})
	t.Run("a client cannot confirm for the lab", func(t *testing.T) {
		t.Parallel()
		dm := Demand{Kind: DemandRecover, By: lifecycle.Client, Confirmed: true}
		require.Equal(t, ReasonTransitionNotAllowed, supplied.Next.CheckDemand(dm, hour(94)))
	})
}

func TestAcknowledge(t *testing.T) {
	t.Parallel()
	s, _ := applyFacts(stateIn(t, lifecycle.SampleError, nil), newFact(FactKitReceived, 95))
	require.Equal(t, []string{"contradictory_fact", "replacement_needed"}, s.Agenda().MarkReasons())
	dm := Demand{Kind: DemandAcknowledgeMark, By: lifecycle.Operations, Reason: string(AttentionContradictoryFact)}
	d := s.ApplyDemand(dm, hour(96))
	require.Equal(t, OutcomeApplied, d.Outcome)
	require.Equal(t, []string{"replacement_needed"}, d.Next.Agenda().MarkReasons())
	require.Len(t, s.Attention, 2, "the state before is left alone")
	require.Equal(t, ReasonNoSuchAttention, d.Next.ApplyDemand(dm, hour(97)).Reason)
}
