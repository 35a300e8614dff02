package devsystem

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// How long the processes may take until they are ready. Usually it takes a few seconds.
const (
	readyTimeout  = 90 * time.Second
	readyInterval = 50 * time.Millisecond
)

// waitReady waits until every process is ready. The API is ready when it reaches the database and Temporal, a worker
// when it polls.
func (s *system) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, fmt.Errorf("not ready after %s", readyTimeout))
	defer cancel()
	parts := []struct{ name, url string }{
		{temporalName, urlOfAddress(s.addresses.temporalUI)},
		{labName, urlOfAddress(s.addresses.lab) + "/healthz"},
		{apiName, urlOfAddress(s.addresses.api) + "/readyz"},
	}
	for i, metrics := range s.addresses.metrics {
		parts = append(parts, struct{ name, url string }{workerName(i), urlOfAddress(metrics) + "/readyz"})
	}
	probe := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for _, p := range parts {
		if err := waitFor(ctx, probe, p.url); err != nil {
			return fmt.Errorf("%s is %w; the end of its log:\n%s", p.name, err, s.logTail(p.name))
		}
	}
	return nil
}

// waitFor requests the URL until the answer is 200. Its error is the cause of ctx's end.
func waitFor(ctx context.Context, probe *http.Client, url string) error {
	tick := time.NewTicker(readyInterval)
	defer tick.Stop()
	for !isReady(ctx, probe, url) {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
	return nil
}

func isReady(ctx context.Context, probe *http.Client, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	response, err := probe.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}
