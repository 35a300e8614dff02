package workflows_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
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

	sweepFails   bool     // every attempt at the sweep fails in a step
	failingPages []string // the pages of open orders of which an order cannot be started

	unmatched int // lab reports that need a match review
	reviewed  []dispatch.ReconcileInput
}

func (s *reconcileHarness) env() *testsuite.TestWorkflowEnvironment {
	env := newEnv()
	env.RegisterActivityWithOptions(func(_ context.Context, in dispatch.ReconcileInput) (dispatch.SweepResult, error) {
		s.inputs = append(s.inputs, in)
		out := dispatch.SweepResult{
			OrdersStarted: 2, OrdersWoken: 3, EndpointsNudged: 4, UnmatchedReports: s.unmatched,
		}
		if s.sweepFails {
			return out, sweepError("failed: prune", false, out)
		}
		return out, nil
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
		if slices.Contains(s.failingPages, after) {
			return next[after], sweepError("failed: open_orders", true, next[after])
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

// sweepError is the error of a sweep in which only some steps failed.
func sweepError(message string, final bool, out dispatch.SweepResult) error {
	return temporal.NewApplicationErrorWithOptions(message, dispatch.ErrorFault,
		temporal.ApplicationErrorOptions{NonRetryable: final, Details: []any{out}})
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

// TestAFailingPartDoesNotStopTheReconciler: the other parts are done, and the run fails.
func TestAFailingPartDoesNotStopTheReconciler(t *testing.T) {
	t.Parallel()
	hour := dispatch.ReconcileInput{OpenOrders: true}
	rebuild := dispatch.ReconcileInput{OpenOrders: true, Rebuild: true}
	pages, silent := []string{"", "o-500", "o-1000"}, []string{"", "o-7"}
	tests := map[string]struct {
		in       dispatch.ReconcileInput
		harness  *reconcileHarness
		attempts int // at the sweep
		polled   []string
		failed   []string
	}{
		"no part": {hour, &reconcileHarness{}, 1, silent, nil},
		"the sweep, which the next minute repeats": {
			hour, &reconcileHarness{sweepFails: true}, 3, silent, []string{"failed: prune"},
		},
		"the sweep of a rebuild": {rebuild, &reconcileHarness{sweepFails: true}, 10, nil, []string{"failed: prune"}},
		"an order of a page": {
			hour, &reconcileHarness{failingPages: []string{"o-500"}}, 1, silent, []string{"failed: open_orders"},
		},
		"the sweep, and orders of all pages": {
			hour, &reconcileHarness{sweepFails: true, failingPages: pages}, 3, silent,
			[]string{"failed: prune", "failed: open_orders"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := test.harness
			s.unmatched = 1
			env := s.env()
			env.ExecuteWorkflow(workflows.Reconcile, test.in)
			require.Equal(t, len(test.failed) > 0, env.GetWorkflowError() != nil)
			for _, text := range test.failed {
				require.ErrorContains(t, env.GetWorkflowError(), text)
			}
			require.Len(t, s.inputs, test.attempts)
			require.Equal(t, pages, s.pages)
			require.Equal(t, test.polled, s.polled)
			require.Len(t, s.reviewed, 1)
		})
	}
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
