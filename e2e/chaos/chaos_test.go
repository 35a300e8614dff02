//go:build cluster

package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/aliquot-labs/aliquot/e2e/deployment"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// openOrders is how many orders should be open at the same time.
const openOrders = 500

// kitDuration is how long a kit takes in reality.
const kitDuration = 240 * time.Hour

// finishTimeout is how long all orders may take to finish after the last fault. Outages delay scripts, retries and
// leases.
const finishTimeout = 15 * time.Minute

// TestNothingIsLostUnderFaults runs orders of all plans through a deployment whose processes are killed and whose
// services have outages. Afterwards nothing that was accepted may be missing, nothing may have happened twice, every
// client must have its webhooks, and the reconciler must have nothing to heal.
func TestNothingIsLostUnderFaults(t *testing.T) { //nolint:paralleltest // it needs the whole machine
	seed, profile := seedOf(t), faultProfile(t)
	t.Logf("seed %d, %s: SEED=%d DURATION=%s replays it", seed, profile.Duration, seed, profile.Duration)
	f := deployment.Start(t, deployment.Options{PlayScripts: true,
		Speed: float64(kitDuration) / float64(arrivalRate(profile).OrderDuration), Spacing: 20 * time.Millisecond,
		Logs: os.Getenv("CHAOS_LOGS")})
	w := Observers{Deployment: f, Callers: NewCallers(f.ScenarioSystem())}
	t.Cleanup(w.Callers.Close)
	for _, r := range []*Receiver{NewReceiver("all"), NewReceiver("updates", orderUpdated)} {
		t.Cleanup(r.Close)
		addEndpoint(t, f, r)
		w.Receivers = append(w.Receivers, r)
	}
	injector := NewFaultInjector(t.Context(), f)
	watching, watched := context.WithCancel(t.Context())
	var background sync.WaitGroup
	background.Go(func() { injector.RestartExited(watching) })
	t.Cleanup(background.Wait)
	t.Cleanup(watched)

	began := time.Now()
	most := runFaultsAndOrders(t, w, injector, seed, profile)
	require.NoError(t, injector.Err(), "the fault injector itself")
	t.Logf("the faults ended after %s, at most %d orders were open at the same time", time.Since(began).Round(time.Second),
		most)

	observations, found := awaitConsistency(t, w)
	watched()
	background.Wait()
	healing := awaitIdleReconciler(t, f)
	t.Log(summary(seed, observations, found, injector, healing, most, time.Since(began)))
	logRuns(t, f, observations, found)
	require.Empty(t, strings.Join(found, "\n"))
	require.GreaterOrEqual(t, most, openOrders, "orders that were open at the same time")
}

// runFaultsAndOrders injects the faults while callers create orders. It returns when both have ended, with the highest
// number of open orders at one time.
func runFaultsAndOrders(t *testing.T, w Observers, injector *FaultInjector, seed uint64, profile FaultProfile) int {
	t.Helper()
	ctx, enough := context.WithTimeout(t.Context(), profile.Duration+finishTimeout)
	defer enough()
	var all sync.WaitGroup
	all.Go(func() { injector.Run(ctx, FaultSchedule(seed, profile), t.Logf) })
	flow := arrivalRate(profile)
	kinds := PlansFor(seed, flow.MaxCallers(profile.Duration))
	all.Go(func() {
		flow.Run(ctx, profile.Duration, func() int { busy, _, coming := countOpenOrders(w); return busy + coming },
			func(n int) {
				all.Go(func() { w.Callers.PlaceAndFollow(ctx, kinds[n], fmt.Sprintf("%d-%d", seed, n)) })
			})
	})
	over := make(chan struct{})
	go func() { all.Wait(); close(over) }()
	for most := 0; ; {
		busy, open, _ := countOpenOrders(w)
		most = max(most, busy+open)
		select {
		case <-over:
			return most
		case <-time.After(2 * time.Second):
		}
	}
}

// arrivalRate creates orders fast at first. In a long test, which lasts longer than several orders, later orders come
// more slowly.
func arrivalRate(profile FaultProfile) ArrivalRate {
	ramp := min(profile.Duration*9/10, 3*time.Minute)
	return ArrivalRate{
		Interval: ramp / (openOrders * 3 / 2), MaxOpen: openOrders * 6 / 5, MaxWait: 2 * time.Second,
		OrderDuration: min(max(profile.Duration*6/5, 100*time.Second), 5*time.Minute),
	}
}

// countOpenOrders counts the orders that are busy (no webhook reported their end), the plans that stay open, and the
// callers without an order yet.
func countOpenOrders(w Observers) (busy, open, coming int) {
	for _, t := range w.Callers.Records() {
		switch k := planNamed(t.Kind); {
		case t.OrderID == "":
			coming++
		case k.Open:
			open++
		case k.finalStatus() != w.Receivers[0].LastStatus(t.OrderID):
			busy++
		}
	}
	return busy, open, coming
}

// addEndpoint creates an endpoint of the team as operations do.
func addEndpoint(t *testing.T, f *deployment.Deployment, r *Receiver) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"url": r.URL(), "filter_types": r.types})
	require.NoError(t, err)
	url := f.URL + "/ops/teams/" + f.Team.TeamID + "/endpoints"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("x-vital-api-key", f.Team.OperationsKey)
	res, err := (&http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	var made struct {
		Secret string `json:"secret"`
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&made))
	require.NoError(t, r.SetSecret(made.Secret))
}

// awaitConsistency waits until the observations agree. It returns them, and the discrepancies if they do not agree in
// time.
func awaitConsistency(t *testing.T, w Observers) (Observations, []string) {
	t.Helper()
	deadline := time.Now().Add(finishTimeout)
	for {
		a, err := w.Observe(t.Context())
		require.NoError(t, err)
		found := FindDiscrepancies(a)
		if len(found) == 0 || time.Now().After(deadline) {
			return a, found
		}
		t.Logf("%d discrepancies still:\n%s", len(found), strings.Join(found[:min(len(found), 20)], "\n"))
		select {
		case <-t.Context().Done():
		case <-time.After(5 * time.Second):
		}
	}
}

// maxLoggedRuns limits the runs that a failed test describes.
const maxLoggedRuns = 5

// logRuns describes the runs of orders with a discrepancy, so that one failure is enough to find its cause.
func logRuns(t *testing.T, f *deployment.Deployment, a Observations, found []string) {
	t.Helper()
	all, logged := strings.Join(found, "\n"), 0
	for _, o := range a.Store.Orders {
		if logged == maxLoggedRuns || !strings.Contains(all, o.ID) {
			continue
		}
		t.Log(f.DescribeOrderRun(t.Context(), o.ID))
		logged++
	}
}

// awaitIdleReconciler waits for a run of the reconciler that began after this call and healed nothing. It triggers a
// run, because the next scheduled one may be a minute away.
func awaitIdleReconciler(t *testing.T, f *deployment.Deployment) ReconcilerRuns {
	t.Helper()
	var h ReconcilerRuns
	since := time.Now()
	require.NoError(t, f.TriggerReconciler(t.Context()))
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		var err error
		h, err = ReadReconcilerRuns(ctx, f.Temporal, since)
		return err == nil && h.Idle
	}, 5*time.Minute, time.Second, "the reconciler still heals: %+v", &h)
	return h
}

func summary(seed uint64, a Observations, found []string, injector *FaultInjector, h ReconcilerRuns, most int,
	took time.Duration) string {
	kills, ended := injector.Counts()
	deliveries := 0
	for _, e := range a.Endpoints {
		deliveries += len(e.Deliveries)
	}
	return fmt.Sprintf("seed %d, %s, kills %v, exits %v, orders %d (at most %d open at the same time), "+
		"events %d, facts %d, messages %d, deliveries %d, "+
		"healed %+v in %d sweeps (%d gave up), discrepancies %d", seed, took.Round(time.Second), kills, ended,
		len(a.Store.Orders), most,
		len(a.Store.Events), len(a.Store.InboxItems), len(a.Store.Messages), deliveries, h.Total, h.Runs, h.Failed,
		len(found))
}

// seedOf returns the seed from the environment, or a new one.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("SEED")
	if text == "" {
		return rand.Uint64N(1_000_000)
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, "SEED")
	return seed
}

// faultProfile returns a profile for the duration from the environment, or a short one. Outages of one minute, and of
// three minutes for Temporal, need a long test.
func faultProfile(t *testing.T) FaultProfile {
	t.Helper()
	short := FaultProfile{Duration: 100 * time.Second, KillEvery: 5 * time.Second, Outage: 8 * time.Second,
		TemporalOutage: 15 * time.Second, Pause: 10 * time.Second}
	text := os.Getenv("DURATION")
	if text == "" {
		return short
	}
	lasts, err := time.ParseDuration(text)
	require.NoError(t, err, "DURATION")
	if lasts < 10*time.Minute {
		short.Duration = lasts
		return short
	}
	return FaultProfile{Duration: lasts, KillEvery: 10 * time.Second, Outage: time.Minute, TemporalOutage: 3 * time.Minute,
		Pause: 45 * time.Second}
}
