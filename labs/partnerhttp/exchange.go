package partnerhttp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/aliquot-labs/aliquot/internal/tracing"
	"github.com/aliquot-labs/aliquot/labs"
)

// The largest answers that are read, in bytes.
const (
	maxAnswerBytes = 1 << 20  // to a call; an answer to a requisition is some 200 bytes
	MaxReportBytes = 32 << 20 // with its document
)

const (
	maxQuotedAnswer = 64 << 10 // of an answer that is too large
	maxRetryAfter   = time.Hour
)

// ErrUnreadable is why nothing can be concluded from an answer. A decoder's own words would quote it.
var ErrUnreadable = errors.New("answer cannot be read")

var errTooLarge = errors.New("answer is too large")

// Call is one request to a partner.
type Call struct {
	Method         string
	Path           string // below the account's base URL; what is put into it is escaped
	Query          url.Values
	Body           any   // sent as JSON; nil: none
	MaxAnswerBytes int64 // bytes of the answer; 0: maxAnswer
}

// Answer is what a partner said: any status but those that say nothing about the request.
type Answer struct {
	Status int
	Body   []byte
}

// OK reports whether the status is one of success.
func (a Answer) OK() bool { return a.Status/100 == 2 }

// RefusedError is the error for an answer with an error status and no reason that we understand.
func (a Answer) RefusedError() error {
	return &labs.RefusedError{Code: "http_" + strconv.Itoa(a.Status), Raw: a.Body}
}

// UnansweredError is the error for an answer of which nothing can be concluded.
func (a Answer) UnansweredError(why error) error {
	return &labs.UnansweredError{Err: why, Raw: a.Body}
}

// Exchange waits for the call's turn and makes it, once. A status that says nothing about the request itself, such as 401 or 503, is
// an error of package labs, as is no answer at all.
func (c *Caller) Exchange(ctx context.Context, k Call) (Answer, error) {
	body, err := encodeBody(k.Body)
	if err != nil {
		return Answer{}, err
	}
	if c.waitForTurn != nil {
		if err := c.waitForTurn(ctx); err != nil {
			return Answer{}, fmt.Errorf("waiting for the turn of a lab call: %w", err)
		}
	}
	if err := ctx.Err(); err != nil {
		return Answer{}, fmt.Errorf("before a lab call: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	ctx, span := tracing.StartCall(ctx, "call lab", attribute.String("http.request.method", k.Method),
		attribute.String("server.address", c.base.Host))
	answer, err := c.do(ctx, k, body)
	span.SetAttributes(attribute.Int("http.response.status_code", answer.Status))
	tracing.EndSpan(span, labs.FailureKind(err))
	return answer, err
}

func (c *Caller) do(ctx context.Context, k Call, body []byte) (Answer, error) {
	req, err := c.newRequest(ctx, k, body)
	if err != nil {
		return Answer{}, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return Answer{}, transportError(err)
	}
	defer resp.Body.Close()
	if err := statusError(resp, c.now()); err != nil {
		return Answer{}, err
	}
	limit := k.MaxAnswerBytes
	if limit == 0 {
		limit = maxAnswerBytes
	}
	return readAnswer(resp, limit)
}

func encodeBody(body any) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encoding a lab request: %w", err)
	}
	return encoded, nil
}

func (c *Caller) newRequest(ctx context.Context, k Call, body []byte) (*http.Request, error) {
	target := c.base.JoinPath(k.Path)
	target.RawQuery = k.Query.Encode()
	req, err := http.NewRequestWithContext(ctx, k.Method, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("making a lab request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "aliquot")
	if err := c.authorize(req, body); err != nil {
		return nil, fmt.Errorf("authorizing a lab request: %w", err)
	}
	return req, nil
}

// transportError sorts a request that ended without one. Where no connection was made, nothing was sent; anything else may have been.
func transportError(err error) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "dial" {
		return &labs.BusyError{Err: err}
	}
	return &labs.UnansweredError{Err: err}
}

// statusError is the error for a status that says nothing about the request itself; nil for any other.
func statusError(resp *http.Response, now time.Time) error {
	switch status := resp.StatusCode; {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return &labs.UnauthorizedError{Status: status}
	case status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500:
		return &labs.BusyError{Status: status, RetryAfter: retryAfter(resp.Header.Get("Retry-After"), now)}
	}
	return nil
}

// retryAfter reads a Retry-After, in seconds or as a date, at most an hour; 0 when there is none or it cannot be read.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if seconds, err := strconv.ParseInt(header, 10, 32); err == nil {
		return min(max(time.Duration(seconds)*time.Second, 0), maxRetryAfter)
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

func readAnswer(resp *http.Response, limit int64) (Answer, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	a := Answer{Status: resp.StatusCode, Body: body}
	if int64(len(body)) > limit {
		a.Body = body[:min(len(body), maxQuotedAnswer)]
		err = errTooLarge
	}
	if err == nil {
		return a, nil
	}
	if a.OK() {
		return Answer{}, a.UnansweredError(err)
	}
	return a, nil // the status alone decides
}
