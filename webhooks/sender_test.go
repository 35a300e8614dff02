package webhooks_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/webhooks"
)

const loopback = "127.0.0.0/8"

// receivedRequest is one request that a receiver got.
type receivedRequest struct {
	method string
	header http.Header
	body   []byte
}

// newReceiver starts a receiver that reads each request and responds with h.
func newReceiver(t *testing.T, h http.HandlerFunc) (url string, deliveries <-chan receivedRequest) {
	t.Helper()
	got := make(chan receivedRequest, 16)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("receiver: %v", err)
		}
		got <- receivedRequest{r.Method, r.Header.Clone(), body}
		h(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, got
}

func newSender(t *testing.T, o webhooks.SenderOptions) *webhooks.Sender {
	t.Helper()
	if o.Guard == nil {
		o.Guard = newGuard(t, loopback)
	}
	s := webhooks.NewSender(o)
	t.Cleanup(s.Close)
	return s
}

func newAttempt(t *testing.T, url string) webhooks.Attempt {
	t.Helper()
	return webhooks.Attempt{URL: url, MessageID: "msg_1", Body: []byte(`{"event_type":"labtest.order.created"}`),
		Secrets: []string{newSecret(t)}}
}

func respondWith(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func TestPostDelivers(t *testing.T) {
	t.Parallel()
	for _, code := range []int{200, 201, 202, 204, 299} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			t.Parallel()
			url, deliveries := newReceiver(t, respondWith(code))
			a := newAttempt(t, url)

			out := newSender(t, webhooks.SenderOptions{}).Post(t.Context(), a)

			require.Positive(t, out.Duration)
			out.Duration = 0
			require.Equal(t, webhooks.AttemptOutcome{Delivered: true, StatusCode: code, Excerpt: []byte{}}, out)
			got := <-deliveries
			require.Equal(t, http.MethodPost, got.method)
			require.Equal(t, a.Body, got.body)
			require.Equal(t, "application/json", got.header.Get("Content-Type"))
			require.Equal(t, "Aliquot-Webhooks/1", got.header.Get("User-Agent"))
			require.Equal(t, "msg_1", got.header.Get("svix-id"))
			require.NotContains(t, got.header, "Idempotency-Key")
			for _, name := range []string{"Id", "Timestamp", "Signature"} {
				require.NotEmpty(t, got.header.Get("svix-"+name))
				require.Equal(t, got.header.Get("svix-"+name), got.header.Get("webhook-"+name))
			}
		})
	}
}

func TestPostVerifies(t *testing.T) {
	t.Parallel()
	url, deliveries := newReceiver(t, respondWith(200))
	fresh, old := newSecret(t), newSecret(t)
	a := newAttempt(t, url)
	a.Secrets = []string{fresh, old}

	require.True(t, newSender(t, webhooks.SenderOptions{}).Post(t.Context(), a).Delivered)
	got := <-deliveries
	require.NoError(t, verify(t, fresh, got.body, got.header))
	require.NoError(t, verify(t, old, got.body, got.header))
	require.ErrorIs(t, verify(t, newSecret(t), got.body, got.header), standardwebhooks.ErrNoMatchingSignature)
	for i := range got.body {
		changed := append([]byte(nil), got.body...)
		changed[i] ^= 1
		require.ErrorIs(t, verify(t, fresh, changed, got.header), standardwebhooks.ErrNoMatchingSignature, "byte %d", i)
	}
}

func TestPostSignsTheAttemptsTime(t *testing.T) {
	t.Parallel()
	for off, want := range map[time.Duration]error{
		-4 * time.Minute: nil,
		-6 * time.Minute: standardwebhooks.ErrMessageTooOld,
		6 * time.Minute:  standardwebhooks.ErrMessageTooNew,
	} {
		t.Run(off.String(), func(t *testing.T) {
			t.Parallel()
			url, deliveries := newReceiver(t, respondWith(200))
			a := newAttempt(t, url)
			at := time.Now().Add(off)
			s := newSender(t, webhooks.SenderOptions{Now: func() time.Time { return at }})
			require.True(t, s.Post(t.Context(), a).Delivered)
			got := <-deliveries
			require.Equal(t, strconv.FormatInt(at.Unix(), 10), got.header.Get("svix-timestamp"))
			err := verify(t, a.Secrets[0], got.body, got.header)
			if want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, want)
		})
	}
}

func TestPostCustomHeaders(t *testing.T) {
	t.Parallel()
	url, deliveries := newReceiver(t, respondWith(200))
	a := newAttempt(t, url)
	a.Headers = map[string]string{
		"Authorization": "Bearer t", "x-tenant": "one", "Idempotency-Key": "k",
		"svix-signature": "v1,forged", "Webhook-Signature": "v1,forged", "webhook-extra": "x", "Svix-Id": "forged",
		"content-type": "text/plain", "User-Agent": "forged", "Host": "forged", "Content-Length": "1",
		"X-Bad": "a\r\nInjected: yes", "Bad Name": "x",
	}

	require.True(t, newSender(t, webhooks.SenderOptions{UserAgent: "test/2"}).Post(t.Context(), a).Delivered)
	got := <-deliveries
	require.NoError(t, verify(t, a.Secrets[0], got.body, got.header))
	for name, want := range map[string]string{
		"Authorization": "Bearer t", "X-Tenant": "one", "Idempotency-Key": "k", "Svix-Id": "msg_1",
		"Content-Type": "application/json", "User-Agent": "test/2", "Content-Length": strconv.Itoa(len(a.Body)),
		"X-Bad": "", "Injected": "", "Webhook-Extra": "",
	} {
		require.Equal(t, want, got.header.Get(name), name)
	}
	require.Len(t, got.header["Svix-Signature"], 1)
	require.Len(t, got.header["Webhook-Signature"], 1)
}

func TestPostStatusFailures(t *testing.T) {
	t.Parallel()
	header := func(code int, name, value string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(name, value)
			w.WriteHeader(code)
		}
	}
	now := time.Date(2025, 3, 4, 5, 6, 7, 0, time.UTC)
	tests := map[string]struct {
		handler http.HandlerFunc
		want    webhooks.AttemptOutcome
	}{
		"400": {respondWith(400), webhooks.AttemptOutcome{Failure: webhooks.FailureStatus, StatusCode: 400}},
		"401": {respondWith(401), webhooks.AttemptOutcome{Failure: webhooks.FailureStatus, StatusCode: 401}},
		"500": {respondWith(500), webhooks.AttemptOutcome{Failure: webhooks.FailureStatus, StatusCode: 500}},
		"410": {respondWith(410), webhooks.AttemptOutcome{Failure: webhooks.FailureStatus, StatusCode: 410,
			Gone: true}},
		"304": {respondWith(304), webhooks.AttemptOutcome{Failure: webhooks.FailureRedirect, StatusCode: 304}},
		"429 seconds": {header(429, "Retry-After", "120"),
			webhooks.AttemptOutcome{Failure: webhooks.FailureStatus, StatusCode: 429, RetryAfter: 2 * time.Minute}},
		"503 date": {header(503, "Retry-After", "Tue, 04 Mar 2025 05:07:07 GMT"),
			webhooks.AttemptOutcome{Failure: webhooks.FailureStatus, StatusCode: 503, RetryAfter: time.Minute}},
		"429 date past": {header(429, "Retry-After", "Tue, 04 Mar 2025 05:00:00 GMT"),
			webhooks.AttemptOutcome{Failure: webhooks.FailureStatus, StatusCode: 429}},
		"429 nonsense": {header(429, "Retry-After", "soon"),
			webhooks.AttemptOutcome{Failure: webhooks.FailureStatus, StatusCode: 429}},
		"429 negative": {header(429, "Retry-After", "-5"),
			webhooks.AttemptOutcome{Failure: webhooks.FailureStatus, StatusCode: 429}},
		"429 too many seconds": {header(429, "Retry-After", "99999999999999999999"),
			webhooks.AttemptOutcome{Failure: webhooks.FailureStatus, StatusCode: 429, RetryAfter: 10 * time.Hour}},
		"429 date far ahead": {header(429, "Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT"),
			webhooks.AttemptOutcome{Failure: webhooks.FailureStatus, StatusCode: 429, RetryAfter: 10 * time.Hour}},
		"200 ignores it": {header(200, "Retry-After", "120"), webhooks.AttemptOutcome{Delivered: true, StatusCode: 200}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, _ := newReceiver(t, tt.handler)
			out := newSender(t, webhooks.SenderOptions{Now: func() time.Time { return now }}).Post(t.Context(),
				newAttempt(t, url))
			out.Duration, out.Excerpt = 0, nil
			require.Equal(t, tt.want, out)
		})
	}
}

func TestPostDoesNotFollowRedirects(t *testing.T) {
	t.Parallel()
	target, deliveries := newReceiver(t, respondWith(200))
	for _, code := range []int{301, 302, 303, 307, 308} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			t.Parallel()
			url, _ := newReceiver(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target, code) })
			out := newSender(t, webhooks.SenderOptions{}).Post(t.Context(), newAttempt(t, url))
			require.False(t, out.Delivered)
			require.Equal(t, webhooks.FailureRedirect, out.Failure)
			require.Equal(t, code, out.StatusCode)
			require.Empty(t, deliveries)
		})
	}
}

func TestPostUnsigned(t *testing.T) {
	t.Parallel()
	url, deliveries := newReceiver(t, respondWith(200))
	for name, spoil := range map[string]func(*webhooks.Attempt){
		"no secret":  func(a *webhooks.Attempt) { a.Secrets = nil },
		"bad secret": func(a *webhooks.Attempt) { a.Secrets = []string{"hunter2"} },
		"no id":      func(a *webhooks.Attempt) { a.MessageID = "" },
	} {
		a := newAttempt(t, url)
		spoil(&a)
		out := newSender(t, webhooks.SenderOptions{}).Post(t.Context(), a)
		require.Equal(t, webhooks.FailureUnsigned, out.Failure, name)
		require.False(t, out.Delivered, name)
	}
	require.Empty(t, deliveries)
}

func TestPostCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	url, _ := newReceiver(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	out := newSender(t, webhooks.SenderOptions{}).Post(ctx, newAttempt(t, url))
	require.Equal(t, webhooks.FailureCancelled, out.Failure)
	require.False(t, out.Delivered)
	require.Zero(t, out.StatusCode)
}

// A URL that was stored before URLs were normalized is requested in its normal form.
func TestPostNormalizesTheURL(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 1)
	url, _ := newReceiver(t, func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.Query().Get("clinic") })
	outcome := newSender(t, webhooks.SenderOptions{}).Post(t.Context(), newAttempt(t, " "+url+"/?clinic=Zoë Ann "))
	require.Equal(t, webhooks.FailureNone, outcome.Failure)
	require.Equal(t, "Zoë Ann", <-asked)
}
