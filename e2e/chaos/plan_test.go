package chaos

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestASeedIsReplayed(t *testing.T) {
	t.Parallel()
	w := Weather{Lasts: 30 * time.Minute, KillEvery: 10 * time.Second, Outage: time.Minute, TemporalOutage: 3 * time.Minute, Pause: time.Minute}
	first, again := Plan(7, w), Plan(7, w)
	require.Equal(t, first, again)
	require.NotEqual(t, first, Plan(8, w))
	require.NotEqual(t, names(Orders(7, 300)), names(Orders(8, 300)))
	require.Equal(t, names(Orders(7, 300)), names(Orders(7, 900))[:300], "more orders do not change the first")

	struck := map[string]int{}
	for i, f := range Plan(7, w) {
		struck[f.Target]++
		require.Less(t, f.At, w.Lasts)
		require.True(t, i == 0 || f.At >= Plan(7, w)[i-1].At)
	}
	for _, target := range append(append([]string(nil), parts...), services...) {
		require.Positive(t, struck[target], "%s is never struck", target)
	}
	drawn := map[string]bool{}
	for _, k := range Orders(7, 100) {
		drawn[k.Name] = true
	}
	require.Len(t, drawn, len(Kinds()), "every kind is drawn, and has a name of its own")
}

// Callers come one after the other while few orders are busy, and seldom while many are.
func TestCallersWaitForEachOther(t *testing.T) {
	t.Parallel()
	flow := Traffic{Every: time.Millisecond, Busy: 5, Patience: time.Hour}
	ctx, enough := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer enough()
	came := 0
	flow.Flow(ctx, time.Hour, func() int { return came }, func(n int) {
		require.Equal(t, came, n)
		came++
	})
	require.Equal(t, 5, came)

	flow.Patience, came = 250*time.Millisecond, 0
	flow.Flow(t.Context(), 700*time.Millisecond, func() int { return 5 }, func(int) { came++ })
	require.Contains(t, []int{1, 2, 3}, came, "whatever is away, some come")
	require.GreaterOrEqual(t, flow.Most(700*time.Millisecond), came)
}

func names(kinds []Kind) []string {
	var out []string
	for _, k := range kinds {
		out = append(out, k.Name)
	}
	return out
}
