package activities

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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
