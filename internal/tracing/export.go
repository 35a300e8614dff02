package tracing

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
)

// Options say where traces are exported to.
type Options struct {
	// URL is the collector's address for OTLP over HTTP, such as http://collector:4318/v1/traces.
	URL string
	// Headers are sent with every export, such as a vendor's API key.
	Headers map[string]string
	// SampleRatio is the part of traces that is exported, from 0 to 1. It is decided at the start of a trace, for all of
	// it.
	SampleRatio float64
	// Service is the name of this process, and Version the build that it runs.
	Service, Version string
}

// OpenProvider returns a provider that exports in the background. If the collector is unavailable, spans are lost and
// nothing is delayed. The caller shuts the provider down, which exports the remaining spans.
func OpenProvider(ctx context.Context, o Options) (*trace.TracerProvider, error) {
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(o.URL), otlptracehttp.WithHeaders(o.Headers))
	if err != nil {
		return nil, fmt.Errorf("exporting traces: %w", err)
	}
	return NewProvider(exporter, o), nil
}

// NewProvider returns a provider with the given exporter. It ignores the options that say where to export.
func NewProvider(exporter trace.SpanExporter, o Options) *trace.TracerProvider {
	return trace.NewTracerProvider(
		trace.WithBatcher(exporter),
		trace.WithSampler(trace.ParentBased(trace.TraceIDRatioBased(o.SampleRatio))),
		trace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", o.Service), attribute.String("service.version", o.Version),
		)),
	)
}
