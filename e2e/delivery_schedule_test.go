package e2e

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/aliquot-labs/aliquot/activities"
	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/testids"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/webhooks"
	"github.com/aliquot-labs/aliquot/worker"
)

// timeSkippingSystem is one endpoint's delivery workflow with its real activities, store and receiver in Temporal's
// test environment, which skips the time that the workflow sleeps.
type timeSkippingSystem struct {
	*system
	env    *testsuite.TestWorkflowEnvironment
	nudges *recordedNudges
}

// recordedNudges replaces the dispatcher and records the nudged endpoints.
type recordedNudges struct {
	mu  sync.Mutex
	ids []string
}

func (n *recordedNudges) StartOrder(context.Context, string) error          { return nil }
func (n *recordedNudges) EnsureOrder(context.Context, string) (bool, error) { return false, nil }
func (n *recordedNudges) RunningOrders(context.Context, []string) (map[string]bool, error) {
	return nil, nil
}
func (n *recordedNudges) WakeOrder(context.Context, string, dispatch.Wake) error { return nil }
func (n *recordedNudges) NudgeDeliveries(_ context.Context, id string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ids = append(n.ids, id)
	return nil
}

const skipTimeout = 2 * time.Second // instead of 15 s

func newTimeSkippingSystem(t *testing.T, o options) *timeSkippingSystem {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	s := &timeSkippingSystem{env: suite.NewTestWorkflowEnvironment(), nudges: &recordedNudges{}}
	s.env.SetStartTime(time.Now())
	s.env.SetTestTimeout(2 * time.Minute)
	o.workers = noWorkers
	s.system = newSystem(t, o)
	guard, err := webhooks.NewAddressGuard("127.0.0.0/8")
	require.NoError(t, err)
	sender := webhooks.NewSender(webhooks.SenderOptions{Guard: guard, Timeout: skipTimeout})
	t.Cleanup(sender.Close)
	worker.RegisterDeliveries(s.env, &activities.Activities{
		Store: s.store, Dispatch: s.nudges, Sender: sender, Metrics: activities.NewMetrics(prometheus.NewRegistry()),
		Log: s.log(),
		Now: s.env.Now, Linger: 50 * time.Millisecond,
	})
	return s
}

// deliver enqueues one message and runs the workflow until the message is delivered or given up.
func (s *timeSkippingSystem) deliver(url string) (endpoint string, m store.WebhookMessageLog) {
	s.t.Helper()
	endpoint = s.addEndpoints(url, 1)[0]
	message := s.insertDueMessages([]string{endpoint}, 1, s.env.Now())[0]
	s.env.ExecuteWorkflow(dispatch.WorkflowDeliveries, dispatch.DeliveriesInput{EndpointID: endpoint})
	require.True(s.t, s.env.IsWorkflowCompleted())
	require.NoError(s.t, s.env.GetWorkflowError())
	m, err := s.store.WebhookMessage(context.Background(), message)
	require.NoError(s.t, err)
	return endpoint, m
}

// responseScript answers the first requests with its steps, and all others with 204.
type responseScript []http.HandlerFunc

func (s responseScript) serve(t *testing.T) (url string, asked *atomic.Int32) {
	t.Helper()
	asked = &atomic.Int32{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if n := int(asked.Add(1)); n <= len(s) {
			s[n-1](w, r)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(server.Close)
	return server.URL, asked
}

func responsesAlways(h http.HandlerFunc) responseScript {
	var s responseScript
	for range 20 {
		s = append(s, h)
	}
	return s
}

func answerWith(code int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		_, _ = w.Write([]byte("the answer"))
	}
}

// neverAnswer sends nothing until the caller closes the connection.
func neverAnswer(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func answerSlowly(w http.ResponseWriter, r *http.Request) {
	select {
	case <-time.After(skipTimeout / 4):
		answerWith(http.StatusOK)(w, r)
	case <-r.Context().Done():
	}
}

func answerWithSlowBody(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
	neverAnswer(w, r)
}

func resetConnection(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	conn.Close()
}

func TestAScriptedReceiverIsDeliveredToAsSpecified(t *testing.T) {
	t.Parallel()
	const eight = 8
	for name, tt := range map[string]struct {
		script   responseScript
		state    string
		attempts int
		status   int              // of the first attempt
		failure  webhooks.Failure // of the first attempt
	}{
		"200":        {responseScript{answerWith(200)}, store.DeliveryDelivered, 1, 200, ""},
		"500 once":   {responseScript{answerWith(500)}, store.DeliveryDelivered, 2, 500, webhooks.FailureStatus},
		"500 always": {responsesAlways(answerWith(500)), store.DeliveryExhausted, eight, 500, webhooks.FailureStatus},
		"410":        {responsesAlways(answerWith(410)), store.DeliveryCancelled, 1, 410, webhooks.FailureStatus},
		"429": {responseScript{answerWith(429, "Retry-After", "3600")}, store.DeliveryDelivered, 2, 429,
			webhooks.FailureStatus},
		"redirect": {responseScript{answerWith(302, "Location", "http://127.0.0.1:1/elsewhere")}, store.DeliveryDelivered,
			2, 302, webhooks.FailureRedirect},
		"slow": {responseScript{answerSlowly}, store.DeliveryDelivered, 1, 200, ""},
		"hanging": {responseScript{neverAnswer, neverAnswer, neverAnswer}, store.DeliveryDelivered, 4, 0,
			webhooks.FailureTimeout},
		"slow body": {responseScript{answerWithSlowBody}, store.DeliveryDelivered, 2, 200, webhooks.FailureTimeout},
		"reset": {responseScript{resetConnection, resetConnection}, store.DeliveryDelivered, 3, 0,
			webhooks.FailureConnect},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTimeSkippingSystem(t, options{})
			url, asked := tt.script.serve(t)
			_, m := s.deliver(url)
			d := m.Deliveries[0]
			require.Equal(t, tt.state, d.State)
			require.Len(t, d.Attempts, tt.attempts)
			require.Equal(t, tt.status, d.Attempts[0].StatusCode)
			require.Equal(t, string(tt.failure), d.Attempts[0].Failure)
			require.GreaterOrEqual(t, int(asked.Load()), tt.attempts)
			require.Empty(t, attemptsOffSchedule(d.Attempts))
			if tt.status >= 200 && name != "slow body" {
				require.Equal(t, "the answer", string(d.Attempts[0].Excerpt))
			}
			if name == "429" {
				require.GreaterOrEqual(t, d.Attempts[1].At.Sub(d.Attempts[0].At), time.Hour)
			}
		})
	}
}

// attemptsOffSchedule lists the attempts that differ from the schedule of client-api#delivery. The times are counted
// from the end of the attempt before.
func attemptsOffSchedule(attempts []store.AttemptLog) []string {
	var out []string
	for i := 1; i < len(attempts); i++ {
		before := attempts[i-1]
		wait, want := attempts[i].At.Sub(before.At.Add(before.Duration)), webhooks.RetrySchedule()[i]
		if late := wait - want - want/10; wait < want || late > 5*time.Second &&
			before.StatusCode != http.StatusTooManyRequests {
			out = append(out, "attempt "+strconv.Itoa(i+1)+" was made after "+wait.String()+", not "+want.String())
		}
	}
	return out
}

// TestAttemptsOffTheScheduleAreFound is the control: attempts that are too early or too late are found.
func TestAttemptsOffTheScheduleAreFound(t *testing.T) {
	t.Parallel()
	at := time.Now()
	for wait, found := range map[time.Duration]bool{
		4 * time.Second: true, 5 * time.Second: false, 5500 * time.Millisecond: false, 11 * time.Second: true,
	} {
		attempts := []store.AttemptLog{{At: at, Duration: time.Second}, {At: at.Add(time.Second + wait)}}
		require.Equal(t, found, len(attemptsOffSchedule(attempts)) > 0, "%s", wait)
	}
}

// TestAHugeAnswerIsNotRead shows that the connection is closed when a receiver sends an endless response.
func TestAHugeAnswerIsNotRead(t *testing.T) {
	t.Parallel()
	s := newTimeSkippingSystem(t, options{})
	var sent atomic.Int64
	url, _ := responseScript{func(w http.ResponseWriter, r *http.Request) {
		chunk := []byte(strings.Repeat("x", 64<<10))
		for sent.Load() < 64<<20 && r.Context().Err() == nil {
			n, err := w.Write(chunk)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}}.serve(t)
	_, m := s.deliver(url)
	require.Equal(t, store.DeliveryDelivered, m.Deliveries[0].State)
	require.Len(t, m.Deliveries[0].Attempts[0].Excerpt, 1<<10)
	require.Less(t, sent.Load(), int64(16<<20), "what the sockets hold, and no more")
}

func TestAReceiverWithABadCertificateGetsNothing(t *testing.T) {
	t.Parallel()
	s := newTimeSkippingSystem(t, options{})
	var asked atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	_, m := s.deliver(server.URL)
	require.Equal(t, store.DeliveryExhausted, m.Deliveries[0].State)
	require.Len(t, m.Deliveries[0].Attempts, 8)
	require.Equal(t, string(webhooks.FailureTLS), m.Deliveries[0].Attempts[0].Failure)
	require.Zero(t, asked.Load())
}

// TestExhaustionAndDisablingAreReported shows that the team's operational endpoints get webhooks about messages that
// were given up and endpoints that were disabled.
func TestExhaustionAndDisablingAreReported(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		for status, want := range map[int]string{500: webhooks.AttemptExhausted, 410: webhooks.EndpointDisabled} {
			s := newTimeSkippingSystem(t, o)
			operational := store.Endpoint{
				ID: testids.Of("operational"), TeamID: s.teamID, URL: "http://127.0.0.1:9", Secret: mustSecret(t),
				FilterTypes: []string{webhooks.AttemptExhausted, webhooks.EndpointDisabled},
			}
			require.NoError(t, s.store.CreateEndpoint(t.Context(), operational))
			url, _ := responsesAlways(answerWith(status)).serve(t)
			endpoint, m := s.deliver(url)
			require.Equal(t, []string{operational.ID}, s.nudges.ids)
			page, err := s.store.WebhookMessages(t.Context(), store.WebhookMessageQuery{EndpointID: operational.ID})
			require.NoError(t, err)
			require.Len(t, page.Messages, 1)
			require.Equal(t, want, page.Messages[0].EventType)
			notice, err := s.store.WebhookMessage(t.Context(), page.Messages[0].ID)
			require.NoError(t, err)
			require.Contains(t, string(notice.Body), endpoint)
			e, err := s.store.Endpoint(t.Context(), endpoint)
			require.NoError(t, err)
			require.Equal(t, status == 410, e.Disabled)
			if status == 500 {
				attempts := m.Deliveries[0].Attempts
				require.Contains(t, string(notice.Body), attempts[len(attempts)-1].ID)
			}
		}
	})
}

func mustSecret(t *testing.T) string {
	t.Helper()
	secret, err := webhooks.NewSecret()
	require.NoError(t, err)
	return secret
}
