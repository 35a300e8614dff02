package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/e2e/drive"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// How orders come past the changes to their cancellation while a lab is being called.

// awaitPlacing waits until the lab is asked for the requisition.
func awaitPlacing(_ *testing.T, s *system, _ *drive.System, o *drive.Order) {
	s.awaitCall(o.ID, "place")
}

// cancelBehindTheStore cancels an order of a run that does not know that it has been cancelled.
func cancelBehindTheStore(t *testing.T, s *system, _ *drive.System, o *drive.Order) {
	t.Helper()
	lost := order.Demand{ID: uuid.NewString(), Kind: order.DemandCancel, By: lifecycle.Client}
	s.recordBehind(o.ID, order.CauseDemand(lost.ID), func(seen order.State) order.Decision { return seen.ApplyDemand(lost, time.Now()) })
	answer := s.ask(o.ID, order.Demand{ID: uuid.NewString(), Kind: order.DemandCancel, By: lifecycle.Client})
	require.Equal(t, order.ReasonTransition, answer.Reason)
}

// rejectBeforeAnswering has a lab reject the sample while it does not answer a cancellation.
func rejectBeforeAnswering(t *testing.T, s *system, _ *drive.System, o *drive.Order) {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, o.Script(ctx, map[string]any{
		"calls": map[string]any{"cancel": map[string]any{"drop_answer": true, "hold": "3s"}},
	}))
	cancelled := make(chan error, 1)
	go func() { cancelled <- o.Cancel(ctx) }()
	s.awaitCall(o.ID, "cancel")
	require.NoError(t, o.Reject(ctx, false))
	var refused *drive.RefusedError
	require.ErrorAs(t, <-cancelled, &refused)
}

// awaitCall waits until the order's partner is called.
func (s *system) awaitCall(id, kind string) {
	s.t.Helper()
	s.await(func() bool {
		story, err := s.store.Story(s.t.Context(), id)
		return err == nil && slices.ContainsFunc(story.Calls, func(c store.Call) bool { return c.Kind == kind })
	}, "order %s does not make the call %s", id, kind)
}
