package workflows_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/aliquot-labs/aliquot/internal/testservers/sqlitetest"
	"github.com/aliquot-labs/aliquot/labs/molecular"
	"github.com/aliquot-labs/aliquot/labs/neutral"
	"github.com/aliquot-labs/aliquot/labs/simlab"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/store/keyring"
)

// day0 is when the orders of these tests are created, by the test environment's clock. It is far in the future, because
// the test environment applies a deadline by the real clock to second attempts of local activities.
var day0 = time.Date(2054, 3, 2, 10, 0, 0, 0, time.UTC)

const (
	hour = time.Hour
	day  = 24 * time.Hour
)

const (
	labUser  = "practice-7"
	labToken = "0b6c6a8e-4d53-4d0b-9b39-3d0f3a9f6c11"
)

// labHarness is a team with a real store on SQLite, and a simulated lab over HTTP that sends nothing itself. Its clock
// is the test environment's, so all recorded times are skipped times. Its orders run one after the other.
type labHarness struct {
	t           testing.TB
	clock       atomic.Pointer[testsuite.TestWorkflowEnvironment]
	store       *store.Store
	lab         *simlab.Server
	labHTTP     *httptest.Server
	gate        labGate
	account     store.LabAccount
	user        store.User
	parcelsSent int // number of parcels sent

	phlebotomists map[string]string // account ids, by name; with a neutral lab only
}

// labGate lets a test act on calls to the lab. It stores the bodies of the requisitions.
type labGate struct {
	mu     sync.Mutex
	path   string
	hook   func(n int, serve func())
	calls  int
	placed []string
}

// setHook calls the hook for every call of the path, with its number from 1. serve passes the call to the lab.
func (g *labGate) setHook(path string, hook func(n int, serve func())) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.path, g.hook = path, hook
}

func (g *labGate) hookFor(r *http.Request) (hook func(int, func()), n int, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.URL.Path == "/PlaceOrder" {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, 0, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		g.placed = append(g.placed, string(body))
	}
	if g.hook == nil || r.URL.Path != g.path {
		return nil, 0, nil
	}
	g.calls++
	return g.hook, g.calls, nil
}

func (g *labGate) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hook, n, err := g.hookFor(r)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		if hook == nil {
			next.ServeHTTP(w, r)
			return
		}
		hook(n, func() { next.ServeHTTP(w, r) })
	})
}

// dropConnection closes the connection of a call to the lab.
func dropConnection() { panic(http.ErrAbortHandler) }

// labHarnessSetting changes the settings of a lab harness before it is opened.
type labHarnessSetting func(*simlab.Config, *store.LabAccount)

// withCancelCall gives the lab a call that cancels, and its path to the account.
func withCancelCall(c *simlab.Config, a *store.LabAccount) {
	c.CancelCall = true
	a.Settings = []byte(`{"default_physician":5501,"endpoints":{"results":"/Results","order_info":"/OrderInfo",` +
		`"notifications":"/Notifications","cancel":"/CancelOrder"}}`)
}

// neutralSecret signs the webhooks of the neutral protocol.
const neutralSecret = "whsec_bm90LWEtc2VjcmV0LW9ubHktZm9yLXRlc3RzLTAwMDE="

// withNeutralLab gives the harness a lab with the neutral protocol, which takes orders of every collection method and
// is a provider of appointments.
func withNeutralLab(c *simlab.Config, a *store.LabAccount) {
	c.NeutralURL, c.NeutralAccount, c.NeutralSecrets = "http://127.0.0.1:1/unused", labUser, []string{neutralSecret}
	a.Partner, a.LabSlug, a.Token = neutral.Partner, "quest", neutralSecret
	a.Settings = []byte(`{"collection_methods":["testkit","walk_in_test","at_home_phlebotomy","on_site_collection"],
		"registrable":true,"schedule":true,"provider":"quest"}`)
}

func newLabHarness(t testing.TB, settings ...labHarnessSetting) *labHarness {
	t.Helper()
	c := &labHarness{t: t}
	config := simlab.Config{
		User: labUser, Token: labToken, Manual: true, WebhookURL: "http://127.0.0.1:1/unused", Now: c.now,
		Logger: slog.New(slog.DiscardHandler),
	}
	c.account = store.LabAccount{
		ID: uuid.NewString(), LabSlug: "mtl", Partner: molecular.Partner, Environment: "sandbox",
		User: labUser, Token: labToken, Status: "active",
		Settings: []byte(`{"default_physician":5501,"endpoints":{"results":"/Results","order_info":"/OrderInfo",` +
			`"notifications":"/Notifications"}}`),
	}
	for _, set := range settings {
		set(&config, &c.account)
	}
	c.openStore()
	c.openLab(config)
	c.createAccounts()
	return c
}

// now is the clock of the current run; day0 before the first.
func (c *labHarness) now() time.Time {
	if env := c.clock.Load(); env != nil {
		return env.Now().UTC()
	}
	return day0
}

func (c *labHarness) openStore() {
	var err error
	c.store, err = openSQLite("sqlite:"+emptyStore.Copy(c.t), c.now)
	require.NoError(c.t, err)
	c.t.Cleanup(func() { require.NoError(c.t, c.store.Close()) })
}

func openSQLite(url string, now func() time.Time) (*store.Store, error) {
	keys, err := keyring.Parse("k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
	if err != nil {
		return nil, err
	}
	return store.Open(context.Background(), store.Options{URL: url, Keys: keys, Now: now})
}

// emptyStore is a migrated store without rows.
var emptyStore = sqlitetest.NewTemplate(func(url string) error {
	s, err := openSQLite(url, time.Now)
	if err != nil {
		return err
	}
	return errors.Join(s.Migrate(context.Background()), s.Close())
})

func (c *labHarness) openLab(config simlab.Config) {
	lab, err := simlab.New(config)
	require.NoError(c.t, err)
	c.lab, c.labHTTP = lab, httptest.NewServer(c.gate.middleware(lab.Handler()))
	c.t.Cleanup(func() { lab.Close(); c.labHTTP.Close() })
	c.account.BaseURL = c.labHTTP.URL
	if c.account.Partner == neutral.Partner {
		c.account.BaseURL += "/neutral"
	}
}

// createAccounts makes the team, its patient and its account at the lab.
func (c *labHarness) createAccounts() {
	ctx := context.Background()
	team := store.Team{ID: uuid.NewString(), Name: "Clinic", Environment: "sandbox"}
	require.NoError(c.t, c.store.CreateTeam(ctx, team))
	c.user = store.User{ID: uuid.NewString(), TeamID: team.ID, ClientUserID: "patient-1"}
	require.NoError(c.t, c.store.CreateUser(ctx, c.user))
	c.account.TeamID = team.ID
	require.NoError(c.t, c.store.PutLabAccount(ctx, c.account))
	if c.account.Partner != neutral.Partner {
		return
	}
	c.phlebotomists = map[string]string{}
	for provider, tier := range map[string]string{"getlabs": "appointment-ready", "phlebfinders": "appointment-request"} {
		a := c.account
		a.ID, a.LabSlug = uuid.NewString(), provider
		a.Settings = fmt.Appendf(nil, `{"collection_methods":[],"schedule":true,"provider":%q,"tiers":[%q]}`, provider, tier)
		require.NoError(c.t, c.store.PutLabAccount(ctx, a))
		c.phlebotomists[provider] = a.ID
	}
}

// orderSetting changes an order before it is created.
type orderSetting func(*order.Order, *order.Policy, *time.Time)

func withPolicy(edit func(*order.Policy)) orderSetting {
	return func(_ *order.Order, p *order.Policy, _ *time.Time) { edit(p) }
}

func withScript(name string) orderSetting {
	return func(o *order.Order, _ *order.Policy, _ *time.Time) { s := "sandbox:" + name; o.Passthrough = &s }
}

func withActivateBy(d order.Date, zone *time.Location) orderSetting {
	return func(o *order.Order, _ *order.Policy, at *time.Time) { o.ActivateBy = &d; *at = d.Start(zone) }
}

// createOrder creates a testkit order on day0.
func (c *labHarness) createOrder(settings ...orderSetting) *order.Order {
	o := order.Order{
		TeamID: c.user.TeamID, UserID: c.user.ID, ClientUserID: c.user.ClientUserID, LabAccountID: c.account.ID,
		Modality: lifecycle.Testkit, Origin: order.OriginInitial, BillingType: "client_bill", CreatedAt: day0,
		LabTest: order.LabTest{ID: uuid.NewString(), Slug: "lipids", Name: "Lipids", SampleType: "dried_blood_spot",
			Method: lifecycle.Testkit, Status: "active", PanelIDs: []int{101}},
		Patient: &order.Patient{FirstName: "Ines", LastName: "Okafor", DOB: order.Date{Year: 1988, Month: 11, Day: 30},
			Gender: "female", Phone: "+12535550142", Email: "ines@example.org"},
		Address: &order.Address{FirstLine: "77 Elm Ct", City: "Tacoma", State: "WA", Zip: "98402", Country: "US"},
	}
	policy, at := order.DefaultPolicy(), time.Time{}
	for _, set := range settings {
		set(&o, &policy, &at)
	}
	store.AssignOrderIDs(&o)
	o.State = order.NewState(&o, policy, at)
	created, err := c.store.CreateOrder(context.Background(), store.NewOrder{Order: o, Cause: "api:test"})
	require.NoError(c.t, err)
	return created.Order
}
