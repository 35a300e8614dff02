package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

func toCustomer(w *orderHarness) {
	w.factAt(day, order.FactKitShipped)
	w.courierFactAt(3*day, "outbound", lifecycle.WithCustomer)
}

func toLab(w *orderHarness) {
	w.factAt(day, order.FactKitShipped)
	w.courierFactAt(10*day, "inbound", lifecycle.TransitLab)
}

// TestDeadlines checks every row of the table of deadlines that marks a testkit: when it is due, and that the mark
// stays until the order moves on.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		settings []orderSetting
		enter    func(w *orderHarness)
		reason   order.AttentionReason
		due      time.Duration
		leave    func(w *orderHarness, at time.Duration)
	}{
		"no requisition": {
			settings: []orderSetting{withScript("fail-place-99")},
			enter:    func(*orderHarness) {}, reason: order.AttentionRequisitionOverdue, due: 8 * hour,
			leave: func(w *orderHarness, at time.Duration) {
				w.scriptAt(at, "happy")
				w.demandAt(at+time.Second, operationsDemand(order.DemandPlace))
			},
		},
		"no requisition after the activation": {
			settings: []orderSetting{withScript("refuse-place"), withActivateBy(march(5), time.UTC)},
			enter:    func(*orderHarness) {}, reason: order.AttentionRequisitionOverdue, due: 2*day + 22*hour,
			leave: func(w *orderHarness, at time.Duration) { w.demandAt(at, cancelDemand()) },
		},
		"not shipped": {
			enter: func(*orderHarness) {}, reason: order.AttentionShipmentOverdue, due: 7 * day,
			leave: func(w *orderHarness, at time.Duration) { w.factAt(at, order.FactKitShipped) },
		},
		"on its way to the customer": {
			enter:  func(w *orderHarness) { w.factAt(2*day, order.FactKitShipped, withSentAt(day)) },
			reason: order.AttentionOutboundOverdue, due: 11 * day,
			leave: func(w *orderHarness, at time.Duration) { w.courierFactAt(at, "outbound", lifecycle.WithCustomer) },
		},
		"on its way, changing hands": {
			enter: func(w *orderHarness) {
				w.factAt(day, order.FactKitShipped)
				w.courierFactAt(6*day, "outbound", lifecycle.ProblemInTransitCustomer)
				w.courierFactAt(8*day, "outbound", lifecycle.OutForDelivery)
			}, reason: order.AttentionOutboundOverdue, due: 11 * day,
			leave: func(w *orderHarness, at time.Duration) { w.courierFactAt(at, "outbound", lifecycle.WithCustomer) },
		},
		"no courier fact on the outbound leg": {
			enter: func(w *orderHarness) { w.factAt(day, order.FactKitShipped) }, reason: order.AttentionLegSilent,
			due:   31 * day,
			leave: func(w *orderHarness, at time.Duration) { w.factAt(at, order.FactKitReceived) },
		},
		"not used": {enter: toCustomer, reason: order.AttentionKitUnused, due: 33 * day,
			leave: func(w *orderHarness, at time.Duration) { w.courierFactAt(at, "inbound", lifecycle.TransitLab) },
		},
		"on its way to the lab": {enter: toLab, reason: order.AttentionInboundOverdue, due: 17 * day,
			leave: func(w *orderHarness, at time.Duration) { w.factAt(at, order.FactKitReceived) },
		},
		"delivered, says the courier, and the lab says nothing": {
			enter: func(w *orderHarness) {
				toLab(w)
				w.courierFactAt(12*day, "inbound", "", func(f *order.Fact) { f.LegEnded = true })
			}, reason: order.AttentionLegSilent, due: 33 * day,
			leave: func(w *orderHarness, at time.Duration) { w.factAt(at, order.FactKitReceived) },
		},
		"no results": {
			enter: func(w *orderHarness) { w.factAt(5*day, order.FactKitReceived) }, reason: order.AttentionResultsOverdue,
			due:   19 * day,
			leave: func(w *orderHarness, at time.Duration) { w.resultsAt(at, `{}`); w.factAt(at, order.FactReportReady) },
		},
		"no results of a test that takes three days": {
			settings: []orderSetting{func(o *order.Order, _ *order.Policy,
				_ *time.Time) {
				o.LabTest.WorstCaseTATDays = ptr(3)
			}},
			enter: func(w *orderHarness) { w.factAt(5*day, order.FactKitReceived) }, reason: order.AttentionResultsOverdue,
			due:   8 * day,
			leave: func(w *orderHarness, at time.Duration) { w.factAt(at, order.FactKitRejected, withRecoverable(false)) },
		},
		"results announced, and not to be had": {
			enter: func(w *orderHarness) { w.factAt(5*day, order.FactReportReady) }, reason: order.AttentionResultsUnfetched,
			due:   6*day + hour,
			leave: func(w *orderHarness, at time.Duration) { w.resultsAt(at, `{}`); w.factAt(at, order.FactReportReady) },
		},
		"a parked report_ready": {
			enter: func(w *orderHarness) {
				toLab(w)
				w.courierFactAt(11*day, "outbound", lifecycle.WithCustomer)
			}, reason: order.AttentionFactOutOfPlace, due: 12 * day,
			leave: func(w *orderHarness, at time.Duration) { w.factAt(at, order.FactKitReceived) },
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, test.settings...)
			test.enter(w)
			w.at(test.due-time.Second, func() { require.NotContains(t, w.attention(), test.reason) })
			w.at(test.due+time.Second, func() { w.requireMarkSince(test.due, test.reason) })
			test.leave(w, test.due+hour)
			w.runUntil(test.due + 2*hour)
			require.NotContains(t, w.attention(), test.reason)
			require.NotContains(t, w.statusHistory(), lifecycle.Lost)
		})
	}
}

// TestLost checks that a kit is lost only if its courier has reported on the leg and then stopped.
func TestLost(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		enter func(w *orderHarness)
		due   time.Duration
	}{
		"on its way to the customer": {func(w *orderHarness) {
			w.factAt(day, order.FactKitShipped)
			w.courierFactAt(3*day, "outbound", lifecycle.OutForDelivery)
			w.courierFactAt(5*day, "outbound", lifecycle.ProblemInTransitCustomer)
		}, 35 * day},
		"seen without moving on": {func(w *orderHarness) {
			w.factAt(day, order.FactKitShipped)
			w.courierFactAt(9*day, "outbound", "")
		}, 39 * day},
		"on its way to the lab": {toLab, 31 * day},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test.enter(w)
			w.at(test.due-time.Second, func() { require.False(t, w.order().State.Terminal()) })
			w.run()
			last := w.order().Events[len(w.order().Events)-1]
			require.Equal(t, lifecycle.Lost, last.Status.Low())
			require.Equal(t, day0.Add(test.due), last.OccurredAt)
			require.Equal(t, []order.AttentionReason{order.AttentionReplacementNeeded}, w.attention())
		})
	}
}

// TestTwoFactsParkedInOneSecond: each parked fact has its own deadline, even if two arrive in the same second.
func TestTwoFactsParkedInOneSecond(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	toLab(w)
	w.courierFactAt(11*day, "outbound", lifecycle.OutForDelivery, withSentAt(11*day-hour))
	w.courierFactAt(11*day+400*time.Millisecond, "outbound", lifecycle.WithCustomer)
	w.at(13*day, func() { w.requireMarkSince(12*day, order.AttentionFactOutOfPlace) })
	// Moves the order to a time between the two scans: the first becomes late, the second stays parked.
	w.courierFactAt(13*day+hour, "inbound", lifecycle.ProblemInTransitLab, withSentAt(11*day-time.Minute))
	w.runUntil(14 * day)
	require.Equal(t, lifecycle.ProblemInTransitLab, w.order().Status)
	require.Equal(t, []string{
		"kit_shipped: applied", "courier_report: applied", "courier_report: late", "courier_report: parked",
		"courier_report: applied",
	}, w.factOutcomes())
	require.Contains(t, w.attention(), order.AttentionFactOutOfPlace)
}
