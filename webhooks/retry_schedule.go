package webhooks

import (
	"math/rand/v2"
	"time"
)

// maxRetryAfter bounds how long a receiver can make us wait by Retry-After: the longest delay of
// the schedule. A receiver that asks for more is asked again after that.
const maxRetryAfter = 10 * time.Hour

// maxJitter is the largest share of a wait that is added to it, so that the deliveries that an
// outage has failed together do not all come back at once.
const maxJitter = 0.1

// RetrySchedule gives the delays of client-api#delivery, one per attempt, each counted from the
// failure of the attempt before.
func RetrySchedule() []time.Duration {
	return []time.Duration{
		0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute,
		2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 10 * time.Hour,
	}
}

// NextAttemptTime gives the time of the attempt after the given number of attempts made, the last of
// which failed at failedAt. It is never before the schedule's delay, nor before what the receiver
// asked for (retryAfter; 0: nothing; at most maxRetryAfter), and at most a tenth of the wait later.
// jitter gives numbers from 0 up to 1; nil stands for a random source. It is false when the
// schedule is exhausted and the message has failed for its endpoint.
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

// ceilMicrosecond keeps the precision of the store without coming earlier.
func ceilMicrosecond(t time.Time) time.Time {
	return t.UTC().Add(time.Microsecond - 1).Truncate(time.Microsecond)
}
