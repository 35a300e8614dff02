package webhooks_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/webhooks"
)

var failedAt = time.Date(2025, 3, 4, 5, 6, 7, 891, time.UTC)

func noJitter() float64   { return 0 }
func fullJitter() float64 { return 0.999999 }

func TestSchedule(t *testing.T) {
	t.Parallel()
	require.Equal(t, []time.Duration{
		0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 10 * time.Hour,
	}, webhooks.RetrySchedule())
}

func TestNextAttemptWithinATenth(t *testing.T) {
	t.Parallel()
	for attempts, delay := range webhooks.RetrySchedule() {
		for _, jitter := range []func() float64{noJitter, fullJitter, nil} {
			at, ok := webhooks.NextAttemptTime(attempts, failedAt, 0, jitter)
			require.True(t, ok)
			require.GreaterOrEqual(t, at.Sub(failedAt), delay)
			require.LessOrEqual(t, at.Sub(failedAt), delay+delay/10+time.Microsecond)
			require.Equal(t, at.Truncate(time.Microsecond), at)
			require.Equal(t, time.UTC, at.Location())
		}
	}
}

func TestNextAttempt(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, 3, 4, 5, 0, 0, 0, time.FixedZone("", 3600))
	tests := map[string]struct {
		attempts   int
		retryAfter time.Duration
		jitter     func() float64
		want       time.Duration
	}{
		"first retry":              {1, 0, noJitter, 5 * time.Second},
		"half the jitter":          {2, 0, func() float64 { return 0.5 }, 5*time.Minute + 15*time.Second},
		"earlier Retry-After":      {2, time.Minute, noJitter, 5 * time.Minute},
		"later Retry-After":        {1, time.Minute, noJitter, time.Minute},
		"jitter on Retry-After":    {1, 100 * time.Second, func() float64 { return 0.5 }, 105 * time.Second},
		"Retry-After is capped":    {1, 1000 * time.Hour, noJitter, 10 * time.Hour},
		"negative Retry-After":     {1, -time.Hour, noJitter, 5 * time.Second},
		"last attempt":             {7, 0, noJitter, 10 * time.Hour},
		"nothing has been tried":   {0, 0, fullJitter, 0},
		"Retry-After before first": {0, time.Minute, noJitter, time.Minute},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			next, ok := webhooks.NextAttemptTime(tt.attempts, at, tt.retryAfter, tt.jitter)
			require.True(t, ok)
			require.Equal(t, tt.want, next.Sub(at))
		})
	}
	for _, attempts := range []int{8, 9, -1} {
		next, ok := webhooks.NextAttemptTime(attempts, at, 0, noJitter)
		require.False(t, ok)
		require.Zero(t, next)
	}
}
