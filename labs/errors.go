package labs

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// None of these errors' texts holds anything that came from outside as text: a lab's own words may name a patient. They are in
// Raw, which is for the encrypted store only.

// ErrNotSupported means that the lab has no such call, or none that it has confirmed to us.
var ErrNotSupported = errors.New("not supported by the lab")

// The codes of a RefusedError that do not depend on the lab.
const (
	CodeRefusedByLab       = "refused_by_lab"           // the lab's reason is in Raw
	CodeInvalidRequisition = "invalid_requisition"      // not sent: Fields are missing or not as the lab needs them
	CodeNoPhysician        = "no_physician_for_state"   // not sent: no overseeing physician for the state of collection
	CodeRegistrationNeeded = "registration_unsupported" // not sent: the lab ships no kits whose patient is unknown
)

// RefusedError means that the request was refused for good. The same request would be refused again.
type RefusedError struct {
	// stable; one of the codes above or of the partner's protocol, or http_ and the status of an answer without a reason
	Code   string
	Fields []string // with CodeInvalid: the lab's names of the fields, never their values
	Raw    []byte   // the lab's answer, verbatim; nil when we refused without asking it
}

func (e *RefusedError) Error() string {
	if len(e.Fields) == 0 {
		return "lab request refused: " + e.Code
	}
	return "lab request refused: " + e.Code + ": " + strings.Join(e.Fields, ", ")
}

// UnansweredError means that the outcome is unknown: the request may have reached the lab and had its effect. It is asked again,
// with the same order number.
type UnansweredError struct {
	Err error  // why there is no answer
	Raw []byte // what was received, verbatim, if anything
}

func (e *UnansweredError) Error() string {
	return fmt.Sprintf("lab request without a usable answer: %v", e.Err)
}

func (e *UnansweredError) Unwrap() error { return e.Err }

// BusyError means that the lab could not be reached, or said that it cannot answer now. Whether a request that reached it had its
// effect is not certain, so it is asked again, with the same order number.
type BusyError struct {
	Status     int           // HTTP status of the answer; 0: no connection was made
	RetryAfter time.Duration // how long the lab asked us to wait; 0: it did not say
	Err        error         // why no connection was made; nil with a Status
}

func (e *BusyError) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("lab not reached: %v", e.Err)
	}
	return fmt.Sprintf("lab busy: HTTP status %d", e.Status)
}

func (e *BusyError) Unwrap() error { return e.Err }

// UnauthorizedError means that the lab did not accept our credentials. That says nothing about the order: it is asked again once
// the account has been put right.
type UnauthorizedError struct {
	Status int // HTTP status of the answer: 401 or 403
}

func (e *UnauthorizedError) Error() string {
	return fmt.Sprintf("lab did not accept our credentials: HTTP status %d", e.Status)
}

// FailureKind is what kind of failure an error of a lab's is, as a code; empty for none.
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
