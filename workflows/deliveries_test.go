package workflows_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/workflows"
)

// endpointHarness runs an endpoint's deliveries in the test environment, with played batches.
type endpointHarness struct {
	t       *testing.T
	env     *testsuite.TestWorkflowEnvironment
	batches []time.Duration // when each batch began, after day0
}

func newEnv() *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetDataConverter(dispatch.NewConverter())
	env.SetStartTime(day0)
	env.SetTestTimeout(time.Minute)
	return env
}

// newEndpoint plays batch n, from 1, with the function's result: the time until the next delivery is due; 0: none is
// left.
func newEndpoint(t *testing.T, batch func(e *endpointHarness, n int) (next time.Duration, err error)) *endpointHarness {
	t.Helper()
	e := &endpointHarness{t: t, env: newEnv()}
	e.env.RegisterActivityWithOptions(func(_ context.Context, id string) (dispatch.BatchResult, error) {
		if id != "endpoint-1" {
			return dispatch.BatchResult{}, temporal.NewNonRetryableApplicationError("another endpoint: "+id, "Fault", nil)
		}
		now := e.env.Now()
		e.batches = append(e.batches, now.Sub(day0))
		next, err := batch(e, len(e.batches))
		if next == 0 || err != nil {
			return dispatch.BatchResult{}, err
		}
		return dispatch.BatchResult{NextDueAt: now.Add(next)}, nil
	}, activity.RegisterOptions{Name: dispatch.ActivityDeliver})
	return e
}

func (e *endpointHarness) nudge() { e.env.SignalWorkflow(dispatch.SignalNudge, nil) }

func (e *endpointHarness) run() error {
	e.env.ExecuteWorkflow(workflows.Deliveries, dispatch.DeliveriesInput{EndpointID: "endpoint-1"})
	require.True(e.t, e.env.IsWorkflowCompleted())
	return e.env.GetWorkflowError()
}

func TestDeliveriesEndWhenNothingIsLeft(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, func(*endpointHarness, int) (time.Duration, error) { return 0, nil })
	require.NoError(t, e.run())
	require.Equal(t, []time.Duration{0}, e.batches)
}

func TestDeliveriesSleepUntilTheNextIsDue(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, func(_ *endpointHarness, n int) (time.Duration, error) {
		return []time.Duration{5 * time.Second, 5 * time.Minute, -time.Second, 2 * hour, 0}[n-1], nil
	})
	require.NoError(t, e.run())
	require.Equal(t, []time.Duration{
		0, 5 * time.Second, 5*time.Minute + 5*time.Second, 5*time.Minute + 5*time.Second,
		2*hour + 5*time.Minute + 5*time.Second,
	}, e.batches)
}

func TestNudges(t *testing.T) {
	t.Parallel()
	t.Run("wake a sleeping one", func(t *testing.T) {
		t.Parallel()
		e := newEndpoint(t, func(_ *endpointHarness, n int) (time.Duration, error) {
			return []time.Duration{2 * hour, 2*hour - time.Minute, 0}[n-1], nil
		})
		e.env.RegisterDelayedCallback(e.nudge, time.Minute)
		require.NoError(t, e.run())
		require.Equal(t, []time.Duration{0, time.Minute, 2 * hour}, e.batches)
	})
	t.Run("during a batch are not lost, and are one", func(t *testing.T) {
		t.Parallel()
		e := newEndpoint(t, func(e *endpointHarness, n int) (time.Duration, error) {
			if n == 1 {
				e.nudge()
				e.nudge()
				e.nudge()
			}
			return 0, nil
		})
		require.NoError(t, e.run())
		require.Len(t, e.batches, 2)
	})
}

// TestFailedBatchIsMadeAgain: a batch that fails, because of its worker or the store, is retried without a limit.
func TestFailedBatchIsMadeAgain(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, func(_ *endpointHarness, n int) (time.Duration, error) {
		if n <= 8 { // the test environment gives up after ten attempts
			return 0, errors.New("the store is unavailable")
		}
		return 0, nil
	})
	require.NoError(t, e.run())
	require.Len(t, e.batches, 9)
	require.Equal(t, 30*time.Second, e.batches[8]-e.batches[7])
}

// TestDeliveriesContinueAsNew: an endpoint that is nudged during every batch still continues as new.
func TestDeliveriesContinueAsNew(t *testing.T) {
	t.Parallel()
	tests := map[string]func(e *endpointHarness){
		"quiet": func(*endpointHarness) {},
		"busy":  func(e *endpointHarness) { e.nudge() },
	}
	for name, during := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEndpoint(t, func(e *endpointHarness, n int) (time.Duration, error) {
				if n > 10 {
					return 0, temporal.NewNonRetryableApplicationError("a delivery without end", "Fault", nil)
				}
				during(e)
				if n == 3 {
					done := make(chan struct{})
					e.env.RegisterDelayedCallback(func() { e.env.SetContinueAsNewSuggested(true); close(done) }, 0)
					<-done
				}
				return time.Minute, nil
			})
			var renewed *workflow.ContinueAsNewError
			require.ErrorAs(t, e.run(), &renewed)
			require.Equal(t, dispatch.WorkflowDeliveries, renewed.WorkflowType.Name)
			require.Len(t, e.batches, 3)
		})
	}
	t.Run("not when nothing is left", func(t *testing.T) {
		t.Parallel()
		e := newEndpoint(t, func(*endpointHarness, int) (time.Duration, error) { return 0, nil })
		e.env.SetContinueAsNewSuggested(true)
		require.NoError(t, e.run())
	})
}
