package workflows_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/workflows"
)

func TestAskLabs(t *testing.T) {
	t.Parallel()
	const page = "00000000-0000-7000-8000-000000000007"
	tests := map[string]struct {
		pages []dispatch.SweepResult // as the activity answers; the last one again and again
		after []string               // the cursors that it is asked with
		want  dispatch.SweepResult
	}{
		"nothing to ask": {[]dispatch.SweepResult{{}}, []string{""}, dispatch.SweepResult{}},
		"two pages": {
			[]dispatch.SweepResult{{OrdersAsked: 5, FactsPolled: 2, NextPage: page}, {OrdersAsked: 1, OrdersNotAskable: 3}},
			[]string{"", page}, dispatch.SweepResult{OrdersAsked: 6, FactsPolled: 2, OrdersNotAskable: 3},
		},
		"those that were left are asked about again": {
			[]dispatch.SweepResult{{OrdersAsked: 1, OrdersLeft: 4, NextPage: page}, {OrdersLeft: 1}, {OrdersLeft: 5},
				{OrdersAsked: 5, FactsPolled: 9}},
			[]string{"", page, "", ""}, dispatch.SweepResult{OrdersAsked: 6, FactsPolled: 9},
		},
		"a lab that never answers": {
			[]dispatch.SweepResult{{OrdersAsked: 2, OrdersLeft: 3}, {OrdersLeft: 3}},
			[]string{"", "", "", "", "", ""}, dispatch.SweepResult{OrdersAsked: 2, OrdersLeft: 3},
		},
		"a provider that did not answer": {
			[]dispatch.SweepResult{{OrdersAsked: 2, OrdersLeft: 1, ProvidersLeft: 1}},
			[]string{""}, dispatch.SweepResult{OrdersAsked: 2, OrdersLeft: 1, ProvidersLeft: 1},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newEnv()
			began := env.Now()
			var after []string
			env.RegisterActivityWithOptions(func(_ context.Context, in dispatch.AskInput) (dispatch.SweepResult, error) {
				require.WithinRange(t, in.Since, began.Add(-2*time.Minute), began, "those that answered are not asked again")
				after = append(after, in.After)
				return tt.pages[min(len(after), len(tt.pages))-1], nil
			}, activity.RegisterOptions{Name: dispatch.ActivityAskLabs})
			env.ExecuteWorkflow(workflows.Reconcile, dispatch.ReconcileInput{AskLabs: true})
			require.NoError(t, env.GetWorkflowError())
			var got dispatch.SweepResult
			require.NoError(t, env.GetWorkflowResult(&got))
			require.Equal(t, tt.want, got)
			require.Equal(t, tt.after, after)
		})
	}
}

// An activity that fails for good ends the asking with its error: nothing that was left is taken for answered.
func TestAskLabsFails(t *testing.T) {
	t.Parallel()
	env := newEnv()
	env.RegisterActivityWithOptions(func(context.Context, dispatch.AskInput) (dispatch.SweepResult, error) {
		return dispatch.SweepResult{}, temporal.NewNonRetryableApplicationError("gone", dispatch.ErrorFault, errors.New("x"))
	}, activity.RegisterOptions{Name: dispatch.ActivityAskLabs})
	env.ExecuteWorkflow(workflows.Reconcile, dispatch.ReconcileInput{AskLabs: true})
	require.Error(t, env.GetWorkflowError())
}
