package devsystem

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/webhooks"
)

const sample = `{"event_type":"labtest.order.updated","data":{"id":"o1","sequence":3,
	"last_event":{"status":"received.testkit.ordered"}}}`

type testReceiver struct {
	*Receiver
	secret   string
	received []ReceivedWebhook
	log      bytes.Buffer
}

func newTestReceiver(t *testing.T) *testReceiver {
	t.Helper()
	secret, err := webhooks.NewSecret()
	require.NoError(t, err)
	i := &testReceiver{secret: secret}
	i.Receiver, err = NewReceiver(secret, func(w ReceivedWebhook) { i.received = append(i.received, w) },
		slog.New(slog.NewTextHandler(&i.log, nil)))
	require.NoError(t, err)
	return i
}

// post sends a body with a signature, like a webhook delivery.
func (i *testReceiver) post(t *testing.T, id, secret, body string, at time.Time) int {
	t.Helper()
	request := httptest.NewRequest(http.MethodPost, "/webhooks", strings.NewReader(body))
	headers, err := webhooks.Sign(id, at, []byte(body), secret)
	require.NoError(t, err)
	request.Header = headers
	return i.serve(request)
}

func (i *testReceiver) serve(r *http.Request) int {
	answer := httptest.NewRecorder()
	i.ServeHTTP(answer, r)
	return answer.Code
}

func TestGenuineWebhooksAreTakenOnce(t *testing.T) {
	t.Parallel()
	i := newTestReceiver(t)
	require.Equal(t, http.StatusOK, i.post(t, "m1", i.secret, sample, time.Now()))
	require.Equal(t, http.StatusOK, i.post(t, "m1", i.secret, sample, time.Now()), "a repeat is thanked for")
	require.Equal(t, http.StatusOK, i.post(t, "m2", i.secret, sample, time.Now()))
	require.Len(t, i.received, 2)
	taken := i.received[0]
	require.WithinDuration(t, time.Now(), taken.At, time.Minute)
	taken.At = time.Time{}
	require.Equal(t, ReceivedWebhook{MessageID: "m1", EventType: "labtest.order.updated", OrderID: "o1",
		Status: "received.testkit.ordered", Sequence: 3}, taken)
}

func TestOtherWebhooksAreRefused(t *testing.T) {
	t.Parallel()
	i := newTestReceiver(t)
	other, err := webhooks.NewSecret()
	require.NoError(t, err)
	require.Equal(t, http.StatusUnauthorized, i.post(t, "m1", other, sample, time.Now()), "another's signature")
	require.Equal(t, http.StatusUnauthorized, i.post(t, "m1", i.secret, sample, time.Now().Add(-time.Hour)), "an old one")
	require.Equal(t, http.StatusBadRequest, i.post(t, "m1", i.secret, "no JSON", time.Now()))
	require.Equal(t, http.StatusUnauthorized,
		i.serve(httptest.NewRequest(http.MethodPost, "/", strings.NewReader(sample))), "none")
	require.Equal(t, http.StatusMethodNotAllowed, i.serve(httptest.NewRequest(http.MethodGet, "/", nil)))

	tampered := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Replace(sample, "o1", "o2", 1)))
	tampered.Header, err = webhooks.Sign("m1", time.Now(), []byte(sample), i.secret)
	require.NoError(t, err)
	require.Equal(t, http.StatusUnauthorized, i.serve(tampered), "another body")
	require.Empty(t, i.received)
	require.Equal(t, http.StatusOK, i.post(t, "m1", i.secret, sample, time.Now()), "what was refused is not known as seen")
}

func TestRememberedIDsAreLimited(t *testing.T) {
	t.Parallel()
	i := newTestReceiver(t)
	for n := range maxRememberedIDs + 1 {
		i.passOnNew(ReceivedWebhook{MessageID: fmt.Sprint(n)})
	}
	require.Len(t, i.seenIDs, maxRememberedIDs)
	i.passOnNew(ReceivedWebhook{MessageID: fmt.Sprint(maxRememberedIDs)})
	require.Len(t, i.received, maxRememberedIDs+1, "the newest is known")
	i.passOnNew(ReceivedWebhook{MessageID: "0"})
	require.Len(t, i.received, maxRememberedIDs+2, "the oldest is forgotten")
}
