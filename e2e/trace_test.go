package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"go.temporal.io/sdk/interceptor"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/tracing"
)

// enableTracing records all traces of the system in memory.
func (s *system) enableTracing() {
	s.spans = tracetest.NewInMemoryExporter()
	s.traces = tracing.NewProvider(keepingExporter{s.spans}, tracing.Options{SampleRatio: 1, Service: "e2e"})
	s.t.Cleanup(func() { require.NoError(s.t, s.traces.Shutdown(context.Background())) })
}

// keepingExporter keeps the exported spans when the provider is shut down.
type keepingExporter struct{ *tracetest.InMemoryExporter }

func (keepingExporter) Shutdown(context.Context) error { return nil }

func (s *system) provider() trace.TracerProvider {
	if s.traces == nil {
		return tracenoop.NewTracerProvider()
	}
	return s.traces
}

func (s *system) interceptors() []interceptor.ClientInterceptor {
	if s.traces == nil {
		return nil
	}
	follow, err := dispatch.NewTracing(s.traces)
	require.NoError(s.t, err)
	return []interceptor.ClientInterceptor{follow}
}

// endedSpans lists the spans that have ended so far.
func (s *system) endedSpans() tracetest.SpanStubs {
	s.t.Helper()
	require.NoError(s.t, s.traces.ForceFlush(context.Background()))
	return s.spans.GetSpans()
}

// spanText returns the content of all spans as JSON; it is empty without tracing.
func (s *system) spanText() []byte {
	s.t.Helper()
	if s.traces == nil {
		return nil
	}
	spans := s.endedSpans()
	require.NotEmpty(s.t, spans)
	text, err := json.Marshal(spans)
	require.NoError(s.t, err)
	return text
}

// tracesByRoot returns the spans of the traces whose root has the name.
func tracesByRoot(spans tracetest.SpanStubs, root string) (found tracetest.SpanStubs) {
	traces := map[trace.TraceID]bool{}
	for _, span := range spans {
		if !span.Parent.IsValid() && span.Name == root {
			traces[span.SpanContext.TraceID()] = true
		}
	}
	for _, span := range spans {
		if traces[span.SpanContext.TraceID()] {
			found = append(found, span)
		}
	}
	return found
}

// spansWithoutParent lists the spans whose parent is not among them.
func spansWithoutParent(spans tracetest.SpanStubs) (names []string) {
	there := map[trace.SpanID]bool{}
	for _, span := range spans {
		there[span.SpanContext.SpanID()] = true
	}
	for _, span := range spans {
		if span.Parent.IsValid() && !there[span.Parent.SpanID()] {
			names = append(names, span.Name)
		}
	}
	return names
}

func spansNamed(spans tracetest.SpanStubs, name string) (found tracetest.SpanStubs) {
	for _, span := range spans {
		if span.Name == name {
			found = append(found, span)
		}
	}
	return found
}

// TestAnOrdersLifeIsOneTrace shows that an order's life, from the request that placed it to the last delivery, is one
// trace in which every span has its parent.
func TestAnOrdersLifeIsOneTrace(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		o.traced = true
		s := newSystem(t, o)
		id := s.placeOrder(nil)
		s.awaitStatus(id, "received.testkit.requisition_created")
		s.sendFact(id, "kit_shipped")
		s.sendFact(id, "kit_received")
		s.publishReport(id)
		s.awaitStatus(id, "completed.testkit.completed")
		hooks := s.awaitWebhooks(id)
		require.Len(t, hooks, len(plainLife))

		var life tracetest.SpanStubs
		s.await(func() bool {
			life = tracesByRoot(s.endedSpans(), "POST /v3/order")
			return len(spansNamed(life, "deliver webhook")) >= len(hooks) && len(spansNamed(life, "RunWorkflow:Order")) > 0 &&
				len(spansWithoutParent(life)) == 0
		}, "the trace is not whole: %v", spansWithoutParent(life))
		for _, name := range []string{
			"StartWorkflow:Order", "RunActivity:SettleOrder", "RunActivity:PlaceRequisition",
			"RunActivity:CreateTrackers",
			"RunActivity:FetchResults", "call lab", "call courier",
		} {
			require.NotEmpty(t, spansNamed(life, name), name)
		}
		root := spansNamed(life, "POST /v3/order")[0].SpanContext.TraceID().String()
		for sequence, hook := range hooks {
			require.Contains(t, hook.Trace, root, "delivery %d carries another trace", sequence)
		}
		require.Regexp(t, `"route":"/v3/order","status":200.*"trace_id":"`+root+`"`, s.logs.String(),
			"the log leads to the trace")

		report := tracesByRoot(s.endedSpans(), "POST /webhooks/labs/molecular")
		require.NotEmpty(t, report, "what a lab reports has a trace of its own")
		require.NotEmpty(t, spansNamed(report, "SignalWithStartWorkflow:Order"))
		require.NotEmpty(t, spansNamed(report, "HandleSignal:"+dispatch.SignalWake))
	})
}

// TestABrokenTraceIsFound is the control: a delivery without its trace, and a span without its parent, are found.
func TestABrokenTraceIsFound(t *testing.T) {
	t.Parallel()
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	t.Cleanup(func() { require.NoError(t, provider.Shutdown(context.Background())) })
	ctx, root := provider.Tracer("test").Start(t.Context(), "root")
	_, child := provider.Tracer("test").Start(ctx, "child")
	child.End()
	require.Equal(t, []string{"child"}, spansWithoutParent(exporter.GetSpans()), "its parent has not ended")
	root.End()
	require.Empty(t, spansWithoutParent(exporter.GetSpans()))
	_, lost := provider.Tracer("test").Start(t.Context(), "lost")
	lost.End()
	require.Len(t, tracesByRoot(exporter.GetSpans(), "root"), 2)
}

// TestACallersTraceIsLinked shows that a caller's trace is linked to the request's, and does not decide what is traced.
func TestACallersTraceIsLinked(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{traced: true, noEndpoint: true, workers: noWorkers})
	const theirs = "0af7651916cd43dd8448eb211c80319c"
	r := s.callAsClient(http.MethodGet, "/v3/orders", nil, "traceparent", "00-"+theirs+"-b7ad6b7169203331-00")
	require.Equal(t, http.StatusOK, r.Status)
	s.callAsClient(http.MethodGet, "/v3/orders", nil, "traceparent", strings.Repeat("x", 100))
	spans := spansNamed(s.endedSpans(), "GET /v3/orders")
	require.Len(t, spans, 2)
	for _, span := range spans {
		require.False(t, span.Parent.IsValid())
		require.NotEqual(t, theirs, span.SpanContext.TraceID().String())
	}
	require.Len(t, spans[0].Links, 1)
	require.Equal(t, theirs, spans[0].Links[0].SpanContext.TraceID().String())
	require.Empty(t, spans[1].Links)
}
