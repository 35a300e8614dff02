package apicontract

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Transport is a round tripper that checks responses on paths with certain prefixes. A response that breaks the
// contract is returned as an error, so that the caller stops.
type Transport struct {
	Contract *Contract
	Prefixes []string          // such as "/v3/"; responses on other paths are not checked
	Base     http.RoundTripper // nil: http.DefaultTransport
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	res, err := base.RoundTrip(r)
	if err != nil || !t.covers(r.URL.EscapedPath()) {
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close() // it was read to its end, or reading failed
	if err != nil {
		return nil, fmt.Errorf("reading an answer: %w", err)
	}
	if err := t.Contract.CheckAnswer(r.Method, r.URL.EscapedPath(), res.StatusCode, res.Header, body); err != nil {
		return nil, fmt.Errorf("an answer breaks the contract: %w", err)
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

func (t *Transport) covers(path string) bool {
	for _, prefix := range t.Prefixes {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}
