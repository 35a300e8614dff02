package webhooks

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/aliquot-labs/aliquot/internal/tracing"
)

const (
	defaultTimeout      = 15 * time.Second // client-api#delivery
	defaultMaxIdleConns = 16
	defaultUserAgent    = "Aliquot-Webhooks/1"
	maxAnswerBytes      = 64 << 10 // bytes of an answer's body that are read
	maxExcerptBytes     = 1 << 10  // bytes of it that are kept
	maxAnswerHeader     = 64 << 10
)

// SenderOptions are the settings of a Sender. The zero value is ready for production.
type SenderOptions struct {
	Guard        *AddressGuard    // Defaults to one that allows public addresses only
	Timeout      time.Duration    // of a whole exchange, from name to body. Defaults to 15 s
	UserAgent    string           // Defaults to Aliquot-Webhooks/1
	MaxIdleConns int              // most idle connections to one receiver. Defaults to 16
	RootCAs      *x509.CertPool   // authorities trusted for receivers. Defaults to the system's
	Resolver     *net.Resolver    // Defaults to the system's
	Now          func() time.Time // the clock of signatures. Defaults to time.Now
}

// Sender posts messages to endpoints, one attempt at a time. It is safe for concurrent use and
// keeps connections open between attempts.
type Sender struct {
	guard     *AddressGuard
	timeout   time.Duration
	userAgent string
	now       func() time.Time
	client    *http.Client
	transport *http.Transport
}

// Attempt is one message on its way to one endpoint.
type Attempt struct {
	URL       string
	MessageID string            // the same in every attempt of the message
	Body      []byte            // sent exactly as signed
	Secrets   []string          // one signature for each: several while one is being rotated
	Headers   map[string]string // the endpoint's custom headers; reserved ones are left out
}

// NewSender makes a sender. Close it when it is no longer used.
func NewSender(o SenderOptions) *Sender {
	if o.Guard == nil {
		o.Guard = &AddressGuard{}
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.MaxIdleConns <= 0 {
		o.MaxIdleConns = defaultMaxIdleConns
	}
	if o.UserAgent == "" {
		o.UserAgent = defaultUserAgent
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	transport := newTransport(o)
	return &Sender{
		guard:     o.Guard,
		timeout:   o.Timeout,
		userAgent: o.UserAgent,
		now:       o.Now,
		transport: transport,
		client: &http.Client{
			Transport: transport,
			// A redirect is a failure: following it would send the message where nobody asked for it.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// newTransport has no proxy on purpose: through one, the guard would judge the proxy's address
// instead of the receiver's. Answers are not decompressed, so a small one stays small.
func newTransport(o SenderOptions) *http.Transport {
	dialer := &net.Dialer{Resolver: o.Resolver, ControlContext: o.Guard.Control}
	return &http.Transport{
		Proxy:                  nil,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs},
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConns:           1024,
		MaxIdleConnsPerHost:    o.MaxIdleConns,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: maxAnswerHeader,
	}
}

// Close gives up idle connections.
func (s *Sender) Close() { s.transport.CloseIdleConnections() }

// Post makes one attempt. It never returns an error: whatever happens is the attempt's outcome.
func (s *Sender) Post(ctx context.Context, a Attempt) AttemptOutcome {
	start := time.Now()
	out := s.post(ctx, a)
	out.Delivered = out.Failure == FailureNone
	out.Duration = time.Since(start)
	return out
}

func (s *Sender) post(ctx context.Context, a Attempt) AttemptOutcome {
	if failure := s.failureOfURL(a.URL); failure != FailureNone {
		return AttemptOutcome{Failure: failure}
	}
	within, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var inHandshake atomic.Bool
	req, failure := s.newRequest(trackHandshake(within, &inHandshake), a)
	if failure != FailureNone {
		return AttemptOutcome{Failure: failure}
	}
	resp, err := s.client.Do(req)
	switch {
	case err == nil:
		return s.readAnswer(ctx, resp)
	case ctx.Err() != nil:
		return AttemptOutcome{Failure: FailureCancelled}
	default:
		return AttemptOutcome{Failure: failureOfError(err, inHandshake.Load())}
	}
}

func (s *Sender) failureOfURL(raw string) Failure {
	err := s.guard.CheckURL(raw)
	var refused *RefusedAddressError
	switch {
	case err == nil:
		return FailureNone
	case errors.As(err, &refused):
		return FailureRefusedAddress
	default:
		return FailureBadURL
	}
}

// newRequest signs and addresses the message. Our headers are set last, so that none of the endpoint's
// can take their place.
func (s *Sender) newRequest(ctx context.Context, a Attempt) (*http.Request, Failure) {
	signed, err := Sign(a.MessageID, s.now(), a.Body, a.Secrets...)
	if err != nil {
		return nil, FailureUnsigned
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URL, bytes.NewReader(a.Body))
	if err != nil {
		return nil, FailureBadURL
	}
	setCustomHeaders(req.Header, a.Headers)
	for name, values := range signed {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", s.userAgent)
	if trace := tracing.ParentHeader(ctx); trace != "" {
		req.Header.Set("Traceparent", trace)
	}
	allowTransportRetry(req.Header)
	return req, FailureNone
}

// allowTransportRetry lets the transport send the request again when a kept connection turns out to
// have been closed by the receiver. Receivers know repeats by the message id. A header without a
// value is not sent (net/http.Transport).
func allowTransportRetry(h http.Header) {
	if _, custom := h["Idempotency-Key"]; !custom {
		h["Idempotency-Key"] = nil
	}
}

// readAnswer takes what is kept of the answer. The body is read so that the connection can be used again,
// but no further than maxRead; closing a longer one closes its connection.
func (s *Sender) readAnswer(ctx context.Context, resp *http.Response) AttemptOutcome {
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes))
	if ctx.Err() != nil {
		err = nil // we stopped reading, so the status is all there is to judge
	}
	out := AttemptOutcome{
		Failure:    failureOfAnswer(resp.StatusCode, err),
		StatusCode: resp.StatusCode,
		Gone:       resp.StatusCode == http.StatusGone,
		Excerpt:    bytes.Clone(body[:min(len(body), maxExcerptBytes)]),
	}
	if out.Failure != FailureNone {
		out.RetryAfter = parseRetryAfter(resp.Header, s.now())
	}
	return out
}

// trackHandshake notes whether the exchange is in the middle of a TLS handshake, or failed in one.
// The transport's errors for that have no common type.
func trackHandshake(ctx context.Context, inHandshake *atomic.Bool) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		TLSHandshakeStart: func() { inHandshake.Store(true) },
		TLSHandshakeDone:  func(_ tls.ConnectionState, err error) { inHandshake.Store(err != nil) },
	})
}
