package api

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/aliquot-labs/aliquot/internal/tracing"
)

// trace begins a trace with the request, which goes on wherever the request's context goes: into the order's workflow. It says what the
// access log says, the route's pattern and no path. What the caller traces itself is linked. Probes and scrapes are not traced.
func (s *server) trace(c *gin.Context) {
	route := c.FullPath()
	if route == pathHealth || route == pathReady || route == pathMetrics {
		return
	}
	if route == "" {
		route = "none"
	}
	ctx, span := s.TracerProvider.Tracer(tracing.InstrumentationScope).Start(c.Request.Context(), metricMethod(c)+" "+route, trace.WithSpanKind(trace.SpanKindServer),
		tracing.LinkTo(c.GetHeader("traceparent")), trace.WithAttributes(
			attribute.String("http.request.method", metricMethod(c)), attribute.String("http.route", route), attribute.String("request_id", requestID(c)),
		))
	c.Request = c.Request.WithContext(ctx)
	c.Next()
	status := c.Writer.Status()
	span.SetAttributes(attribute.Int("http.response.status_code", status), attribute.String("key_id", c.GetString(logKeyID)))
	failure := ""
	if status >= http.StatusInternalServerError {
		failure = strconv.Itoa(status)
	}
	tracing.EndSpan(span, failure)
}
