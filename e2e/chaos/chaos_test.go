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

// openOrders is how many orders are to be under way at once.
const openOrders = 500

// kitDuration is how long a kit takes in real life.
const kitDuration = 240 * time.Hour

// calmTimeout is how long it may take until everything is done after the storm: outages hold scripts, retries and leases up.
const calmTimeout = 15 * time.Minute

// Orders of all kinds go through a fleet of which parts are killed all the time and services are away now and then. When it is over,
// nothing that was accepted is missing, nothing was done twice, everybody was told of everything, and the reconciler has nothing left
// to do.
func TestNothingIsLostUnderFaults(t *testing.T) { //nolint:paralleltest // a fleet takes the whole machine
	seed, weather := seedOf(t), faultProfile(t)
	t.Logf("seed %d, %s: SEED=%d DURATION=%s replays it", seed, weather.Duration, seed, weather.Duration)
	f := deployment.Start(t, deployment.Options{PlayScripts: true,
		Speed: float64(kitDuration) / float64(arrivalRate(weather).OrderDuration), Spacing: 20 * time.Millisecond,
		Logs: os.Getenv("CHAOS_LOGS")})
	w := Observers{Deployment: f, Callers: NewCallers(f.ScenarioSystem())}
	t.Cleanup(w.Callers.Close)
	for _, r := range []*Receiver{NewReceiver("all"), NewReceiver("updates", orderUpdated)} {
		t.Cleanup(r.Close)
		addEndpoint(t, f, r)
		w.Receivers = append(w.Receivers, r)
	}
	storm := NewFaultInjector(t.Context(), f)
	watching, watched := context.WithCancel(t.Context())
	var background sync.WaitGroup
	background.Go(func() { storm.RestartExited(watching) })
	t.Cleanup(background.Wait)
	t.Cleanup(watched)

	began := time.Now()
	most := runFaultsAndOrders(t, w, storm, seed, weather)
	require.NoError(t, storm.Err(), "the storm itself")
	t.Logf("the storm is over after %s, at most %d orders were under way at once", time.Since(began).Round(time.Second),
		most)

	accounts, found := awaitConsistency(t, w)
	watched()
	background.Wait()
	healing := awaitIdleReconciler(t, f)
	t.Log(summary(seed, accounts, found, storm, healing, most, time.Since(began)))
	require.Empty(t, strings.Join(found, "\n"))
	require.GreaterOrEqual(t, most, openOrders, "orders under way at once")
}

// runFaultsAndOrders lets the storm blow while callers order, and returns when both are over, with the most orders that were under way at
// once.
func runFaultsAndOrders(t *testing.T, w Observers, storm *FaultInjector, seed uint64, weather FaultProfile) int {
	t.Helper()
	ctx, enough := context.WithTimeout(t.Context(), weather.Duration+calmTimeout)
	defer enough()
	var all sync.WaitGroup
	all.Go(func() { storm.Run(ctx, FaultSchedule(seed, weather), t.Logf) })
	flow := arrivalRate(weather)
	kinds := PlansFor(seed, flow.MaxCallers(weather.Duration))
	all.Go(func() {
		flow.Run(ctx, weather.Duration, func() int { busy, _, coming := countOpenOrders(w); return busy + coming },
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

// arrivalRate fills up quickly and is slower in a long storm, which lasts for several lives.
func arrivalRate(weather FaultProfile) ArrivalRate {
	ramp := min(weather.Duration*9/10, 3*time.Minute)
	return ArrivalRate{
		Interval: ramp / (openOrders * 3 / 2), MaxOpen: openOrders * 6 / 5, MaxWait: 2 * time.Second,
		OrderDuration: min(max(weather.Duration*6/5, 100*time.Second), 5*time.Minute),
	}
}

// countOpenOrders counts the orders whose end no endpoint has been told, those that have none, and the callers who have not been told of an
// order yet.
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

// addEndpoint makes an endpoint of the clinic, as operations do.
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

// awaitConsistency waits until the accounts agree, and returns them and what they disagree on when it has taken too long.
func awaitConsistency(t *testing.T, w Observers) (Observations, []string) {
	t.Helper()
	deadline := time.Now().Add(calmTimeout)
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

// awaitIdleReconciler waits until the reconciler has made a run, begun from now on, in which it healed nothing. The first is asked for, since its
// turn would come within a minute anyhow.
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

func summary(seed uint64, a Observations, found []string, storm *FaultInjector, h ReconcilerRuns, most int,
	took time.Duration) string {
	kills, ended := storm.Counts()
	deliveries := 0
	for _, e := range a.Endpoints {
		deliveries += len(e.Deliveries)
	}
	return fmt.Sprintf("seed %d, %s, kills %v, ended by themselves %v, orders %d (at most %d under way at once), events %d, facts %d, messages %d, deliveries %d, "+
		"healed %+v in %d sweeps (%d gave up), discrepancies %d", seed, took.Round(time.Second), kills, ended,
		len(a.Store.Orders), most,
		len(a.Store.Events), len(a.Store.InboxItems), len(a.Store.Messages), deliveries, h.Total, h.Runs, h.Failed,
		len(found))
}

// seedOf is the seed that was asked for, or a new one.
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

// faultProfile is a storm of the duration that was asked for, or a short one. Outages of a minute, and of three for Temporal, need room.
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
