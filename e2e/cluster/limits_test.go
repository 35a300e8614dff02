//go:build cluster

package cluster

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/e2e/deployment"
	"github.com/aliquot-labs/aliquot/e2e/scenario"
	"github.com/aliquot-labs/aliquot/e2e/testteam"
)

const (
	spacing = 500 * time.Millisecond // between the starts of two calls (molecular-api#d25)

	// spacingTolerance is how much closer two calls may arrive at the lab than the workers started them. On a busy machine
	// the first request can take longer than the second, for example because it opens a connection.
	spacingTolerance = 40 * time.Millisecond

	// attempts is how often the spacing is measured if the machine is too busy. Workers that ignore the spacing fail every
	// measurement.
	attempts = 3
)

// TestLimitsHoldOverProcesses shows that the limits of a lab account's calls and of an endpoint's webhook messages
// apply to all processes together.
func TestLimitsHoldOverProcesses(t *testing.T) { //nolint:paralleltest // it needs the whole machine
	f := deployment.Start(t, deployment.Options{Spacing: spacing})
	t.Run("the spacing of a lab account", func(t *testing.T) {
		var gaps []time.Duration
		for range attempts {
			gaps = measureCallSpacing(t, f, 8)
			if slices.Min(gaps) >= spacing-spacingTolerance {
				return
			}
			t.Logf("the machine was busy: %v", gaps)
		}
		require.GreaterOrEqual(t, slices.Min(gaps), spacing-spacingTolerance, "%v", gaps)
	})
	t.Run("the rate of an endpoint, though workers are killed", func(t *testing.T) {
		checkEndpointRate(t, f)
	})
}

// measureCallSpacing places n orders at the same time, some by each worker, and returns the times between consecutive
// calls that the lab received.
func measureCallSpacing(t *testing.T, f *deployment.Deployment, n int) []time.Duration {
	t.Helper()
	before := len(f.Lab.Traffic().Calls)
	ids := placeMolecular(t, f, n)
	d := f.ScenarioSystem()
	require.Eventually(t, func() bool { return len(f.Lab.Traffic().Calls) >= before+n }, timeout, 50*time.Millisecond)
	pids := map[int]bool{}
	for _, id := range ids {
		_, err := d.ExistingOrder(id, scenario.Testkit).AwaitStatuses(t.Context(), 2)
		require.NoError(t, err)
		for pid := range workerPIDs(t, f, id) {
			pids[pid] = true
		}
	}
	require.Len(t, pids, len(f.Workers), "every worker took part")
	calls := f.Lab.Traffic().Calls[before:]
	require.Len(t, calls, n)
	var gaps []time.Duration
	for i := range calls[1:] {
		gaps = append(gaps, calls[i+1].Start.Sub(calls[i].Start))
	}
	return gaps
}

// placeMolecular places orders through all replicas of the API at the same time.
func placeMolecular(t *testing.T, f *deployment.Deployment, n int) []string {
	t.Helper()
	d := f.ScenarioSystem()
	d.LabTests = map[string]string{scenario.Testkit: f.Team.LabTests[testteam.MolecularLabTest]}
	ids, errs := make([]string, n), make([]error, n)
	var placing sync.WaitGroup
	for i := range n {
		placing.Go(func() {
			o, err := d.PlaceOrder(t.Context(), scenario.Testkit, "", nil)
			if errs[i] = err; err == nil {
				ids[i] = o.ID
			}
		})
	}
	placing.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	return ids
}

// checkEndpointRate gives an endpoint a rate limit and more messages than the limit allows. It kills the workers one
// after the other while they deliver and checks that the endpoint never gets more than its limit.
func checkEndpointRate(t *testing.T, f *deployment.Deployment) {
	t.Helper()
	const perSecond, orders, messages = 4, 10, 20 // two of each order
	var mu sync.Mutex
	arrived := map[string]time.Time{}
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if id := r.Header.Get("svix-id"); arrived[id].IsZero() {
			arrived[id] = time.Now()
		}
	}))
	t.Cleanup(endpoint.Close)
	got := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(arrived)
	}
	addEndpoint(t, f, map[string]any{"url": endpoint.URL, "rate_limit": perSecond})

	placeMolecular(t, f, orders)
	for i, w := range f.Workers {
		require.Eventually(t, func() bool { return got() >= (i+1)*messages/4 }, timeout, 20*time.Millisecond)
		require.NoError(t, w.Kill())
		require.NoError(t, w.Start(t.Context()))
	}
	require.Eventually(t, func() bool { return got() == messages }, timeout, 50*time.Millisecond)

	var times []time.Time
	for _, at := range arrived {
		times = append(times, at)
	}
	slices.SortFunc(times, time.Time.Compare)
	// A full token bucket allows one second's messages immediately, and as many during that second.
	const most = 2*perSecond + 1
	for i := range times[:len(times)-most] {
		require.Greater(t, times[i+most].Sub(times[i]), time.Second, "%d messages in a second", most+1)
	}
}

// addEndpoint registers an endpoint of the team as operations do, and returns its secret.
func addEndpoint(t *testing.T, f *deployment.Deployment, endpoint map[string]any) string {
	t.Helper()
	body, err := json.Marshal(endpoint)
	require.NoError(t, err)
	url := f.URL + "/ops/teams/" + f.Team.TeamID + "/endpoints"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("x-vital-api-key", f.Team.OperationsKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := (&http.Client{Timeout: timeout, Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode, fmt.Sprint(endpoint))
	var made struct {
		Secret string `json:"secret"`
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&made))
	return made.Secret
}
