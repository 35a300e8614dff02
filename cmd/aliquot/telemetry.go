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

	"github.com/aliquot-labs/aliquot/dispatch"
	"github.com/aliquot-labs/aliquot/settings"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/tracing"
)

// flushLimit is how long what is left of traces may take to leave a process that ends.
const flushLimit = 3 * time.Second

// telemetry is how a process is watched.
type telemetry struct {
	registry *prometheus.Registry
	traces   trace.TracerProvider
	close    func() // sends what is left of traces

	metrics client.MetricsHandler           // of a Temporal client, to the registry
	tracing []interceptor.ClientInterceptor // of a Temporal client, to the traces; none where nothing is traced
}

func newTelemetry(ctx context.Context, service string, set settings.Traces, logger *slog.Logger) (telemetry, error) {
	t := telemetry{registry: newRegistry(), traces: noop.NewTracerProvider(), close: func() {}}
	var err error
	if t.metrics, err = dispatch.NewMetrics(t.registry); err != nil {
		return t, err
	}
	if set.TraceURL == "" {
		return t, nil
	}
	headers, err := set.Headers()
	if err != nil {
		return t, fmt.Errorf("reading ALIQUOT_TRACE_HEADERS: %w", err)
	}
	provider, err := tracing.Open(ctx, tracing.Options{
		URL: set.TraceURL, Headers: headers, Sample: set.TraceSample, Service: service, Version: moduleVersion(),
	})
	if err != nil {
		return t, err
	}
	t.traces = provider
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.Warn("traces are lost", "error", err) }))
	t.close = func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushLimit)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			logger.WarnContext(ctx, "traces are lost", "error", err)
		}
	}
	follow, err := dispatch.NewTracing(provider)
	t.tracing = []interceptor.ClientInterceptor{follow}
	return t, err
}

// watch registers metrics of what a process stands on.
func (t telemetry) watch(db *store.Store, orders *dispatch.Client, set settings.Temporal) {
	t.registry.MustRegister(db.PoolMetrics()...)
	t.registry.MustRegister(
		newReachMetric(map[string]func(context.Context) error{"store": db.Ping, "temporal": orders.Reachable}),
		newCertificateMetric(map[string]string{"temporal": set.CertFile}),
	)
}

// on has a Temporal client watched, and the workers that are made with it.
func (t telemetry) on(o client.Options) client.Options {
	o.MetricsHandler, o.Interceptors = t.metrics, append(o.Interceptors, t.tracing...)
	return o
}
