package activities

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

func newTestMetrics() *Metrics { return NewMetrics(prometheus.NewRegistry()) }

// sweep runs an activity that sweeps, as a worker does, and returns its result, or the result that its error holds.
func sweep(t *testing.T, run any, args ...any) (dispatch.SweepResult, *temporal.ApplicationError) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(run)
	var out dispatch.SweepResult
	value, err := env.ExecuteActivity(run, args...)
	if err == nil {
		require.NoError(t, value.Get(&out))
		return out, nil
	}
	failed, ok := errors.AsType[*temporal.ApplicationError](err)
	require.True(t, ok, "%v", err)
	require.NoError(t, failed.Details(&out))
	return out, failed
}

// brokenWorld is a store in which every step of a sweep has something to do, for two orders or endpoints each.
type brokenWorld struct {
	a         *Activities
	d         *fakeTemporal
	orders    []string
	endpoints []string
	execute   func(statement string, args ...any)
}

func newBrokenWorld(t *testing.T) *brokenWorld {
	t.Helper()
	a, d, open, execute := newSweepActivitiesWithSQL(t, 100)
	w := &brokenWorld{a: a, d: d, orders: open, execute: execute, endpoints: make([]string, 2)}
	past := time.Now().Add(-time.Hour)
	execute(`UPDATE order_states SET next_deadline = 0`)
	for _, id := range open[:2] {
		execute(`UPDATE order_states SET started_at = 0 WHERE order_id = $1`, id)
		execute(`UPDATE orders SET created_at = $1 WHERE id = $2`, past.UnixMicro(), id)
	}
	for _, id := range open[2:4] {
		w.addFact(t, id, past)
	}
	execute(`UPDATE inbox SET state_at = $1`, past.UnixMicro())
	for _, id := range open[4:6] {
		execute(`UPDATE order_states SET next_deadline = $1 WHERE order_id = $2`, past.UnixMicro(), id)
	}
	for _, id := range open[6:8] {
		require.NoError(t, a.Store.AddDemand(t.Context(), store.DemandRow{ID: id, OrderID: id, Kind: order.DemandCancel}))
	}
	execute(`UPDATE demands SET created_at = $1`, past.UnixMicro())
	w.addDueDeliveries(t, past)
	execute(`INSERT INTO audit (id, at, key_id, team_id, order_id, action, request_id, address, detail)
		VALUES ($1, $2, NULL, NULL, NULL, 'read', '', '', '')`, uuid.NewString(), past.UnixMicro())
	return w
}

func (w *brokenWorld) addFact(t *testing.T, orderID string, at time.Time) {
	t.Helper()
	o, err := w.a.Store.Order(t.Context(), "", orderID)
	require.NoError(t, err)
	at = at.UTC().Truncate(time.Microsecond)
	_, err = w.a.Store.StoreInboxItem(t.Context(), store.NewInboxItem{
		Partner: "p", DedupKey: orderID, BodyHash: "h", Kind: "k", OrderNumber: o.Number,
		Fact: &order.Fact{Kind: order.FactKitShipped, SentAt: at}, Body: []byte("{}"), ReceivedAt: at,
	})
	require.NoError(t, err)
}

func (w *brokenWorld) addDueDeliveries(t *testing.T, at time.Time) {
	t.Helper()
	o, err := w.a.Store.Order(t.Context(), "", w.orders[0])
	require.NoError(t, err)
	for i := range w.endpoints {
		w.endpoints[i] = uuid.NewString()
		require.NoError(t, w.a.Store.CreateEndpoint(t.Context(), store.Endpoint{ID: w.endpoints[i], TeamID: o.TeamID,
			URL: "https://client.example/hook", Secret: "whsec_c2VjcmV0"}))
		message := uuid.NewString()
		w.execute(`INSERT INTO messages (id, team_id, order_id, event_type, sequence, body, created_at)
			VALUES ($1, $2, NULL, 'order.updated', 1, '', $3)`, message, o.TeamID, at.UnixMicro())
		w.execute(`INSERT INTO deliveries
			(message_id, endpoint_id, state, round, attempts, next_attempt_at, created_at, updated_at)
			VALUES ($1, $2, 'pending', 1, 0, $3, $3, $3)`, message, w.endpoints[i], at.UnixMicro())
	}
}

// TestAFailingStepDoesNotStopTheSweep checks for faults of several steps that all other steps are done, that what was
// healed is counted, and that only a sweep without a failure counts as a success.
func TestAFailingStepDoesNotStopTheSweep(t *testing.T) {
	t.Parallel()
	all := dispatch.SweepResult{OrdersStarted: 1, EndpointsNudged: 2, OrdersWoken: 4, OrdersBehind: 2}
	tests := map[string]struct {
		harm   func(w *brokenWorld)
		failed sweepStep
		less   dispatch.SweepResult // what the fault keeps from being healed
	}{
		"no fault": {harm: func(*brokenWorld) {}},
		"an order that cannot be started": {
			func(w *brokenWorld) { w.d.failingOrder = w.orders[0] }, stepStartOrders, dispatch.SweepResult{OrdersStarted: 1},
		},
		"an order that cannot be woken": {
			func(w *brokenWorld) { w.d.failingOrder = w.orders[4] }, stepWakeBehind, dispatch.SweepResult{OrdersBehind: 1},
		},
		"an endpoint that cannot be nudged": {
			func(w *brokenWorld) { w.d.failingOrder = w.endpoints[0] }, stepNudgeEndpoints,
			dispatch.SweepResult{EndpointsNudged: 1},
		},
		"an order with a fact that cannot be woken": {
			func(w *brokenWorld) { w.d.failingOrder = w.orders[2] }, stepWakeUnsettled, dispatch.SweepResult{OrdersWoken: 1},
		},
		"no demands can be read": {
			func(w *brokenWorld) { w.execute(`ALTER TABLE demands RENAME TO gone`) }, stepWakeUnsettled,
			dispatch.SweepResult{OrdersWoken: 4},
		},
		"the audit cannot be read": {
			func(w *brokenWorld) { w.execute(`ALTER TABLE audit RENAME TO gone`) }, stepSealAudit, dispatch.SweepResult{},
		},
		"tokens cannot be pruned": {
			func(w *brokenWorld) { w.execute(`ALTER TABLE access_tokens RENAME TO gone`) }, stepPrune, dispatch.SweepResult{},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newBrokenWorld(t)
			test.harm(w)
			got, failed := sweep(t, w.a.Sweep, dispatch.ReconcileInput{})
			want := all
			want.OrdersStarted -= test.less.OrdersStarted
			want.EndpointsNudged -= test.less.EndpointsNudged
			want.OrdersWoken -= test.less.OrdersWoken
			want.OrdersBehind -= test.less.OrdersBehind
			require.Equal(t, want, got)
			require.Contains(t, w.d.ensured, w.orders[1])
			if test.failed != stepSealAudit {
				sealed, _, err := w.a.Store.AuditChainEnd(t.Context())
				require.NoError(t, err)
				require.EqualValues(t, 1, sealed)
			}
			w.requireCounted(t, got, test.failed)
			if test.failed == "" {
				require.Nil(t, failed)
				require.Positive(t, testutil.ToFloat64(w.a.Metrics.lastSweep))
				return
			}
			require.Equal(t, "failed: "+string(test.failed)+"; see the worker's log", failed.Message())
			require.Equal(t, dispatch.ErrorFault, failed.Type())
			require.False(t, failed.NonRetryable())
			require.Zero(t, testutil.ToFloat64(w.a.Metrics.lastSweep))
		})
	}
}

// requireCounted requires that the metrics show what was healed, and which step failed ("": none).
func (w *brokenWorld) requireCounted(t *testing.T, healed dispatch.SweepResult, failed sweepStep) {
	t.Helper()
	for kind, n := range map[string]int{"order": healed.OrdersStarted,
		"endpoint": healed.EndpointsNudged, "unsettled": healed.OrdersWoken, "behind": healed.OrdersBehind} {
		require.InDelta(t, float64(n), testutil.ToFloat64(w.a.Metrics.healings.WithLabelValues(kind)), 0, kind)
	}
	for _, step := range allSweepSteps() {
		want := 0.0
		if step == failed {
			want = 1
		}
		require.InDelta(t, want, testutil.ToFloat64(w.a.Metrics.sweepFailures.WithLabelValues(string(step))), 0, step)
	}
}

// TestACancelledSweepFailsInNoStep checks that a worker that stops counts no failure.
func TestACancelledSweepFailsInNoStep(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	steps := &sweepSteps{metrics: newTestMetrics()}
	steps.try(ctx, stepPrune, func(context.Context) error { cancel(); return errors.New("cancelled") })
	steps.try(ctx, stepErase, func(context.Context) error { t.Error("it is tried"); return nil })
	require.Empty(t, steps.failed)
	require.ErrorIs(t, steps.err(ctx, dispatch.SweepResult{}, true), context.Canceled)
}
