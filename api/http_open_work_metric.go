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
	openWorkTimeout = 5 * time.Second  // for reading the store while a scrape waits
	openWorkMaxAge  = 15 * time.Second // how long scrapes get the same values
)

// openWorkMetric collects how many orders, inbox items and deliveries wait, and for how long. It reads the store when
// it is scraped, so that all replicas report the same values.
type openWorkMetric struct {
	read func(context.Context, time.Time) (store.OpenWork, error)
	now  func() time.Time

	unfinishedOrders, attention, inbox, oldestInboxItem, pending, deliveryLag, oldestUnsealedAudit,
	partitionsAhead, strayRows, courierRefused *prometheus.Desc

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
		inbox:            describe("inbox_waiting", "Inbox items that are not processed yet, by state.", "state"),
		oldestInboxItem: describe("inbox_waiting_seconds",
			"Seconds that the oldest unprocessed inbox item has waited for its order."),
		pending:     describe("deliveries_pending", "Webhook deliveries that have not succeeded and are still attempted."),
		deliveryLag: describe("deliveries_behind_seconds", "Seconds since the longest overdue webhook delivery was due."),
		oldestUnsealedAudit: describe("audit_unsealed_seconds",
			"Seconds since the oldest audit row was added that is not sealed yet."),
		partitionsAhead: describe("partitions_ahead",
			"Partitions after the present one, of the table of the database that has the fewest."),
		strayRows: describe("partition_stray_rows",
			"Rows outside of the partitions of their times, counted up to 1000 of each table."),
		courierRefused: describe("courier_account_refused_seconds",
			"Seconds since a tracking service has refused our account, or 0."),
	}
}

// Describe implements prometheus.Collector.
func (m *openWorkMetric) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.unfinishedOrders, m.attention, m.inbox, m.oldestInboxItem, m.pending,
		m.deliveryLag, m.oldestUnsealedAudit, m.partitionsAhead, m.strayRows, m.courierRefused} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. It reports every status, reason and state, also with the value 0, so that
// alerts find the series.
func (m *openWorkMetric) Collect(ch chan<- prometheus.Metric) {
	s, err := m.readCached()
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
	show(m.partitionsAhead, float64(s.Partitions.Ahead))
	show(m.strayRows, float64(s.Partitions.StrayRows))
	show(m.courierRefused, m.secondsSince(oldestRefusal(s.CourierRefusals)))
}

// oldestRefusal returns since when a courier's account has been refused; zero: none is.
func oldestRefusal(all []store.CourierRefusal) (since time.Time) {
	for _, r := range all {
		if since.IsZero() || r.Since.Before(since) {
			since = r.Since
		}
	}
	return since
}

// readCached returns the values of the last reading, and reads the store when they are older than openWorkMaxAge.
// Concurrent scrapes wait for the same reading.
func (m *openWorkMetric) readCached() (store.OpenWork, error) {
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

// secondsSince returns the seconds since t; 0 for the zero time and for a future one.
func (m *openWorkMetric) secondsSince(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(m.now().Sub(t).Seconds(), 0)
}
