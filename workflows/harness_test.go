package workflows_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/aliquot-labs/aliquot/activities"
	"github.com/aliquot-labs/aliquot/dispatch"
	"github.com/aliquot-labs/aliquot/labs/sandbox"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/worker"
	"github.com/aliquot-labs/aliquot/workflows"
)

// day0 is when the orders of these tests are created, by the test environment's clock.
var day0 = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

const (
	labUser  = "practice-7"
	labToken = "0b6c6a8e-4d53-4d0b-9b39-3d0f3a9f6c11"
)

// world is one order's surroundings: a real store on SQLite, a simulated lab over HTTP that sends nothing by itself, and the test
// environment, which skips time.
type world struct {
	t       testing.TB
	env     *testsuite.TestWorkflowEnvironment
	store   *store.Store
	lab     *sandbox.Server
	labURL  string
	orderID string
	number  string
	started recorder
	answers map[string]order.Answer
}

// setting changes an order before it is created.
type setting func(*order.Order, *order.Policy, *time.Time)

func withPolicy(edit func(*order.Policy)) setting {
	return func(_ *order.Order, p *order.Policy, _ *time.Time) { edit(p) }
}

func withScript(name string) setting {
	return func(o *order.Order, _ *order.Policy, _ *time.Time) { s := "sandbox:" + name; o.Passthrough = &s }
}

func activatedBy(d order.Date) setting {
	return func(o *order.Order, _ *order.Policy, at *time.Time) { o.ActivateBy = &d; *at = d.Start(time.UTC) }
}

func newWorld(t testing.TB, settings ...setting) *world {
	t.Helper()
	w := &world{t: t, answers: map[string]order.Answer{}}
	w.openStore()
	w.openLab(sandbox.Config{})
	w.createOrder(settings...)
	w.newRun(day0)
	return w
}

func (w *world) openStore() {
	keys, err := store.ParseKeyring("k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
	require.NoError(w.t, err)
	w.store, err = store.Open(context.Background(), store.Options{URL: "sqlite:" + filepath.Join(w.t.TempDir(), "a.db"), Keys: keys})
	require.NoError(w.t, err)
	w.t.Cleanup(func() { require.NoError(w.t, w.store.Close()) })
	require.NoError(w.t, w.store.Migrate(context.Background()))
}

func (w *world) openLab(c sandbox.Config) {
	c.User, c.Token, c.Manual, c.WebhookURL = labUser, labToken, true, "http://127.0.0.1:1/unused"
	lab, err := sandbox.New(c)
	require.NoError(w.t, err)
	server := httptest.NewServer(lab.Handler())
	w.t.Cleanup(func() { lab.Close(); server.Close() })
	w.lab, w.labURL = lab, server.URL
}

func (w *world) createOrder(settings ...setting) {
	ctx := context.Background()
	team := store.Team{ID: uuid.NewString(), Name: "Clinic", Environment: "sandbox"}
	require.NoError(w.t, w.store.CreateTeam(ctx, team))
	user := store.User{ID: uuid.NewString(), TeamID: team.ID, ClientUserID: "patient-1"}
	require.NoError(w.t, w.store.CreateUser(ctx, user))
	account := store.LabAccount{
		ID: uuid.NewString(), TeamID: team.ID, LabSlug: "mtl", Partner: worker.PartnerMolecular, Environment: "sandbox",
		BaseURL: w.labURL, User: labUser, Token: labToken, Status: "active",
		Settings: []byte(`{"default_physician":5501,"endpoints":{"results":"/Results","order_info":"/OrderInfo"}}`),
	}
	require.NoError(w.t, w.store.PutLabAccount(ctx, account))
	o := order.Order{
		TeamID: team.ID, UserID: user.ID, ClientUserID: user.ClientUserID, LabAccountID: account.ID,
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
	store.NewOrderIDs(&o)
	o.State = order.Begin(&o, policy, at)
	created, err := w.store.CreateOrder(ctx, store.NewOrder{Order: o, Demand: "api:test"})
	require.NoError(w.t, err)
	w.orderID, w.number = created.Order.ID, created.Order.Number
}

// newRun prepares a fresh run of the order's workflow whose clock begins at the given time.
func (w *world) newRun(at time.Time) {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	w.env = suite.NewTestWorkflowEnvironment()
	w.env.SetStartTime(at)
	w.env.SetTestTimeout(time.Minute)
	w.env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: dispatch.OrderWorkflowID(w.orderID), TaskQueue: dispatch.QueueOrders})
	a := &activities.Activities{
		Store: w.store, Dispatch: &w.started, Partners: worker.Partners(2 * time.Second),
		Metrics: activities.NewMetrics(prometheus.NewRegistry()), Log: slog.New(slog.DiscardHandler), Now: time.Now,
	}
	worker.RegisterOrders(w.env, a)
	worker.RegisterLabs(w.env, a)
}

// run executes the run to its end and asserts that it completed.
func (w *world) run() {
	w.t.Helper()
	w.env.ExecuteWorkflow(workflows.Order, dispatch.OrderInput{OrderID: w.orderID})
	require.True(w.t, w.env.IsWorkflowCompleted(), "the run did not end")
	require.NoError(w.t, w.env.GetWorkflowError())
}

// at does something after the given time since the run's start.
func (w *world) at(after time.Duration, do func()) { w.env.RegisterDelayedCallback(do, after) }

// fact lets the lab report something: into the inbox, and signalled. edit changes the fact before it is kept.
func (w *world) fact(after time.Duration, kind order.FactKind, edit ...func(*order.Fact)) {
	w.at(after, func() {
		now := w.env.Now().UTC()
		f := order.Fact{Kind: kind, SentAt: now, Accession: ""}
		if kind == order.KitShipped {
			f.Outbound, f.Inbound = "9420900204173500182641", "9420900204173500182719"
		}
		for _, e := range edit {
			e(&f)
		}
		got := w.receive(f, now)
		if !got.Duplicate {
			w.env.SignalWorkflow(dispatch.SignalFact, *got.Fact)
		}
	})
}

func (w *world) receive(f order.Fact, now time.Time) store.Received {
	w.t.Helper()
	body, err := json.Marshal(f)
	require.NoError(w.t, err)
	got, err := w.store.Receive(context.Background(), store.Report{
		Partner: worker.PartnerMolecular, Key: string(f.Kind) + f.SentAt.Format(time.RFC3339Nano), Hash: string(body),
		Kind: string(f.Kind), OrderNumber: w.number, Body: body, ReceivedAt: now, Fact: &f,
	})
	require.NoError(w.t, err)
	return got
}

func recoverable(yes bool) func(*order.Fact) {
	return func(f *order.Fact) { f.Recoverable = &yes }
}

func sentAt(at time.Time) func(*order.Fact) { return func(f *order.Fact) { f.SentAt = at } }

// demand asks something of the order; the answer is kept under the demand's kind.
func (w *world) demand(after time.Duration, d order.Demand) {
	w.at(after, func() {
		d.ID = uuid.NewString()
		require.NoError(w.t, w.store.AddDemand(context.Background(), store.DemandRow{
			ID: d.ID, OrderID: w.orderID, Kind: d.Kind, By: d.By,
		}))
		w.env.UpdateWorkflow(dispatch.UpdateDemand, d.ID, &callbacks{w: w, kind: string(d.Kind)}, d)
	})
}

// results lets the lab have results, as of now; another call makes another version.
func (w *world) results(after time.Duration, body string) {
	w.at(after, func() { w.putResults(body) })
}

func (w *world) putResults(body string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPut,
		w.labURL+"/sandbox/orders/"+w.number+"/results", bytes.NewBufferString(body))
	require.NoError(w.t, err)
	req.Header.Set("user", labUser)
	req.Header.Set("token", labToken)
	res, err := http.DefaultClient.Do(req)
	require.NoError(w.t, err)
	require.NoError(w.t, res.Body.Close())
	require.Less(w.t, res.StatusCode, 300)
}

// order reads the order as the store has it.
func (w *world) order() *order.Order {
	w.t.Helper()
	o, err := w.store.Order(context.Background(), "", w.orderID)
	require.NoError(w.t, err)
	return o
}

// history is the order's statuses, low level, in order.
func (w *world) history() []lifecycle.Low {
	var out []lifecycle.Low
	for _, e := range w.order().Events {
		out = append(out, e.Status.Low())
	}
	return out
}

// callbacks keeps an update's answer.
type callbacks struct {
	w    *world
	kind string
}

func (c *callbacks) Accept() {}

func (c *callbacks) Reject(err error) {
	answer, ok := dispatch.Refused(err)
	require.True(c.w.t, ok, "the demand %s was rejected: %v", c.kind, err)
	c.w.answers[c.kind] = answer
}

func (c *callbacks) Complete(success any, err error) {
	require.NoError(c.w.t, err)
	answer, ok := success.(order.Answer)
	require.True(c.w.t, ok, "%T", success)
	c.w.answers[c.kind] = answer
}

// recorder notes what activities would have asked of Temporal.
type recorder struct {
	mu      sync.Mutex
	orders  []string
	nudges  []string
	signals []order.Fact
}

func (r *recorder) StartOrder(_ context.Context, id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.orders = append(r.orders, id)
	return nil
}

func (r *recorder) EnsureOrder(context.Context, string) (bool, error) {
	return false, errors.New("not in these tests")
}

func (r *recorder) SignalFact(_ context.Context, _ string, f order.Fact) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.signals = append(r.signals, f)
	return nil
}

func (r *recorder) NudgeDeliveries(_ context.Context, id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.nudges = append(r.nudges, id)
	return nil
}
