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
	maxAnswerBytes = 1 << 20  // for most calls; an answer to a requisition has about 200 bytes
	MaxReportBytes = 32 << 20 // for a lab report with its PDF
)

const (
	maxQuotedAnswer = 64 << 10 // how much of an answer that is too large goes into the error
	maxRetryAfter   = time.Hour
)

// ErrUnreadable means that an answer could not be decoded. The decoder's own error is not used because it quotes the
// answer.
var ErrUnreadable = errors.New("answer cannot be read")

var errTooLarge = errors.New("answer is too large")

// Call is one HTTP request to a partner.
type Call struct {
	Method         string
	Path           string // below the account's base URL; variable parts are escaped
	Query          url.Values
	Body           any   // sent as JSON; nil: an empty body
	MaxAnswerBytes int64 // largest answer that is read, in bytes; 0: 1 MiB
}

// Answer is a partner's answer whose status is about the request itself: neither 401 or 403, nor one of a busy server.
type Answer struct {
	Status int
	Body   []byte
}

// OK reports whether the status is 2xx.
func (a Answer) OK() bool { return a.Status/100 == 2 }

// RefusedError returns a labs.RefusedError with the code http_<status>, for an error status without a reason that we
// understand.
func (a Answer) RefusedError() error {
	return &labs.RefusedError{Code: "http_" + strconv.Itoa(a.Status), Raw: a.Body}
}

// UnansweredError returns a labs.UnansweredError with the answer's body, for an answer that leaves the outcome open.
func (a Answer) UnansweredError(why error) error {
	return &labs.UnansweredError{Err: why, Raw: a.Body}
}

// Exchange waits for the account's turn and makes the call once. It returns an error of package labs if there is no
// answer, or if the status says nothing about the request itself, such as 401 or 503.
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

// transportError converts the error of a request that got no answer. Without a connection nothing was sent (BusyError);
// otherwise the request may have been received (UnansweredError).
func transportError(err error) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "dial" {
		return &labs.BusyError{Err: err}
	}
	return &labs.UnansweredError{Err: err}
}

// statusError returns the error for a status that says nothing about the request itself, and nil for any other status.
func statusError(resp *http.Response, now time.Time) error {
	switch status := resp.StatusCode; {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return &labs.UnauthorizedError{Status: status}
	case status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500:
		return &labs.BusyError{Status: status, RetryAfter: retryAfter(resp.Header.Get("Retry-After"), now)}
	}
	return nil
}

// retryAfter parses a Retry-After header, seconds or a date. It returns at most an hour, and 0 without a readable
// value.
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
	return a, nil // the caller decides by the status alone
}
