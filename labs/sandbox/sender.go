package sandbox

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"
)

const (
	sendTimeout     = 10 * time.Second
	sendConcurrency = 32 // attempts at one time, over all orders
	maxAnswer       = 64 << 10
)

// message is a webhook ready to be sent.
type message struct {
	order     string
	id        string // neutral protocol only: the fact's identity
	kind      string
	url       string
	body      []byte
	authorize func(*http.Request)
}

// sender delivers webhooks as a well-behaved partner does: again after no answer or a 5xx, for a bounded time.
type sender struct {
	ctx      context.Context // ends when the server is closed
	client   *http.Client
	own      bool // the client is ours to close
	slots    chan struct{}
	interval time.Duration
	attempts int
	now      func() time.Time
	logger   *slog.Logger
	account  *ledger
}

func newSender(ctx context.Context, cfg Config, account *ledger) *sender {
	client := cfg.HTTPClient
	if client == nil {
		client = newClient()
	}
	return &sender{
		ctx: ctx, client: client, own: cfg.HTTPClient == nil, slots: make(chan struct{}, sendConcurrency),
		interval: cfg.RetryInterval, attempts: cfg.RetryAttempts, now: cfg.Now, logger: cfg.Logger, account: account,
	}
}

func newClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = sendConcurrency
	return &http.Client{
		Transport: transport,
		Timeout:   sendTimeout,
		// A redirected POST would become a GET without its body: better to see the 3xx in the account.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (s *sender) close() {
	if s.own {
		s.client.CloseIdleConnections()
	}
}

// deliver sends until there is an answer other than a 5xx, the attempts are used up or the context ends.
func (s *sender) deliver(ctx context.Context, m message) {
	for attempt := 1; attempt <= s.attempts && ctx.Err() == nil; attempt++ {
		status := s.attempt(m, attempt)
		if status != 0 && status < http.StatusInternalServerError {
			s.settled(m, status)
			return
		}
		if !wait(ctx, s.interval) {
			return
		}
	}
	s.logger.Warn("sandbox: webhook not delivered", "order", m.order, "kind", m.kind)
}

func (s *sender) settled(m message, status int) {
	if status >= http.StatusMultipleChoices {
		s.logger.Warn("sandbox: webhook refused", "order", m.order, "kind", m.kind, "status", status)
	}
}

// attempt sends once, books it and returns the status answered; 0: no answer. It ends early only when the server is closed.
func (s *sender) attempt(m message, number int) int {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-s.ctx.Done():
		return 0
	}
	at := s.now().UTC()
	status := s.post(m)
	s.account.sent(Webhook{OrderNumber: m.order, ID: m.id, Type: m.kind, Body: m.body, Attempt: number, At: at, Status: status})
	return status
}

func (s *sender) post(m message) int {
	request, err := http.NewRequestWithContext(s.ctx, http.MethodPost, m.url, bytes.NewReader(m.body))
	if err != nil {
		s.logger.Error("sandbox: webhook request not made", "order", m.order, "kind", m.kind, "error", err)
		return 0
	}
	request.Header.Set("Content-Type", "application/json")
	m.authorize(request)
	response, err := s.client.Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	// Read so that the connection can be used again.
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer))
	return response.StatusCode
}
