package couriers

import (
	"context"
	"fmt"
	"time"
)

// Tracker asks a tracking service to follow a number. What it then observes comes by webhook.
type Tracker interface {
	// CreateTracker has the number followed and returns the service's id of the tracker. An empty
	// courier leaves it to the service to find out whose number it is. Asking again for the
	// same number is harmless. The error is a *RefusedError when asking again is useless,
	// otherwise an *UnavailableError.
	CreateTracker(ctx context.Context, number string, c Courier) (id string, err error)
}

// RefusedError says that the service will never follow this number, or not for us.
type RefusedError struct {
	Status int    // HTTP status of the answer; 0 when it was refused before asking
	Code   string // the service's own machine-readable code, may be empty
}

func (e *RefusedError) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("tracking refused (status %d)", e.Status)
	}
	return fmt.Sprintf("tracking refused (status %d, code %s)", e.Status, e.Code)
}

// UnavailableError says that the service gave no usable answer and may be asked again.
type UnavailableError struct {
	Status     int           // HTTP status of the answer; 0 when there was none
	RetryAfter time.Duration // how long the service asks us to wait; 0 when it does not say
	Err        error         // the cause; nil when the status says it all
}

func (e *UnavailableError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("tracking service unavailable (status %d)", e.Status)
	}
	return fmt.Sprintf("tracking service unavailable (status %d): %v", e.Status, e.Err)
}

func (e *UnavailableError) Unwrap() error { return e.Err }
