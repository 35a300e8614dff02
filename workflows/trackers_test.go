package workflows_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/couriers"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// fakeTracker is a tracking service that answers as answer does; nil: it creates a tracker.
type fakeTracker struct {
	answer func(n int, number string) error

	mu    sync.Mutex
	asked []string
}

func (a *fakeTracker) CreateTracker(_ context.Context, number string, _ couriers.Courier) (string, error) {
	a.mu.Lock()
	a.asked = append(a.asked, number)
	n := len(a.asked)
	a.mu.Unlock()
	if a.answer != nil {
		if err := a.answer(n, number); err != nil {
			return "", err
		}
	}
	return "trk_" + number, nil
}

func TestTrackers(t *testing.T) {
	t.Parallel()
	t.Run("one for each leg", func(t *testing.T) {
		t.Parallel()
		w, a := newWorld(t), &fakeTracker{}
		w.tracker = a
		w.factAt(day, order.FactKitShipped)
		w.runUntil(2 * day)
		require.Equal(t, []string{w.trackingNumber("outbound"), w.trackingNumber("inbound")}, a.asked)
		requireTrackers(t, w)
	})
	t.Run("asked until the service answers", func(t *testing.T) {
		t.Parallel()
		w, a := newWorld(t), &fakeTracker{answer: func(n int, _ string) error {
			if n <= 5 {
				return errors.New("unavailable")
			}
			return nil
		}}
		w.tracker = a
		w.factAt(day, order.FactKitShipped)
		w.runUntil(2 * day)
		require.Len(t, a.asked, 7)
		requireTrackers(t, w)
	})
	t.Run("refused, and let be", func(t *testing.T) {
		t.Parallel()
		w, a := newWorld(t),
			&fakeTracker{answer: func(int, string) error { return &couriers.RefusedError{Code: "TRACKER.CREATE.ERROR"} }}
		w.tracker = a
		w.factAt(day, order.FactKitShipped)
		w.runUntil(2 * day)
		require.Len(t, a.asked, 2)
		require.False(t, w.order().State.TrackersPending)
		require.Equal(t, shipped, w.order().Status)
	})
	t.Run("the account is refused for two days", func(t *testing.T) {
		t.Parallel()
		w, a := newWorld(t), &fakeTracker{}
		w.tracker = a
		a.answer = func(int, string) error {
			if w.now().Before(day0.Add(3 * day)) {
				return &couriers.AccountError{Status: 401, Code: "APIKEY.INACTIVE"}
			}
			return nil
		}
		w.factAt(day, order.FactKitShipped)
		marks := make(chan []store.CourierRefusal, 1)
		w.at(2*day, func() {
			all, err := w.store.CourierRefusals(context.Background())
			require.NoError(t, err)
			marks <- all
		})
		w.runUntil(4 * day)
		require.Len(t, <-marks, 1)
		requireTrackers(t, w)
		all, err := w.store.CourierRefusals(context.Background())
		require.NoError(t, err)
		require.Empty(t, all, "the mark is cleared")
		require.Empty(t, w.order().State.Attention, "no order has a mark of it")
	})
	t.Run("one leg does not wait for the other", func(t *testing.T) {
		t.Parallel()
		w, a := newWorld(t), &fakeTracker{}
		w.tracker = a
		a.answer = func(_ int, number string) error {
			if number == w.trackingNumber("outbound") && w.now().Before(day0.Add(3*day)) {
				return &couriers.UnavailableError{Status: 500}
			}
			return nil
		}
		w.factAt(day, order.FactKitShipped)
		w.runUntil(2 * day)
		require.Empty(t, w.order().Shipment.Outbound.TrackerID)
		require.Equal(t, "trk_"+w.trackingNumber("inbound"), w.order().Shipment.Inbound.TrackerID)
		w.runUntil(4 * day)
		requireTrackers(t, w)
	})
	t.Run("the service is away for two days", func(t *testing.T) {
		t.Parallel()
		w, a := newWorld(t), &fakeTracker{}
		w.tracker = a
		a.answer = func(int, string) error {
			if w.now().Before(day0.Add(3 * day)) {
				return &couriers.UnavailableError{Status: 502}
			}
			return nil
		}
		w.factAt(day, order.FactKitShipped)
		w.runUntil(4 * day)
		requireTrackers(t, w)
	})
	t.Run("another parcel while they are made", func(t *testing.T) {
		t.Parallel()
		const other = "9405500000000000000014"
		w, a := newWorld(t), &fakeTracker{}
		w.tracker = a
		a.answer = func(n int, _ string) error {
			if n == 1 {
				w.meanwhile(func() {
					w.reportFact(order.FactKitShipped, withSentAt(day+time.Minute), func(f *order.Fact) { f.OutboundNumber = other })
				})
				w.awaitOrder(func(o *order.Order) bool { return o.Shipment.Outbound.Number == other })
			}
			return nil
		}
		w.factAt(day, order.FactKitShipped)
		w.runUntil(2 * day)
		require.Contains(t, a.asked, other)
		require.False(t, w.order().State.TrackersPending)
		require.Equal(t, "trk_"+other, w.order().Shipment.Outbound.TrackerID)
	})
	t.Run("another parcel of the same time", func(t *testing.T) {
		t.Parallel()
		const other = "9405500000000000000014"
		w, a := newWorld(t), &fakeTracker{}
		w.tracker = a
		w.factAt(day, order.FactKitShipped)
		w.factAt(day+time.Hour, order.FactKitShipped, withSentAt(day),
			func(f *order.Fact) { f.OutboundNumber = other })
		w.runUntil(2 * day)
		require.Equal(t, []string{w.trackingNumber("outbound"), w.trackingNumber("inbound"), other}, a.asked)
		require.False(t, w.order().State.TrackersPending)
		require.Equal(t, "trk_"+other, w.order().Shipment.Outbound.TrackerID)
	})
}

func requireTrackers(t *testing.T, w *orderHarness) {
	t.Helper()
	o := w.order()
	require.False(t, o.State.TrackersPending)
	require.Equal(t, "trk_"+w.trackingNumber("outbound"), o.Shipment.Outbound.TrackerID)
	require.Equal(t, "trk_"+w.trackingNumber("inbound"), o.Shipment.Inbound.TrackerID)
}
