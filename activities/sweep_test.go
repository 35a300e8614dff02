package activities

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/bulkorders"
	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/store/keyring"
)

// fakeTemporal records calls. Every second order has no run.
type fakeTemporal struct {
	Dispatcher
	mu           sync.Mutex
	ensured      []string
	signalled    map[string][]string // the kinds of an order's wakes
	nudged       []string            // endpoints
	failingOrder string              // the order or endpoint at which Temporal is unavailable
	running      map[string]bool     // what visibility lists
	asked        int                 // the number of queries
}

func (d *fakeTemporal) RunningOrders(_ context.Context, ids []string) (map[string]bool, error) {
	d.asked++
	if slices.Contains(ids, d.failingOrder) {
		return nil, errors.New("away")
	}
	return d.running, nil
}

func (d *fakeTemporal) EnsureOrder(_ context.Context, id string) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if id == d.failingOrder {
		return false, errors.New("away")
	}
	d.ensured = append(d.ensured, id)
	return len(d.ensured)%2 == 0, nil
}

func (d *fakeTemporal) NudgeDeliveries(_ context.Context, id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if id == d.failingOrder {
		return errors.New("away")
	}
	d.nudged = append(d.nudged, id)
	return nil
}

func (d *fakeTemporal) WakeOrder(_ context.Context, id string, w dispatch.Wake) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if id == d.failingOrder {
		return errors.New("it takes no more signals")
	}
	d.signalled[id] = append(d.signalled[id], w.Kind)
	return nil
}

// newSweepActivities returns a store with open orders, and the activities that sweep it.
func newSweepActivities(t *testing.T, orders int) (*Activities, *fakeTemporal, []string) {
	t.Helper()
	a, d, open, _ := newSweepActivitiesWithSQL(t, orders)
	return a, d, open
}

// newSweepActivitiesWithSQL is newSweepActivities, with a function that executes SQL in the store's database.
func newSweepActivitiesWithSQL(t *testing.T, orders int) (*Activities, *fakeTemporal, []string,
	func(statement string, args ...any)) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "store.db")
	key, err := keyring.NewEncryptionKey("k1")
	require.NoError(t, err)
	keys, err := keyring.Parse(key)
	require.NoError(t, err)
	db, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + file, Keys: keys})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.Migrate(t.Context()))
	_, err = bulkorders.GenerateOrders(t.Context(), db,
		bulkorders.Options{Orders: orders, Seed: 1, NewestAt: time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)})
	require.NoError(t, err)
	open, err := db.UnfinishedOrders(t.Context(), "", orders)
	require.NoError(t, err)
	d := &fakeTemporal{signalled: map[string][]string{}}
	second, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, second.Close()) })
	execute := func(statement string, args ...any) {
		_, err := second.ExecContext(t.Context(), statement, args...)
		require.NoError(t, err)
	}
	return &Activities{
		Store: db, Dispatch: d, Metrics: NewMetrics(prometheus.NewRegistry()), Log: slog.New(slog.DiscardHandler),
		Now: time.Now,
	}, d, open, execute
}

func TestCancelledSweepReturnsAnError(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := healConcurrently(ctx, []string{"a", "b"}, func(context.Context, string) (int, error) { return 1, nil })
	require.ErrorIs(t, err, context.Canceled)
}

// TestOrdersWithWaitingFactsAreWoken checks that each order with facts without an outcome is woken once.
func TestOrdersWithWaitingFactsAreWoken(t *testing.T) {
	t.Parallel()
	a, d, open := newSweepActivities(t, 300)
	want := map[string][]string{}
	for n := range 4 {
		for _, id := range open[1:] {
			receiveTestFact(t, a, id, fmt.Sprint("item ", n, " of ", id), order.FactKitShipped)
			want[id] = []string{dispatch.WakeBehind}
		}
	}
	woken, err := a.wakeUnsettledOrders(t.Context(), time.Now(), time.Hour)
	require.NoError(t, err)
	require.Zero(t, woken, "younger facts are left")
	later := time.Now().Add(2 * time.Hour)
	woken, err = a.wakeUnsettledOrders(t.Context(), later, time.Hour)
	require.NoError(t, err)
	require.Equal(t, len(open)-1, woken)
	again, err := a.wakeUnsettledOrders(t.Context(), later.Add(time.Minute), time.Hour)
	require.NoError(t, err)
	require.Zero(t, again, "not again within five minutes")
	require.Greater(t, woken, 10)
	require.Equal(t, want, d.signalled)
}

// receiveTestFact stores an inbox item about an order, and returns its fact.
func receiveTestFact(t *testing.T, a *Activities, orderID, key string, kind order.FactKind) order.Fact {
	t.Helper()
	o, err := a.Store.Order(t.Context(), "", orderID)
	require.NoError(t, err)
	at := a.Now().UTC().Truncate(time.Microsecond)
	got, err := a.Store.StoreInboxItem(t.Context(), store.NewInboxItem{
		Partner: "p", DedupKey: key, BodyHash: "h", Kind: string(kind), OrderNumber: o.Number,
		Fact: &order.Fact{Kind: kind, SentAt: at}, Body: []byte("{}"), ReceivedAt: at,
	})
	require.NoError(t, err)
	require.NotNil(t, got.Fact)
	return *got.Fact
}

// TestAnOrderThatCannotBeWoken checks that such an order does not stop the sweep and is woken another time.
func TestAnOrderThatCannotBeWoken(t *testing.T) {
	t.Parallel()
	a, d, open := newSweepActivities(t, 20)
	for _, id := range open[:2] {
		require.NoError(t, a.Store.AddDemand(t.Context(), store.DemandRow{ID: id, OrderID: id, Kind: order.DemandCancel}))
	}
	later := time.Now().Add(time.Hour)
	d.failingOrder = open[0]
	woken, err := a.wakeUnsettledOrders(t.Context(), later, time.Minute)
	require.ErrorContains(t, err, "waking orders with unsettled facts and demands failed")
	require.Equal(t, 1, woken)
	require.Equal(t, map[string][]string{open[1]: {dispatch.WakeBehind}}, d.signalled)
	d.failingOrder = ""
	woken, err = a.wakeUnsettledOrders(t.Context(), later.Add(6*time.Minute), time.Minute)
	require.NoError(t, err)
	require.Equal(t, 2, woken, "until they are settled")
}
