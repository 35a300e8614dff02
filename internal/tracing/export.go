package tracing

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
)

// Options say where traces go.
type Options struct {
	// URL is the collector's, for OTLP over HTTP, such as http://collector:4318/v1/traces.
	URL string
	// Headers go with every export, such as a vendor's key.
	Headers map[string]string
	// SampleRatio is the part of traces that is kept, from 0 to 1. It is decided where a trace begins, and holds for all of it.
	SampleRatio float64
	// Service is what this process is, and Version what it runs.
	Service, Version string
}

// OpenProvider makes a provider that exports in the background: a collector that is away delays nobody, and loses spans. The caller shuts it
// down, which exports what is left.
func OpenProvider(ctx context.Context, o Options) (*trace.TracerProvider, error) {
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(o.URL), otlptracehttp.WithHeaders(o.Headers))
	if err != nil {
		return nil, fmt.Errorf("exporting traces: %w", err)
	}
	return NewProvider(exporter, o), nil
}

// NewProvider makes a provider for an exporter; of the options it takes what is not about where traces go.
func NewProvider(exporter trace.SpanExporter, o Options) *trace.TracerProvider {
	return trace.NewTracerProvider(
		trace.WithBatcher(exporter),
		trace.WithSampler(trace.ParentBased(trace.TraceIDRatioBased(o.SampleRatio))),
		trace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", o.Service), attribute.String("service.version", o.Version),
		)),
	)
}
