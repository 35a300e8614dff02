package activities

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/bulkorders"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/store/keyring"
)

// fakeTemporal records calls. Every second order has no run.
type fakeTemporal struct {
	Dispatcher
	mu           sync.Mutex
	ensured      []string
	signalled    map[string][]string // the facts of an order, in order of arrival
	nudged       []string            // endpoints
	unsignalled  string              // the order that takes no facts
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

func (d *fakeTemporal) SignalFact(_ context.Context, orderID string, f order.Fact) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if orderID == d.unsignalled {
		return errors.New("away")
	}
	d.signalled[orderID] = append(d.signalled[orderID], f.InboxID)
	return nil
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

func (d *fakeTemporal) WakeOrder(_ context.Context, id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if id == d.failingOrder {
		return errors.New("it takes no more signals")
	}
	d.signalled[id] = append(d.signalled[id], "wake")
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

// TestWaitingFactsAreSignalledInOrder checks that many waiting facts are signalled, those of one order in order of
// arrival.
func TestWaitingFactsAreSignalledInOrder(t *testing.T) {
	t.Parallel()
	a, d, open := newSweepActivities(t, 300)
	want := map[string][]string{}
	var all int
	for n := range 4 {
		for _, id := range open {
			o, err := a.Store.Order(t.Context(), "", id)
			require.NoError(t, err)
			at := time.Now().UTC().Truncate(time.Microsecond)
			got, err := a.Store.StoreInboxItem(t.Context(), store.NewInboxItem{
				Partner: "p", DedupKey: o.Number + string(rune('a'+n)), BodyHash: "h", Kind: "k", OrderNumber: o.Number,
				Fact: &order.Fact{Kind: order.FactKitShipped, SentAt: at}, Body: []byte("{}"), ReceivedAt: at,
			})
			require.NoError(t, err)
			want[id] = append(want[id], got.ID)
			all++
		}
	}
	later := time.Now().Add(time.Minute)
	healed, err := a.sweepInbox(t.Context(), later, later)
	require.NoError(t, err)
	require.Equal(t, all, healed)
	require.Greater(t, all, 40)
	require.Equal(t, want, d.signalled)

	// The control: the reverse order is found.
	slices.Reverse(d.signalled[open[0]])
	require.NotEqual(t, want, d.signalled)
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
	woken, err := a.wakeOrdersWithoutAnswer(t.Context(), later, time.Minute)
	require.NoError(t, err)
	require.Equal(t, 1, woken)
	require.Equal(t, map[string][]string{open[1]: {"wake"}}, d.signalled)
	left, err := a.Store.OrdersWithUnansweredDemands(t.Context(), later, 10)
	require.NoError(t, err)
	require.Equal(t, open[:1], left)
}
