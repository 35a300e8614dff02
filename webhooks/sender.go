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
	maxResponseBytes    = 64 << 10 // of a response's body that are read
	maxExcerptBytes     = 1 << 10  // of a response's body that are returned
	maxResponseHeader   = 64 << 10 // bytes
)

// SenderOptions are the settings of a Sender. The zero value is ready for production.
type SenderOptions struct {
	Guard        *AddressGuard    // default: allows public addresses only
	Timeout      time.Duration    // of a whole exchange, from the name lookup to the end of the body; default: 15 s
	UserAgent    string           // default: Aliquot-Webhooks/1
	MaxIdleConns int              // to one host; default: 16
	RootCAs      *x509.CertPool   // trusted for receivers; default: those of the system
	Resolver     *net.Resolver    // default: the system's
	Now          func() time.Time // clock of signatures and of Retry-After dates; default: time.Now
}

// Sender posts webhook messages to endpoints. It is safe for concurrent use and reuses connections.
type Sender struct {
	guard     *AddressGuard
	timeout   time.Duration
	userAgent string
	now       func() time.Time
	client    *http.Client
	transport *http.Transport
}

// Attempt holds what one attempt sends: a webhook message, and where and how to send it.
type Attempt struct {
	URL       string
	MessageID string            // the same in every attempt of the message
	Body      []byte            // signed and sent unchanged
	Secrets   []string          // one signature for each; there are two after a rotation (SecretOverlap)
	Headers   map[string]string // the endpoint's custom headers; reserved and malformed ones are not sent
}

// NewSender returns a sender. Call Close when it is no longer used.
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
			// A redirect is a failure: following it would send the message to a URL that the client has not set up.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// newTransport returns a transport whose connections the guard checks. It uses no proxy, because the guard would then
// check the proxy's address instead of the receiver's. It does not decompress responses, so that a small response
// cannot become a large one.
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
		MaxResponseHeaderBytes: maxResponseHeader,
	}
}

// Close closes idle connections.
func (s *Sender) Close() { s.transport.CloseIdleConnections() }

// Timeout returns the longest duration of an attempt.
func (s *Sender) Timeout() time.Duration { return s.timeout }

// Post makes one attempt and returns its outcome. Errors are part of the outcome.
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
	withTimeout, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var inHandshake atomic.Bool
	req, failure := s.newRequest(trackHandshake(withTimeout, &inHandshake), a)
	if failure != FailureNone {
		return AttemptOutcome{Failure: failure}
	}
	resp, err := s.client.Do(req)
	switch {
	case err == nil:
		return s.readResponse(ctx, resp)
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

// newRequest returns the signed request of an attempt. The sender's own headers are set last, so that the endpoint's
// custom headers cannot replace them.
func (s *Sender) newRequest(ctx context.Context, a Attempt) (*http.Request, Failure) {
	signed, err := Sign(a.MessageID, s.now(), a.Body, a.Secrets...)
	if err != nil {
		return nil, FailureUnsigned
	}
	target, err := s.guard.NormalizeURL(a.URL)
	if err != nil {
		return nil, FailureBadURL
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(a.Body))
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

// allowTransportRetry lets the transport repeat the request when the receiver has closed a reused connection. The
// transport does that for requests with an Idempotency-Key header, and does not send a header without a value (see
// net/http.Transport). Receivers recognize repeated messages by their id.
func allowTransportRetry(h http.Header) {
	if _, custom := h["Idempotency-Key"]; !custom {
		h["Idempotency-Key"] = nil
	}
}

// readResponse returns the outcome that a response means. It reads the body, so that the connection can be reused, up
// to maxResponseBytes. The connection of a longer response is closed.
func (s *Sender) readResponse(ctx context.Context, resp *http.Response) AttemptOutcome {
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxResponseBytes))
	if ctx.Err() != nil {
		err = nil // reading was cancelled by the caller, so only the status counts
	}
	out := AttemptOutcome{
		Failure:    failureOfResponse(resp.StatusCode, err),
		StatusCode: resp.StatusCode,
		Gone:       resp.StatusCode == http.StatusGone,
		Excerpt:    bytes.Clone(body[:min(len(body), maxExcerptBytes)]),
	}
	if out.Failure != FailureNone {
		out.RetryAfter = parseRetryAfter(resp.Header, s.now())
	}
	return out
}

// trackHandshake sets inHandshake while a TLS handshake is under way, and leaves it set when the handshake fails. The
// transport's errors of failed handshakes have no common type.
func trackHandshake(ctx context.Context, inHandshake *atomic.Bool) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		TLSHandshakeStart: func() { inHandshake.Store(true) },
		TLSHandshakeDone:  func(_ tls.ConnectionState, err error) { inHandshake.Store(err != nil) },
	})
}
