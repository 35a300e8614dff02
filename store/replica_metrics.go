package store

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// replicaMetric exports what the replica does. Without a replica its values are zero.
type replicaMetric struct {
	read              func() sqldb.ReplicaStats
	usable, age, done *prometheus.Desc
}

// ReplicaMetrics returns the metrics of the replica: aliquot_database_replica_*. Processes that answer reads export
// them, with a replica or without.
func (s *Store) ReplicaMetrics() prometheus.Collector {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("aliquot_database_replica_"+name, help, labels, nil)
	}
	return &replicaMetric{
		read: s.db.Replica.Stats,
		usable: describe("usable", "1 when the database replica is asked for reads; 0 when there is none, or when it "+
			"is away or too old."),
		age: describe("age_seconds", "How old the newest data is that the database replica is known to have."),
		done: describe("reads_total", "Reads that the database replica could answer, by outcome. The "+
			"primary answered all but those with the outcome answered.", "outcome"),
	}
}

// Describe implements prometheus.Collector.
func (m *replicaMetric) Describe(ch chan<- *prometheus.Desc) {
	ch <- m.usable
	ch <- m.age
	ch <- m.done
}

// Collect implements prometheus.Collector.
func (m *replicaMetric) Collect(ch chan<- prometheus.Metric) {
	stats := m.read()
	usable := 0.0
	if stats.Usable {
		usable = 1
	}
	ch <- prometheus.MustNewConstMetric(m.usable, prometheus.GaugeValue, usable)
	ch <- prometheus.MustNewConstMetric(m.age, prometheus.GaugeValue, stats.Age.Seconds())
	for outcome, n := range stats.Reads {
		ch <- prometheus.MustNewConstMetric(m.done, prometheus.CounterValue, float64(n), string(outcome))
	}
}
