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

// Failure is a stable code for why an attempt failed. It is stored, shown and counted.
type Failure string

// The ways in which an attempt can fail.
const (
	FailureNone           Failure = ""
	FailureStatus         Failure = "status"          // answered, with neither a 2xx nor a 3xx
	FailureRedirect       Failure = "redirect"        // answered with a 3xx; it is not followed
	FailureTimeout        Failure = "timeout"         // the exchange did not end in time
	FailureConnect        Failure = "connect"         // no such name, no connection, or it broke before an answer
	FailureTLS            Failure = "tls"             // no trusted TLS connection
	FailureRefusedAddress Failure = "refused_address" // the guard refused the address
	FailureBadURL         Failure = "bad_url"         // the endpoint's URL is none
	FailureUnsigned       Failure = "unsigned"        // no usable secret; nothing was sent
	// FailureCancelled says that we gave up ourselves, for example to shut down. It says nothing
	// about the receiver and is not to be counted as an attempt.
	FailureCancelled Failure = "cancelled"
)

// AttemptOutcome is what became of one attempt.
type AttemptOutcome struct {
	Delivered  bool          // the receiver answered 2xx in time
	Failure    Failure       // empty when delivered
	StatusCode int           // of the answer; 0 when there was none
	Gone       bool          // 410: the receiver wants no more messages
	RetryAfter time.Duration // how long the receiver asks us to wait; 0 when it does not say
	Duration   time.Duration // of the whole exchange
	Excerpt    []byte        // the first KB of the answer's body: text from outside, store it encrypted
}

// failureOfAnswer tells a failure from an answer. The status line is the acknowledgement, so a body that
// breaks off takes nothing back; one that does not end in time does, because the
// answer has to come in time (client-api#delivery).
func failureOfAnswer(status int, bodyErr error) Failure {
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

// failureOfError tells a failure from the error of an exchange without an answer.
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

// parseRetryAfter reads the header in either form, seconds or a date; 0 when it is absent, past or
// unreadable, at most maxRetryAfter.
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
