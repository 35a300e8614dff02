package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

func TestHealthIsAskedOfTheProcess(t *testing.T) {
	server := httptest.NewServer(newMetricsServer("", prometheus.NewRegistry(), alwaysReady).Handler)
	defer server.Close()
	port := server.URL[strings.LastIndex(server.URL, ":"):]
	for _, listen := range []string{"127.0.0.1" + port, port, "0.0.0.0" + port} {
		t.Setenv("ALIQUOT_METRICS", listen)
		mustCommand(t, "health")
	}
	server.Config.Handler = nil // answers 404
	_, err := runInProcess(t, "health")
	require.ErrorContains(t, err, "status 404")
	server.Close()
	_, err = runInProcess(t, "health")
	require.ErrorContains(t, err, "checking health")
	t.Setenv("ALIQUOT_METRICS", "")
	_, err = runInProcess(t, "health")
	require.ErrorContains(t, err, "ALIQUOT_METRICS is not set")
}

// A paused process is alive, because a restart does not help it, and not ready.
func TestAPausedProcessIsNotReady(t *testing.T) {
	t.Parallel()
	pausedBy := ""
	h := newMetricsServer("", prometheus.NewRegistry(), func() string { return pausedBy }).Handler
	answer := func(path string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	for reason, want := range map[string]struct {
		status int
		body   string
	}{
		"":         {http.StatusOK, `{"process":"ok"}`},
		"database": {http.StatusServiceUnavailable, `{"process":"paused","reason":"database"}`},
	} {
		pausedBy = reason
		status, body := answer(pathReady)
		require.Equal(t, want.status, status)
		require.Equal(t, want.body, body)
		status, _ = answer("/healthz")
		require.Equal(t, http.StatusOK, status)
	}
}
