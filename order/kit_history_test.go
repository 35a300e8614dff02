package order

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// kitHistory is what happened to a kit, in order, and how the facts about it arrived.
type kitHistory struct {
	facts                []Fact              // times rise; only lab reports follow a terminal fact
	endStatus            lifecycle.LowStatus // the kit's true status after them
	shipped              time.Time           // when it was last sent out; zero: not reported
	arrival              []Fact              // the same facts in any order, some of them twice
	factsBeforePlacement int                 // how many arrive before the placement is answered
}

// kitHistoryBuilder makes the facts of one history, each with a time and an id of its own.
type kitHistoryBuilder struct {
	kitHistory
	t    *rapid.T
	hour int
}

// addFact adds a fact with which the kit enters a status.
func (h *kitHistoryBuilder) addFact(to lifecycle.LowStatus, f Fact) {
	h.hour += rapid.IntRange(1, 72).Draw(h.t, "hours")
	f.SentAt = hour(h.hour)
	f.InboxID = fmt.Sprintf("%02d", len(h.facts))
	h.facts, h.endStatus = append(h.facts, f), to
	if f.Kind == FactKitShipped {
		h.shipped = f.SentAt
	}
}

func (h *kitHistoryBuilder) drawBool(label string) bool { return rapid.Bool().Draw(h.t, label) }

// labHistories have facts of the lab only. courierHistories also have courier facts on both legs.
func labHistories() *rapid.Generator[kitHistory] { return histories((*kitHistoryBuilder).addShipments) }

func courierHistories() *rapid.Generator[kitHistory] {
	return histories(func(h *kitHistoryBuilder) {
		h.addShipments()
		h.addCourierFacts()
	})
}

func histories(way func(*kitHistoryBuilder)) *rapid.Generator[kitHistory] {
	return rapid.Custom(func(t *rapid.T) kitHistory {
		h := &kitHistoryBuilder{t: t, kitHistory: kitHistory{endStatus: lifecycle.RequisitionCreated}}
		way(h)
		h.addLabFacts()
		h.shuffleArrivals()
		h.factsBeforePlacement = rapid.IntRange(0, len(h.arrival)).Draw(t, "placed after")
		return h.kitHistory
	})
}

// addShipments adds shipments: the fact may be missing, and a kit may be sent twice.
func (h *kitHistoryBuilder) addShipments() {
	for range rapid.IntRange(0, 2).Draw(h.t, "shipments") {
		h.addFact(lifecycle.TransitCustomer, Fact{Kind: FactKitShipped, OutboundNumber: "out", InboundNumber: "back"})
	}
}

// addCourierFacts follows the edges on which couriers report, and skips some.
func (h *kitHistoryBuilder) addCourierFacts() {
	at := h.endStatus
	m := lifecycle.MachineFor(lifecycle.Testkit, false, false)
	for range rapid.IntRange(0, 6).Draw(h.t, "courier reports") {
		var ahead []lifecycle.LowStatus
		for _, to := range m.Next(at, lifecycle.Conditions{}) {
			if !lifecycle.Terminal(to) && m.Check(at, to, lifecycle.Courier, lifecycle.Conditions{}) == nil {
				ahead = append(ahead, to)
			}
		}
		if len(ahead) == 0 {
			return
		}
		at = rapid.SampledFrom(ahead).Draw(h.t, "courier says")
		leg := "outbound"
		if at.In(lifecycle.StageInbound) || at == lifecycle.DeliveredToLab {
			leg = "inbound"
		}
		h.addFact(at, Fact{Kind: FactCourierReport, Leg: leg, TargetStatus: at})
	}
}

// addLabFacts: the kit is received, blocked and resumed any number of times, and ends with results, with a rejection,
// or not yet.
func (h *kitHistoryBuilder) addLabFacts() {
	if h.drawBool("received") {
		h.addFact(lifecycle.DeliveredToLab, Fact{Kind: FactKitReceived})
	}
	yes, no := true, false
	for range rapid.IntRange(0, 3).Draw(h.t, "rejections") {
		h.addFact(lifecycle.LabProcessingBlocked, Fact{Kind: FactKitRejected, Recoverable: &yes})
		if h.drawBool("back in production") {
			h.addFact(lifecycle.DeliveredToLab, Fact{Kind: FactKitReceived})
		}
	}
	switch rapid.SampledFrom([]string{"open", "rejected", "reported"}).Draw(h.t, "end") {
	case "rejected":
		h.addFact(lifecycle.SampleError, Fact{Kind: FactKitRejected, Recoverable: &no})
	case "reported":
		for range rapid.IntRange(1, 3).Draw(h.t, "reports") {
			h.addFact(lifecycle.Completed, Fact{Kind: FactReportReady})
		}
	}
}

// shuffleArrivals shuffles the facts, some of them twice. All are received after the last has happened, so every time
// is plausible.
func (h *kitHistoryBuilder) shuffleArrivals() {
	all := slices.Clone(h.facts)
	for _, f := range h.facts {
		if h.drawBool("twice") {
			all = append(all, f)
		}
	}
	if len(all) > 0 {
		all = rapid.Permutation(all).Draw(h.t, "arrival")
	}
	for i := range all {
		all[i].ReceivedAt = hour(h.hour + 1 + i)
	}
	h.arrival = all
}
