// Package apiclient calls the HTTP API of a running Aliquot, for the command line and the demonstration. Other programs
// use an SDK of the Junction API.
package apiclient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	keyHeader      = "x-vital-api-key"
	callTimeout    = time.Minute // a demand waits for the order's workflow
	maxAnswerBytes = 64 << 20    // bytes
)

// Client calls the API of one server with one API key. It is safe for concurrent use.
type Client struct {
	base string
	key  string
	http *http.Client
}

// New makes a client. The base URL has no path.
func New(baseURL, key string) *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return &Client{base: strings.TrimRight(baseURL, "/"), key: key,
		http: &http.Client{Transport: transport, Timeout: callTimeout}}
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// APIError is an answer whose status is not 2xx.
type APIError struct {
	Status int
	Detail json.RawMessage // the server's detail, usually a string; nil: none
}

// Error returns a text with the detail and the status.
func (e *APIError) Error() string {
	var text string
	switch {
	case len(e.Detail) == 0:
		text = http.StatusText(e.Status)
	case json.Unmarshal(e.Detail, &text) != nil:
		text = problemTexts(e.Detail)
	}
	return fmt.Sprintf("%s (status %d)", text, e.Status)
}

// problemTexts joins the messages of a list of validation problems. A detail of another form is returned as it is.
func problemTexts(detail json.RawMessage) string {
	var items []struct {
		Loc []any  `json:"loc"`
		Msg string `json:"msg"`
	}
	if json.Unmarshal(detail, &items) != nil || len(items) == 0 {
		return string(detail)
	}
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = item.Msg
		if len(item.Loc) > 1 {
			texts[i] = fmt.Sprintf("%v: %s", item.Loc[len(item.Loc)-1], item.Msg)
		}
	}
	return strings.Join(texts, "; ")
}

// UnreachableError means that there was no answer.
type UnreachableError struct {
	URL string
	Err error
}

func (e *UnreachableError) Error() string { return fmt.Sprintf("no answer from %s: %v", e.URL, e.Err) }

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// Call makes one request. The body is in, encoded as JSON, unless in is nil. The answer is decoded into out, unless out
// is nil. It returns *APIError for an error status and *UnreachableError without an answer.
func (c *Client) Call(ctx context.Context, method, path string, in, out any) error {
	request, err := c.newRequest(ctx, method, path, in)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return &UnreachableError{URL: c.base, Err: err}
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes))
	if err != nil {
		return &UnreachableError{URL: c.base, Err: err}
	}
	if response.StatusCode/100 != 2 {
		return newAPIError(response.StatusCode, answer)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("reading the answer to %s %s: %w", method, path, err)
	}
	return nil
}

func (c *Client) newRequest(ctx context.Context, method, path string, in any) (*http.Request, error) {
	var body io.Reader
	if in != nil {
		encoded, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encoding the request %s %s: %w", method, path, err)
		}
		body = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, fmt.Errorf("making the request %s %s: %w", method, path, err)
	}
	request.Header.Set(keyHeader, c.key)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

func newAPIError(status int, answer []byte) *APIError {
	var body struct {
		Detail json.RawMessage `json:"detail"`
	}
	_ = json.Unmarshal(answer, &body) // an answer that is not JSON has no detail
	return &APIError{Status: status, Detail: body.Detail}
}
