package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/internal/testservers/sqlitetest"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/store/keyring"
	"github.com/aliquot-labs/aliquot/webhooks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	labUser       = "practice-7"
	labToken      = "0b6c6a8e-4d53-4d0b-9b39-3d0f3a9f6c11"
	courierSecret = "courier-secret"
	storeKey      = "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
)

// testTime is the time of the clock in tests.
var testTime = time.Date(2026, 3, 4, 15, 30, 0, 0, time.UTC)

// fixture is an API over a real store, with a team, a user and a lab test.
type fixture struct {
	t      testing.TB
	url    string
	client *http.Client
	store  *store.Store
	orders *fakeWorkflows
	logs   *logBuffer

	database string // its file
	metrics  *prometheus.Registry

	team, user, labTest, account string
	key, opsKey                  string

	known []string // ids of what there is; for requests that are drawn
}

// with changes the dependencies of the API.
func newFixture(t testing.TB, with ...func(*api.Deps)) *fixture {
	t.Helper()
	database := migrated.Copy(t)
	f := newFixtureOn(t, "sqlite:"+database, with...)
	f.database = database
	return f
}

// migrated returns a store with a migrated, empty database.
var migrated = sqlitetest.NewTemplate(func(url string) error {
	keys, err := keyring.Parse(storeKey)
	if err != nil {
		return err
	}
	db, err := store.Open(context.Background(), store.Options{URL: url, Keys: keys})
	if err != nil {
		return err
	}
	return errors.Join(db.Migrate(context.Background()), db.Close())
})

// newFixtureOn is newFixture on an empty database.
func newFixtureOn(t testing.TB, url string, with ...func(*api.Deps)) *fixture {
	t.Helper()
	f := &fixture{t: t, logs: &logBuffer{}, metrics: prometheus.NewRegistry()}
	keys, err := keyring.Parse(storeKey)
	require.NoError(t, err)
	f.store, err = store.Open(context.Background(), store.Options{
		URL: url, Keys: keys, PublicURL: "https://lab.example/", Now: func() time.Time { return testTime },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.store.Close()) })
	require.NoError(t, f.store.Migrate(t.Context()))
	f.orders = &fakeWorkflows{store: f.store}

	guard, err := webhooks.NewAddressGuard("127.0.0.0/8")
	require.NoError(t, err)
	d := api.Deps{
		Store: f.store, Workflows: f.orders, Metrics: f.metrics, Now: func() time.Time { return testTime }, Guard: guard,
		CourierSecrets: []string{courierSecret},
		Logger:         slog.New(slog.NewJSONHandler(f.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, change := range with {
		change(&d)
	}
	h, err := api.New(d)
	require.NoError(t, err)
	f.serve(h)
	f.seed()
	return f
}

func (f *fixture) serve(h http.Handler) {
	server := httptest.NewServer(h)
	f.url, f.client = server.URL, server.Client()
	f.t.Cleanup(server.Close)
}

func (f *fixture) seed() {
	f.team = f.newTeam(store.Sandbox, "")
	f.key = f.newKey(f.team, store.RoleClient)
	f.opsKey = f.newKey(f.team, store.RoleAdministrator)
	f.user = f.newUser(f.team)
	f.labTest = f.newLabTest(order.LabTest{})
	f.account = f.newAccount(store.LabAccount{})
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func (f *fixture) newTeam(environment, policy string) string {
	id := newID()
	require.NoError(f.t, f.store.CreateTeam(f.t.Context(),
		store.Team{ID: id, Name: "Team", Environment: environment, Policy: []byte(policy)}))
	return id
}

func (f *fixture) newKey(team, role string) string {
	secret, err := store.NewAPIKeySecret(store.Sandbox)
	require.NoError(f.t, err)
	require.NoError(f.t, f.store.CreateAPIKey(f.t.Context(),
		store.APIKey{ID: newID(), TeamID: team, Name: role, Role: role}, secret))
	return secret
}

func (f *fixture) newUser(team string) string {
	id := newID()
	require.NoError(f.t, f.store.CreateUser(f.t.Context(),
		store.User{ID: id, TeamID: team, ClientUserID: "patient-" + id}))
	return id
}

// newLabTest adds a lab test: an active testkit of the lab mtl for all teams, where t has no other values.
func (f *fixture) newLabTest(test order.LabTest) string {
	test.ID, test.Slug = newID(), newID()
	test.Lab = &order.Lab{ID: 27, Slug: "mtl", Name: "Molecular"}
	if test.Name == "" {
		test.Name = "Lipids"
	}
	if test.Status == "" {
		test.Status = "active"
	}
	if test.Method == "" {
		test.Method = lifecycle.Testkit
	}
	if test.SampleType == "" {
		test.SampleType = "dried_blood_spot"
	}
	require.NoError(f.t, f.store.PutLabTest(f.t.Context(), "", test))
	return test.ID
}

// newAccount adds a lab account: an active sandbox account at the lab mtl for all teams, where a has no other values.
func (f *fixture) newAccount(a store.LabAccount) string {
	a.ID, a.LabSlug, a.Partner, a.BaseURL = newID(), "mtl", "molecular", "http://lab.test"
	if a.Environment == "" {
		a.Environment = store.Sandbox
	}
	if a.Status == "" {
		a.Status = "active"
	}
	if a.User == "" {
		a.User, a.Token = labUser, labToken
	}
	require.NoError(f.t, f.store.PutLabAccount(f.t.Context(), a))
	return a.ID
}

// reply is an answer of the API to a test.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r reply) json(t testing.TB) map[string]any {
	t.Helper()
	var m map[string]any
	require.NoError(t, json.Unmarshal(r.body, &m), string(r.body))
	return m
}

func (r reply) detail(t testing.TB) any {
	t.Helper()
	require.Equal(t, "application/json", mediaType(r.header.Get("Content-Type")))
	return r.json(t)["detail"]
}

func mediaType(header string) string {
	kind, _, _ := bytes.Cut([]byte(header), []byte(";"))
	return string(kind)
}

// sendWithKey sends a request with an API key. A body that is not a string is encoded as JSON.
func (f *fixture) sendWithKey(method, path, key string, body any, headers ...string) reply {
	f.t.Helper()
	if key != "" {
		headers = append(headers, "X-Vital-API-Key", key)
	}
	return f.send(method, path, body, headers...)
}

func (f *fixture) send(method, path string, body any, headers ...string) reply {
	f.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = bytes.NewReader([]byte(b))
	default:
		encoded, err := json.Marshal(b)
		require.NoError(f.t, err)
		reader = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(f.t.Context(), method, f.url+path, reader)
	require.NoError(f.t, err)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := f.client.Do(req)
	require.NoError(f.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(f.t, err)
	return reply{status: resp.StatusCode, header: resp.Header, body: b}
}

// orderBody returns a valid request for an order, changed by set, which maps paths such as "patient_details.zip" to
// values. nil removes a key.
func (f *fixture) orderBody(set map[string]any) map[string]any {
	body := map[string]any{
		"user_id":   f.user,
		"order_set": map[string]any{"lab_test_ids": []any{f.labTest}},
		"patient_details": map[string]any{
			"first_name": "Ann", "last_name": "Lee", "dob": "1990-01-01", "gender": "female", "phone_number": "+16025550123",
			"email": "ann@example.com",
		},
		"patient_address": map[string]any{
			"receiver_name": "Ann Lee", "first_line": "1 Main St", "city": "Phoenix", "state": "AZ", "zip": "85004",
			"country":      "US",
			"phone_number": "+16025550123",
		},
		"consents": []any{map[string]any{"consentType": "hipaa-authorization",
			"timeOfConsent": "2026-01-05T10:00:00.000Z"}},
		"billing_type": "client_bill", "passthrough": "ref-42",
	}
	for path, value := range set {
		setPath(body, path, value)
	}
	return body
}

func setPath(into map[string]any, path string, value any) {
	for {
		head, rest, nested := cutPath(path)
		if !nested {
			break
		}
		into, path = into[head].(map[string]any), rest
	}
	if value == nil {
		delete(into, path)
		return
	}
	into[path] = value
}

func cutPath(path string) (head, rest string, nested bool) {
	h, r, ok := bytes.Cut([]byte(path), []byte("."))
	return string(h), string(r), ok
}

// createOrder creates an order and returns its id.
func (f *fixture) createOrder(set map[string]any) string {
	f.t.Helper()
	r := f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(set))
	require.Equal(f.t, http.StatusOK, r.status, string(r.body))
	return r.json(f.t)["order"].(map[string]any)["id"].(string)
}

func (f *fixture) order(id string) *order.Order {
	f.t.Helper()
	o, err := f.store.Order(f.t.Context(), "", id)
	require.NoError(f.t, err)
	return o
}

func (f *fixture) countOrders() int {
	f.t.Helper()
	_, total, err := f.store.OpsOrders(f.t.Context(), store.OpsOrderQuery{})
	require.NoError(f.t, err)
	return total
}

// record decides a cause by the rules of orders and records the decision, as the order's workflow would.
func (f *fixture) record(id, cause string, decide func(order.State) order.Decision) {
	f.t.Helper()
	s, err := f.store.State(f.t.Context(), id)
	require.NoError(f.t, err)
	_, err = f.store.Record(f.t.Context(), order.Recording{
		OrderID: id, Revision: s.Revision, Cause: cause, Decision: decide(s), At: testTime,
	})
	require.NoError(f.t, err)
}

// applyFact records a fact of a lab.
func (f *fixture) applyFact(id string, fact order.Fact) {
	f.t.Helper()
	fact.InboxID, fact.ReceivedAt = newID(), testTime
	f.record(id, order.CauseInbox(fact.InboxID), func(s order.State) order.Decision { return s.ApplyFact(fact, testTime) })
}

// actions returns what the audit has of an order, or of no order if orderID is empty, oldest first.
func (f *fixture) actions(orderID string) []string {
	f.t.Helper()
	rows, err := f.store.AuditLog(f.t.Context(), store.AuditQuery{OrderID: orderID, Size: 100})
	require.NoError(f.t, err)
	require.Less(f.t, len(rows), 100)
	out := []string{}
	for _, r := range slices.Backward(rows) {
		if r.OrderID != orderID {
			continue
		}
		require.NotEmpty(f.t, r.APIKeyID)
		require.NotEmpty(f.t, r.RequestID)
		require.Equal(f.t, "127.0.0.1", r.Address)
		out = append(out, r.Action)
	}
	return out
}

func path(format string, args ...any) string { return fmt.Sprintf(format, args...) }

func inZone(t testing.TB, name string) func(*api.Deps) {
	t.Helper()
	zone, err := time.LoadLocation(name)
	require.NoError(t, err)
	return func(d *api.Deps) { d.TimeZone = zone }
}

func namesIn(t testing.TB, r reply) []string {
	t.Helper()
	var list []struct {
		Name string `json:"name"`
	}
	require.NoError(t, json.Unmarshal(r.body, &list))
	var names []string
	for _, item := range list {
		names = append(names, item.Name)
	}
	return names
}
