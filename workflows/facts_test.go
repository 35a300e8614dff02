package workflows_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/dispatch"
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
		happen  func(w *world)
		history []lifecycle.Low
		implied []int // events that no report stands for
		fates   []string
	}{
		"the shipped notice never comes": {
			func(w *world) { w.fact(8*day, order.KitReceived) },
			[]lifecycle.Low{ordered, created, received}, nil, []string{"kit_received: applied"},
		},
		"the shipped notice comes after the kit": {
			func(w *world) {
				w.fact(8*day, order.KitReceived)
				w.fact(9*day, order.KitShipped, sentAt(day))
			},
			[]lifecycle.Low{ordered, created, received}, nil, []string{"kit_received: applied", "kit_shipped: late"},
		},
		"a report proves the kit is there": {
			func(w *world) {
				w.fact(day, order.KitShipped)
				w.results(2*day, `{}`)
				w.fact(9*day, order.ReportReady)
			},
			[]lifecycle.Low{ordered, created, shipped, received, lifecycle.Completed}, []int{3},
			[]string{"kit_shipped: applied", "report_ready: applied"},
		},
		"a rejection proves the kit is there": {
			func(w *world) {
				w.fact(day, order.KitShipped)
				w.fact(9*day, order.KitRejected, recoverable(true))
			},
			[]lifecycle.Low{ordered, created, shipped, received, blocked}, []int{3},
			[]string{"kit_shipped: applied", "kit_rejected: applied"},
		},
		"everything backwards": {
			func(w *world) {
				w.results(day, `{}`)
				w.fact(10*day, order.ReportReady, sentAt(9*day))
				w.fact(10*day+hour, order.KitRejected, recoverable(true), sentAt(8*day))
				w.fact(10*day+2*hour, order.KitReceived, sentAt(7*day))
				w.fact(10*day+3*hour, order.KitShipped, sentAt(day))
			},
			[]lifecycle.Low{ordered, created, received, lifecycle.Completed}, []int{2},
			[]string{"report_ready: applied", "kit_rejected: late", "kit_received: late", "kit_shipped: late"},
		},
		"received again": {
			func(w *world) {
				w.fact(8*day, order.KitReceived)
				w.fact(9*day, order.KitReceived)
			},
			[]lifecycle.Low{ordered, created, received}, nil, []string{"kit_received: applied", "kit_received: applied"},
		},
		"a courier is faster than the lab": {
			func(w *world) {
				w.courier(2*day, "outbound", lifecycle.OutForDelivery)
				w.fact(3*day, order.KitShipped, sentAt(day))
			},
			[]lifecycle.Low{ordered, created, shipped, lifecycle.OutForDelivery}, nil,
			[]string{"courier_report: applied", "kit_shipped: applied"},
		},
		"the couriers' whole way": {
			func(w *world) {
				w.fact(day, order.KitShipped)
				w.courier(2*day, "outbound", lifecycle.OutForDelivery)
				w.courier(3*day, "outbound", lifecycle.WithCustomer)
				w.courier(2*day+hour, "outbound", lifecycle.ProblemInTransitCustomer)
				w.courier(6*day, "inbound", lifecycle.TransitLab)
				w.courier(7*day, "inbound", lifecycle.ProblemInTransitLab)
				w.courier(8*day, "inbound", lifecycle.TransitLab)
				w.fact(9*day, order.KitReceived)
			},
			[]lifecycle.Low{
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
			require.Equal(t, test.history, w.history())
			require.Equal(t, test.fates, w.fates())
			for i, e := range w.order().Events {
				require.Equal(t, slices.Contains(test.implied, i), e.Implied, "%d: %s", i, e.Status)
			}
		})
	}
}

// An implied step has the time of the fact that proves it.
func TestImpliedStepsHaveTheFactsTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fact(9*day, order.KitRejected, recoverable(true), sentAt(8*day))
	w.runUntil(10 * day)
	events := w.order().Events
	require.Equal(t, received, events[2].Status.Low())
	for _, e := range events[2:] {
		require.Equal(t, day0.Add(8*day), e.OccurredAt)
		require.Equal(t, day0.Add(9*day), e.RecordedAt)
	}
}

// The same report twice: once by the partner, which the inbox counts, and once by the reconciler, which the recording knows.
func TestDuplicatesChangeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var got store.Received
	w.at(day, func() {
		got = w.receive(order.Fact{Kind: order.KitShipped, SentAt: w.now(), Outbound: w.tracking("outbound")})
		w.signal(got)
		w.signal(got)
		again := w.receive(order.Fact{Kind: order.KitShipped, SentAt: w.now(), Outbound: w.tracking("outbound")})
		require.True(t, again.Duplicate)
	})
	w.at(2*day, func() { w.signal(got) })
	w.fact(3*day, order.KitReceived)
	w.at(4*day, func() { w.signal(got) })
	w.runUntil(5 * day)
	require.Equal(t, []lifecycle.Low{ordered, created, shipped, received}, w.history())
	require.Equal(t, []string{"kit_shipped: applied", "kit_received: applied"}, w.fates())
	require.Len(t, w.story().Decisions, 3, "the requisition and the two reports")
}

// A parked report that is signalled again stays parked, and is one report when its turn comes.
func TestParkedReportSignalledAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, activatedBy(march(6), time.UTC))
	w.at(hour, func() {
		got := w.receive(order.Fact{Kind: order.KitShipped, SentAt: w.now(), Outbound: w.tracking("outbound")})
		for range 3 {
			w.signal(got)
		}
	})
	w.runUntil(5 * day)
	require.Equal(t, []lifecycle.Low{ordered, created, shipped}, w.history())
	require.Len(t, w.story().Decisions, 5, "parked, marked after a day, activated, placed, applied")
}

// A courier's sighting that does not fit waits, marked after a day, until a later report makes it history.
func TestReportOutOfPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fact(day, order.KitShipped)
	w.courier(2*day, "inbound", lifecycle.TransitLab)
	w.courier(3*day, "outbound", lifecycle.OutForDelivery)
	w.at(4*day-time.Second, func() { require.Empty(t, w.attention()) })
	w.at(4*day+time.Second, func() { w.requireSince(4*day, order.FactOutOfPlace) })
	w.fact(5*day, order.KitReceived)
	w.runUntil(6 * day)
	require.Equal(t, []lifecycle.Low{ordered, created, shipped, lifecycle.TransitLab, received}, w.history())
	require.Equal(t, []string{"kit_shipped: applied", "courier_report: applied", "courier_report: late", "kit_received: applied"}, w.fates())
	require.Empty(t, w.attention())
}

func TestAmendments(t *testing.T) {
	t.Parallel()
	t.Run("corrects the numbers", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.fact(day, order.KitShipped)
		w.fact(2*day, order.KitReceived)
		w.fact(3*day, order.KitShipped, sentAt(day), func(f *order.Fact) { f.Outbound = "9205500000000000000007" })
		w.runUntil(4 * day)
		require.Equal(t, []lifecycle.Low{ordered, created, shipped, received}, w.history())
		o := w.order()
		require.Equal(t, "9205500000000000000007", o.Shipment.Outbound.Number)
		require.Equal(t, w.tracking("inbound"), o.Shipment.Inbound.Number)
		require.Equal(t, []string{"kit_shipped: applied", "kit_received: applied", "kit_shipped: applied"}, w.fates())
	})
	t.Run("of a rejection to final is a rejection", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.fact(day, order.KitRejected, recoverable(true))
		w.fact(2*day, order.KitRejected, recoverable(false), sentAt(day))
		w.run()
		require.Equal(t, []lifecycle.Low{ordered, created, received, blocked, lifecycle.SampleError}, w.history())
	})
}

// The four payloads of the partner's own documentation have times of 2018: implausible, so the receive time counts.
func TestPayloadsOfTheDocumentation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.results(day, `{}`)
	for i, name := range []string{"kit_shipped", "kit_received", "kit_rejected", "report_ready"} {
		w.at(time.Duration(i+2)*day, func() { w.deliver(name) })
	}
	w.run()
	require.Equal(t, []lifecycle.Low{ordered, created, shipped, received, blocked, lifecycle.Completed}, w.history())
	for i, e := range w.order().Events[2:] {
		require.Equal(t, day0.Add(time.Duration(i+2)*day), e.OccurredAt, e.Status)
	}
	for _, f := range w.story().Facts {
		require.Equal(t, 2018, f.Fact.SentAt.Year(), "the time is kept as it was sent")
	}
	require.Equal(t, []order.AttentionReason{order.AccessionMismatch}, w.attention(), "one order number, three accession numbers")
}

// deliver takes a payload in as the webhook endpoint does, but for the order's number.
func (w *world) deliver(name string) {
	body, err := os.ReadFile("../labs/molecular/testdata/webhooks/" + name + ".json")
	require.NoError(w.t, err)
	body = []byte(strings.Replace(string(body), `"123123"`, `"`+w.number+`"`, 1))
	n := molecular.Decode(body, w.now())
	require.Empty(w.t, n.Problem)
	got, err := w.store.Receive(context.Background(), store.Report{
		Partner: molecular.Partner, Key: n.Key, Hash: n.Hash, Kind: n.Kind, OrderNumber: n.OrderNumber, Fact: n.Fact,
		Reason: n.Reason, Body: body, ReceivedAt: w.now(),
	})
	require.NoError(w.t, err)
	w.env.SignalWorkflow(dispatch.SignalFact, *got.Fact)
}
