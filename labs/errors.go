package labs

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// The text of these errors never contains text from a partner, because a lab's own words may name a patient. Such text
// is in Raw, which may be stored in the encrypted store only.

// ErrNotSupported means that the lab has no such call, or that the account's settings do not name it.
var ErrNotSupported = errors.New("not supported by the lab")

// Codes of a RefusedError that are the same for all labs.
const (
	CodeRefusedByLab       = "refused_by_lab"           // the lab's reason is in Raw
	CodeInvalidRequisition = "invalid_requisition"      // not sent: Fields are missing or invalid
	CodeNoPhysician        = "no_physician_for_state"   // not sent: no overseeing physician for the state of collection
	CodeRegistrationNeeded = "registration_unsupported" // not sent: the lab does not ship kits without a patient
)

// RefusedError means that the request was refused and would be refused again.
type RefusedError struct {
	// Code is stable. It is one of the codes above, or a code of the partner's protocol.
	Code   string
	Fields []string // with CodeInvalidRequisition: the lab's names of the fields, never their values
	Raw    []byte   // the lab's answer, verbatim; nil if the request was not sent
}

func (e *RefusedError) Error() string {
	if len(e.Fields) == 0 {
		return "lab request refused: " + e.Code
	}
	return "lab request refused: " + e.Code + ": " + strings.Join(e.Fields, ", ")
}

// UnansweredError means that the outcome is unknown: the request may have reached the lab and taken effect. An answer
// that is not in the partner's protocol is one too, whatever its status: a gateway may have sent it. The caller repeats
// the request with the same order number.
type UnansweredError struct {
	Err    error  // why there is no usable answer
	Status int    // HTTP status of the answer that cannot be used; 0: there was none
	Raw    []byte // what was received, verbatim; it may be empty
}

func (e *UnansweredError) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("lab request without a usable answer: %v", e.Err)
	}
	return fmt.Sprintf("lab request without a usable answer: HTTP status %d: %v", e.Status, e.Err)
}

func (e *UnansweredError) Unwrap() error { return e.Err }

// BusyError means that the lab could not be reached, or said that it cannot answer now. A request that reached it may
// have taken effect, so the caller repeats it with the same order number.
type BusyError struct {
	Status     int           // HTTP status of the answer; 0: no connection was made
	RetryAfter time.Duration // how long the lab asked us to wait; 0: unknown
	Err        error         // why no connection was made; nil if Status is set
}

func (e *BusyError) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("lab not reached: %v", e.Err)
	}
	return fmt.Sprintf("lab busy: HTTP status %d", e.Status)
}

func (e *BusyError) Unwrap() error { return e.Err }

// UnauthorizedError means that the lab did not accept our credentials. It says nothing about the order: the caller
// repeats the request after the account has been corrected.
type UnauthorizedError struct {
	Status int // HTTP status of the answer: 401 or 403
}

func (e *UnauthorizedError) Error() string {
	return fmt.Sprintf("lab did not accept our credentials: HTTP status %d", e.Status)
}

// FailureStatus returns the HTTP status of the answer that a lab's error is about; 0: there was no answer.
func FailureStatus(err error) int {
	if busy, ok := errors.AsType[*BusyError](err); ok {
		return busy.Status
	}
	if unauthorized, ok := errors.AsType[*UnauthorizedError](err); ok {
		return unauthorized.Status
	}
	if unanswered, ok := errors.AsType[*UnansweredError](err); ok {
		return unanswered.Status
	}
	return 0
}

// FailureKind returns a code for the kind of a lab's error: refused, busy, unauthorized or unanswered. It is empty for
// nil, and unanswered for any other error.
func FailureKind(err error) string {
	if err == nil {
		return ""
	}
	if _, ok := errors.AsType[*RefusedError](err); ok {
		return "refused"
	}
	if _, ok := errors.AsType[*BusyError](err); ok {
		return "busy"
	}
	if _, ok := errors.AsType[*UnauthorizedError](err); ok {
		return "unauthorized"
	}
	return "unanswered"
}
