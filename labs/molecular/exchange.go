package molecular

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

	"github.com/aliquot-labs/aliquot/labs"
)

const (
	maxAnswer     = 1 << 20 // bytes; an answer to PlaceOrder is some 200 bytes
	maxReport     = 32 << 20
	maxKept       = 64 << 10 // of an answer that is too large
	maxRetryAfter = time.Hour
)

var (
	errTooLarge   = errors.New("answer is too large")
	errUnreadable = errors.New("answer cannot be read")
	errOtherOrder = errors.New("answer is about another order")
)

// call is one request to MTL.
type call struct {
	method string
	path   string
	query  url.Values
	body   any   // sent as JSON; nil: none
	limit  int64 // bytes of the answer
}

// answer is what MTL said: any status but those that say nothing about the request.
type answer struct {
	status int
	body   []byte
}

func (a answer) ok() bool { return a.status/100 == 2 }

// refused is the error for an answer with an error status and no reason that we understand.
func (a answer) refused() error {
	return &labs.RefusedError{Code: "http_" + strconv.Itoa(a.status), Raw: a.body}
}

// unanswered is the error for an answer of which nothing can be concluded (D24).
func (a answer) unanswered(why error) error {
	return &labs.UnansweredError{Err: why, Raw: a.body}
}

// exchange waits for the call's turn and makes it, once.
func (c *Client) exchange(ctx context.Context, k call) (answer, error) {
	body, err := encode(k.body)
	if err != nil {
		return answer{}, err
	}
	if c.pace != nil {
		if err := c.pace(ctx); err != nil {
			return answer{}, fmt.Errorf("waiting for the turn of a lab call: %w", err)
		}
	}
	if err := ctx.Err(); err != nil {
		return answer{}, fmt.Errorf("before a lab call: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := c.request(ctx, k, body)
	if err != nil {
		return answer{}, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, noAnswer(err)
	}
	defer resp.Body.Close()
	if err := unavailable(resp, c.now()); err != nil {
		return answer{}, err
	}
	return read(resp, k.limit)
}

func encode(body any) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encoding a lab request: %w", err)
	}
	return encoded, nil
}

func (c *Client) request(ctx context.Context, k call, body []byte) (*http.Request, error) {
	target := c.base.JoinPath(k.path)
	target.RawQuery = k.query.Encode()
	req, err := http.NewRequestWithContext(ctx, k.method, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("making a lab request: %w", err)
	}
	// Sent as User and Token; header names are case-insensitive (D26).
	req.Header.Set("user", c.account.User)
	req.Header.Set("token", c.account.Token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "aliquot")
	return req, nil
}

// noAnswer sorts a request that ended without one. Where no connection was made, nothing was sent; anything else may have been.
func noAnswer(err error) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "dial" {
		return &labs.BusyError{Err: err}
	}
	return &labs.UnansweredError{Err: err}
}

// unavailable is the error for a status that says nothing about the request itself (D25); nil for any other.
func unavailable(resp *http.Response, now time.Time) error {
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

func read(resp *http.Response, limit int64) (answer, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	a := answer{status: resp.StatusCode, body: body}
	if int64(len(body)) > limit {
		a.body = body[:min(len(body), maxKept)]
		err = errTooLarge
	}
	if err == nil {
		return a, nil
	}
	if a.ok() {
		return answer{}, a.unanswered(err)
	}
	return a, nil // the status alone decides
}
