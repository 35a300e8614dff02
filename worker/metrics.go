package worker

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// pollingMetrics say whether a worker takes tasks.
type pollingMetrics struct {
	polling *prometheus.GaugeVec
	pauses  *prometheus.CounterVec
}

func newPollingMetrics(r prometheus.Registerer, queues []string) *pollingMetrics {
	f := promauto.With(r)
	m := &pollingMetrics{
		polling: f.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "aliquot", Name: "worker_polling",
			Help: "1 when this worker asks Temporal for the tasks of a queue, 0 while it is paused or stops.",
		}, []string{"queue"}),
		pauses: f.NewCounterVec(prometheus.CounterOpts{
			Namespace: "aliquot", Name: "worker_pauses_total",
			Help: "How often this worker has stopped polling because its store failed, by what failed.",
		}, []string{"reason"}),
	}
	m.setPolling(queues, false)
	// They start at zero, so that alerts find the series.
	for _, reason := range []PauseReason{PausedByDatabase, PausedBySchema, PausedByDisk, PausedByKeys} {
		m.pauses.WithLabelValues(string(reason))
	}
	return m
}

func (m *pollingMetrics) setPolling(queues []string, polls bool) {
	value := 0.0
	if polls {
		value = 1
	}
	for _, queue := range queues {
		m.polling.WithLabelValues(queue).Set(value)
	}
}

func (m *pollingMetrics) countPause(reason PauseReason) {
	m.pauses.WithLabelValues(string(reason)).Inc()
}
