package chaos

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSeedReproducesTheSchedule(t *testing.T) {
	t.Parallel()
	w := FaultProfile{Duration: 30 * time.Minute, KillEvery: 10 * time.Second, Outage: time.Minute,
		TemporalOutage: 3 * time.Minute, Pause: time.Minute}
	first, again := FaultSchedule(7, w), FaultSchedule(7, w)
	require.Equal(t, first, again)
	require.NotEqual(t, first, FaultSchedule(8, w))
	require.NotEqual(t, names(PlansFor(7, 300)), names(PlansFor(8, 300)))
	require.Equal(t, names(PlansFor(7, 300)), names(PlansFor(7, 900))[:300], "more orders do not change the first")

	struck := map[string]int{}
	for i, f := range FaultSchedule(7, w) {
		struck[f.Target]++
		require.Less(t, f.At, w.Duration)
		require.True(t, i == 0 || f.At >= FaultSchedule(7, w)[i-1].At)
	}
	for _, target := range append(append([]string(nil), parts...), services...) {
		require.Positive(t, struck[target], "%s is never struck", target)
	}
	drawn := map[string]bool{}
	for _, k := range PlansFor(7, 100) {
		drawn[k.Name] = true
	}
	require.Len(t, drawn, len(OrderPlans()), "every kind is drawn, and has a name of its own")
}

// TestArrivalsSlowDownUnderLoad shows that callers come one per interval while few orders are busy, and rarely while
// many are.
func TestArrivalsSlowDownUnderLoad(t *testing.T) {
	t.Parallel()
	flow := ArrivalRate{Interval: time.Millisecond, MaxOpen: 5, MaxWait: time.Hour}
	ctx, enough := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer enough()
	came := 0
	flow.Run(ctx, time.Hour, func() int { return came }, func(n int) {
		require.Equal(t, came, n)
		came++
	})
	require.Equal(t, 5, came)

	flow.MaxWait, came = 250*time.Millisecond, 0
	flow.Run(t.Context(), 700*time.Millisecond, func() int { return 5 }, func(int) { came++ })
	require.Contains(t, []int{1, 2, 3}, came, "whatever is away, some come")
	require.GreaterOrEqual(t, flow.MaxCallers(700*time.Millisecond), came)
}

func names(kinds []OrderPlan) []string {
	var out []string
	for _, k := range kinds {
		out = append(out, k.Name)
	}
	return out
}
