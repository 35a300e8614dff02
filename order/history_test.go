package order

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// history is what truly happened to a kit, in order, and how the reports of it arrived.
type history struct {
	facts   []Fact        // times rise; nothing is newer than a terminal fact but further reports
	end     lifecycle.Low // where the kit truly is after them
	shipped time.Time     // when it was last sent out; zero: that was never told
	arrival []Fact        // the same facts in any order, some of them twice
	placed  int           // how many arrive before the placing call is answered
}

// historian makes the facts of one history, each with a time and a name of its own.
type historian struct {
	history
	t    *rapid.T
	hour int
}

// add tells that the kit has come to a status.
func (h *historian) add(to lifecycle.Low, f Fact) {
	h.hour += rapid.IntRange(1, 72).Draw(h.t, "hours")
	f.SentAt = hour(h.hour)
	f.InboxID = fmt.Sprintf("%02d", len(h.facts))
	h.facts, h.end = append(h.facts, f), to
	if f.Kind == KitShipped {
		h.shipped = f.SentAt
	}
}

func (h *historian) maybe(label string) bool { return rapid.Bool().Draw(h.t, label) }

// labHistories are histories of which only the lab reports, courierHistories also have couriers report on both legs.
func labHistories() *rapid.Generator[history] { return histories((*historian).shipment) }

func courierHistories() *rapid.Generator[history] {
	return histories(func(h *historian) {
		h.shipment()
		h.carriage()
	})
}

func histories(way func(*historian)) *rapid.Generator[history] {
	return rapid.Custom(func(t *rapid.T) history {
		h := &historian{t: t, history: history{end: lifecycle.RequisitionCreated}}
		way(h)
		h.atTheLab()
		h.arrive()
		h.placed = rapid.IntRange(0, len(h.arrival)).Draw(t, "placed after")
		return h.history
	})
}

// shipment: the notice may be missing, and a kit may be sent again.
func (h *historian) shipment() {
	for range rapid.IntRange(0, 2).Draw(h.t, "shipments") {
		h.add(lifecycle.TransitCustomer, Fact{Kind: KitShipped, Outbound: "out", Inbound: "back"})
	}
}

// carriage follows the edges on which couriers report, and skips what they may skip.
func (h *historian) carriage() {
	at := h.end
	m := lifecycle.For(lifecycle.Testkit, false, false)
	for range rapid.IntRange(0, 6).Draw(h.t, "courier reports") {
		var ahead []lifecycle.Low
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
		h.add(at, Fact{Kind: CourierReport, Leg: leg, Target: at})
	}
}

// atTheLab: the kit is received, held up and released any number of times, and ends as reported on, as rejected, or not yet.
func (h *historian) atTheLab() {
	if h.maybe("received") {
		h.add(lifecycle.DeliveredToLab, Fact{Kind: KitReceived})
	}
	yes, no := true, false
	for range rapid.IntRange(0, 3).Draw(h.t, "rejections") {
		h.add(lifecycle.LabProcessingBlocked, Fact{Kind: KitRejected, Recoverable: &yes})
		if h.maybe("back in production") {
			h.add(lifecycle.DeliveredToLab, Fact{Kind: KitReceived})
		}
	}
	switch rapid.SampledFrom([]string{"open", "rejected", "reported"}).Draw(h.t, "end") {
	case "rejected":
		h.add(lifecycle.SampleError, Fact{Kind: KitRejected, Recoverable: &no})
	case "reported":
		for range rapid.IntRange(1, 3).Draw(h.t, "reports") {
			h.add(lifecycle.Completed, Fact{Kind: ReportReady})
		}
	}
}

// arrive shuffles the facts, some of them twice. All are received after the last has happened, so that every time is plausible.
func (h *historian) arrive() {
	all := slices.Clone(h.facts)
	for _, f := range h.facts {
		if h.maybe("twice") {
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
