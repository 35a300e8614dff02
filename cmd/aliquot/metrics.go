package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.temporal.io/sdk/client"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// certificateMetric shows when a certificate that this process shows others expires. It is read from its file at every scrape, as it
// is for every connection, because it is renewed while processes run.
type certificateMetric struct {
	filesByPurpose map[string]string // by what they are for
	expiry         *prometheus.Desc
}

func newCertificateMetric(files map[string]string) *certificateMetric {
	return &certificateMetric{filesByPurpose: files,
		expiry: prometheus.NewDesc("aliquot_certificate_expiry_timestamp_seconds",
			"When a certificate that this process shows others expires, by what it is for.", []string{"certificate"}, nil)}
}

// Describe implements prometheus.Collector.
func (m *certificateMetric) Describe(ch chan<- *prometheus.Desc) { ch <- m.expiry }

// Collect implements prometheus.Collector. One that cannot be read has expired, as far as others are concerned.
func (m *certificateMetric) Collect(ch chan<- prometheus.Metric) {
	for name, file := range m.filesByPurpose {
		if file == "" {
			continue
		}
		expires := 0.0
		if c, err := readCertificate(file); err == nil {
			expires = float64(c.NotAfter.Unix())
		}
		ch <- prometheus.MustNewConstMetric(m.expiry, prometheus.GaugeValue, expires, name)
	}
}

// readCertificate reads the first certificate of a PEM file: its owner's.
func readCertificate(file string) (*x509.Certificate, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			return x509.ParseCertificate(block.Bytes)
		}
	}
	return nil, errors.New("holds no certificate in PEM form")
}

// scrapeTimeout bounds what a scrape waits for; Prometheus itself gives up after ten seconds.
const scrapeTimeout = 3 * time.Second

// newRegistry holds the metrics that every process has.
func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "aliquot_build_info", Help: "1; what is running here is in the labels.",
		ConstLabels: prometheus.Labels{"version": moduleVersion(), "go_version": runtime.Version()},
	})
	build.Set(1)
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), build)
	return r
}

// releaseVersion is the version that an image is built as, which the linker sets (tools/static.sh).
var releaseVersion string

// moduleVersion is the version that is running, without the compiler's.
func moduleVersion() string {
	if releaseVersion != "" {
		return releaseVersion
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}

// dependencyMetric shows whether what a process stands on answers.
type dependencyMetric struct {
	checks map[string]func(context.Context) error
	up     *prometheus.Desc
}

func newDependencyMetric(checks map[string]func(context.Context) error) *dependencyMetric {
	return &dependencyMetric{checks: checks, up: prometheus.NewDesc("aliquot_dependency_up",
		"1 when what this process stands on answers, by what it is.", []string{"dependency"}, nil)}
}

// Describe implements prometheus.Collector.
func (m *dependencyMetric) Describe(ch chan<- *prometheus.Desc) { ch <- m.up }

// Collect implements prometheus.Collector. All are asked at once.
func (m *dependencyMetric) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	var asked sync.WaitGroup
	for name, check := range m.checks {
		asked.Go(func() {
			up := 1.0
			if check(ctx) != nil {
				up = 0
			}
			ch <- prometheus.MustNewConstMetric(m.up, prometheus.GaugeValue, up, name)
		})
	}
	asked.Wait()
}

// queueMetric shows how Temporal's task queues stand. While Temporal does not answer it shows nothing.
type queueMetric struct {
	queues                   func(context.Context) ([]dispatch.QueueStatus, error)
	pollers, backlog, oldest *prometheus.Desc
}

func newQueueMetric(temporal client.Client, namespace string) *queueMetric {
	describe := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("aliquot_task_queue_"+name, help, []string{"queue", "tasks"}, nil)
	}
	return &queueMetric{
		queues: func(ctx context.Context) ([]dispatch.QueueStatus, error) {
			return dispatch.DescribeQueues(ctx, temporal, namespace)
		},
		pollers: describe("pollers", "Pollers that asked Temporal for tasks in the last five minutes."),
		backlog: describe("backlog", "Tasks that Temporal has handed to nobody, about."),
		oldest:  describe("backlog_age_seconds", "How long the oldest of them has waited, about."),
	}
}

// Describe implements prometheus.Collector.
func (m *queueMetric) Describe(ch chan<- *prometheus.Desc) {
	ch <- m.pollers
	ch <- m.backlog
	ch <- m.oldest
}

// Collect implements prometheus.Collector.
func (m *queueMetric) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	queues, err := m.queues(ctx)
	if err != nil {
		return // aliquot_dependency_up says so
	}
	for _, q := range queues {
		show := func(d *prometheus.Desc, value float64) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, q.Name, q.TaskType)
		}
		show(m.pollers, float64(q.Pollers))
		show(m.backlog, float64(q.Backlog))
		show(m.oldest, q.OldestTaskAge.Seconds())
	}
}
