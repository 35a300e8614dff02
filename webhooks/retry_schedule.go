package webhooks

import (
	"math/rand/v2"
	"time"
)

// maxRetryAfter is the longest wait that a receiver can ask for by Retry-After. It is the longest delay of the
// schedule.
const maxRetryAfter = 10 * time.Hour

// maxJitter is the largest fraction of a wait that is added to it, so that deliveries that failed together in an
// outage are not all retried at the same time.
const maxJitter = 0.1

// RetrySchedule returns the delays of client-api#delivery, one per attempt. Each is counted from the failure of the
// previous attempt.
func RetrySchedule() []time.Duration {
	return []time.Duration{
		0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute,
		2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 10 * time.Hour,
	}
}

// NextAttemptTime returns the time of the next attempt, after the given number of attempts, the last of which failed
// at failedAt. The wait is the schedule's delay or retryAfter, whichever is longer; retryAfter counts up to 10 hours,
// and 0 means that the receiver asked for no wait. Up to a tenth of the wait is added as jitter. The function jitter
// returns numbers from 0 to below 1; nil means random numbers. The second result is false when the schedule is
// exhausted, which means that the delivery has failed.
func NextAttemptTime(attempts int, failedAt time.Time, retryAfter time.Duration,
	jitter func() float64) (time.Time, bool) {
	schedule := RetrySchedule()
	if attempts < 0 || attempts >= len(schedule) {
		return time.Time{}, false
	}
	if jitter == nil {
		jitter = rand.Float64
	}
	wait := max(schedule[attempts], min(retryAfter, maxRetryAfter))
	wait += time.Duration(float64(wait) * maxJitter * jitter())
	return ceilMicrosecond(failedAt.Add(wait)), true
}

// ceilMicrosecond rounds up to microseconds, the precision of the store, so that an attempt is never too early.
func ceilMicrosecond(t time.Time) time.Time {
	return t.UTC().Add(time.Microsecond - 1).Truncate(time.Microsecond)
}
