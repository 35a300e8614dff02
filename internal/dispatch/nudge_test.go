package dispatch_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// TestNudgesAreCoalesced checks that callers wait for a nudge in flight instead of sending another to a slow Temporal.
// If it fails, the next caller sends one.
func TestNudgesAreCoalesced(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]struct {
		fault error
		sent  int32
	}{
		"the first arrives": {nil, 1},
		"the first fails":   {errors.New("slow"), 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent atomic.Int32
			begun, arrive := make(chan struct{}), make(chan struct{})
			c := dispatch.NewClient(newNudgeClient(func() error {
				if sent.Add(1) > 1 {
					return nil
				}
				close(begun)
				<-arrive
				return first.fault
			}))
			ctx := t.Context()
			var nudging sync.WaitGroup
			nudging.Go(func() { require.ErrorIs(t, c.NudgeDeliveries(ctx, "e"), first.fault) })
			<-begun
			for range 20 {
				nudging.Go(func() { require.NoError(t, c.NudgeDeliveries(ctx, "e")) })
			}
			require.NoError(t, c.NudgeDeliveries(ctx, "other"), "another endpoint's does not wait")
			before := sent.Load()
			close(arrive)
			nudging.Wait()
			require.Equal(t, int32(2), before)
			require.Equal(t, first.sent+1, sent.Load())
		})
	}
}

func TestWaitingForANudgeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	begun, arrive := make(chan struct{}), make(chan struct{})
	c := dispatch.NewClient(newNudgeClient(func() error { close(begun); <-arrive; return nil }))
	var nudging sync.WaitGroup
	nudging.Go(func() { require.NoError(t, c.NudgeDeliveries(t.Context(), "e")) })
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	require.ErrorIs(t, c.NudgeDeliveries(ctx, "e"), context.DeadlineExceeded)
	close(arrive)
	nudging.Wait()
}

// newNudgeClient returns a Temporal client that calls take for each nudge.
func newNudgeClient(take func() error) client.Client {
	c := &mocks.Client{}
	answer := func(context.Context, string, string, any, client.StartWorkflowOptions, any, ...any) (client.WorkflowRun,
		error) {
		return nil, take()
	}
	c.On("SignalWithStartWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything,
		mock.Anything, mock.Anything).
		Return(answer)
	return c
}
