package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// InstrumentationScope names our spans among those of libraries.
const InstrumentationScope = "github.com/aliquot-labs/aliquot"

// traceContext is W3C Trace Context, as it travels in headers and is kept in rows.
var traceContext propagation.TraceContext

const parentHeader = "traceparent"

// StartCall begins a span of a call to somebody else under the span of the context. Where that has none, nothing is traced.
func StartCall(ctx context.Context, name string, attributes ...attribute.KeyValue) (context.Context, trace.Span) {
	return tracer(ctx).Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
}

// StartCallUnder is Start for what belongs to another trace than the work that it is done in: it goes under that one's parent, as Parent
// gave it, and links to where it is done. Without a parent it is Start.
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

// EndSpan ends a span. A code says how what it stood for failed; empty: it did not.
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

// ParentHeader is the span of the context in the form of a traceparent header, for what will be done under it later or elsewhere. It is empty
// without a trace, and of one that is not kept: nobody is to be told not to trace.
func ParentHeader(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ""
	}
	carrier := propagation.MapCarrier{}
	traceContext.Inject(ctx, carrier)
	return carrier[parentHeader]
}

// LinkTo is an option for a span that somebody else's trace led to, as their traceparent header says. It is linked and never a parent:
// callers do not decide what we trace. A header that says nothing links nothing.
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

// tracer is that of the context's span: nothing has to be handed down to where calls are made.
func tracer(ctx context.Context) trace.Tracer {
	return trace.SpanFromContext(ctx).TracerProvider().Tracer(InstrumentationScope)
}
