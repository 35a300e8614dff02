package api

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/aliquot-labs/aliquot/internal/tracing"
)

// requestIDHeader names a request, in both directions.
const requestIDHeader = "X-Request-Id"

// What the access log takes from gin's context.
const (
	logRequestID = "request_id"
	logKeyID     = "key_id"
)

// requestIDPattern is what a caller's request id has to look like; any other is replaced, because it ends up in logs.
var requestIDPattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// assignRequestID gives the request an id and its answer the headers that every answer has.
func (s *server) assignRequestID(c *gin.Context) {
	id := c.GetHeader(requestIDHeader)
	if !requestIDPattern.MatchString(id) {
		id = uuid.Must(uuid.NewV7()).String()
	}
	c.Set(logRequestID, id)
	c.Header(requestIDHeader, id)
	c.Header("Cache-Control", "no-store")
	c.Header("X-Content-Type-Options", "nosniff")
	c.Next()
}

func requestID(c *gin.Context) string { return c.GetString(logRequestID) }

// countAndLog counts and logs the request. Paths are logged as patterns, and queries and bodies not at all.
func (s *server) countAndLog(c *gin.Context) {
	start := time.Now()
	c.Next()
	took, status, route := time.Since(start), c.Writer.Status(), c.FullPath()
	if route == "" {
		route = "none"
	}
	s.metrics.requests.WithLabelValues(metricMethod(c), route, strconv.Itoa(status)).Observe(took.Seconds())
	attrs := []slog.Attr{
		slog.String("method", metricMethod(c)), slog.String("route", route), slog.Int("status", status),
		slog.Duration("duration", took),
		slog.String("request_id", requestID(c)), slog.String("key_id", c.GetString(logKeyID)),
	}
	level := slog.LevelInfo
	if len(c.Errors) > 0 {
		level = slog.LevelError
		attrs = append(attrs, slog.String("error", c.Errors.Last().Error()))
	}
	s.Logger.LogAttrs(c.Request.Context(), level, "request", attrs...)
}

// metricMethod is the request's, or "other" for one that a caller made up: it becomes a metric's label.
func metricMethod(c *gin.Context) string {
	switch c.Request.Method {
	case http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete, http.MethodHead,
		http.MethodOptions:
		return c.Request.Method
	}
	return "other"
}

// recoverPanics answers 500. The value of a panic may hold anything, so only its type and the stack are logged.
func (s *server) recoverPanics(c *gin.Context) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(v)
		}
		s.Logger.Error("panic", slog.String("type", fmt.Sprintf("%T", v)), slog.String("request_id", requestID(c)),
			slog.String("route", c.FullPath()), slog.String("stack", string(debug.Stack())))
		if !c.Writer.Written() {
			abortWithDetail(c, http.StatusInternalServerError, "Internal server error")
		}
	}()
	c.Next()
}

type metrics struct {
	requests   *prometheus.HistogramVec
	inboxItems *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer, others ...prometheus.Collector) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "aliquot_http_request_duration_seconds", Help: "Requests by method, route pattern and status.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"method", "route", "status"}),
		inboxItems: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aliquot_partner_reports_total", Help: "What partners sent, by partner and what became of it at the door.",
		}, []string{"partner", "outcome"}),
	}
	for _, c := range append(others, m.requests, m.inboxItems) {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("registering the API's metrics: %w", err)
		}
	}
	return m, nil
}

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
	ctx, span := s.TracerProvider.Tracer(tracing.InstrumentationScope).Start(c.Request.Context(),
		metricMethod(c)+" "+route, trace.WithSpanKind(trace.SpanKindServer),
		tracing.LinkTo(c.GetHeader("traceparent")), trace.WithAttributes(
			attribute.String("http.request.method", metricMethod(c)), attribute.String("http.route", route),
			attribute.String("request_id", requestID(c)),
		))
	c.Request = c.Request.WithContext(ctx)
	c.Next()
	status := c.Writer.Status()
	span.SetAttributes(attribute.Int("http.response.status_code", status),
		attribute.String("key_id", c.GetString(logKeyID)))
	failure := ""
	if status >= http.StatusInternalServerError {
		failure = strconv.Itoa(status)
	}
	tracing.EndSpan(span, failure)
}
