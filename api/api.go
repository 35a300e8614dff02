package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/aliquot-labs/aliquot/internal/billing"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// OrderWorkflows reaches the workflows. An error of Demand with a method Unavailable() bool that returns true says that there was no
// answer in time, and that the caller may try again.
type OrderWorkflows interface {
	// StartOrder starts the workflow of an order that has just been created.
	StartOrder(ctx context.Context, orderID string) error
	// SignalFact hands over a partner's report.
	SignalFact(ctx context.Context, orderID string, f order.Fact) error
	// Demand asks something of an order and waits for what becomes of it.
	Demand(ctx context.Context, orderID string, d order.Demand) (order.DemandAnswer, error)
	// NudgeDeliveries says that an endpoint has something to deliver.
	NudgeDeliveries(ctx context.Context, endpointID string) error
	// CheckReachable is nil when workflows can be reached.
	CheckReachable(ctx context.Context) error
}

// Deps is what the API stands on.
type Deps struct {
	// Store and Orders are required.
	Store     *store.Store
	Workflows OrderWorkflows
	// Logger gets the access log. Defaults to slog.Default().
	Logger *slog.Logger
	// Metrics is shown at /metrics; the API adds its own to it. Defaults to a new registry.
	Metrics *prometheus.Registry
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// TimeZone says which day it is for activate_by and for ages. Defaults to UTC.
	TimeZone *time.Location
	// MaxBody bounds the bodies of the client and operations API, in bytes. Defaults to 4 MiB.
	MaxBody int64
	// APIKeyRate and AddressRate are how many requests a second one API key and one network address may make, over all processes; ten times
	// as many at once after a rest. 0: no limit.
	APIKeyRate, AddressRate int
	// Proxies are the networks, in CIDR form, of the proxies whose X-Forwarded-For is believed. Defaults to none: the address of a
	// caller is the connection's.
	Proxies []string
	// CourierSecrets verify the courier webhook; several during a rotation. Without one it answers 503.
	CourierSecrets []string
	// OpenLab makes the client of a lab account, for what the API asks labs itself: what they can do, and which appointments are
	// free. Defaults to the partner's protocol.
	OpenLab func(store.LabAccount) (labs.Lab, error)
	// TracerProvider follows requests. Defaults to a provider that does nothing.
	TracerProvider trace.TracerProvider
	// LabHTTPClient reaches labs. Defaults to a client of its own.
	LabHTTPClient *http.Client
	// Billing is what bills name: payors and diagnoses. Defaults to the set that is built in.
	Billing *billing.Reference
	// Guard says which addresses endpoints may have. Defaults to public ones only.
	Guard *webhooks.AddressGuard
}

const defaultMaxBody = 4 << 20

// Limits on waiting for the workflows.
const (
	demandTimeout = 30 * time.Second // for a demand's answer; a partner call within it may take 10 s
	startTimeout  = 2 * time.Second  // for starting an order and nudging deliveries; the reconciler makes up for a failure
	labTimeout    = 10 * time.Second // for an answer that a lab is asked for while a client waits
	signalWait    = time.Second      // a lab gets its answer within 2 s, signalled or not (molecular-api#d13)

	signalTimeout = 30 * time.Second // for signalling on after the answer; the reconciler looks after a minute
)

type server struct {
	Deps
	metrics *metrics
	huma    huma.API

	apiKeyLimiter, addressLimiter *rateLimiter
}

// New builds the handler of every route. The error says what is missing.
func New(d Deps) (http.Handler, error) {
	if d.Store == nil || d.Workflows == nil {
		return nil, errors.New("building the API: it needs a store and orders")
	}
	s, err := newServer(d)
	if err != nil {
		return nil, err
	}
	return s.routes(), nil
}

func newServer(d Deps) (*server, error) {
	if d.Logger == nil {
		d.Logger = slog.Default()
	}
	if d.Metrics == nil {
		d.Metrics = prometheus.NewRegistry()
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.TimeZone == nil {
		d.TimeZone = time.UTC
	}
	if d.MaxBody <= 0 {
		d.MaxBody = defaultMaxBody
	}
	if d.Guard == nil {
		guard, err := webhooks.NewAddressGuard()
		if err != nil {
			return nil, err
		}
		d.Guard = guard
	}
	if d.TracerProvider == nil {
		d.TracerProvider = noop.NewTracerProvider()
	}
	if d.Billing == nil {
		reference, err := billing.BuiltIn()
		if err != nil {
			return nil, err
		}
		d.Billing = reference
	}
	if d.LabHTTPClient == nil {
		d.LabHTTPClient = &http.Client{}
	}
	m, err := newMetrics(d.Metrics, newOpenWorkMetric(d.Store.OpenWork, d.Now))
	if err != nil {
		return nil, err
	}
	for _, network := range d.Proxies {
		if _, err := netip.ParsePrefix(network); err != nil {
			return nil, fmt.Errorf("building the API: reading the proxies: %w", err)
		}
	}
	s := &server{Deps: d, metrics: m, apiKeyLimiter: newRateLimiter(d.Store, d.APIKeyRate),
		addressLimiter: newRateLimiter(d.Store, d.AddressRate)}
	if s.OpenLab == nil {
		s.OpenLab = s.openLab
	}
	return s, nil
}

// now is the clock as the store keeps times: UTC, microseconds.
func (s *server) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// today is the day in the service's time zone.
func (s *server) today() order.Date { return order.DateOf(s.Now().In(s.TimeZone)) }

func (s *server) routes() *gin.Engine {
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash = false // SDKs must never be redirected
	e.UseRawPath = true
	_ = e.SetTrustedProxies(s.Proxies) // checked when the server was made
	e.Use(s.assignRequestID, s.trace, s.countAndLog, s.recoverPanics, s.limitAddressRate)
	e.NoRoute(func(c *gin.Context) { abortWithDetail(c, http.StatusNotFound, "Not found") })
	e.NoMethod(func(c *gin.Context) { abortWithDetail(c, http.StatusMethodNotAllowed, "Method not allowed") })

	s.healthRoutes(e)
	s.labWebhookRoutes(e)
	s.courierWebhookRoutes(e)
	s.documentRoutes(e)
	s.requisitionLinkRoutes(e)

	s.userRoutes()
	s.insuranceRoutes()
	s.physicianRoutes()
	s.labAccountRoutes()
	s.communicationRoutes()
	s.labTestRoutes()
	s.orderRoutes()
	s.testkitRoutes()
	s.importRoutes()
	s.simulationRoutes()
	s.appointmentRoutes()
	s.locationRoutes()
	s.resultRoutes()
	s.documentPDFRoutes()
	s.transactionRoutes()
	s.reviewRoutes()
	s.unmatchedResultTestRoutes()
	s.opsOrderRoutes()
	s.opsTeamRoutes()
	s.opsKeyRoutes()
	s.opsTokenRoutes()
	s.opsAuditRoutes()
	s.opsLabAccountRoutes()
	s.opsCatalogueRoutes()
	s.opsEndpointRoutes()
	s.opsMessageRoutes()
	s.webhookRoutes()
	s.opsInboxRoutes()
	s.opsReviewRoutes()
	s.completeDocument()
	return e
}

// NewHTTPServer is an http.Server for a handler that New built, with a limit on everything that a caller could draw out. The write
// limit leaves room for a demand.
func NewHTTPServer(addr string, h http.Handler) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      demandTimeout + 30*time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
}
