package order

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// demands are all that can be asked of a testkit order but the acknowledgement of a mark.
var demands = []struct {
	name    string
	demand  Demand
	refusal Reason
}{
	{"cancel", Demand{Kind: DemandCancel, By: lifecycle.Client}, ReasonTransition},
	{"cancel, operations", Demand{Kind: DemandCancel, By: lifecycle.Operations}, ReasonTransition},
	{"do_not_process", Demand{Kind: DemandDoNotProcess, By: lifecycle.Operations, Reason: "duplicate"}, ReasonTransition},
	{"do_not_process, client", Demand{Kind: DemandDoNotProcess, By: lifecycle.Client}, ReasonTransition},
	{"recover", Demand{Kind: DemandRecover, By: lifecycle.Operations}, ReasonNotBlocked},
	{"recover, confirmed", Demand{Kind: DemandRecover, By: lifecycle.Operations, Confirmed: true}, ReasonNotBlocked},
	{"place", Demand{Kind: DemandPlace, By: lifecycle.Operations}, ReasonNotRefused},
	{"activate", Demand{Kind: DemandActivate, By: lifecycle.Client}, ReasonTransition},
	{"replace", Demand{Kind: DemandReplace, By: lifecycle.Operations}, ReasonNotReplaceable},
	{"unknown", Demand{Kind: "sing", By: lifecycle.Operations}, ReasonTransition},
}

// appliedIn says which of the demands each status applies, after order-lifecycle#edges. A status that is not listed
// applies none.
var appliedIn = map[lifecycle.Low][]string{
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
				s := in(t, status, nil)
				d := s.ApplyDemand(c.demand, now)
				require.Equal(t, d.Reason, s.CheckDemand(c.demand, now))
				require.Equal(t, status, d.From)
				if slices.Contains(appliedIn[status], c.name) {
					require.Equal(t, Applied, d.Outcome)
					require.Empty(t, d.Reason)
					return
				}
				want := c.refusal
				if status == lifecycle.Ordered && c.demand.Kind == DemandActivate {
					want = ReasonNotScheduled
				}
				require.Equal(t, Refused, d.Outcome)
				require.Equal(t, want, d.Reason)
				require.Empty(t, d.Steps)
				require.False(t, d.Replace)
				require.Equal(t, text(t, s), text(t, d.Next), "a refused demand changes nothing")
			})
		}
	}
}

func TestDemandsThatEndAnOrder(t *testing.T) {
	t.Parallel()
	for kind, want := range map[DemandKind]lifecycle.Low{
		DemandCancel: lifecycle.Cancelled, DemandDoNotProcess: lifecycle.DoNotProcess,
	} {
		d := placed(t, nil).ApplyDemand(Demand{Kind: kind, By: lifecycle.Operations}, hour(5))
		require.Equal(t, []Step{{To: want, At: hour(5)}}, d.Steps)
		require.Empty(t, d.Next.Deadlines)
		require.False(t, d.Replace)
	}
}

func TestActivate(t *testing.T) {
	t.Parallel()
	now := hour(30)
	later, sooner, today, past := now.AddDate(0, 0, 20), now.AddDate(0, 0, 2), now.Truncate(Day), now.Truncate(Day).Add(-Day)
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
			d := scheduled(t).ApplyDemand(dm, now)
			require.Equal(t, Applied, d.Outcome)
			require.Empty(t, d.Steps)
			require.Equal(t, dm.ActivateBy, d.Next.ActivateBy)
			want := Deadline{Name: DeadlineActivate, Due: c.nextDue}
			if c.starts {
				want.Name = DeadlineName(RequisitionOverdue)
			}
			require.Equal(t, []Deadline{want}, d.Next.Deadlines, "the timer follows")
			require.Equal(t, c.starts, d.Next.Placement.State == PlacementStarted)
			if c.starts {
				require.Equal(t, ReasonActivated, d.Next.CheckDemand(dm, now))
			}
		})
	}
	require.Equal(t, ReasonNotScheduled, newOrder(t, nil).CheckDemand(Demand{Kind: DemandActivate}, now))
	require.Equal(t, ReasonNotRefused, scheduled(t).CheckDemand(Demand{Kind: DemandPlace}, now), "it waits for its date, not for operations")
}

func TestPlaceAgain(t *testing.T) {
	t.Parallel()
	place := Demand{Kind: DemandPlace, By: lifecycle.Operations}
	unanswered := newOrder(t, nil).ApplyPlacementUnanswered(hour(1)).Next
	require.Equal(t, []string{"placement_unanswered"}, unanswered.AttentionReasons())
	refused := unanswered.ApplyPlacementRefused(hour(2))
	require.Equal(t, Refused, refused.Outcome)
	require.Equal(t, lifecycle.Ordered, refused.Next.Status)
	require.Equal(t, []string{"placement_refused"}, refused.Next.AttentionReasons())
	for _, s := range []State{unanswered, refused.Next} {
		d := s.ApplyDemand(place, hour(3))
		require.Equal(t, Applied, d.Outcome)
		require.Equal(t, Placement{State: PlacementStarted}, d.Next.Placement)
		require.Empty(t, d.Next.Attention)
		require.Equal(t, ReasonNotRefused, d.Next.CheckDemand(place, hour(3)), "the call is on its way")
	}
}

func TestRecover(t *testing.T) {
	t.Parallel()
	blocked := in(t, lifecycle.LabProcessingBlocked, nil)
	require.Equal(t, []string{"recovery_needed"}, blocked.AttentionReasons())
	told := blocked.ApplyDemand(Demand{Kind: DemandRecover, By: lifecycle.Operations}, hour(92))
	require.Empty(t, told.Steps, "the lab has to be told, and to confirm")
	require.Equal(t, []string{"tell_lab"}, told.Next.AttentionReasons())
	require.Equal(t, blocked.Deadlines, told.Next.Deadlines, "the window does not move")

	t.Run("the lab confirmed", func(t *testing.T) {
		t.Parallel()
		d := told.Next.ApplyDemand(Demand{Kind: DemandRecover, By: lifecycle.Operations, Confirmed: true}, hour(94))
		require.Equal(t, []lifecycle.Low{lifecycle.DeliveredToLab}, lows(d.Steps))
		require.Empty(t, d.Next.Attention)
		require.Equal(t, RecoveryState{}, d.Next.Recovery)
		_, late := run(d.Next, rejected(91, true))
		require.Equal(t, Late, late.Outcome, "a rejection from before the recovery")
		again, _ := run(d.Next, rejected(95, true))
		require.Equal(t, lifecycle.LabProcessingBlocked, again.Status)
	})
	t.Run("the lab reports it back in production", func(t *testing.T) {
		t.Parallel()
		s, _ := run(told.Next, fact(KitReceived, 93))
		require.Equal(t, lifecycle.DeliveredToLab, s.Status)
		require.Empty(t, s.Attention)
	})
	t.Run("a client cannot confirm for the lab", func(t *testing.T) {
		t.Parallel()
		dm := Demand{Kind: DemandRecover, By: lifecycle.Client, Confirmed: true}
		require.Equal(t, ReasonTransition, told.Next.CheckDemand(dm, hour(94)))
	})
}

func TestAcknowledge(t *testing.T) {
	t.Parallel()
	s, _ := run(in(t, lifecycle.SampleError, nil), fact(KitReceived, 95))
	require.Equal(t, []string{"contradictory_fact", "replacement_needed"}, s.AttentionReasons())
	dm := Demand{Kind: DemandAcknowledge, By: lifecycle.Operations, Reason: string(ContradictoryFact)}
	d := s.ApplyDemand(dm, hour(96))
	require.Equal(t, Applied, d.Outcome)
	require.Equal(t, []string{"replacement_needed"}, d.Next.AttentionReasons())
	require.Len(t, s.Attention, 2, "the state before is left alone")
	require.Equal(t, ReasonNoAttention, d.Next.ApplyDemand(dm, hour(97)).Reason)
}
