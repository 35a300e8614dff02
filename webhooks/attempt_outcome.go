package webhooks

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Failure is a stable code for why an attempt failed. It is stored with the attempt, returned by the API and a
// label of metrics.
type Failure string

// The ways in which an attempt can fail.
const (
	FailureNone           Failure = ""
	FailureStatus         Failure = "status"          // the status is neither 2xx nor 3xx
	FailureRedirect       Failure = "redirect"        // the status is 3xx; redirects are not followed
	FailureTimeout        Failure = "timeout"         // the response was not complete in time
	FailureConnect        Failure = "connect"         // the name or the connection failed, or it broke before a response
	FailureTLS            Failure = "tls"             // no trusted TLS connection
	FailureRefusedAddress Failure = "refused_address" // the guard refused the address
	FailureBadURL         Failure = "bad_url"         // the endpoint's URL is not valid
	FailureUnsigned       Failure = "unsigned"        // no message id or no valid secret; nothing was sent

	// FailureCancelled means that the sender's own process ended the attempt, for example to shut down. It says
	// nothing about the receiver and does not count as an attempt.
	FailureCancelled Failure = "cancelled"
)

// AttemptOutcome is the result of one attempt.
type AttemptOutcome struct {
	Delivered  bool          // the receiver responded with 2xx in time
	Failure    Failure       // empty when delivered
	StatusCode int           // of the response; 0 without one
	Gone       bool          // status 410: the receiver wants no more messages
	RetryAfter time.Duration // the wait that the receiver asks for; 0 when it asks for none
	Duration   time.Duration // of the whole exchange
	Excerpt    []byte        // the first 1,024 bytes of the response's body, unchecked; it has to be stored sealed
}

// failureOfResponse returns the failure that a response means, or FailureNone. The status line acknowledges the
// message, so a body that breaks off does not change the outcome. A body that does not end in time is a failure,
// because the whole response has to arrive in time (client-api#delivery).
func failureOfResponse(status int, bodyErr error) Failure {
	switch {
	case status/100 == 3:
		return FailureRedirect
	case status/100 != 2:
		return FailureStatus
	case bodyErr != nil && isTimeout(bodyErr):
		return FailureTimeout
	default:
		return FailureNone
	}
}

// failureOfError returns the failure that the error of an exchange without a response means.
func failureOfError(err error, inHandshake bool) Failure {
	var refused *RefusedAddressError
	switch {
	case errors.As(err, &refused):
		return FailureRefusedAddress
	case isTimeout(err):
		return FailureTimeout
	case inHandshake:
		return FailureTLS
	default:
		return FailureConnect
	}
}

func isTimeout(err error) bool {
	var netErr net.Error
	return errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &netErr) && netErr.Timeout())
}

// parseRetryAfter returns the wait that the Retry-After header asks for, as seconds or as a date. It is at most
// maxRetryAfter, and 0 when the header is absent, in the past or malformed.
func parseRetryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	} else if errors.Is(err, strconv.ErrRange) {
		return maxRetryAfter
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
