package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// InstrumentationScope is the name of our spans among those of libraries.
const InstrumentationScope = "github.com/aliquot-labs/aliquot"

// traceContext is W3C Trace Context, the form in headers and in stored rows.
var traceContext propagation.TraceContext

const parentHeader = "traceparent"

// StartCall starts a client span for a call to another system, under the span of the context. Without a span in the
// context nothing is traced.
func StartCall(ctx context.Context, name string, attributes ...attribute.KeyValue) (context.Context, trace.Span) {
	return tracer(ctx).Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
}

// StartCallUnder is StartCall for a call of another trace than that of the context. The parent of the span is the given
// one, a result of ParentHeader. The span links to the span of the context. Without a parent it is StartCall.
func StartCallUnder(ctx context.Context, parent, name string,
	attributes ...attribute.KeyValue) (context.Context, trace.Span) {
	origin := parseParent(parent)
	if !origin.IsValid() {
		return StartCall(ctx, name, attributes...)
	}
	done := trace.LinkFromContext(ctx)
	return tracer(ctx).Start(trace.ContextWithRemoteSpanContext(ctx, origin), name,
		trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attributes...), trace.WithLinks(done))
}

// EndSpan ends a span. A code says how the operation failed; empty: it did not.
func EndSpan(span trace.Span, code string) {
	if code != "" {
		span.SetAttributes(attribute.String("error.type", code))
		span.SetStatus(codes.Error, code)
	}
	span.End()
}

// AddAttributes adds attributes to the span of the context.
func AddAttributes(ctx context.Context, attributes ...attribute.KeyValue) {
	trace.SpanFromContext(ctx).SetAttributes(attributes...)
}

// ParentHeader returns the span of the context as a traceparent header, for spans that are started under it later or
// elsewhere. It is empty without a trace, and for a trace that is not sampled, so that it stops nobody else from
// tracing.
func ParentHeader(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ""
	}
	carrier := propagation.MapCarrier{}
	traceContext.Inject(ctx, carrier)
	return carrier[parentHeader]
}

// LinkTo returns an option that links a span to that of a caller's traceparent header. It is a link and not a parent,
// because callers do not decide what we trace. An invalid header links nothing.
func LinkTo(parent string) trace.SpanStartOption {
	origin := parseParent(parent)
	if !origin.IsValid() {
		return trace.WithLinks()
	}
	return trace.WithLinks(trace.Link{SpanContext: origin})
}

func parseParent(parent string) trace.SpanContext {
	return trace.SpanContextFromContext(traceContext.Extract(context.Background(),
		propagation.MapCarrier{parentHeader: parent}))
}

// tracer returns the tracer of the context's span, so that calls need no tracer as an argument.
func tracer(ctx context.Context) trace.Tracer {
	return trace.SpanFromContext(ctx).TracerProvider().Tracer(InstrumentationScope)
}
