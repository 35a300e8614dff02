package main

import (
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
