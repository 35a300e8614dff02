package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"github.com/aliquot-labs/aliquot/store"
)

// retryAfter is the Retry-After of a 503 answer.
const retryAfter = 5 * time.Second

// Error is the body of every answer that is not a success, in the shape of client-api#2-errors.
type Error struct {
	Detail any `json:"detail" doc:"A text; for 422 a list of problems; for a client_user_id that exists an object."`

	// Name, Message and StatusCode are set for refused cancellations only, for which the original API documents two
	// shapes.
	Name       string `json:"error,omitempty"`
	Message    string `json:"message,omitempty"`
	StatusCode int    `json:"status_code,omitempty"`

	status int
	header http.Header
}

// Error returns the text of the status. Details are for the caller and must not get into logs.
func (e *Error) Error() string { return http.StatusText(e.status) }

// GetStatus implements huma.StatusError.
func (e *Error) GetStatus() int { return e.status }

// GetHeaders implements huma.HeadersError.
func (e *Error) GetHeaders() http.Header { return e.header }

func newError(status int, detail string) *Error { return &Error{Detail: detail, status: status} }

func notFoundError(what string) *Error { return newError(http.StatusNotFound, what+" not found") }

func unavailableError(detail string) *Error {
	e := newError(http.StatusServiceUnavailable, detail)
	e.header = http.Header{"Retry-After": {strconv.Itoa(int(retryAfter.Seconds()))}}
	return e
}

// mapNotFound turns store.ErrNotFound into a 404 answer that names what is missing, and returns any other error
// unchanged.
func mapNotFound(err error, what string) error {
	if errors.Is(err, store.ErrNotFound) {
		return notFoundError(what)
	}
	return err
}

// init replaces huma's error constructors, which are package variables, and gin's mode, which is global too. gin's
// debug mode prints to standard output.
func init() {
	gin.SetMode(gin.ReleaseMode)
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return fromHumaError(nil, status, msg, errs)
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		return fromHumaError(ctx, status, msg, errs)
	}
}

// fromHumaError translates an error of huma. An unknown error of a handler is an internal failure: it goes to the
// access log, and the answer holds nothing of it.
func fromHumaError(ctx huma.Context, status int, msg string, errs []error) *Error {
	for _, err := range errs {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return newError(http.StatusRequestEntityTooLarge, "Request body is too large")
		}
	}
	switch {
	case status == http.StatusRequestEntityTooLarge:
		return newError(status, "Request body is too large")
	case status == http.StatusRequestTimeout:
		return newError(status, "Request body took too long")
	case status == http.StatusBadRequest && len(errs) == 0:
		return validationError(missingProblem("body"))
	case status == http.StatusBadRequest || status == http.StatusUnprocessableEntity:
		return validationError(toProblems(errs)...)
	case status >= http.StatusInternalServerError:
		keepErrorsForLog(ctx, errs)
		e := internalError(errs)
		if ctx != nil { // huma writes the headers of the errors that handlers return, and not of these
			for name := range e.header {
				ctx.SetHeader(name, e.header.Get(name))
			}
		}
		return e
	}
	return newError(status, msg)
}

// internalError returns the 500 answer. It is 503 when the request timed out or was cancelled, or when the database is
// away or full.
func internalError(errs []error) *Error {
	for _, err := range errs {
		switch {
		case store.IsDiskFull(err):
			return unavailableError("Nothing can be stored at the moment")
		case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
			return unavailableError("The request was not answered in time")
		case store.IsUnavailable(err):
			return unavailableError("The request cannot be answered at the moment")
		}
	}
	return newError(http.StatusInternalServerError, "Internal server error")
}

// keepErrorsForLog adds errors to the request, for the access log.
func keepErrorsForLog(ctx huma.Context, errs []error) {
	if ctx == nil {
		return
	}
	for _, err := range errs {
		_ = humagin.Unwrap(ctx).Error(err)
	}
}

// abortWithDetail answers a request outside huma with an error and ends it.
func abortWithDetail(c *gin.Context, status int, detail string) {
	abortWithError(c, newError(status, detail))
}

// abortWithError answers a request with an error and its headers, and ends it.
func abortWithError(c *gin.Context, e *Error) {
	for name, values := range e.header {
		for _, v := range values {
			c.Header(name, v)
		}
	}
	c.AbortWithStatusJSON(e.status, e)
}
