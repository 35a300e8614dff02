package store

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

func TestProcessesShareRateTokens(t *testing.T) {
	t.Parallel()
	forEachEngineShared(t, func(t *testing.T, open func() *Store) {
		rate := RateLimit{PerSecond: 1, Burst: 100} // so slow that the time of the test does not matter
		var taken atomic.Int64
		g, ctx := errgroup.WithContext(t.Context())
		for range 3 {
			s := open()
			g.Go(func() error { return takeAllTokens(ctx, s, rate, &taken) })
		}
		begun := time.Now()
		require.NoError(t, g.Wait())
		require.GreaterOrEqual(t, taken.Load(), int64(100))
		require.LessOrEqual(t, taken.Load(), 100+int64(time.Since(begun).Seconds())+1+5)

		s := open()
		wait, err := s.TakeRateTokens(t.Context(), "b", 50, rate)
		require.NoError(t, err)
		require.Greater(t, wait, 20*time.Second)
		require.LessOrEqual(t, wait, 51*time.Second)
		wait, err = s.TakeRateTokens(t.Context(), "another", 50, rate)
		require.NoError(t, err)
		require.Zero(t, wait)
	})
}

func takeAllTokens(ctx context.Context, s *Store, rate RateLimit, taken *atomic.Int64) error {
	for {
		wait, err := s.TakeRateTokens(ctx, "b", 5, rate)
		if err != nil || wait > 0 {
			return err
		}
		taken.Add(5)
	}
}

func TestBucketsFillAndArePruned(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		rate := RateLimit{PerSecond: 1, Burst: 10}
		wait, err := s.TakeRateTokens(t.Context(), "b", 10, rate)
		require.NoError(t, err)
		require.Zero(t, wait)
		wait, err = s.TakeRateTokens(t.Context(), "b", 1, rate)
		require.NoError(t, err)
		require.Positive(t, wait)
		n, err := s.PruneRateLimits(t.Context(), 10)
		require.NoError(t, err)
		require.Zero(t, n)

		execUnchecked(t, s, `UPDATE rate_limits SET full_at = full_at - $1`, (2 * time.Hour).Microseconds())
		n, err = s.PruneRateLimits(t.Context(), 10)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		wait, err = s.TakeRateTokens(t.Context(), "b", 10, rate)
		require.NoError(t, err)
		require.Zero(t, wait)
	})
}
