package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

func toCustomer(w *world) {
	w.fact(day, order.KitShipped)
	w.courier(3*day, "outbound", lifecycle.WithCustomer)
}

func toLab(w *world) {
	w.fact(day, order.KitShipped)
	w.courier(10*day, "inbound", lifecycle.TransitLab)
}

// Every row of the deadlines table that a testkit can meet, and that marks the order: exactly when it is due, and until the order
// moves on.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		settings []setting
		enter    func(w *world)
		reason   order.AttentionReason
		due      time.Duration
		leave    func(w *world, at time.Duration)
	}{
		"no requisition": {
			settings: []setting{withScript("fail-place-99")},
			enter:    func(*world) {}, reason: order.RequisitionOverdue, due: 8 * hour,
			leave: func(w *world, at time.Duration) {
				w.script(at, "happy")
				w.demand(at+time.Second, byOperations(order.DemandPlace))
			},
		},
		"no requisition after the activation": {
			settings: []setting{withScript("refuse-place"), activatedBy(march(5), time.UTC)},
			enter:    func(*world) {}, reason: order.RequisitionOverdue, due: 2*day + 22*hour,
			leave: func(w *world, at time.Duration) { w.demand(at, cancel()) },
		},
		"not shipped": {
			enter: func(*world) {}, reason: order.ShipmentOverdue, due: 7 * day,
			leave: func(w *world, at time.Duration) { w.fact(at, order.KitShipped) },
		},
		"on its way to the customer": {
			enter: func(w *world) { w.fact(2*day, order.KitShipped, sentAt(day)) }, reason: order.OutboundOverdue, due: 11 * day,
			leave: func(w *world, at time.Duration) { w.courier(at, "outbound", lifecycle.WithCustomer) },
		},
		"on its way, changing hands": {
			enter: func(w *world) {
				w.fact(day, order.KitShipped)
				w.courier(6*day, "outbound", lifecycle.ProblemInTransitCustomer)
				w.courier(8*day, "outbound", lifecycle.OutForDelivery)
			}, reason: order.OutboundOverdue, due: 11 * day,
			leave: func(w *world, at time.Duration) { w.courier(at, "outbound", lifecycle.WithCustomer) },
		},
		"never heard of on its way out": {
			enter: func(w *world) { w.fact(day, order.KitShipped) }, reason: order.LegSilent, due: 31 * day,
			leave: func(w *world, at time.Duration) { w.fact(at, order.KitReceived) },
		},
		"not used": {enter: toCustomer, reason: order.KitUnused, due: 33 * day,
			leave: func(w *world, at time.Duration) { w.courier(at, "inbound", lifecycle.TransitLab) },
		},
		"on its way to the lab": {enter: toLab, reason: order.InboundOverdue, due: 17 * day,
			leave: func(w *world, at time.Duration) { w.fact(at, order.KitReceived) },
		},
		"delivered, says the courier, and the lab says nothing": {
			enter: func(w *world) {
				toLab(w)
				w.courier(12*day, "inbound", "", func(f *order.Fact) { f.Delivered = true })
			}, reason: order.LegSilent, due: 33 * day,
			leave: func(w *world, at time.Duration) { w.fact(at, order.KitReceived) },
		},
		"no results": {
			enter: func(w *world) { w.fact(5*day, order.KitReceived) }, reason: order.ResultsOverdue, due: 19 * day,
			leave: func(w *world, at time.Duration) { w.results(at, `{}`); w.fact(at, order.ReportReady) },
		},
		"no results of a test that takes three days": {
			settings: []setting{func(o *order.Order, _ *order.Policy, _ *time.Time) { o.LabTest.WorstCaseTATDays = ptr(3) }},
			enter:    func(w *world) { w.fact(5*day, order.KitReceived) }, reason: order.ResultsOverdue, due: 8 * day,
			leave: func(w *world, at time.Duration) { w.fact(at, order.KitRejected, recoverable(false)) },
		},
		"results announced, and not to be had": {
			enter: func(w *world) { w.fact(5*day, order.ReportReady) }, reason: order.ResultsUnfetched, due: 6*day + hour,
			leave: func(w *world, at time.Duration) { w.results(at, `{}`); w.fact(at, order.ReportReady) },
		},
		"a report out of place": {
			enter: func(w *world) {
				toLab(w)
				w.courier(11*day, "outbound", lifecycle.WithCustomer)
			}, reason: order.FactOutOfPlace, due: 12 * day,
			leave: func(w *world, at time.Duration) { w.fact(at, order.KitReceived) },
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, test.settings...)
			test.enter(w)
			w.at(test.due-time.Second, func() { require.NotContains(t, w.attention(), test.reason) })
			w.at(test.due+time.Second, func() { w.requireSince(test.due, test.reason) })
			test.leave(w, test.due+hour)
			w.runUntil(test.due + 2*hour)
			require.NotContains(t, w.attention(), test.reason)
			require.NotContains(t, w.history(), lifecycle.Lost)
		})
	}
}

// A kit is lost only if its courier has reported on the leg and then fell silent.
func TestLost(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		enter func(w *world)
		due   time.Duration
	}{
		"on its way to the customer": {func(w *world) {
			w.fact(day, order.KitShipped)
			w.courier(3*day, "outbound", lifecycle.OutForDelivery)
			w.courier(5*day, "outbound", lifecycle.ProblemInTransitCustomer)
		}, 35 * day},
		"seen without moving on": {func(w *world) {
			w.fact(day, order.KitShipped)
			w.courier(9*day, "outbound", "")
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
			require.Equal(t, []order.AttentionReason{order.ReplacementNeeded}, w.attention())
		})
	}
}

// A parked report that arrived in the same second as an earlier one has its own day.
func TestTwoReportsOutOfPlaceInOneSecond(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	toLab(w)
	w.courier(11*day, "outbound", lifecycle.OutForDelivery, sentAt(11*day-hour))
	w.courier(11*day+400*time.Millisecond, "outbound", lifecycle.WithCustomer)
	w.at(13*day, func() { w.requireSince(12*day, order.FactOutOfPlace) })
	// Moves the order to a time between the two sightings: the first becomes history, the second still waits.
	w.courier(13*day+hour, "inbound", lifecycle.ProblemInTransitLab, sentAt(11*day-time.Minute))
	w.runUntil(14 * day)
	require.Equal(t, lifecycle.ProblemInTransitLab, w.order().Status)
	require.Equal(t, []string{
		"kit_shipped: applied", "courier_report: applied", "courier_report: late", "courier_report: parked", "courier_report: applied",
	}, w.fates())
	require.Contains(t, w.attention(), order.FactOutOfPlace)
}
