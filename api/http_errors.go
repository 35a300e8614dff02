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

// retryAfter is what callers are told to wait when something that we need is away.
const retryAfter = 5 * time.Second

// Error is every answer that is not a success, in the shape of client-api#2-errors.
type Error struct {
	Detail any `json:"detail" doc:"A text; for 422 a list of objects with loc, msg and type; for a user that exists an object."`
	// The three of a refused cancellation only; clients know both shapes.
	Name       string `json:"error,omitempty"`
	Message    string `json:"message,omitempty"`
	StatusCode int    `json:"status_code,omitempty"`

	status int
	header http.Header
}

// Error is the status only: details are for the caller, not for logs.
func (e *Error) Error() string { return http.StatusText(e.status) }

// GetStatus is for huma.
func (e *Error) GetStatus() int { return e.status }

// GetHeaders is for huma.
func (e *Error) GetHeaders() http.Header { return e.header }

func newError(status int, detail string) *Error { return &Error{Detail: detail, status: status} }

func notFoundError(what string) *Error { return newError(http.StatusNotFound, what+" not found") }

func unavailableError(detail string) *Error {
	e := newError(http.StatusServiceUnavailable, detail)
	e.header = http.Header{"Retry-After": {strconv.Itoa(int(retryAfter.Seconds()))}}
	return e
}

// mapNotFound turns the store's ErrNotFound into a 404 about what, and leaves any other error alone.
func mapNotFound(err error, what string) error {
	if errors.Is(err, store.ErrNotFound) {
		return notFoundError(what)
	}
	return err
}

// huma's own errors are replaced by ours in the one way that huma offers: its package variables. They are set before anything can
// be served. gin's mode is such a variable too; its debug mode prints to standard output.
func init() {
	gin.SetMode(gin.ReleaseMode)
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return fromHumaError(nil, status, msg, errs)
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		return fromHumaError(ctx, status, msg, errs)
	}
}

// fromHumaError translates what huma found wrong. What a handler returned and we do not know is our own failure: it is noted for the
// log, and the caller learns nothing of it.
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
		return internalError(errs)
	}
	return newError(status, msg)
}

// internalError is our own failure, or a caller that went away.
func internalError(errs []error) *Error {
	for _, err := range errs {
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			return unavailableError("The request was not answered in time")
		}
	}
	return newError(http.StatusInternalServerError, "Internal server error")
}

// keepErrorsForLog keeps errors for the access log.
func keepErrorsForLog(ctx huma.Context, errs []error) {
	if ctx == nil {
		return
	}
	for _, err := range errs {
		_ = humagin.Unwrap(ctx).Error(err)
	}
}

// abortWithDetail ends a request outside huma.
func abortWithDetail(c *gin.Context, status int, detail string) {
	abortWithError(c, newError(status, detail))
}

func abortWithError(c *gin.Context, e *Error) {
	for name, values := range e.header {
		for _, v := range values {
			c.Header(name, v)
		}
	}
	c.AbortWithStatusJSON(e.status, e)
}
