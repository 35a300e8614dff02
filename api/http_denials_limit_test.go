package api

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A flood of denied requests makes few rows, and does not keep those of API keys out of the audit.
func TestDenialLimiterBoundsFloods(t *testing.T) {
	t.Parallel()
	l, now := &denialLimiter{}, time.Unix(1_800_000_000, 0)
	admitted := 0
	for i := range 5_000 {
		if _, ok := l.admit(fmt.Sprintf("address:192.0.2.%d", i%3_000), false, now); ok {
			admitted++
		}
	}
	require.Equal(t, maxDenialsOfOthers, admitted)
	require.LessOrEqual(t, len(l.sources), maxDenialSources)
	_, ok := l.admit("key:a", true, now)
	require.True(t, ok, "a key's row has a limit of its own")

	for range maxDenialsOfSource - 1 {
		_, ok = l.admit("key:a", true, now)
		require.True(t, ok)
	}
	for range 7 {
		_, ok = l.admit("key:a", true, now)
		require.False(t, ok)
	}
	missed, ok := l.admit("key:a", true, now.Add(denialWindow))
	require.True(t, ok)
	require.Equal(t, 7, missed)
	missed, ok = l.admit("key:a", true, now.Add(denialWindow))
	require.True(t, ok)
	require.Zero(t, missed)

	admitted = 0
	for i := range 1_000 {
		if _, ok := l.admit(fmt.Sprintf("key:%d", i), true, now.Add(3*denialWindow)); ok {
			admitted++
		}
	}
	require.Equal(t, maxDenialsOfKeys, admitted)
}
