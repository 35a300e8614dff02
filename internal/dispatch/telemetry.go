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

// latencyBuckets are the bounds of Temporal's latencies, in seconds: from a signal that is applied at once to a task that has waited for a
// worker to come back.
var latencyBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60, 600}

// NewMetrics gives a Temporal client what it reports its own metrics to: temporal_*, on a Prometheus registry, of that client and of
// the workers that are made with it. Their labels are names of namespaces, queues, workflows, activities and calls.
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

// NewTracing gives a Temporal client what continues traces through workflows and activities, also in the workers that are made with it.
// It adds a header to what is sent and no event to a history, so that histories replay with it and without. A header that it cannot read
// is nothing to fail an order for.
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
