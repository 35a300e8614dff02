package dispatch

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"

	"github.com/aliquot-labs/aliquot/internal/tracing"
)

// latencyBuckets are the bounds of Temporal's latencies, in seconds: from a signal that is handled at once to a task
// that has waited for a worker's restart.
var latencyBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60, 600}

// NewMetrics returns the handler with which a Temporal client, and the workers made with it, report their own metrics
// (temporal_*) to a Prometheus registry. Labels are names of namespaces, queues, workflows, activities and calls.
func NewMetrics(r prometheus.Registerer) (client.MetricsHandler, error) {
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(r), otelprometheus.WithoutScopeInfo(),
		otelprometheus.WithoutTargetInfo())
	if err != nil {
		return nil, fmt.Errorf("exporting Temporal's metrics: %w", err)
	}
	inSeconds := metric.NewView(metric.Instrument{Kind: metric.InstrumentKindHistogram},
		metric.Stream{Aggregation: metric.AggregationExplicitBucketHistogram{Boundaries: latencyBuckets, NoMinMax: true}})
	provider := metric.NewMeterProvider(metric.WithReader(exporter), metric.WithView(inSeconds))
	return opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
		Meter: provider.Meter("temporal"), UseMonotonicCounters: true,
	}), nil
}

// NewTracing returns an interceptor with which a Temporal client, and the workers made with it, continue traces through
// workflows and activities. It adds a header to calls and no event to histories, so histories replay with and without
// it. A header that cannot be read is ignored.
func NewTracing(p trace.TracerProvider) (interceptor.Interceptor, error) {
	i, err := opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{
		Tracer: p.Tracer(tracing.InstrumentationScope), TextMapPropagator: propagation.TraceContext{}, DisableBaggage: true,
		DisableQueryTracing: true, AllowInvalidParentSpans: true,
	})
	if err != nil {
		return nil, fmt.Errorf("tracing workflows: %w", err)
	}
	return i, nil
}
