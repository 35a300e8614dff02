package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// TestOrdersBehindAreWokenOnceInTenMinutes checks when an order that is behind is woken, and when again.
func TestOrdersBehindAreWokenOnceInTenMinutes(t *testing.T) {
	t.Parallel()
	a, d, open, execute := newSweepActivitiesWithSQL(t, 100)
	now := time.Now().Truncate(time.Microsecond)
	execute(`UPDATE order_states SET next_deadline = 0`)
	setDeadline := func(id string, due time.Time) {
		execute(`UPDATE order_states SET next_deadline = $1 WHERE order_id = $2`, due.UnixMicro(), id)
	}
	setDeadline(open[0], now.Add(-time.Hour))
	setDeadline(open[1], now.Add(-11*time.Minute))
	setDeadline(open[2], now.Add(-9*time.Minute))
	wake := func(at time.Time) map[string][]string {
		d.signalled = map[string][]string{}
		woken, err := a.wakeOrdersBehind(t.Context(), at, normalDelays.behind)
		require.NoError(t, err)
		require.Len(t, d.signalled, woken)
		return d.signalled
	}
	once := []string{dispatch.WakeBehind}
	require.Equal(t, map[string][]string{open[0]: once, open[1]: once}, wake(now))
	require.Empty(t, wake(now.Add(time.Minute)), "those were woken a minute ago")

	setDeadline(open[1], now.Add(time.Hour)) // it has caught up
	require.Equal(t, map[string][]string{open[2]: once}, wake(now.Add(2*time.Minute)))
	require.Equal(t, map[string][]string{open[0]: once}, wake(now.Add(11*time.Minute)), "it is still behind")

	// The controls: a rebuild wakes none, and an order that is not behind is never woken.
	woken, err := a.wakeOrdersBehind(t.Context(), now.Add(time.Hour), rebuildDelays.behind)
	require.NoError(t, err)
	require.Zero(t, woken)
	setDeadline(open[0], now.Add(2*time.Hour))
	setDeadline(open[2], now.Add(2*time.Hour))
	require.Empty(t, wake(now.Add(time.Hour)))
}

// TestAnOrderThatStaysBehindDoesNotStopTheOthers checks that an order that cannot be woken has its next turn ten
// minutes later.
func TestAnOrderThatStaysBehindDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	a, d, open, execute := newSweepActivitiesWithSQL(t, 100)
	now := time.Now()
	execute(`UPDATE order_states SET next_deadline = $1
		WHERE order_id IN (SELECT order_id FROM order_progress WHERE unfinished)`, now.Add(-time.Hour).UnixMicro())
	execute(`UPDATE order_states SET next_deadline = $1 WHERE order_id = $2`, now.Add(-2*time.Hour).UnixMicro(), open[0])
	d.failingOrder = open[0]
	woken, err := a.wakeOrdersBehind(t.Context(), now, normalDelays.behind)
	require.ErrorContains(t, err, "waking orders that are behind failed")
	require.Equal(t, len(open)-1, woken)
	require.NotContains(t, d.signalled, open[0])

	woken, err = a.wakeOrdersBehind(t.Context(), now.Add(time.Minute), normalDelays.behind)
	require.NoError(t, err)
	require.Zero(t, woken)

	d.failingOrder = ""
	woken, err = a.wakeOrdersBehind(t.Context(), now.Add(11*time.Minute), normalDelays.behind)
	require.NoError(t, err)
	require.Equal(t, len(open), woken)
}
