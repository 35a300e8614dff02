package tracing_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/aliquot-labs/aliquot/internal/tracing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newRecorder returns a tracer whose spans the test can read.
func newRecorder(t *testing.T, sample float64) (trace.Tracer, func() tracetest.SpanStubs) {
	t.Helper()
	exporter := tracetest.NewInMemoryExporter()
	provider := tracing.NewProvider(exporter, tracing.Options{SampleRatio: sample, Service: "test", Version: "v1"})
	t.Cleanup(func() { require.NoError(t, provider.Shutdown(context.Background())) })
	return provider.Tracer("test"), func() tracetest.SpanStubs {
		require.NoError(t, provider.ForceFlush(context.Background()))
		return exporter.GetSpans()
	}
}

func TestStartCall(t *testing.T) {
	t.Parallel()
	tracer, spans := newRecorder(t, 1)
	ctx, work := tracer.Start(t.Context(), "work")
	called, call := tracing.StartCall(ctx, "call", attribute.String("id", "7"))
	tracing.AddAttributes(called, attribute.Int("n", 1))
	tracing.EndSpan(call, "busy")
	work.End()

	got := spans()
	require.Equal(t, "call", got[0].Name)
	require.Equal(t, trace.SpanKindClient, got[0].SpanKind)
	require.Equal(t, got[1].SpanContext.SpanID(), got[0].Parent.SpanID())
	require.Equal(t, codes.Error, got[0].Status.Code)
	require.ElementsMatch(t, []attribute.KeyValue{
		attribute.String("id", "7"), attribute.Int("n", 1), attribute.String("error.type", "busy"),
	}, got[0].Attributes)
	require.Contains(t, got[0].Resource.Attributes(), attribute.String("service.name", "test"))
	require.Equal(t, codes.Unset, got[1].Status.Code)
}

// TestStartCallUnder checks that a delivery, which a batch makes, belongs to the trace of its order.
func TestStartCallUnder(t *testing.T) {
	t.Parallel()
	tracer, spans := newRecorder(t, 1)
	ctx, origin := tracer.Start(t.Context(), "order")
	kept := tracing.ParentHeader(ctx)
	origin.End()
	ctx, batch := tracer.Start(t.Context(), "batch")
	_, delivery := tracing.StartCallUnder(ctx, kept, "deliver")
	tracing.EndSpan(delivery, "")
	for _, parent := range []string{"", "nonsense"} {
		_, own := tracing.StartCallUnder(ctx, parent, "own")
		own.End()
	}
	batch.End()

	got := spans()
	require.Equal(t, got[0].SpanContext.TraceID(), got[1].SpanContext.TraceID())
	require.Equal(t, got[0].SpanContext.SpanID(), got[1].Parent.SpanID())
	require.Equal(t, got[4].SpanContext.SpanID(), got[1].Links[0].SpanContext.SpanID())
	for _, own := range got[2:4] {
		require.Equal(t, got[4].SpanContext.SpanID(), own.Parent.SpanID(), "without an origin it is a span like any other")
	}
}

// TestParentHeaderWithoutATrace checks that a context without a trace, or with one that is not sampled, has no header.
func TestParentHeaderWithoutATrace(t *testing.T) {
	t.Parallel()
	require.Empty(t, tracing.ParentHeader(t.Context()))
	ctx, span := tracing.StartCall(t.Context(), "call")
	require.False(t, span.IsRecording())
	require.Empty(t, tracing.ParentHeader(ctx))

	tracer, spans := newRecorder(t, 0)
	ctx, unkept := tracer.Start(t.Context(), "work")
	require.Empty(t, tracing.ParentHeader(ctx))
	_, call := tracing.StartCall(ctx, "call")
	tracing.EndSpan(call, "busy")
	unkept.End()
	require.Empty(t, spans(), "the decision holds for all of a trace")
}

func TestLogHandlerAddsTraceIDs(t *testing.T) {
	t.Parallel()
	tracer, _ := newRecorder(t, 1)
	var out bytes.Buffer
	logger := slog.New(tracing.NewLogHandler(slog.NewJSONHandler(&out, nil))).With("order_id", "o").WithGroup("g")
	logger.InfoContext(t.Context(), "before")
	require.NotContains(t, out.String(), "trace_id")
	ctx, span := tracer.Start(t.Context(), "work")
	defer span.End()
	logger.InfoContext(ctx, "within")
	require.Contains(t, out.String(), `"trace_id":"`+span.SpanContext().TraceID().String()+`"`)
	require.Contains(t, out.String(), `"span_id":"`+span.SpanContext().SpanID().String()+`"`)
}

// TestExportByOTLP checks that remaining spans are exported when the process ends.
func TestExportByOTLP(t *testing.T) {
	t.Parallel()
	got, key := make(chan *collector.ExportTraceServiceRequest, 1), make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		var request collector.ExportTraceServiceRequest
		if proto.Unmarshal(body, &request) == nil && r.URL.Path == "/v1/traces" {
			got <- &request
			key <- r.Header.Get("X-Key")
		}
	}))
	defer server.Close()
	provider, err := tracing.OpenProvider(t.Context(), tracing.Options{
		URL: server.URL + "/v1/traces", Headers: map[string]string{"X-Key": "k"}, SampleRatio: 1, Service: "aliquot-api",
		Version: "v1",
	})
	require.NoError(t, err)
	_, span := provider.Tracer("test").Start(t.Context(), "POST /v3/order")
	span.End()
	require.NoError(t, provider.Shutdown(t.Context()))

	request := <-got
	require.Equal(t, "k", <-key)
	require.Equal(t, "POST /v3/order", request.GetResourceSpans()[0].GetScopeSpans()[0].GetSpans()[0].GetName())
	require.Equal(t, "aliquot-api",
		request.GetResourceSpans()[0].GetResource().GetAttributes()[0].GetValue().GetStringValue())
}
