package simlab

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
	maxAnswerBytes  = 64 << 10
)

// webhookMessage is a webhook that can be sent.
type webhookMessage struct {
	order     string
	id        string // neutral protocol only: the fact's id
	kind      string
	url       string
	body      []byte
	authorize func(*http.Request)
}

// webhookSender sends webhooks. It repeats a webhook a bounded number of times if there is no answer or a 5xx.
type webhookSender struct {
	ctx        context.Context // ends when the server is closed
	client     *http.Client
	ownsClient bool // the client was made here and is closed here
	limiter    chan struct{}
	interval   time.Duration
	attempts   int
	now        func() time.Time
	logger     *slog.Logger
	traffic    *trafficLog
}

func newSender(ctx context.Context, cfg Config, traffic *trafficLog) *webhookSender {
	client := cfg.HTTPClient
	if client == nil {
		client = newClient()
	}
	return &webhookSender{
		ctx: ctx, client: client, ownsClient: cfg.HTTPClient == nil, limiter: make(chan struct{}, sendConcurrency),
		interval: cfg.RetryInterval, attempts: cfg.RetryAttempts, now: cfg.Now, logger: cfg.Logger, traffic: traffic,
	}
}

func newClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = sendConcurrency
	return &http.Client{
		Transport: transport,
		Timeout:   sendTimeout,
		// A redirected POST would become a GET without its body, so the 3xx is recorded as the answer.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (s *webhookSender) close() {
	if s.ownsClient {
		s.client.CloseIdleConnections()
	}
}

// deliver sends the webhook until the answer is not a 5xx, the attempts are used up or the context ends.
func (s *webhookSender) deliver(ctx context.Context, m webhookMessage) {
	if ctx.Err() != nil {
		return
	}
	status := s.send(ctx, m, true)
	switch {
	case ctx.Err() != nil:
	case isTaken(status):
		s.logRefusal(m, status)
	default:
		s.logger.Warn("simulated lab: webhook not delivered", "order", m.order, "kind", m.kind)
	}
}

// send sends the webhook and returns the status of the last answer; 0: no answer. With repeat it makes further attempts
// as deliver does.
func (s *webhookSender) send(ctx context.Context, m webhookMessage, repeat bool) (status int) {
	for attempt := 1; ; attempt++ {
		status = s.sendOnce(m, attempt)
		if isTaken(status) || !repeat || attempt >= s.attempts || !sleep(ctx, s.interval) {
			return status
		}
	}
}

// isTaken reports whether an answer with this status ends the attempts.
func isTaken(status int) bool { return status != 0 && status < http.StatusInternalServerError }

// logRefusal logs the answer if it is neither a success nor a failure that is repeated.
func (s *webhookSender) logRefusal(m webhookMessage, status int) {
	if status >= http.StatusMultipleChoices {
		s.logger.Warn("simulated lab: webhook refused", "order", m.order, "kind", m.kind, "status", status)
	}
}

// sendOnce makes one attempt, records it in the traffic log and returns the status of the answer; 0: no answer. It ends
// early only if the server is closed.
func (s *webhookSender) sendOnce(m webhookMessage, number int) int {
	select {
	case s.limiter <- struct{}{}:
		defer func() { <-s.limiter }()
	case <-s.ctx.Done():
		return 0
	}
	at := s.now().UTC()
	status := s.post(m)
	s.traffic.addAttempt(WebhookAttempt{OrderNumber: m.order, ID: m.id, Type: m.kind, Body: m.body, Attempt: number,
		At: at, Status: status})
	return status
}

func (s *webhookSender) post(m webhookMessage) int {
	request, err := http.NewRequestWithContext(s.ctx, http.MethodPost, m.url, bytes.NewReader(m.body))
	if err != nil {
		s.logger.Error("simulated lab: webhook request not created", "order", m.order, "kind", m.kind, "error", err)
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
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswerBytes))
	return response.StatusCode
}
