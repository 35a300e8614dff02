package workflows_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/workflows"
)

// reconcileHarness plays the reconciler's activities: one sweep, pages of open orders and pages of silent ones.
type reconcileHarness struct {
	inputs      []dispatch.ReconcileInput
	pages       []string                  // the cursors of open orders that were asked for
	sweepInputs []dispatch.ReconcileInput // the inputs of the sweeps
	polled      []string                  // the cursors of silent orders that were asked for
	fail        int                       // how many first attempts at a page of open orders fail

	unmatched int // lab reports that need a match review
	reviewed  []dispatch.ReconcileInput
}

func (s *reconcileHarness) env() *testsuite.TestWorkflowEnvironment {
	env := newEnv()
	env.RegisterActivityWithOptions(func(_ context.Context, in dispatch.ReconcileInput) (dispatch.SweepResult, error) {
		s.inputs = append(s.inputs, in)
		return dispatch.SweepResult{
			OrdersStarted: 2, OrdersWoken: 3, EndpointsNudged: 4, UnmatchedReports: s.unmatched,
		}, nil
	}, activity.RegisterOptions{Name: dispatch.ActivitySweep})
	env.RegisterActivityWithOptions(func(_ context.Context, in dispatch.ReconcileInput) (dispatch.SweepResult, error) {
		s.reviewed = append(s.reviewed, in)
		return dispatch.SweepResult{ReviewsOpened: 1}, nil
	}, activity.RegisterOptions{Name: dispatch.ActivityReview})
	next := map[string]dispatch.SweepResult{"": {OrdersStarted: 10, CountsCorrected: 2, NextPage: "o-500"},
		"o-500": {NextPage: "o-1000"}, "o-1000": {OrdersStarted: 1}}
	env.RegisterActivityWithOptions(func(_ context.Context, after string,
		in dispatch.ReconcileInput) (dispatch.SweepResult, error) {
		s.pages, s.sweepInputs = append(s.pages, after), append(s.sweepInputs, in)
		if s.fail--; s.fail >= 0 {
			return dispatch.SweepResult{}, errors.New("the store is unavailable")
		}
		return next[after], nil
	}, activity.RegisterOptions{Name: dispatch.ActivitySweepOpenOrders})
	env.RegisterActivityWithOptions(func(_ context.Context, after string) (dispatch.SweepResult, error) {
		s.polled = append(s.polled, after)
		if after == "" {
			return dispatch.SweepResult{FactsPolled: 5, NextPage: "o-7"}, nil
		}
		return dispatch.SweepResult{FactsPolled: 2}, nil
	}, activity.RegisterOptions{Name: dispatch.ActivityPoll})
	return env
}

func TestReconcile(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in     dispatch.ReconcileInput
		fail   int
		pages  []string
		polled []string
		want   dispatch.SweepResult
	}{
		"each minute": {want: dispatch.SweepResult{OrdersStarted: 2, OrdersWoken: 3, EndpointsNudged: 4}},
		"each hour": {
			in: dispatch.ReconcileInput{OpenOrders: true}, pages: []string{"", "o-500", "o-1000"}, polled: []string{"", "o-7"},
			want: dispatch.SweepResult{OrdersStarted: 13, OrdersWoken: 3, EndpointsNudged: 4, FactsPolled: 7,
				CountsCorrected: 2},
		},
		"each day": {
			in: dispatch.ReconcileInput{OpenOrders: true, Thorough: true}, pages: []string{"", "o-500", "o-1000"},
			polled: []string{"", "o-7"},
			want: dispatch.SweepResult{OrdersStarted: 13, OrdersWoken: 3, EndpointsNudged: 4, FactsPolled: 7,
				CountsCorrected: 2},
		},
		"the store is unavailable for a while": {
			in: dispatch.ReconcileInput{OpenOrders: true}, fail: 3, pages: []string{"", "", "", "", "o-500", "o-1000"},
			polled: []string{"", "o-7"},
			want: dispatch.SweepResult{OrdersStarted: 13, OrdersWoken: 3, EndpointsNudged: 4, FactsPolled: 7,
				CountsCorrected: 2},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &reconcileHarness{fail: test.fail}
			env := s.env()
			env.ExecuteWorkflow(workflows.Reconcile, test.in)
			require.NoError(t, env.GetWorkflowError())
			var got dispatch.SweepResult
			require.NoError(t, env.GetWorkflowResult(&got))
			require.Equal(t, test.want, got)
			require.Equal(t, test.pages, s.pages)
			require.Equal(t, test.polled, s.polled)
			require.Equal(t, []dispatch.ReconcileInput{test.in}, s.inputs)
			for _, in := range s.sweepInputs {
				require.Equal(t, test.in, in)
			}
		})
	}
}

// TestReconcileGivesUp: a run that cannot reach the store fails, and the schedule starts another.
func TestReconcileGivesUp(t *testing.T) {
	t.Parallel()
	s := &reconcileHarness{fail: 1000}
	env := s.env()
	env.ExecuteWorkflow(workflows.Reconcile, dispatch.ReconcileInput{OpenOrders: true})
	require.Error(t, env.GetWorkflowError())
	require.Len(t, s.pages, 10)
}

// TestReconcileHasReportsReviewed: labs are asked last, and only if there is something to ask for.
func TestReconcileHasReportsReviewed(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]dispatch.ReconcileInput{
		"each minute": {}, "each hour": {OpenOrders: true}, "rebuilding": {OpenOrders: true, Rebuild: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &reconcileHarness{unmatched: 1}
			env := s.env()
			env.ExecuteWorkflow(workflows.Reconcile, in)
			require.NoError(t, env.GetWorkflowError())
			var got dispatch.SweepResult
			require.NoError(t, env.GetWorkflowResult(&got))
			require.Equal(t, 1, got.ReviewsOpened)
			require.Equal(t, []dispatch.ReconcileInput{in}, s.reviewed)
			require.Equal(t, in.OpenOrders, len(s.pages) > 0)
			require.Equal(t, in.OpenOrders && !in.Rebuild, len(s.polled) > 0)
		})
	}
}
