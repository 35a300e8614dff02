package devsystem

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fakeAPI is a server for the demonstration's calls.
type fakeAPI struct {
	userStatus int
	user       string
	placed     map[string]any
}

func (c *fakeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/v2/user":
		w.WriteHeader(c.userStatus)
		_, _ = w.Write([]byte(c.user))
	case r.Method == http.MethodPost && r.URL.Path == "/v3/order":
		_ = json.NewDecoder(r.Body).Decode(&c.placed)
		_, _ = w.Write([]byte(`{"order":{"id":"o1"}}`))
	case r.URL.Path == "/v3/order/o1/result":
		_, _ = w.Write([]byte(`{"metadata":{"status":"final"},"results":[
			{"name":"HDL Cholesterol","result":"56","unit":"mg/dL","reference_range":"40-100","interpretation":"normal"},
			{"name":"Chlamydia trachomatis","result":"Not Detected","unit":null,"reference_range":null,
			"interpretation":"normal"}]}`))
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// runTestDemo runs a demonstration with a fake API, with webhooks about these orders and statuses.
func runTestDemo(t *testing.T, c *fakeAPI, speed string, webhooks ...ReceivedWebhook) (shown string, err error) {
	t.Helper()
	server := httptest.NewServer(c)
	defer server.Close()
	var out bytes.Buffer
	s := &system{options: Options{Speed: speed}, screen: &terminal{out: &out},
		addresses: addresses{api: strings.TrimPrefix(server.URL, "http://")}}
	received := make(chan ReceivedWebhook, len(webhooks))
	for _, w := range webhooks {
		received <- w
	}
	_, err = s.runDemo(t.Context(), received)
	return out.String(), err
}

func TestDemonstration(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)
	c := &fakeAPI{userStatus: http.StatusOK, user: `{"user_id":"u1"}`}
	shown, err := runTestDemo(t, c, "86400",
		ReceivedWebhook{OrderID: "o1", Status: "received.testkit.ordered", Sequence: 1, At: at},
		ReceivedWebhook{OrderID: "another", Status: "failed.testkit.lost", Sequence: 9, At: at},
		ReceivedWebhook{OrderID: "o1", Status: "completed.testkit.completed", Sequence: 2, At: at})
	require.NoError(t, err)
	require.Equal(t, "u1", c.placed["user_id"])
	require.Contains(t, shown, "play ten days in 10.0 s.")
	require.Contains(t, shown, "  03:04:05  received.testkit.ordered                             webhook 1 verified\n")
	require.NotContains(t, shown, "failed", "another order's webhooks are not shown")
	require.Regexp(t, `HDL Cholesterol +56 mg/dL +40-100 +normal\n  Chlamydia trachomatis +Not Detected +normal\n`, shown)
	require.Contains(t, shown, ": 2 webhooks, each with a valid signature.")
}

func TestTheLastWebhookMayOvertakeOthers(t *testing.T) {
	t.Parallel()
	c := &fakeAPI{userStatus: http.StatusOK, user: `{"user_id":"u1"}`}
	shown, err := runTestDemo(t, c, "max",
		ReceivedWebhook{OrderID: "o1", Status: "completed.testkit.completed", Sequence: 2},
		ReceivedWebhook{OrderID: "o1", Status: "received.testkit.ordered", Sequence: 1})
	require.NoError(t, err)
	require.Contains(t, shown, "received.testkit.ordered")
	require.Contains(t, shown, ": 2 webhooks")
}

func TestDemonstrationOfAnEarlierUser(t *testing.T) {
	t.Parallel()
	c := &fakeAPI{userStatus: http.StatusBadRequest, user: `{"detail":{"error_type":"INVALID_REQUEST","user_id":"u0"}}`}
	_, err := runTestDemo(t, c, "max", ReceivedWebhook{OrderID: "o1", Status: "completed.testkit.completed"})
	require.NoError(t, err)
	require.Equal(t, "u0", c.placed["user_id"])
}

func TestFailedDemonstrations(t *testing.T) {
	t.Parallel()
	good := fakeAPI{userStatus: http.StatusOK, user: `{"user_id":"u1"}`}
	tests := map[string]struct {
		testTeam fakeAPI
		speed    string
		webhook  ReceivedWebhook
		want     string
	}{
		"no user": {fakeAPI{userStatus: http.StatusBadRequest, user: `{"detail":"no"}`}, "max", ReceivedWebhook{},
			"creating a user"},
		"too slow": {good, "1", ReceivedWebhook{}, "at this speed it would take 240h0m0s, so no order was placed"},
		"lost kits": {good, "max", ReceivedWebhook{OrderID: "o1", Status: "failed.testkit.lost"},
			"it ended in failed.testkit.lost"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := runTestDemo(t, &test.testTeam, test.speed, test.webhook)
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestADemonstrationEndsWithTheSystem(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := &system{screen: &terminal{out: &bytes.Buffer{}}}
	cancel()
	_, _, err := s.followOrder(ctx, "o1", nil)
	require.ErrorIs(t, err, context.Canceled)
}

func TestOverview(t *testing.T) {
	t.Parallel()
	s := &system{options: Options{Data: "elsewhere"},
		addresses: addresses{api: "127.0.0.1:8080", temporalUI: "127.0.0.1:8233", lab: "127.0.0.1:8090"}}
	with := s.overview("o1")
	for _, line := range []string{
		"http://127.0.0.1:8080/docs", "http://127.0.0.1:8233/namespaces/default/workflows/order-o1",
		"bin/aliquot order story o1 --data elsewhere", "http://127.0.0.1:8080/ops/orders/o1/story", ". elsewhere/dev.env",
	} {
		require.Contains(t, with, line)
	}
	require.NotContains(t, s.overview(""), "order-")
	s.options.Data = DefaultData
	require.NotContains(t, s.overview("o1"), "--data")
}
