package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
)

func TestUnknownRoutesAndMethods(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, tt := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, "/v3/unicorns", http.StatusNotFound},
		{http.MethodGet, "/v3/order/", http.StatusNotFound},
		{http.MethodDelete, "/v3/order", http.StatusMethodNotAllowed},
		{http.MethodPut, "/v3/orders", http.StatusMethodNotAllowed},
		{http.MethodPost, "/healthz", http.StatusMethodNotAllowed},
	} {
		r := f.sendWithKey(tt.method, tt.path, f.key, nil)
		require.Equal(t, tt.status, r.status, tt.path)
		require.NotEmpty(t, r.detail(t), tt.path)
		require.Empty(t, r.header.Get("Location"))
	}
}

func TestOversizeBody(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(d *api.Deps) { d.MaxBody = 2000 })
	r := f.sendWithKey(http.MethodPost, "/v3/order", f.key,
		f.orderBody(map[string]any{"passthrough": strings.Repeat("x", 2000)}))
	require.Equal(t, http.StatusRequestEntityTooLarge, r.status)
	require.Equal(t, "Request body is too large", r.detail(t))
	require.Zero(t, f.countOrders())
	f.createOrder(nil)
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	require.Equal(t, "abc-1", f.sendWithKey(http.MethodGet, "/healthz", "", nil, "X-Request-Id",
		"abc-1").header.Get("X-Request-Id"))
	for _, bad := range []string{"", "a b", strings.Repeat("x", 65), "Ann Lee"} {
		id := f.sendWithKey(http.MethodGet, "/healthz", "", nil, "X-Request-Id", bad).header.Get("X-Request-Id")
		require.NotEmpty(t, id)
		require.NotEqual(t, bad, id)
	}
}

// panicking are workflows whose StartOrder panics.
type panicking struct{ *fakeWorkflows }

func (panicking) StartOrder(context.Context, string) error { panic("Ann Lee, born 1990-01-01") }

func TestPanic(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(d *api.Deps) { d.Workflows = panicking{d.Workflows.(*fakeWorkflows)} })
	r := f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(nil))
	require.Equal(t, http.StatusInternalServerError, r.status)
	require.Equal(t, "Internal server error", r.detail(t))
	require.Contains(t, f.logs.String(), `"msg":"panic"`)
	require.NotContains(t, f.logs.String(), "Ann Lee")
	require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodGet, "/healthz", "", nil).status)
}

// The log holds ids and codes, and no patient data of requests.
func TestLogsHoldNoPatientData(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	f.sendWithKey(http.MethodGet, "/v3/order/"+id, f.key, nil)
	f.sendWithKey(http.MethodGet, "/v3/orders?patient_name=Ann+Lee", f.key, nil)
	f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(map[string]any{"patient_address.zip": "8500X"}))
	f.sendWithKey(http.MethodPost, "/v3/order", f.key, `{"patient_details": {"first_name": "Ann`)
	f.sendWithKey(http.MethodGet, "/v3/Ann-Lee", f.key, nil)
	f.sendLabWebhook(trackerUpdateLikeSeed(f.order(id).Number))
	log := f.logs.String()
	for _, secret := range []string{
		"Ann", "Lee", "1990-01-01", "85004", "8500X", "Main St", "6025550123", "ann@example.com", "ref-42", f.key, labToken,
		outbound,
	} {
		require.NotContains(t, log, secret)
	}
	var line map[string]any
	for text := range strings.Lines(log) {
		require.NoError(t, json.Unmarshal([]byte(text), &line))
		if line["msg"] != "request" {
			continue
		}
		for _, key := range []string{"method", "route", "status", "duration", "request_id", "key_id"} {
			require.Contains(t, line, key)
		}
	}
	require.Contains(t, log, `"route":"/v3/order/:order_id"`)
}

func TestHealth(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodGet, "/healthz", "", nil).status)
	ready := f.sendWithKey(http.MethodGet, "/readyz", "", nil)
	require.Equal(t, http.StatusOK, ready.status)
	require.Equal(t, map[string]any{"store": "ok", "workflows": "ok"}, ready.json(t))

	f.orders.fail(errors.New("no"))
	ready = f.sendWithKey(http.MethodGet, "/readyz", "", nil)
	require.Equal(t, http.StatusServiceUnavailable, ready.status)
	require.Equal(t, map[string]any{"store": "ok", "workflows": "unreachable"}, ready.json(t))
	require.NoError(t, f.store.Close())
	ready = f.sendWithKey(http.MethodGet, "/readyz", "", nil)
	require.Equal(t, map[string]any{"store": "unreachable", "workflows": "unreachable"}, ready.json(t))
	require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodGet, "/healthz", "", nil).status,
		"the process itself is well")

	metrics := f.sendWithKey(http.MethodGet, "/metrics", "", nil)
	require.Equal(t, http.StatusOK, metrics.status)
	require.Contains(t, string(metrics.body),
		`aliquot_http_request_duration_seconds_count{method="GET",route="/readyz",status="503"} 2`)
}

func TestServerHasLimits(t *testing.T) {
	t.Parallel()
	s := api.NewHTTPServer("127.0.0.1:0", http.NotFoundHandler())
	require.Positive(t, s.ReadHeaderTimeout)
	require.Positive(t, s.ReadTimeout)
	require.Positive(t, s.WriteTimeout)
	require.Positive(t, s.IdleTimeout)
	require.Positive(t, s.MaxHeaderBytes)
}

func TestNewNeedsAStoreAndOrders(t *testing.T) {
	t.Parallel()
	_, err := api.New(api.Deps{Workflows: &fakeWorkflows{}})
	require.ErrorContains(t, err, "store")
}

var _ api.OrderWorkflows = (*fakeWorkflows)(nil)
