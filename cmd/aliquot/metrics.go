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

// certificateMetric exports the expiry of the certificates that this process presents. Each scrape reads the files
// again, because certificates are renewed while processes run.
type certificateMetric struct {
	filesByPurpose map[string]string // files by the purpose of the certificate
	expiry         *prometheus.Desc
}

func newCertificateMetric(files map[string]string) *certificateMetric {
	return &certificateMetric{filesByPurpose: files,
		expiry: prometheus.NewDesc("aliquot_certificate_expiry_timestamp_seconds",
			"When a certificate that this process shows others expires, by what it is for.", []string{"certificate"}, nil)}
}

// Describe implements prometheus.Collector.
func (m *certificateMetric) Describe(ch chan<- *prometheus.Desc) { ch <- m.expiry }

// Collect implements prometheus.Collector. A certificate that cannot be read is exported as expired (0).
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

// readCertificate reads the first certificate of a PEM file, which is the owner's.
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

// scrapeTimeout is how long a scrape waits for dependencies. Prometheus waits ten seconds.
const scrapeTimeout = 3 * time.Second

// newRegistry returns a registry with the metrics that every process has.
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

// releaseVersion is the version of a released image. The linker sets it (tools/static.sh).
var releaseVersion string

// moduleVersion returns the version of the running program.
func moduleVersion() string {
	if releaseVersion != "" {
		return releaseVersion
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}

// dependencyMetric exports whether the dependencies of a process answer.
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

// Collect implements prometheus.Collector. It checks all dependencies at the same time.
func (m *dependencyMetric) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	var checks sync.WaitGroup
	for name, check := range m.checks {
		checks.Go(func() {
			up := 1.0
			if check(ctx) != nil {
				up = 0
			}
			ch <- prometheus.MustNewConstMetric(m.up, prometheus.GaugeValue, up, name)
		})
	}
	checks.Wait()
}

// queueMetric exports the state of Temporal's task queues. It exports nothing while Temporal does not answer.
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
		return // aliquot_dependency_up has this failure
	}
	for _, q := range queues {
		export := func(d *prometheus.Desc, value float64) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, q.Name, q.TaskType)
		}
		export(m.pollers, float64(q.Pollers))
		export(m.backlog, float64(q.Backlog))
		export(m.oldest, q.OldestTaskAge.Seconds())
	}
}
