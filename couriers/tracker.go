package couriers

import (
	"context"
	"fmt"
	"time"
)

// Tracker creates trackers at a tracking service, which then reports by webhook.
type Tracker interface {
	// CreateTracker creates a tracker for the number and returns the service's id of it. If the courier is empty, the
	// service finds it out. A second call for the same number is harmless. The error is a *RefusedError if another call
	// for this number is useless, an *AccountError if the service refuses our account, otherwise an *UnavailableError.
	CreateTracker(ctx context.Context, number string, c Courier) (id string, err error)
}

// RefusedError says that the service will not track this number.
type RefusedError struct {
	Status int    // HTTP status of the answer; 0: refused before the call
	Code   string // the service's own code; may be empty
}

func (e *RefusedError) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("tracking refused (status %d)", e.Status)
	}
	return fmt.Sprintf("tracking refused (status %d, code %s)", e.Status, e.Code)
}

// AccountError says that the service refuses our account, and not this number: the key is wrong, or the account is not
// paid. The call can be made again when operations have corrected that.
type AccountError struct {
	Status int    // HTTP status of the answer
	Code   string // the service's own code; may be empty
}

func (e *AccountError) Error() string {
	return fmt.Sprintf("tracking service refuses the account (status %d, code %q)", e.Status, e.Code)
}

// UnavailableError says that the service gave no usable answer and can be called again.
type UnavailableError struct {
	Status     int           // HTTP status of the answer; 0: no answer
	RetryAfter time.Duration // how long the service asks us to wait; 0: it does not say
	Err        error         // the cause; nil: the status is the cause
}

func (e *UnavailableError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("tracking service unavailable (status %d)", e.Status)
	}
	return fmt.Sprintf("tracking service unavailable (status %d): %v", e.Status, e.Err)
}

func (e *UnavailableError) Unwrap() error { return e.Err }
