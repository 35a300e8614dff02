package dispatch

import (
	"fmt"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"

	"github.com/aliquot-labs/aliquot/internal/tracing"
)

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
