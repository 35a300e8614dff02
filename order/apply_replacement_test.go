package order

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

func withReplacement(r ReplacementPolicy) func(*Policy) { return func(p *Policy) { p.Replacement = r } }

// failures are the ways in which a testkit fails: the state before, and what makes it fail.
var failures = []struct {
	name  string
	in    lifecycle.LowStatus
	fails func(*testing.T, State) Decision
	to    lifecycle.LowStatus
}{
	{"rejected finally", lifecycle.DeliveredToLab, failByFact(rejectionFact(90, false)), lifecycle.SampleError},
	{"not recovered in time", lifecycle.LabProcessingBlocked, failByTimer(4), lifecycle.SampleError},
	{"lost, by the courier", lifecycle.TransitLab, failByFact(courierFact(90, "inbound", lifecycle.Lost)), lifecycle.Lost},
	{"lost, by silence", lifecycle.TransitLab, failByTimer(2), lifecycle.Lost},
	{
		"not delivered to the customer", lifecycle.TransitCustomer,
		failByFact(courierFact(90, "outbound", lifecycle.FailureToDeliverToCustomer)), lifecycle.FailureToDeliverToCustomer,
	},
	{
		"not delivered to the lab", lifecycle.TransitLab,
		failByFact(courierFact(90, "inbound", lifecycle.FailureToDeliverToLab)), lifecycle.FailureToDeliverToLab,
	},
}

func failByFact(f Fact) func(*testing.T, State) Decision {
	return func(_ *testing.T, s State) Decision { return s.ApplyFact(f, f.ReceivedAt) }
}

// failByTimer fires the next n deadlines.
func failByTimer(n int) func(*testing.T, State) Decision {
	return func(t *testing.T, s State) Decision {
		t.Helper()
		var d Decision
		for range n {
			dl, ok := s.NextDeadline()
			require.True(t, ok)
			d = s.ApplyDeadline(dl, dl.Due)
			s = d.Next
		}
		return d
	}
}

func TestReplacementPolicies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy  ReplacementPolicy
		depth   int
		replace bool
		marks   []string
	}{
		{ReplaceAuto, 0, true, []string{}},
		{ReplaceAuto, 1, true, []string{}},
		{ReplaceAuto, 2, false, []string{"replacement_limit"}},
		{ReplaceManual, 0, false, []string{"replacement_needed"}},
		{ReplaceManual, 1, false, []string{"replacement_needed"}},
		{ReplaceManual, 2, false, []string{"replacement_limit"}},
		{ReplaceNever, 0, false, []string{}},
		{ReplaceNever, 2, false, []string{}},
	} {
		for _, f := range failures {
			t.Run(string(c.policy)+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				s := stateIn(t, f.in, withReplacement(c.policy))
				s.ReplacementDepth = c.depth
				d := f.fails(t, s)
				require.Equal(t, f.to, d.Next.Status)
				require.Equal(t, c.replace, d.CreateReplacement)
				require.Equal(t, c.replace, d.Next.Replaced)
				require.Equal(t, c.marks, d.Next.Agenda().MarkReasons())
			})
		}
	}
}

func TestReplacementByOperations(t *testing.T) {
	t.Parallel()
	dm := Demand{Kind: DemandReplace, By: lifecycle.Operations}
	for _, policy := range []ReplacementPolicy{ReplaceManual, ReplaceNever} {
		s := stateIn(t, lifecycle.SampleError, withReplacement(policy))
		d := s.ApplyDemand(dm, hour(91))
		require.True(t, d.CreateReplacement, "%s", policy)
		require.Empty(t, d.Steps, "the failed order keeps its status")
		require.True(t, d.Next.Replaced)
		require.Empty(t, d.Next.Attention)
		again := d.Next.ApplyDemand(dm, hour(92))
		require.Equal(t, ReasonAlreadyReplaced, again.Reason)
		require.False(t, again.CreateReplacement, "at most one child")
	}
	automatic := stateIn(t, lifecycle.SampleError, withReplacement(ReplaceAuto))
	require.Equal(t, ReasonAlreadyReplaced, automatic.CheckDemand(dm, hour(91)))
}

func TestReplacementLimitIsASetting(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int]Reason{0: ReasonReplacementLimit, 1: ReasonReplacementLimit, 2: "", 3: ""} {
		s := stateIn(t, lifecycle.SampleError, func(p *Policy) { p.ReplacementLimit = limit })
		s.ReplacementDepth = 1
		require.Equal(t, want, s.CheckDemand(Demand{Kind: DemandReplace}, hour(91)), "limit %d", limit)
	}
}

func TestOnlyTestkitsAreReplaced(t *testing.T) {
	t.Parallel()
	o := &Order{ID: "o1", Modality: lifecycle.WalkIn, CreatedAt: t0}
	s := NewState(o, DefaultPolicy(), t0)
	s.Status = lifecycle.SampleError
	require.Equal(t, ReasonNotReplaceable, s.CheckDemand(Demand{Kind: DemandReplace}, hour(1)))
}

func TestAnUnregisteredKitThatTheLabRejectsMayBeReplaced(t *testing.T) {
	t.Parallel()
	s, d := applyFacts(registrableState(t), rejectionFact(90, false))
	require.Equal(t, []lifecycle.LowStatus{lifecycle.DoNotProcess}, lowStatuses(d.Steps))
	require.False(t, d.CreateReplacement)
	require.Equal(t, []string{"replacement_needed"}, s.Agenda().MarkReasons())
	require.True(t, s.ApplyDemand(Demand{Kind: DemandReplace}, hour(91)).CreateReplacement)
}

func TestALateFailureOfACourierReplacesNothing(t *testing.T) {
	t.Parallel()
	s, d := applyFacts(stateIn(t, lifecycle.TransitLab, withReplacement(ReplaceAuto)),
		courierFact(50, "outbound", lifecycle.FailureToDeliverToCustomer))
	require.Equal(t, OutcomeLate, d.Outcome, "it has been seen since")
	require.False(t, s.Replaced)
}
