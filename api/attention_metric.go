package api

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aliquot-labs/aliquot/order"
)

// attentionLimit bounds the count that a scrape waits for.
const attentionLimit = 5 * time.Second

// attentionMetric shows how many orders need attention, by reason. It is counted when it is asked for, so that every replica says the
// same.
type attentionMetric struct {
	count  func(context.Context) (map[string]int, error)
	orders *prometheus.Desc
}

func newAttentionMetric(count func(context.Context) (map[string]int, error)) *attentionMetric {
	return &attentionMetric{
		count:  count,
		orders: prometheus.NewDesc("aliquot_orders_attention", "Orders with an open attention mark, by reason.", []string{"reason"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (m *attentionMetric) Describe(ch chan<- *prometheus.Desc) { ch <- m.orders }

// Collect implements prometheus.Collector. Every reason is there, also where no order has it, so that an alert finds it.
func (m *attentionMetric) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), attentionLimit)
	defer cancel()
	counts, err := m.count(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(m.orders, err)
		return
	}
	for _, reason := range order.AllAttentionReasons() {
		ch <- prometheus.MustNewConstMetric(m.orders, prometheus.GaugeValue, float64(counts[string(reason)]), string(reason))
	}
}
