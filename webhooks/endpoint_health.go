package webhooks

import "time"

// The rule by which an endpoint is disabled (client-api#delivery). The clock starts when two failures lie at least
// minFailureSpread and at most failureWindow apart, without a success between them.
const (
	disableAfterFailing = 5 * 24 * time.Hour // from the start of the clock, with failures only
	failureWindow       = 24 * time.Hour
	minFailureSpread    = 12 * time.Hour
)

// EndpointHealth summarizes the failed attempts of an endpoint since its last success, so that ShouldDisable can
// decide without the history. Its times are those of attempts. The zero value is an endpoint whose last attempt
// succeeded: a success resets the health.
type EndpointHealth struct {
	FirstFailure time.Time // start of the failure window
	LastFailure  time.Time
	ClockStarted time.Time // zero before the clock has started
}

// AfterFailure returns the health after a failed attempt. Failures have to be passed in the order of their times; one
// that is older than the last failure changes nothing.
func (h EndpointHealth) AfterFailure(at time.Time) EndpointHealth {
	if at.Before(h.LastFailure) {
		return h
	}
	previous := h.LastFailure
	h.LastFailure = at
	if !h.ClockStarted.IsZero() {
		return h
	}
	if h.FirstFailure.IsZero() {
		h.FirstFailure = at
		return h
	}
	// The clock has not started, so all failures since the first one lie less than 12 hours after it. If this one
	// is more than 24 hours after the first one, only the previous one can be in its window.
	if at.Sub(h.FirstFailure) > failureWindow {
		h.FirstFailure = previous
	}
	if at.Sub(h.FirstFailure) > failureWindow {
		h.FirstFailure = at
	}
	if at.Sub(h.FirstFailure) >= minFailureSpread {
		h.ClockStarted = at
	}
	return h
}

// ShouldDisable reports whether the endpoint has to be disabled: at its last failure, the clock has run for at least
// five days.
func (h EndpointHealth) ShouldDisable() bool {
	return !h.ClockStarted.IsZero() && h.LastFailure.Sub(h.ClockStarted) >= disableAfterFailing
}
