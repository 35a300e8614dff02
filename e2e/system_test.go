package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/aliquot-labs/aliquot/activities"
	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/couriers/easypost"
	"github.com/aliquot-labs/aliquot/e2e/scenario"
	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
	"github.com/aliquot-labs/aliquot/internal/testservers/sqlitetest"
	"github.com/aliquot-labs/aliquot/internal/testservers/temporaltest"
	"github.com/aliquot-labs/aliquot/internal/tracing"
	"github.com/aliquot-labs/aliquot/labs/molecular"
	"github.com/aliquot-labs/aliquot/labs/simlab"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/store/keyring"
	"github.com/aliquot-labs/aliquot/webhooks"
	"github.com/aliquot-labs/aliquot/worker"
)

const (
	labUser        = "practice-7"
	labToken       = "0b6c6a8e-4d53-4d0b-9b39-3d0f3a9f6c11"
	courierSecret  = "courier-secret"
	courierKey     = "courier-key"
	encryptionKeys = "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
)

// options describe a system. The zero value is a system with SQLite, one worker, and a simulated lab that sends nothing
// on its own.
type options struct {
	postgres         bool
	database         string        // URL of an empty database; empty: a new one
	workers          int           // in the test's process; 0: one
	playScripts      bool          // the simulated lab plays its scripts, without waiting
	spacing          time.Duration // shortest time between calls to the lab
	policy           string        // overlay of the team's policy; if set, the account has no policy
	temporal         *temporaltest.DevServer
	workerClockAhead time.Duration // how far the workers' clocks are ahead of the others
	held             []string      // the changes of workflow code that the workers hold

	labPanics  bool // the lab client panics when it places an order
	cancelCall bool // the labs have a call to cancel, which Molecular has not confirmed
	noEndpoint bool // the client has no webhook endpoint
	traced     bool // every request and every worker is traced
	// neutral adds a neutral partner with lab tests of every collection method, and its providers.
	neutral bool

	gate *gate // in front of the simulated lab; nil: none
	// webhookURL is the URL of the API that partners send to. Defaults to that of the system's own API.
	webhookURL string
}

// system is a whole Aliquot in the test's process.
type system struct {
	t         testing.TB
	scenarios *scenario.System // shared by subtests, which then book different slots; nil: each has its own
	options   options
	dbURL     string // with the role of the processes
	ownerURL  string // with the role that owns the schema
	temporal  *temporaltest.DevServer
	namespace string
	client    client.Client
	store     *store.Store
	lab       *simlab.Server
	labURL    string
	url       string
	receiver  *receiver
	logs      *lockedBuffer
	metrics   *prometheus.Registry
	traces    *sdktrace.TracerProvider // nil: no tracing
	spans     *tracetest.InMemoryExporter
	workers   []*worker.Worker

	teamID, userID, labTestID, accountID string
	key, opsKey                          string

	// partnerTests are lab tests of the neutral partner, by the keys of scenario.System.LabTests.
	partnerTests map[string]string
}

func newSystem(t testing.TB, o options) *system {
	t.Helper()
	s := &system{t: t, options: o, logs: &lockedBuffer{}, metrics: prometheus.NewRegistry()}
	s.temporal = o.temporal
	if s.temporal == nil {
		s.temporal = temporaltest.SharedServer(t)
	}
	s.namespace = s.temporal.Namespace(t)
	switch {
	case o.database != "":
		s.ownerURL = o.database
		require.NoError(t, migrate(s.ownerURL))
	case o.postgres:
		s.ownerURL = migratedPostgres.Copy(t)
	default:
		s.ownerURL = "sqlite:" + migratedSQLite.Copy(t)
	}
	s.dbURL = s.ownerURL
	if !strings.HasPrefix(s.ownerURL, "sqlite:") {
		s.dbURL = postgrestest.AsRole(s.ownerURL, postgrestest.ApplicationRole)
	}
	if o.traced {
		s.enableTracing()
	}
	s.store = s.openStore()
	s.client = s.dial()
	s.await(func() bool { // a worker process tries again too
		return worker.EnsureAttributesAndSchedules(t.Context(), s.client, s.namespace, s.log()) == nil
	}, "the namespace lacks search attributes or schedules")
	s.openAPI()
	s.openLab()
	s.receiver = newReceiver(t)
	s.seed()
	for range inProcess(o.workers) {
		s.workers = append(s.workers, s.startWorker())
	}
	return s
}

// forSubtest returns the same system for a subtest.
func (s *system) forSubtest(t testing.TB) *system {
	t.Helper()
	sub := *s
	sub.t = t
	return &sub
}

// noWorkers starts no workers, for tests that start worker processes.
const noWorkers = -1

func inProcess(workers int) int {
	switch workers {
	case 0:
		return 1
	case noWorkers:
		return 0
	default:
		return workers
	}
}

// log stores every line at debug level, so that a test can search for what must not be logged.
func (s *system) log() *slog.Logger {
	return slog.New(tracing.NewLogHandler(slog.NewJSONHandler(s.logs, &slog.HandlerOptions{Level: slog.LevelDebug})))
}

// Templates of stores without rows.
var (
	migratedSQLite   = sqlitetest.NewTemplate(migrate)
	migratedPostgres = postgrestest.NewTemplate(migrate)
)

// migrate migrates a database as its owner. On PostgreSQL it grants the application's role what it needs.
func migrate(url string) error {
	st, err := openStore(url)
	if err != nil {
		return err
	}
	var roles store.DatabaseRoles
	if !strings.HasPrefix(url, "sqlite:") {
		roles.Application = postgrestest.ApplicationRole
	}
	err = st.Migrate(context.Background())
	if err == nil {
		err = st.GrantRoles(context.Background(), roles)
	}
	return errors.Join(err, st.Close())
}

func openStore(url string) (*store.Store, error) { return openStoreWith(url, encryptionKeys) }

func openStoreWith(url, encryptionKeys string) (*store.Store, error) {
	keys, err := keyring.Parse(encryptionKeys)
	if err != nil {
		return nil, err
	}
	return store.Open(context.Background(), store.Options{URL: url, Keys: keys})
}

func (s *system) openStore() *store.Store {
	st, err := openStore(s.dbURL)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { require.NoError(s.t, st.Close()) })
	return st
}

func (s *system) dial() client.Client {
	c, err := client.Dial(client.Options{
		HostPort: s.temporal.Address, Namespace: s.namespace, Interceptors: s.interceptors(),
		Logger: sdklog.NewStructuredLogger(s.log()), DataConverter: dispatch.NewConverter(),
		Identity: "e2e-" + uuid.NewString(), // the processes of a test would share the default identity
	})
	require.NoError(s.t, err)
	s.t.Cleanup(c.Close)
	return c
}

func (s *system) openAPI() {
	guard, err := webhooks.NewAddressGuard("127.0.0.0/8")
	require.NoError(s.t, err)
	h, err := api.New(api.Deps{
		TracerProvider: s.provider(), Store: s.store, Workflows: dispatch.NewClient(s.client), Logger: s.log(),
		Metrics:        s.metrics,
		CourierSecrets: []string{courierSecret}, Guard: guard, PartnerGuard: guard,
	})
	require.NoError(s.t, err)
	server := httptest.NewServer(h)
	s.t.Cleanup(server.Close)
	s.url = server.URL
}

func (s *system) openLab() {
	url := cmp.Or(s.options.webhookURL, s.url)
	lab, err := simlab.New(simlab.Config{
		User: labUser, Token: labToken, WebhookURL: url + "/webhooks/labs/molecular",
		CourierURL: url + "/webhooks/couriers/easypost", CourierSecret: courierSecret, CourierAPIKey: courierKey,
		NeutralURL: url + "/webhooks/labs/neutral", NeutralAccount: partnerAccount, NeutralSecrets: []string{partnerSecret},
		Manual: !s.options.playScripts, CancelCall: s.options.cancelCall, Spacing: s.options.spacing,
		Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(s.t, err)
	server := httptest.NewServer(s.options.gate.before(lab.Handler()))
	s.t.Cleanup(func() { s.options.gate.open(); lab.Close(); server.Close() })
	s.lab, s.labURL = lab, server.URL
}

// seed creates what a team needs to order.
func (s *system) seed() {
	ctx := context.Background()
	s.teamID, s.userID, s.labTestID, s.accountID = uuid.NewString(), uuid.NewString(), uuid.NewString(), uuid.NewString()
	team := store.Team{ID: s.teamID, Name: "Clinic", Environment: store.Sandbox, Policy: []byte(s.options.policy)}
	require.NoError(s.t, s.store.CreateTeam(ctx, team))
	s.key, s.opsKey = s.newKey("client"), s.newKey("administrator")
	require.NoError(s.t, s.store.CreateUser(ctx, store.User{ID: s.userID, TeamID: s.teamID, ClientUserID: "patient-1"}))
	lab := order.Lab{ID: 27, Slug: "mtl", Name: "Molecular Testing Labs", FirstLineAddress: "1 Lab Way", City: "Vancouver",
		Zipcode: "98660", CollectionMethods: []string{"testkit"}, SampleTypes: []string{"dried_blood_spot"}}
	require.NoError(s.t, s.store.PutLab(ctx, lab))
	require.NoError(s.t, s.store.PutLabTest(ctx, "", order.LabTest{
		ID: s.labTestID, Slug: "lipids", Name: "Lipids Panel", SampleType: "dried_blood_spot", Method: lifecycle.Testkit,
		Status: "active", Lab: &lab, PanelIDs: []int{101},
	}))
	require.NoError(s.t, s.store.PutLabAccount(ctx, store.LabAccount{
		ID: s.accountID, TeamID: s.teamID, LabSlug: lab.Slug, Partner: molecular.Partner, Environment: store.Sandbox,
		BaseURL: s.labURL, User: labUser, Token: labToken, Spacing: s.options.spacing, Status: "active",
		Settings: []byte(s.accountSettings()),
		Policy:   []byte(s.accountPolicy()),
	}))
	if s.options.neutral {
		s.seedPartner()
	}
	if !s.options.noEndpoint {
		s.seedEndpoint()
	}
}

func (s *system) seedEndpoint() {
	secret, err := webhooks.NewSecret()
	require.NoError(s.t, err)
	s.receiver.setSecret(secret)
	require.NoError(s.t, s.store.CreateEndpoint(context.Background(), store.Endpoint{
		ID: uuid.NewString(), TeamID: s.teamID, URL: s.receiver.url, Secret: secret,
	}))
}

func (s *system) accountSettings() string {
	cancel := ""
	if s.options.cancelCall {
		cancel = "/CancelOrder"
	}
	return fmt.Sprintf(`{"default_physician":5501,"endpoints":{"results":"/Results","order_info":"/OrderInfo",`+
		`"notifications":"/Notifications","cancel":%q}}`, cancel)
}

// accountPolicy is the policy of Molecular's accounts (molecular-api#d31).
func (s *system) accountPolicy() string {
	if s.options.policy != "" {
		return ""
	}
	return `{"recovery":{"window":"168h","reminders":["72h","120h"]}}`
}

func (s *system) newKey(role string) string {
	secret, err := store.NewAPIKeySecret(store.Sandbox)
	require.NoError(s.t, err)
	k := store.APIKey{ID: uuid.NewString(), TeamID: s.teamID, Name: role, Role: role}
	require.NoError(s.t, s.store.CreateAPIKey(context.Background(), k, secret))
	return secret
}

// startWorker runs a worker with its own store and Temporal connection, as another process would have.
func (s *system) startWorker() *worker.Worker { return s.startWorkerOver(s.openStore()) }

// startWorkerOver runs a worker with the given store and a Temporal connection of its own.
func (s *system) startWorkerOver(st *store.Store) *worker.Worker {
	guard, err := webhooks.NewAddressGuard("127.0.0.0/8")
	require.NoError(s.t, err)
	sender := webhooks.NewSender(webhooks.SenderOptions{Guard: guard})
	tracker, err := easypost.New(easypost.Options{BaseURL: s.labURL, APIKey: courierKey})
	require.NoError(s.t, err)
	c := s.dial()
	var partners map[string]activities.LabFactory
	if s.options.labPanics {
		partners = panickingPartners()
	}
	w, err := worker.New(worker.Options{
		Temporal: c, Partners: partners, Store: st, Dispatch: dispatch.NewClient(c), Sender: sender,
		Tracker:         tracker,
		MetricsRegistry: prometheus.WrapRegistererWith(prometheus.Labels{"worker": uuid.NewString()}, s.metrics),
		Logger:          s.log(),
		Now:             func() time.Time { return time.Now().Add(s.options.workerClockAhead) }, HeldChanges: s.options.held,
	})
	require.NoError(s.t, err)
	require.NoError(s.t, w.Start())
	s.t.Cleanup(func() { w.Stop(); sender.Close(); tracker.Close() })
	return w
}
