package activities

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

func TestAllOpenOrdersAreLookedAt(t *testing.T) {
	t.Parallel()
	a, d, open := newSweepActivities(t, 500)
	const page = 7
	require.Greater(t, len(open), 3*page)
	thorough := openOrdersPass{pageSize: page, deadline: time.Now().Add(time.Hour), thorough: true}

	started, last, err := a.ensureOpenOrdersRun(t.Context(), "", thorough)
	require.NoError(t, err)
	require.Equal(t, len(open)/2, started, "every second had none")
	require.Empty(t, last, "it comes to all, if there is time")
	require.ElementsMatch(t, open, d.ensured)
	require.Zero(t, d.asked)

	// The time limit allows one page only.
	d.ensured = nil
	calls := 0
	for last, more := "", true; more; more = last != "" {
		_, last, err = a.ensureOpenOrdersRun(t.Context(), last,
			openOrdersPass{pageSize: page, deadline: time.Now(), thorough: true})
		require.NoError(t, err)
		calls++
	}
	require.Equal(t, len(open)/page+1, calls)
	require.ElementsMatch(t, open, d.ensured)

	d.failingOrder = open[page+3]
	_, last, err = a.ensureOpenOrdersRun(t.Context(), open[page-1], thorough)
	require.ErrorContains(t, err, "starting an order failed")
	require.Empty(t, last)
}

// TestAFailingOrderDoesNotEndTheSweepOfOpenOrders checks that all other orders are looked at, and that the error holds
// the result.
func TestAFailingOrderDoesNotEndTheSweepOfOpenOrders(t *testing.T) {
	t.Parallel()
	a, d, open := newSweepActivities(t, 300)
	d.failingOrder = open[3]
	others := slices.Delete(slices.Clone(open), 3, 4)
	thorough := openOrdersPass{pageSize: 7, deadline: time.Now().Add(time.Hour), thorough: true}
	_, last, err := a.ensureOpenOrdersRun(t.Context(), "", thorough)
	require.ErrorIs(t, err, errOrdersNotStarted)
	require.Empty(t, last)
	require.ElementsMatch(t, others, d.ensured)

	thorough.deadline = time.Now()
	_, last, err = a.ensureOpenOrdersRun(t.Context(), "", thorough)
	require.ErrorIs(t, err, errOrdersNotStarted)
	require.Equal(t, open[6], last, "the next page can follow")

	for name, in := range map[string]dispatch.ReconcileInput{
		"each day":   {OpenOrders: true, Thorough: true},
		"rebuilding": {OpenOrders: true, Rebuild: true},
	} {
		got, failed := sweep(t, a.SweepOpenOrders, "", in)
		require.Positive(t, got.OrdersStarted, name)
		require.Equal(t, "failed: open_orders; see the worker's log", failed.Message())
		require.Equal(t, !in.Rebuild, failed.NonRetryable(), "only a rebuild tries again at once")
	}
	require.InDelta(t, 2, testutil.ToFloat64(a.Metrics.sweepFailures.WithLabelValues(string(stepOpenOrders))), 0)

	// The control: without the failing order there is no error.
	d.failingOrder = ""
	_, failed := sweep(t, a.SweepOpenOrders, "", dispatch.ReconcileInput{OpenOrders: true, Thorough: true})
	require.Nil(t, failed)
}

// TestRunningOrdersByVisibilityAreSkipped checks that only orders that visibility does not list are started by a call.
func TestRunningOrdersByVisibilityAreSkipped(t *testing.T) {
	t.Parallel()
	a, d, open := newSweepActivities(t, 200)
	const page = 7
	quick := openOrdersPass{pageSize: page, deadline: time.Now().Add(time.Hour)}
	d.running = map[string]bool{}
	for _, id := range open {
		d.running[id] = true
	}
	lost := []string{open[0], open[page], open[len(open)-1]}
	for _, id := range lost {
		delete(d.running, id)
	}
	_, last, err := a.ensureOpenOrdersRun(t.Context(), "", quick)
	require.NoError(t, err)
	require.Empty(t, last)
	require.ElementsMatch(t, lost, d.ensured)
	require.Equal(t, (len(open)+page-1)/page, d.asked)

	d.ensured = nil
	_, _, err = a.ensureOpenOrdersRun(t.Context(), "",
		openOrdersPass{pageSize: page, deadline: quick.deadline, thorough: true})
	require.NoError(t, err)
	require.ElementsMatch(t, open, d.ensured, "a thorough look believes nothing")

	d.failingOrder = open[page]
	_, _, err = a.ensureOpenOrdersRun(t.Context(), "", quick)
	require.ErrorContains(t, err, "listing running orders failed")
}

// TestVisibilityQueriesArePaced checks that the next query waits, and that a cancelled pass is not reported as
// complete.
func TestVisibilityQueriesArePaced(t *testing.T) {
	t.Parallel()
	a, d, open := newSweepActivities(t, 50)
	require.Greater(t, len(open), 2)
	ctx, cancel := context.WithCancel(t.Context())
	a.Now = func() time.Time { cancel(); return time.Now() } // called after the first page
	_, _, err := a.ensureOpenOrdersRun(ctx, "", openOrdersPass{pageSize: 1, pause: time.Hour,
		deadline: time.Now().Add(time.Hour)})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, d.asked)
}
