package webhooks_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/aliquot-labs/aliquot/internal/tracing"
	"github.com/aliquot-labs/aliquot/webhooks"
)

func TestPostSendsTheTraceHeader(t *testing.T) {
	t.Parallel()
	url, got := newReceiver(t, respondWith(http.StatusNoContent))
	sender, a := newSender(t, webhooks.SenderOptions{}), newAttempt(t, url)
	a.Headers = map[string]string{"Traceparent": "the endpoint's own"}
	require.True(t, sender.Post(t.Context(), a).Delivered)
	require.Equal(t, "the endpoint's own", (<-got).header.Get("Traceparent"), "without a trace, the custom header is sent")

	for sample, traced := range map[float64]bool{0: false, 1: true} {
		provider := tracing.NewProvider(tracetest.NewNoopExporter(), tracing.Options{SampleRatio: sample})
		t.Cleanup(func() { require.NoError(t, provider.Shutdown(context.Background())) })
		ctx, span := provider.Tracer("test").Start(t.Context(), "deliver")
		require.True(t, sender.Post(ctx, newAttempt(t, url)).Delivered)
		span.End()
		parent := (<-got).header.Get("Traceparent")
		require.Equal(t, traced, parent != "", "no header is sent for an unsampled trace")
		if traced {
			require.Contains(t, parent, span.SpanContext().TraceID().String())
		}
	}
}
