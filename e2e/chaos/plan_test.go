package chaos

import (
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

func names(kinds []Kind) []string {
	var out []string
	for _, k := range kinds {
		out = append(out, k.Name)
	}
	return out
}
