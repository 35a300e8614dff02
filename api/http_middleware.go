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

// requestIDHeader holds the id of a request, in the request and in the answer.
const requestIDHeader = "X-Request-Id"

// Keys of gin's context whose values the access log contains.
const (
	logRequestID = "request_id"
	logKeyID     = "key_id"
	logTeamID    = "team_id" // of the API key; only the audit contains it
)

// requestIDPattern matches the request ids that are accepted from callers. Any other is replaced, because ids are
// logged.
var requestIDPattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// assignRequestID sets the id of the request, and the headers that every answer has.
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

// countAndLog counts the request in the metrics and writes it to the access log. It logs the route's pattern instead of
// the path, and neither the query nor the body.
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
		slog.Duration("duration", took), slog.String("request_id", requestID(c)),
		slog.String("key_id", c.GetString(logKeyID)), slog.String("address", c.ClientIP()),
	}
	level := slog.LevelInfo
	if len(c.Errors) > 0 {
		level = slog.LevelError
		attrs = append(attrs, slog.String("error", c.Errors.Last().Error()))
	}
	s.Logger.LogAttrs(c.Request.Context(), level, "request", attrs...)
}

// metricMethod returns the request's method, or "other" for a method that HTTP does not define: it is a metric's label.
func metricMethod(c *gin.Context) string {
	switch c.Request.Method {
	case http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete, http.MethodHead,
		http.MethodOptions:
		return c.Request.Method
	}
	return "other"
}

// recoverPanics answers 500 after a panic. It logs the type of the panic's value and the stack, but not the value,
// which may hold patient data.
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
			Name: "aliquot_partner_reports_total",
			Help: "Requests to the webhooks of labs and couriers, by partner and outcome: the inbox state, or the refusal.",
		}, []string{"partner", "outcome"}),
	}
	for _, c := range append(others, m.requests, m.inboxItems) {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("registering the API's metrics: %w", err)
		}
	}
	return m, nil
}

// trace begins a trace with the request. The request's context carries it on, into the order's workflow. The span has
// the attributes of the access log: the route's pattern and no path. It is linked to the caller's own trace, if there
// is one. Probes and scrapes are not traced.
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
