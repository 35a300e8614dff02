package activities

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAFailingOrderDoesNotStopTheOthers checks that all are tried, and that the error quotes the first failures only.
func TestAFailingOrderDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	var ids []string
	for n := range 200 {
		ids = append(ids, fmt.Sprintf("o-%d", n))
	}
	away := errors.New("away")
	var tried atomic.Int32
	heal := func(failEvery int) (int, error) {
		tried.Store(0)
		return healConcurrently(t.Context(), ids, func(_ context.Context, id string) (int, error) {
			tried.Add(1)
			var n int
			if _, err := fmt.Sscanf(id, "o-%d", &n); err == nil && failEvery > 0 && n%failEvery == 0 {
				return 0, away
			}
			return 1, nil
		})
	}
	healed, err := heal(2)
	require.Equal(t, 100, healed)
	require.Equal(t, int32(200), tried.Load())
	require.ErrorIs(t, err, away)
	require.ErrorContains(t, err, "100 of 200 failed: o-0: away")
	require.ErrorContains(t, err, "o-18: away")
	require.NotContains(t, err.Error(), "o-20:")

	// The control: without a failure there is no error.
	healed, err = heal(0)
	require.NoError(t, err)
	require.Equal(t, 200, healed)
}

// TestACallThatHangsEnds checks that each call has its own time limit, and the step another one.
func TestACallThatHangsEnds(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		hangs  func(id string) bool
		healed int
		took   time.Duration
	}{
		"one order": {func(id string) bool { return id == "o-3" }, 99, healTimeLimit},
		"all":       {func(string) bool { return true }, 0, healStepTimeLimit},
		"none":      {func(string) bool { return false }, 100, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var ids []string
				for n := range 100 {
					ids = append(ids, fmt.Sprintf("o-%d", n))
				}
				steps, began, healed, other := &sweepSteps{metrics: newTestMetrics()}, time.Now(), 0, false
				steps.tryHealing(t.Context(), stepStartOrders, &healed, func(ctx context.Context) (int, error) {
					return healConcurrently(ctx, ids, func(ctx context.Context, id string) (int, error) {
						if test.hangs(id) {
							<-ctx.Done()
							return 0, ctx.Err()
						}
						return 1, nil
					})
				})
				steps.try(t.Context(), stepPrune, func(context.Context) error { other = true; return nil })
				require.Equal(t, test.took, time.Since(began))
				require.Equal(t, test.healed, healed)
				require.True(t, other, "the other steps get their turn")
				require.Equal(t, test.took > 0, len(steps.failed) == 1)
			})
		})
	}
}
