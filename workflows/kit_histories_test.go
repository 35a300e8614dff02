package workflows_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// historyFact is one fact of a history: what happened, when, and with which content.
type historyFact struct {
	kind   order.FactKind
	at     time.Duration       // when it happened, after day0
	final  bool                // kit_rejected: final
	parcel int                 // kit_shipped: which tracking numbers
	leg    string              // courier_report
	target lifecycle.LowStatus // courier_report
}

// arrival is the arrival of a fact: the facts of a history arrive in any order, and some arrive twice.
type arrival struct {
	report int
	after  time.Duration // since the arrival before
}

// kitHistory is what happened to a kit, in order, and how the facts arrived. Everything happened before the first
// arrival.
type kitHistory struct {
	facts    []historyFact
	arrivals []arrival
}

func (h kitHistory) String() string {
	var b strings.Builder
	for _, x := range h.facts {
		fmt.Fprintf(&b, "%s%s at %s; ", x.kind, x.target, x.at)
	}
	b.WriteString("facts:")
	for _, a := range h.arrivals {
		fmt.Fprintf(&b, " %s later #%d,", a.after, a.report)
	}
	return b.String()
}

// arrivalsFrom is when the first fact arrives. All facts arrive within three days, before the shortest deadline.
const arrivalsFrom = 3 * day

// histories draws valid histories: shipments, courier scans, then the kit at the lab, then one of the ends.
func histories(end *rapid.Generator[[]historyFact]) *rapid.Generator[kitHistory] {
	scans := []historyFact{
		{kind: order.FactCourierReport, leg: "outbound", target: lifecycle.OutForDelivery},
		{kind: order.FactCourierReport, leg: "outbound", target: lifecycle.WithCustomer},
		{kind: order.FactCourierReport, leg: "inbound", target: lifecycle.TransitLab},
	}
	atLab := rapid.SampledFrom([]historyFact{{kind: order.FactKitReceived}, {kind: order.FactKitRejected}})
	return rapid.Custom(func(t *rapid.T) kitHistory {
		var h kitHistory
		shipments := rapid.IntRange(0, 2).Draw(t, "shipments")
		for n := range shipments {
			h.facts = append(h.facts, historyFact{kind: order.FactKitShipped, parcel: n})
		}
		if shipments == 1 {
			from := rapid.IntRange(0, 3).Draw(t, "scans from")
			h.facts = append(h.facts, scans[from:]...)
		}
		h.facts = append(h.facts, rapid.SliceOfN(atLab, 0, 3).Draw(t, "at the lab")...)
		h.facts = append(h.facts, end.Draw(t, "end")...)
		at := time.Duration(0)
		for i := range h.facts {
			at += time.Duration(rapid.IntRange(1, 6).Draw(t, "hours")) * hour
			h.facts[i].at = at
		}
		h.arrivals = drawArrivals(t, len(h.facts))
		return h
	})
}

func drawArrivals(t *rapid.T, reports int) []arrival {
	var all []int
	for i := range reports {
		all = append(all, i)
	}
	if reports > 0 {
		all = append(all, rapid.SliceOfN(rapid.IntRange(0, reports-1), 0, 3).Draw(t, "again")...)
	}
	var out []arrival
	for _, i := range rapid.Permutation(all).Draw(t, "order of arrival") {
		out = append(out, arrival{i, time.Duration(rapid.IntRange(1, 4*3600).Draw(t, "seconds")) * time.Second})
	}
	return out
}

// consistentEnds are the ends with at most one terminal fact, after which only lab reports follow.
var consistentEnds = rapid.SampledFrom([][]historyFact{
	nil,
	{{kind: order.FactKitRejected, final: true}},
	{{kind: order.FactReportReady}},
	{{kind: order.FactReportReady}, {kind: order.FactReportReady}},
})

// wantStatus returns the status in which a history ends: that of its newest fact.
func (h kitHistory) wantStatus() lifecycle.LowStatus {
	if len(h.facts) == 0 {
		return created
	}
	last := h.facts[len(h.facts)-1]
	switch last.kind {
	case order.FactKitShipped:
		return shipped
	case order.FactKitReceived:
		return received
	case order.FactReportReady:
		return completed
	case order.FactKitRejected:
		if last.final {
			return lifecycle.SampleError
		}
		return blocked
	default:
		return last.target
	}
}

// deliverFacts has the facts arrive at an order. With withoutTimes each has the time of its arrival, so that none is
// late.
func (h kitHistory) deliverFacts(w *orderHarness, withoutTimes bool) {
	w.resultsAt(day, `{}`)
	if h.reportCount() > 1 {
		w.resultsAt(2*day, otherResults)
	}
	at := arrivalsFrom
	for _, a := range h.arrivals {
		at += a.after
		x := h.facts[a.report]
		w.factAt(at, x.kind, func(f *order.Fact) {
			if !withoutTimes {
				f.SentAt = day0.Add(x.at)
			}
			if x.kind == order.FactKitRejected {
				f.Recoverable = ptr(!x.final)
			}
			if x.kind == order.FactKitShipped && x.parcel > 0 {
				f.OutboundNumber, f.InboundNumber = strings.Replace(f.OutboundNumber, "92", "94", 1),
					strings.Replace(f.InboundNumber, "92", "94", 1)
			}
			f.Leg, f.TargetStatus = x.leg, x.target
		})
	}
	w.runUntil(6 * day)
}

func (h kitHistory) reportCount() int {
	n := 0
	for _, x := range h.facts {
		if x.kind == order.FactReportReady {
			n++
		}
	}
	return n
}

// difference says how the order differs from its history; empty: it does not.
func (h kitHistory) difference(w *orderHarness) string {
	o := w.order()
	status := o.Status
	if status == corrected {
		status = completed
	}
	if status != h.wantStatus() {
		return fmt.Sprintf("the order is %s, not %s", status, h.wantStatus())
	}
	newest := -1
	for i, x := range h.facts {
		if x.kind == order.FactKitShipped {
			newest = i
		}
	}
	if (newest >= 0) != (o.Shipment != nil) {
		return "there is a shipment, or none, wrongly"
	}
	if newest >= 0 {
		prefix := []string{"92", "94"}[h.facts[newest].parcel]
		if !strings.HasPrefix(o.Shipment.Outbound.Number, prefix) || !strings.HasPrefix(o.Shipment.Inbound.Number, prefix) {
			return "the shipment is not the newest"
		}
	}
	return h.resultsDifference(w, o)
}

func (h kitHistory) resultsDifference(w *orderHarness, o *order.Order) string {
	n := h.reportCount()
	if (n > 0) != (o.Results != nil) {
		return "there are results, or none, wrongly"
	}
	if n == 0 {
		return ""
	}
	v, err := w.store.NewestResult(context.Background(), o.TeamID, o.ID)
	require.NoError(w.t, err)
	if other := len(v.Report.Results) == 1; other != (n > 1) {
		return "the results are not the newest"
	}
	return ""
}

// TestHistoriesConverge: every permutation and duplication of facts ends in the same status, with the newest results
// and shipment.
func TestHistoriesConverge(t *testing.T) {
	t.Parallel()
	c := newLabHarness(t)
	rapid.Check(t, func(rt *rapid.T) {
		h := histories(consistentEnds).Draw(rt, "history")
		w := c.newWorld(rt)
		h.deliverFacts(w, false)
		require.Empty(rt, h.difference(w), h)
	})
}

// The control: without the times of the facts the order of arrival decides, and the property does not hold.
func TestHistoriesDoNotConvergeWithoutTimes(t *testing.T) {
	t.Parallel()
	c := newLabHarness(t)
	different := map[bool]int{}
	for seed := range 20 {
		h := histories(consistentEnds).Example(seed)
		for _, withoutTimes := range []bool{false, true} {
			w := c.newWorld(t)
			h.deliverFacts(w, withoutTimes)
			if h.difference(w) != "" {
				different[withoutTimes]++
			}
		}
	}
	require.Zero(t, different[false])
	require.NotZero(t, different[true], "nothing was lost by forgetting when things happened")
}

// TestContradictoryHistories: the first of contradictory terminal facts decides, and a mark is raised.
func TestContradictoryHistories(t *testing.T) {
	t.Parallel()
	c := newLabHarness(t)
	final, report := historyFact{kind: order.FactKitRejected, final: true}, historyFact{kind: order.FactReportReady}
	ends := rapid.SampledFrom([][]historyFact{{final, report}, {report, final}, {report, report, final},
		{report, final, report}})
	rapid.Check(t, func(rt *rapid.T) {
		h := histories(ends).Draw(rt, "history")
		first := slices.IndexFunc(h.arrivals, func(a arrival) bool {
			x := h.facts[a.report]
			return x.final || x.kind == order.FactReportReady
		})
		w := c.newWorld(rt)
		h.deliverFacts(w, false)
		o := w.order()
		if h.facts[h.arrivals[first].report].final {
			require.Equal(rt, lifecycle.SampleError, o.Status, h)
			require.Contains(rt, w.attention(), order.AttentionResultAfterEnd, h)
			require.Nil(rt, o.Results, h)
			return
		}
		require.Contains(rt, []lifecycle.LowStatus{completed, corrected}, o.Status, h)
		require.Contains(rt, w.attention(), order.AttentionContradictoryFact, h)
		require.NotNil(rt, o.Results, h)
	})
}
