package api

import (
	"cmp"
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
	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// OrderWorkflows starts and signals workflows. Demand returns an error with a method Unavailable() bool that returns
// true when the workflow did not answer in time; the caller may try again.
type OrderWorkflows interface {
	// StartOrder starts the workflow of an order that has just been created.
	StartOrder(ctx context.Context, orderID string) error
	// WakeOrder makes the order's workflow settle what waits for it in the store.
	WakeOrder(ctx context.Context, orderID string, w dispatch.Wake) error
	// Demand sends a demand to the order's workflow and waits for the answer.
	Demand(ctx context.Context, orderID string, d order.Demand) (order.DemandAnswer, error)
	// NudgeDeliveries signals to an endpoint's workflow that it has deliveries.
	NudgeDeliveries(ctx context.Context, endpointID string) error
	// CheckReachable returns an error when workflows cannot be reached.
	CheckReachable(ctx context.Context) error
}

// Deps are the dependencies and settings of the API.
type Deps struct {
	// Store and Workflows are required.
	Store     *store.Store
	Workflows OrderWorkflows
	// Logger gets the access log. Defaults to slog.Default().
	Logger *slog.Logger
	// Metrics is served at /metrics; New registers the API's metrics in it. Defaults to a new registry.
	Metrics *prometheus.Registry
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// TimeZone decides which day it is for activate_by and for ages. Defaults to UTC.
	TimeZone *time.Location
	// MaxBody limits the request bodies of the client and operations API, in bytes. Defaults to 4 MiB.
	MaxBody int64
	// APIKeyRate and AddressRate are the requests per second that one API key and one network address may make, over all
	// processes. Ten times as many may come at once after a pause. 0: no limit.
	APIKeyRate, AddressRate int
	// Proxies are the networks, in CIDR form, of the proxies whose X-Forwarded-For is trusted. Defaults to none: the
	// address of a caller is that of its connection.
	Proxies []string
	// CourierSecrets verify the signatures of the courier webhook. There are several during a rotation. Without one the
	// webhook answers 503.
	CourierSecrets []string
	// OpenLab returns the client of a lab account. The API asks labs itself for their capabilities and for free
	// appointments. Defaults to the client of the partner's protocol.
	OpenLab func(store.LabAccount) (labs.Lab, error)
	// TracerProvider traces requests. Defaults to a provider that does nothing.
	TracerProvider trace.TracerProvider
	// LabHTTPClient makes the requests to labs. Defaults to a new client.
	LabHTTPClient *http.Client
	// Billing is the reference of payors and diagnosis codes. Defaults to the built-in one.
	Billing *billing.Reference
	// Guard decides which URLs endpoints may have. Defaults to public addresses only.
	Guard *webhooks.AddressGuard
	// PartnerGuard decides which base URLs lab accounts may have. Defaults to public addresses only.
	PartnerGuard *webhooks.AddressGuard
}

const defaultMaxBody = 4 << 20

// Timeouts of calls to workflows and labs.
const (
	demandTimeout = 30 * time.Second // for a demand's answer; a partner call within it may take 10 s
	startTimeout  = 2 * time.Second  // for starting an order and nudging deliveries; the reconciler heals a failure
	labTimeout    = 10 * time.Second // for a lab's answer while a client waits
	signalWait    = time.Second      // a lab is answered within 2 s, signalled or not (molecular-api#d13)

	signalTimeout = 30 * time.Second // for a signal that continues after the answer; the reconciler heals after a minute
)

type server struct {
	Deps
	metrics *metrics
	huma    huma.API

	apiKeyLimiter, addressLimiter *rateLimiter
	denials                       denialLimiter
}

// New returns the handler of all routes. It returns an error when a required dependency is missing or a setting is
// wrong.
func New(d Deps) (http.Handler, error) {
	if d.Store == nil || d.Workflows == nil {
		return nil, errors.New("building the API: a store and workflows are required")
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
	d.Guard = cmp.Or(d.Guard, &webhooks.AddressGuard{})
	d.PartnerGuard = cmp.Or(d.PartnerGuard, &webhooks.AddressGuard{})
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

// now returns the current time as the store holds times: UTC, in microseconds.
func (s *server) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// today returns the current date in the service's time zone.
func (s *server) today() order.Date { return order.DateOf(s.Now().In(s.TimeZone)) }

func (s *server) routes() *gin.Engine {
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash = false    // SDKs must never be redirected
	e.UseEscapedPath = true            // a parameter may hold an escaped slash
	e.UnescapePathValues = false       // unescapePath does it
	_ = e.SetTrustedProxies(s.Proxies) // newServer has checked them
	e.Use(s.assignRequestID, s.trace, s.countAndLog, s.auditDenials, s.recoverPanics, s.limitTime, s.unescapePath,
		s.limitAddressRate)
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
	s.opsCourierRoutes()
	s.opsLabAccountRoutes()
	s.opsCatalogueRoutes()
	s.opsEndpointRoutes()
	s.opsMessageRoutes()
	s.webhookRoutes()
	s.opsInboxRoutes()
	s.opsReviewRoutes()
	s.completeDocument()
	s.validateIDs()
	headRoutes(e)
	return e
}

// NewHTTPServer returns an http.Server for a handler that New returned, with a timeout on everything that a slow caller
// could prolong. The write timeout is longer than the timeout of a demand.
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
