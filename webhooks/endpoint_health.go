package webhooks

import "time"

// The rule of client-api#delivery for giving up an endpoint.
const (
	disableAfterFailing = 5 * 24 * time.Hour // of nothing but failures, counted once the clock has started
	failureWindow       = 24 * time.Hour     // the failures that start the clock lie within this …
	minFailureSpread    = 12 * time.Hour     // … and the first and the last are at least this far apart
)

// EndpointHealth is what has to be known of an endpoint's attempts to tell when it is given up. Times are
// those of the attempts. The zero value is an endpoint whose last attempt succeeded: one success forgives everything.
type EndpointHealth struct {
	FirstFailure time.Time // of the span that is being watched
	LastFailure  time.Time
	ClockStarted time.Time // when the clock started; zero: it has not
}

// AfterFailure gives the health after a failed attempt. Failures come in the order of their times; one
// that is told late changes nothing.
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
	// The clock has not started, so all failures since the first lie within 12 hours of it. Where
	// this one is more than 24 hours from the first, only the previous one can be in its span.
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

// ShouldDisable reports whether the endpoint has to be disabled: its clock has run for five days at the
// time of its last failure.
func (h EndpointHealth) ShouldDisable() bool {
	return !h.ClockStarted.IsZero() && h.LastFailure.Sub(h.ClockStarted) >= disableAfterFailing
}
