package api

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

const (
	standingLimit = 5 * time.Second  // for the reading that a scrape waits for
	standingFresh = 15 * time.Second // how long a reading is shown again, however many scrape
)

// standingMetric shows how many orders, reports and deliveries wait, and for how long. It is read from the store when it is asked for,
// so that every replica says the same.
type standingMetric struct {
	read func(context.Context, time.Time) (store.Standing, error)
	now  func() time.Time

	open, attention, inbox, waiting, pending, behind, unsealed *prometheus.Desc

	mu    sync.Mutex
	last  store.Standing
	asked time.Time
}

func newStandingMetric(read func(context.Context, time.Time) (store.Standing, error), now func() time.Time) *standingMetric {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("aliquot_"+name, help, labels, nil)
	}
	return &standingMetric{
		read: read, now: now,
		open:      describe("orders_open", "Orders with something to do or to wait for, by status.", "status"),
		attention: describe("orders_attention", "Orders with an open attention mark, by reason.", "reason"),
		inbox:     describe("inbox_waiting", "Reports of partners that wait, by state.", "state"),
		waiting:   describe("inbox_waiting_seconds", "How long the longest waiting report has waited for its order to settle it."),
		pending:   describe("deliveries_pending", "Deliveries still to be made."),
		behind:    describe("deliveries_behind_seconds", "How long the longest due delivery has been due."),
		unsealed:  describe("audit_unsealed_seconds", "How long the oldest row of the audit that is not sealed has waited for it."),
	}
}

// Describe implements prometheus.Collector.
func (m *standingMetric) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.open, m.attention, m.inbox, m.waiting, m.pending, m.behind, m.unsealed} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. Every status, reason and state is there, also where nothing has it, so that an alert finds it.
func (m *standingMetric) Collect(ch chan<- prometheus.Metric) {
	s, err := m.standing()
	if err != nil {
		ch <- prometheus.NewInvalidMetric(m.open, err)
		return
	}
	show := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for _, status := range lifecycle.Statuses() {
		show(m.open, float64(s.Open[status]), string(status))
	}
	for _, reason := range order.AllAttentionReasons() {
		show(m.attention, float64(s.Attention[string(reason)]), string(reason))
	}
	for _, state := range store.WaitingStates() {
		show(m.inbox, float64(s.Inbox[state]), state)
	}
	show(m.waiting, m.since(s.Waiting))
	show(m.pending, float64(s.Overdue.Pending))
	show(m.behind, m.since(s.Overdue.Since))
	show(m.unsealed, m.since(s.Unsealed))
}

// standing reads anew what is not fresh. Those who ask meanwhile wait for the same reading.
func (m *standingMetric) standing() (store.Standing, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := m.now(); m.asked.IsZero() || now.Sub(m.asked) >= standingFresh {
		ctx, cancel := context.WithTimeout(context.Background(), standingLimit)
		defer cancel()
		s, err := m.read(ctx, now)
		if err != nil {
			return s, err
		}
		m.last, m.asked = s, now
	}
	return m.last, nil
}

// since is how long ago a time was, in seconds; 0 for none.
func (m *standingMetric) since(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(m.now().Sub(t).Seconds(), 0)
}
