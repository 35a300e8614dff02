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

	"github.com/aliquot-labs/aliquot/internal/bodytext"
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

// Call is one HTTP request to a partner.
type Call struct {
	Method         string
	Path           string // below the account's base URL; variable parts are escaped
	Query          url.Values
	Body           any   // sent as JSON; nil: an empty body
	MaxAnswerBytes int64 // largest answer that is read, in bytes; 0: 1 MiB
}

// Answer is a partner's answer whose status does not say by itself that the call has to be repeated, as 401, 403 and
// those of a busy server do. Somebody between us and the partner may have written it, such as a gateway.
type Answer struct {
	Status int
	// Body is the answer as UTF-8, without content coding and byte order mark. It is empty if a coding cannot be read.
	Body []byte
	// Raw is the answer as it is kept: Body, or the bytes as received if their coding or character set had to be guessed.
	Raw []byte
}

// OK reports whether the status is 2xx.
func (a Answer) OK() bool { return a.Status/100 == 2 }

// UnansweredError returns a labs.UnansweredError with the answer's status and body, for an answer that leaves the
// outcome open.
func (a Answer) UnansweredError(why error) error {
	return &labs.UnansweredError{Err: why, Status: a.Status, Raw: a.Raw}
}

// UnreadableError returns the error of an answer that is not in the partner's protocol. A gateway, a proxy or a default
// page may have sent it, so it says nothing about the request, whatever its status.
func (a Answer) UnreadableError() error { return a.UnansweredError(ErrUnreadable) }

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
	req.Header.Set("Accept-Encoding", "gzip") // set here so that readAnswer, with its limits, decodes all codings
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

// readAnswer reads an answer of at most limit bytes, compressed and decoded. If it is too large, is cut off or has a
// coding that cannot be read, an error status is returned without a readable body, and a success is an error.
func readAnswer(resp *http.Response, limit int64) (Answer, error) {
	received, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	a := Answer{Status: resp.StatusCode, Raw: received}
	if err == nil {
		err = decodeBody(&a, resp.Header, limit)
	}
	if err == nil {
		return a, nil
	}
	if errors.Is(err, bodytext.ErrTooLarge) {
		a.Raw = received[:min(len(received), maxQuotedAnswer)]
	}
	if a.OK() {
		return Answer{Status: a.Status}, a.UnansweredError(err)
	}
	return a, nil
}

// decodeBody sets an answer's Body, and Raw if nothing had to be guessed.
func decodeBody(a *Answer, h http.Header, limit int64) error {
	text, plain, err := bodytext.DecodeBody(h, a.Raw, limit)
	if err != nil {
		return err
	}
	a.Body, a.Raw = text.UTF8, plain
	if !text.Guessed {
		a.Raw = text.UTF8
	}
	return nil
}
