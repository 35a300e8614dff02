package webhooks_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aliquot-labs/aliquot/webhooks"
)

func afterHours(hours float64) time.Time {
	return failedAt.Add(time.Duration(hours * float64(time.Hour)))
}

func TestHealth(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		failures []float64 // hours
		since    float64   // hours; negative: the clock has not started
		disable  bool
	}{
		"one failure":                     {[]float64{0}, -1, false},
		"one, and another next week":      {[]float64{0, 200}, -1, false},
		"many in a short time":            {[]float64{0, 1, 2, 3, 11.9}, -1, false},
		"twelve hours apart":              {[]float64{0, 12}, 12, false},
		"twenty-four hours apart":         {[]float64{0, 24}, 24, false},
		"more than a day apart":           {[]float64{0, 24.1}, -1, false},
		"the span moves on":               {[]float64{0, 5, 25}, 25, false},
		"the span starts again":           {[]float64{0, 5, 40, 50, 53}, 53, false},
		"five days of the clock, not yet": {[]float64{0, 12, 131.9}, 12, false},
		"five days of the clock":          {[]float64{0, 12, 60, 132}, 12, true},
		"older than the last failure":     {[]float64{0, 12, 3}, 12, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var h webhooks.EndpointHealth
			for _, hours := range tt.failures {
				h = h.AfterFailure(afterHours(hours))
			}
			if tt.since < 0 {
				require.Zero(t, h.ClockStarted)
			} else {
				require.Equal(t, afterHours(tt.since), h.ClockStarted)
			}
			require.Equal(t, tt.disable, h.ShouldDisable())
		})
	}
}

// TestHealthNeedsNoHistory compares EndpointHealth, which stores three times, with the rule applied to all failures.
func TestHealthNeedsNoHistory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var h webhooks.EndpointHealth
		var failures []time.Time
		var since time.Time
		at := failedAt
		for range rapid.IntRange(1, 30).Draw(rt, "failures") {
			at = at.Add(time.Duration(rapid.IntRange(0, 30*60).Draw(rt, "minutes")) * time.Minute)
			failures = append(failures, at)
			if since.IsZero() && contractStartsClock(failures) {
				since = at
			}
			h = h.AfterFailure(at)
			require.Equal(rt, since, h.ClockStarted)
			require.Equal(rt, !since.IsZero() && at.Sub(since) >= 120*time.Hour, h.ShouldDisable())
		}
	})
}

// contractStartsClock reports whether the last failure starts the clock, by the wording of client-api#delivery.
func contractStartsClock(failures []time.Time) bool {
	last := failures[len(failures)-1]
	for _, f := range failures {
		if apart := last.Sub(f); apart >= 12*time.Hour && apart <= 24*time.Hour {
			return true
		}
	}
	return false
}
