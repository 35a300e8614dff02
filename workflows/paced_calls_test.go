package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/labs/simlab"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

const testSpacing = 2 * time.Second

// withSpacing paces the calls of the account.
func withSpacing(_ *simlab.Config, a *store.LabAccount) { a.Spacing = testSpacing }

// addWaitingCalls makes routine calls of the account ask for their turns.
func (c *labHarness) addWaitingCalls(n int) {
	c.t.Helper()
	for range n {
		_, _, err := c.store.ReserveCallStart(c.t.Context(),
			store.CallStartRequest{Account: c.account.ID, Spacing: testSpacing, Lane: store.LaneRoutine})
		require.NoError(c.t, err)
	}
}

// TestACallThatIsFarBehindIsNotMade shows that the activity of a routine call ends with the time of its turn, and that
// no attempt is recorded. An urgent call of the same account is made.
func TestACallThatIsFarBehindIsNotMade(t *testing.T) {
	t.Parallel()
	c := newLabHarness(t, withCancelCall, withSpacing)
	c.addWaitingCalls(300)
	o := c.createOrder()
	c.editState(o, func(s *order.State) {
		s.Placement.State, s.PendingCancellation = order.PlacementStarted, &order.Demand{ID: staleDemand}
	})
	a := c.activities(nil)
	_, err := runActivity(a.Place, dispatch.CallInput{OrderID: o.ID, CallID: "place-1", MaxCalls: 5})
	var back dispatch.ComeBack
	require.NoError(t, requireErrorType(t, dispatch.ErrorComeBack, err).Details(&back))
	require.Greater(t, back.After, 9*time.Minute)
	require.Equal(t, 1, back.Turn.Asks)
	require.False(t, back.Turn.Granted)
	require.Empty(t, c.lab.Traffic().Calls)

	_, _ = runActivity(a.Cancel, dispatch.CallInput{OrderID: o.ID, CallID: "cancel-1", DemandID: staleDemand})
	require.Len(t, c.lab.Traffic().Calls, 1)
	story, err := c.store.Story(t.Context(), o.ID)
	require.NoError(t, err)
	require.Len(t, story.Calls, 1)
	require.Equal(t, "cancel", story.Calls[0].Kind)
}

// TestARoundCountsCallsThatWereMade shows that a round ends with its last call, and that another attempt calls nobody.
func TestARoundCountsCallsThatWereMade(t *testing.T) {
	t.Parallel()
	c := newLabHarness(t)
	o := c.createOrder(withScript("fail-place-3"))
	c.editState(o, func(s *order.State) { s.Placement.State = order.PlacementStarted })
	a := c.activities(nil)
	place := func(round string) (retryable bool) {
		_, err := runActivity(a.Place, dispatch.CallInput{OrderID: o.ID, CallID: round, MaxCalls: 2})
		var app *temporal.ApplicationError
		require.ErrorAs(t, err, &app)
		return !app.NonRetryable()
	}
	require.True(t, place("place-1"))
	require.False(t, place("place-1"), "the last call of the round")
	require.False(t, place("place-1"), "no call is left")
	require.Len(t, c.lab.Traffic().Calls, 2)
	require.True(t, place("place-2"))
	story, err := c.store.Story(t.Context(), o.ID)
	require.NoError(t, err)
	var attempts []int
	for _, call := range story.Calls {
		attempts = append(attempts, call.Attempt)
	}
	require.Equal(t, []int{1, 2, 1}, attempts)
}

// comeBacks makes the placing activity of a harness ask the run to come back some times, an hour later each time. It
// returns the turns of its inputs.
func (w *orderHarness) comeBacks(times int) *[]dispatch.Turn {
	asked := &[]dispatch.Turn{}
	w.onRun = func(int) {
		a := w.activities(nil)
		w.env.OnActivity(dispatch.ActivityPlace, mock.Anything, mock.Anything).Return(
			func(ctx context.Context, in dispatch.CallInput) (dispatch.PlaceResult, error) {
				*asked = append(*asked, in.Turn)
				if n := len(*asked); n <= times {
					return dispatch.PlaceResult{}, temporal.NewNonRetryableApplicationError("later", dispatch.ErrorComeBack, nil,
						dispatch.ComeBack{After: hour, Turn: dispatch.Turn{Start: w.now().Add(hour), Asks: n}})
				}
				return a.Place(ctx, in)
			})
	}
	return asked
}

// TestTheRunWaitsForTheTurn shows that the run carries the turn of a call that comes back, and waits on a timer.
func TestTheRunWaitsForTheTurn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asked := w.comeBacks(2)
	w.runUntil(3 * hour)
	require.Equal(t, []dispatch.Turn{{}, {Start: day0.Add(hour), Asks: 1}, {Start: day0.Add(2 * hour), Asks: 2}}, *asked)
	require.Equal(t, (2 * hour).String(), w.placedAt().String())
	require.Empty(t, w.attention(), "a call that was not made is no attempt")
}

// TestAnOrderIsCancelledWhileItsCallWaits shows that a call that waits for its turn does not delay a cancellation, and
// is not made afterwards.
func TestAnOrderIsCancelledWhileItsCallWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asked := w.comeBacks(1)
	reply := w.demandAt(30*time.Minute, cancelDemand())
	w.run()
	require.True(t, reply.Done)
	require.Equal(t, []lifecycle.LowStatus{lifecycle.Ordered, lifecycle.Cancelled}, w.statusHistory())
	require.Len(t, *asked, 1)
	require.Empty(t, w.lab.Traffic().Calls)
}
