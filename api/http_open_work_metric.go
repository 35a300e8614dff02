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
	openWorkTimeout = 5 * time.Second  // for the reading that a scrape waits for
	openWorkMaxAge  = 15 * time.Second // how long a reading is shown again, however many scrape
)

// openWorkMetric shows how many orders, reports and deliveries wait, and for how long. It is read from the store when it is asked for,
// so that every replica says the same.
type openWorkMetric struct {
	read func(context.Context, time.Time) (store.OpenWork, error)
	now  func() time.Time

	unfinishedOrders, attention, inbox, oldestInboxItem, pending, deliveryLag, oldestUnsealedAudit *prometheus.Desc

	mu     sync.Mutex
	last   store.OpenWork
	readAt time.Time
}

func newOpenWorkMetric(read func(context.Context, time.Time) (store.OpenWork, error),
	now func() time.Time) *openWorkMetric {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("aliquot_"+name, help, labels, nil)
	}
	return &openWorkMetric{
		read: read, now: now,
		unfinishedOrders: describe("orders_open", "Orders with something to do or to wait for, by status.", "status"),
		attention:        describe("orders_attention", "Orders with an open attention mark, by reason.", "reason"),
		inbox:            describe("inbox_waiting", "Reports of partners that wait, by state.", "state"),
		oldestInboxItem: describe("inbox_waiting_seconds",
			"How long the longest waiting report has waited for its order to settle it."),
		pending:     describe("deliveries_pending", "Deliveries still to be made."),
		deliveryLag: describe("deliveries_behind_seconds", "How long the longest due delivery has been due."),
		oldestUnsealedAudit: describe("audit_unsealed_seconds",
			"How long the oldest row of the audit that is not sealed has waited for it."),
	}
}

// Describe implements prometheus.Collector.
func (m *openWorkMetric) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.unfinishedOrders, m.attention, m.inbox, m.oldestInboxItem, m.pending,
		m.deliveryLag, m.oldestUnsealedAudit} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. Every status, reason and state is there, also where nothing has it, so that an alert finds it.
func (m *openWorkMetric) Collect(ch chan<- prometheus.Metric) {
	s, err := m.cachedRead()
	if err != nil {
		ch <- prometheus.NewInvalidMetric(m.unfinishedOrders, err)
		return
	}
	show := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for _, status := range lifecycle.Statuses() {
		show(m.unfinishedOrders, float64(s.UnfinishedOrders[status]), string(status))
	}
	for _, reason := range order.AllAttentionReasons() {
		show(m.attention, float64(s.AttentionMarks[string(reason)]), string(reason))
	}
	for _, state := range store.UnprocessedInboxStates() {
		show(m.inbox, float64(s.InboxItems[state]), state)
	}
	show(m.oldestInboxItem, m.secondsSince(s.OldestInboxItemAt))
	show(m.pending, float64(s.DeliveryLag.Pending))
	show(m.deliveryLag, m.secondsSince(s.DeliveryLag.OldestDueAt))
	show(m.oldestUnsealedAudit, m.secondsSince(s.OldestUnsealedAuditAt))
}

// cachedRead reads anew what is not fresh. Those who ask meanwhile wait for the same reading.
func (m *openWorkMetric) cachedRead() (store.OpenWork, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := m.now(); m.readAt.IsZero() || now.Sub(m.readAt) >= openWorkMaxAge {
		ctx, cancel := context.WithTimeout(context.Background(), openWorkTimeout)
		defer cancel()
		s, err := m.read(ctx, now)
		if err != nil {
			return s, err
		}
		m.last, m.readAt = s, now
	}
	return m.last, nil
}

// secondsSince is how long ago a time was, in seconds; 0 for none.
func (m *openWorkMetric) secondsSince(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(m.now().Sub(t).Seconds(), 0)
}
