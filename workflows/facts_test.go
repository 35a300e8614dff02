package workflows_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/molecular"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

const (
	ordered  = lifecycle.Ordered
	created  = lifecycle.RequisitionCreated
	shipped  = lifecycle.TransitCustomer
	received = lifecycle.DeliveredToLab
	blocked  = lifecycle.LabProcessingBlocked
)

func TestFactsInAnyOrder(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		happen  func(w *orderHarness)
		history []lifecycle.LowStatus
		implied []int // sequence numbers of events without a fact
		fates   []string
	}{
		"the shipped notice never comes": {
			func(w *orderHarness) { w.factAt(8*day, order.FactKitReceived) },
			[]lifecycle.LowStatus{ordered, created, received}, nil, []string{"kit_received: applied"},
		},
		"the shipped notice comes after the kit": {
			func(w *orderHarness) {
				w.factAt(8*day, order.FactKitReceived)
				w.factAt(9*day, order.FactKitShipped, withSentAt(day))
			},
			[]lifecycle.LowStatus{ordered, created, received}, nil, []string{"kit_received: applied", "kit_shipped: late"},
		},
		"a report proves the kit is there": {
			func(w *orderHarness) {
				w.factAt(day, order.FactKitShipped)
				w.resultsAt(2*day, `{}`)
				w.factAt(9*day, order.FactReportReady)
			},
			[]lifecycle.LowStatus{ordered, created, shipped, received, lifecycle.Completed}, []int{3},
			[]string{"kit_shipped: applied", "report_ready: applied"},
		},
		"a rejection proves the kit is there": {
			func(w *orderHarness) {
				w.factAt(day, order.FactKitShipped)
				w.factAt(9*day, order.FactKitRejected, withRecoverable(true))
			},
			[]lifecycle.LowStatus{ordered, created, shipped, received, blocked}, []int{3},
			[]string{"kit_shipped: applied", "kit_rejected: applied"},
		},
		"everything backwards": {
			func(w *orderHarness) {
				w.resultsAt(day, `{}`)
				w.factAt(10*day, order.FactReportReady, withSentAt(9*day))
				w.factAt(10*day+hour, order.FactKitRejected, withRecoverable(true), withSentAt(8*day))
				w.factAt(10*day+2*hour, order.FactKitReceived, withSentAt(7*day))
				w.factAt(10*day+3*hour, order.FactKitShipped, withSentAt(day))
			},
			[]lifecycle.LowStatus{ordered, created, received, lifecycle.Completed}, []int{2},
			[]string{"report_ready: applied", "kit_rejected: late", "kit_received: late", "kit_shipped: late"},
		},
		"received again": {
			func(w *orderHarness) {
				w.factAt(8*day, order.FactKitReceived)
				w.factAt(9*day, order.FactKitReceived)
			},
			[]lifecycle.LowStatus{ordered, created, received}, nil, []string{"kit_received: applied", "kit_received: applied"},
		},
		"a courier is faster than the lab": {
			func(w *orderHarness) {
				w.courierFactAt(2*day, "outbound", lifecycle.OutForDelivery)
				w.factAt(3*day, order.FactKitShipped, withSentAt(day))
			},
			[]lifecycle.LowStatus{ordered, created, shipped, lifecycle.OutForDelivery}, nil,
			[]string{"courier_report: applied", "kit_shipped: applied"},
		},
		"the couriers' whole way": {
			func(w *orderHarness) {
				w.factAt(day, order.FactKitShipped)
				w.courierFactAt(2*day, "outbound", lifecycle.OutForDelivery)
				w.courierFactAt(3*day, "outbound", lifecycle.WithCustomer)
				w.courierFactAt(2*day+hour, "outbound", lifecycle.ProblemInTransitCustomer)
				w.courierFactAt(6*day, "inbound", lifecycle.TransitLab)
				w.courierFactAt(7*day, "inbound", lifecycle.ProblemInTransitLab)
				w.courierFactAt(8*day, "inbound", lifecycle.TransitLab)
				w.factAt(9*day, order.FactKitReceived)
			},
			[]lifecycle.LowStatus{
				ordered, created, shipped, lifecycle.OutForDelivery, lifecycle.ProblemInTransitCustomer, lifecycle.WithCustomer,
				lifecycle.TransitLab, lifecycle.ProblemInTransitLab, lifecycle.TransitLab, received,
			}, nil,
			[]string{
				"kit_shipped: applied", "courier_report: applied", "courier_report: applied", "courier_report: applied",
				"courier_report: applied", "courier_report: applied", "courier_report: applied", "kit_received: applied",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test.happen(w)
			w.runUntil(12 * day)
			require.Equal(t, test.history, w.statusHistory())
			require.Equal(t, test.fates, w.factOutcomes())
			for i, e := range w.order().Events {
				require.Equal(t, slices.Contains(test.implied, i), e.Implied, "%d: %s", i, e.Status)
			}
		})
	}
}

// TestImpliedStepsHaveTheFactsTime checks that an implied step has the time of the fact that proves it.
func TestImpliedStepsHaveTheFactsTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.factAt(9*day, order.FactKitRejected, withRecoverable(true), withSentAt(8*day))
	w.runUntil(10 * day)
	events := w.order().Events
	require.Equal(t, received, events[2].Status.Low())
	for _, e := range events[2:] {
		require.Equal(t, day0.Add(8*day), e.OccurredAt)
		require.Equal(t, day0.Add(9*day), e.RecordedAt)
	}
}

// TestDuplicatesChangeNothing: a fact arrives twice from the partner, which the inbox detects, and twice by signal,
// which the recording detects.
func TestDuplicatesChangeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var got store.ReceivedItem
	w.at(day, func() {
		got = w.storeInboxItem(order.Fact{Kind: order.FactKitShipped, SentAt: w.now(),
			OutboundNumber: w.trackingNumber("outbound")})
		w.wakeFor(got)
		w.wakeFor(got)
		again := w.storeInboxItem(order.Fact{Kind: order.FactKitShipped, SentAt: w.now(),
			OutboundNumber: w.trackingNumber("outbound")})
		require.True(t, again.Duplicate)
	})
	w.at(2*day, func() { w.wakeFor(got) })
	w.factAt(3*day, order.FactKitReceived)
	w.at(4*day, func() { w.wakeFor(got) })
	w.runUntil(5 * day)
	require.Equal(t, []lifecycle.LowStatus{ordered, created, shipped, received}, w.statusHistory())
	require.Equal(t, []string{"kit_shipped: applied", "kit_received: applied"}, w.factOutcomes())
	require.Len(t, w.story().Decisions, 3, "the requisition and the two reports")
}

// TestParkedFactSignalledAgain: a parked fact that is signalled again stays parked, and is applied once.
func TestParkedFactSignalledAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withActivateBy(march(6), time.UTC))
	w.at(hour, func() {
		got := w.storeInboxItem(order.Fact{Kind: order.FactKitShipped, SentAt: w.now(),
			OutboundNumber: w.trackingNumber("outbound")})
		for range 3 {
			w.wakeFor(got)
		}
	})
	w.runUntil(5 * day)
	require.Equal(t, []lifecycle.LowStatus{ordered, created, shipped}, w.statusHistory())
	require.Len(t, w.story().Decisions, 5, "parked, marked after a day, activated, placed, applied")
}

// TestFactOutOfPlace: a courier fact without an edge stays parked, is marked after a day, and becomes late by a later
// fact.
func TestFactOutOfPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.factAt(day, order.FactKitShipped)
	w.courierFactAt(2*day, "inbound", lifecycle.TransitLab)
	w.courierFactAt(3*day, "outbound", lifecycle.OutForDelivery)
	w.at(4*day-time.Second, func() { require.Empty(t, w.attention()) })
	w.at(4*day+time.Second, func() { w.requireMarkSince(4*day, order.AttentionFactOutOfPlace) })
	w.factAt(5*day, order.FactKitReceived)
	w.runUntil(6 * day)
	require.Equal(t, []lifecycle.LowStatus{ordered, created, shipped, lifecycle.TransitLab, received}, w.statusHistory())
	require.Equal(t, []string{"kit_shipped: applied", "courier_report: applied", "courier_report: late",
		"kit_received: applied"}, w.factOutcomes())
	require.Empty(t, w.attention())
}

func TestAmendments(t *testing.T) {
	t.Parallel()
	t.Run("corrects the numbers", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.factAt(day, order.FactKitShipped)
		w.factAt(2*day, order.FactKitReceived)
		w.factAt(3*day, order.FactKitShipped, withSentAt(day),
			func(f *order.Fact) { f.OutboundNumber = "9205500000000000000007" })
		w.runUntil(4 * day)
		require.Equal(t, []lifecycle.LowStatus{ordered, created, shipped, received}, w.statusHistory())
		o := w.order()
		require.Equal(t, "9205500000000000000007", o.Shipment.Outbound.Number)
		require.Equal(t, w.trackingNumber("inbound"), o.Shipment.Inbound.Number)
		require.Equal(t, []string{"kit_shipped: applied", "kit_received: applied", "kit_shipped: applied"}, w.factOutcomes())
	})
	t.Run("of a rejection to final is a rejection", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.factAt(day, order.FactKitRejected, withRecoverable(true))
		w.factAt(2*day, order.FactKitRejected, withRecoverable(false), withSentAt(day))
		w.run()
		require.Equal(t, []lifecycle.LowStatus{ordered, created, received, blocked, lifecycle.SampleError}, w.statusHistory())
	})
}

// TestPayloadsOfTheDocumentation: the documented payloads have implausible times of 2018, so the time of receipt
// counts.
func TestPayloadsOfTheDocumentation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.resultsAt(day, `{}`)
	for i, name := range []string{"kit_shipped", "kit_received", "kit_rejected", "report_ready"} {
		w.at(time.Duration(i+2)*day, func() { w.deliver(name) })
	}
	w.run()
	require.Equal(t, []lifecycle.LowStatus{ordered, created, shipped, received, blocked, lifecycle.Completed},
		w.statusHistory())
	for i, e := range w.order().Events[2:] {
		require.Equal(t, day0.Add(time.Duration(i+2)*day), e.OccurredAt, e.Status)
	}
	for _, f := range w.story().InboxItems {
		require.Equal(t, 2018, f.Fact.SentAt.Year(), "the time is kept as it was sent")
	}
	require.Equal(t, []order.AttentionReason{order.AttentionAccessionMismatch}, w.attention(),
		"one order number, three accession numbers")
}

// deliver stores a payload as the webhook endpoint does, with the order's number.
func (w *orderHarness) deliver(name string) {
	body, err := os.ReadFile("../labs/molecular/testdata/webhooks/" + name + ".json")
	require.NoError(w.t, err)
	body = []byte(strings.Replace(string(body), `"123123"`, `"`+w.number+`"`, 1))
	n := molecular.Decode(body, w.now())
	require.Empty(w.t, n.Problem)
	got, err := w.store.StoreInboxItem(context.Background(), store.NewInboxItem{
		Partner: molecular.Partner, DedupKey: n.Key, BodyHash: n.Hash, Kind: n.Kind, OrderNumber: n.OrderNumber, Fact: n.Fact,
		PartnerReason: n.Reason, Body: body, ReceivedAt: w.now(),
	})
	require.NoError(w.t, err)
	w.wakeFor(got)
}
