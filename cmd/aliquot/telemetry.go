package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/settings"
	"github.com/aliquot-labs/aliquot/internal/tracing"
	"github.com/aliquot-labs/aliquot/store"
)

// flushTimeout is how long a process that ends waits until its last traces are sent.
const flushTimeout = 3 * time.Second

// telemetry holds the metrics and traces of a process.
type telemetry struct {
	registry *prometheus.Registry
	traces   trace.TracerProvider
	close    func() // sends the remaining traces

	temporalMetrics client.MetricsHandler // of Temporal clients, exported by the registry
	// of Temporal clients; empty without tracing
	temporalInterceptors []interceptor.ClientInterceptor
}

func newTelemetry(ctx context.Context, service string, set settings.Traces, logger *slog.Logger) (telemetry, error) {
	t := telemetry{registry: newRegistry(), traces: noop.NewTracerProvider(), close: func() {}}
	var err error
	if t.temporalMetrics, err = dispatch.NewMetrics(t.registry); err != nil {
		return t, err
	}
	if set.TraceURL == "" {
		return t, nil
	}
	headers, err := set.Headers()
	if err != nil {
		return t, fmt.Errorf("reading ALIQUOT_TRACE_HEADERS: %w", err)
	}
	provider, err := tracing.OpenProvider(ctx, tracing.Options{
		URL: set.TraceURL, Headers: headers, SampleRatio: set.TraceSample, Service: service, Version: moduleVersion(),
	})
	if err != nil {
		return t, err
	}
	t.traces = provider
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.Warn("traces are lost", "error", err) }))
	t.close = func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			logger.WarnContext(ctx, "traces are lost", "error", err)
		}
	}
	follow, err := dispatch.NewTracing(provider)
	t.temporalInterceptors = []interceptor.ClientInterceptor{follow}
	return t, err
}

// registerMetrics registers the metrics of the store, Temporal and certificates.
func (t telemetry) registerMetrics(db *store.Store, orders *dispatch.Client, set settings.Temporal) {
	t.registry.MustRegister(db.PoolMetrics()...)
	t.registry.MustRegister(
		newDependencyMetric(map[string]func(context.Context) error{"store": db.Ping, "temporal": orders.CheckReachable}),
		newCertificateMetric(map[string]string{"temporal": set.CertFile}),
	)
}

// instrument adds metrics and traces to the options of a Temporal client, for its workers as well.
func (t telemetry) instrument(o client.Options) client.Options {
	o.MetricsHandler, o.Interceptors = t.temporalMetrics, append(o.Interceptors, t.temporalInterceptors...)
	return o
}
