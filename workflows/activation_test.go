package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

var march = func(d int) order.Date { return order.Date{Year: day0.Year(), Month: day0.Month(), Day: d} }

// placedAt returns when the requisition was made, after day0.
func (w *orderHarness) placedAt() time.Duration {
	w.t.Helper()
	for _, e := range w.order().Events {
		if e.Status.Low() == lifecycle.RequisitionCreated {
			require.Equal(w.t, e.OccurredAt, e.RecordedAt)
			return e.OccurredAt.Sub(day0)
		}
	}
	w.t.Errorf("no requisition was made")
	return -1
}

func TestActivation(t *testing.T) {
	t.Parallel()
	newYork, err := time.LoadLocation("America/New_York")
	require.NoError(t, err)
	tests := map[string]struct {
		on     order.Date
		zone   *time.Location
		demand *order.Demand // an hour after the order's creation
		want   time.Duration
	}{
		"waits for midnight, UTC":      {march(5), time.UTC, nil, 2*day + 14*hour},
		"waits for midnight, New York": {march(5), newYork, nil, 2*day + 19*hour},
		"a night with a clock change":  {march(9), newYork, nil, 6*day + 18*hour},
		"today means now":              {march(2), time.UTC, nil, 0},
		"moved to later":               {march(5), time.UTC, ptr(activationDemand(march(8), time.UTC)), 5*day + 14*hour},
		"moved to earlier":             {march(8), time.UTC, ptr(activationDemand(march(4), time.UTC)), day + 14*hour},
		"moved to today, which is now": {march(8), time.UTC, ptr(activationDemand(march(2), time.UTC)), hour},
		"cleared, which is now": {march(8), time.UTC,
			ptr(order.Demand{Kind: order.DemandActivate, By: lifecycle.Client}), hour},
		"created today after its midnight": {march(1), time.UTC, nil, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, withActivateBy(test.on, test.zone))
			if test.want > 0 {
				w.at(test.want-time.Second, func() {
					if test.demand != nil && test.want == hour {
						return
					}
					require.Equal(t, []lifecycle.LowStatus{lifecycle.Ordered}, w.statusHistory())
					require.Empty(t, w.labCalls("PlaceOrder"))
				})
			}
			if test.demand != nil {
				asked := w.demandAt(hour, *test.demand)
				defer func() { require.True(t, asked.Done, asked.Reason) }()
			}
			w.runUntil(7 * day)
			require.Equal(t, test.want.String(), w.placedAt().String())
			require.Len(t, w.labCalls("PlaceOrder"), 1)
			require.NotContains(t, w.attention(), order.AttentionRequisitionOverdue)
		})
	}
}

func ptr[T any](v T) *T { return &v }

func TestActivationIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		settings []orderSetting
		after    time.Duration
		want     order.Reason
	}{
		"once it has begun": {[]orderSetting{withActivateBy(march(3), time.UTC)}, 15 * hour,
			order.ReasonTransitionNotAllowed},
		"while the lab is silent": {[]orderSetting{withActivateBy(march(3), time.UTC), withScript("fail-place-99")},
			15 * hour, order.ReasonAlreadyActivated},
		"of an unscheduled order": {[]orderSetting{withScript("fail-place-99")}, hour, order.ReasonNotScheduled},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, test.settings...)
			asked := w.demandAt(test.after, activationDemand(march(8), time.UTC))
			w.runUntil(test.after + time.Minute)
			require.True(t, asked.Answered)
			require.False(t, asked.Done)
			require.Equal(t, test.want, asked.Reason)
		})
	}
}

func TestCancellingAScheduledOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withActivateBy(march(8), time.UTC))
	asked := w.demandAt(hour, cancelDemand())
	w.run()
	require.True(t, asked.Done)
	require.Equal(t, []lifecycle.LowStatus{lifecycle.Ordered, lifecycle.Cancelled}, w.statusHistory())
	require.Empty(t, w.lab.Traffic().Calls)
	require.Empty(t, w.attention())
	require.Empty(t, w.order().State.Deadlines, "an ended order has no deadlines")
	require.Equal(t, day0.Add(hour), w.now(), "the run ends at once, not at the activation")
}

func TestFactBeforeActivation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withActivateBy(march(6), time.UTC))
	w.factAt(hour, order.FactKitShipped)
	w.at(2*hour, func() {
		require.Equal(t, []string{"kit_shipped: parked"}, w.factOutcomes())
		require.Empty(t, w.attention())
	})
	w.at(day+2*hour, func() { w.requireMarkSince(day+hour, order.AttentionFactOutOfPlace) })
	w.runUntil(5 * day)
	require.Equal(t, []lifecycle.LowStatus{lifecycle.Ordered, lifecycle.RequisitionCreated, lifecycle.TransitCustomer},
		w.statusHistory())
	require.Equal(t, []string{"kit_shipped: applied"}, w.factOutcomes())
	require.Empty(t, w.attention())
	require.Equal(t, w.trackingNumber("outbound"), w.order().Shipment.Outbound.Number)
}
