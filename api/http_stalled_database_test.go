package api_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that locks tables
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/internal/testservers/faultproxy"
	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/store/keyring"
)

const (
	stalledLimit = time.Second      // of a statement in these tests
	requestDue   = 25 * time.Second // for an answer to a client
	webhookDue   = 7 * time.Second  // for an answer to a lab or a courier: the fewest seconds after which one gives up
)

// stalledRequest is a request that needs the database.
type stalledRequest struct {
	method, path, body string
	header             http.Header
	due                time.Duration
}

// requestsThatNeedTheDatabase has one request of each kind of route, by a name.
func (f *fixture) requestsThatNeedTheDatabase(number string) map[string]stalledRequest {
	report, err := json.Marshal(labWebhookSample(f.t, "kit_received", number))
	require.NoError(f.t, err)
	client := http.Header{"X-Vital-Api-Key": {f.key}}
	return map[string]stalledRequest{
		"read":      {"GET", "/v3/orders", "", client, requestDue},
		"change":    {"POST", "/v2/user", `{"client_user_id":"stalled"}`, client, requestDue},
		"bad key":   {"GET", "/v3/orders", "", http.Header{"X-Vital-Api-Key": {"sk_us_none"}}, requestDue},
		"operation": {"GET", "/ops/keys", "", http.Header{"X-Vital-Api-Key": {f.opsKey}}, requestDue},
		"lab":       {"POST", "/webhooks/labs/molecular", string(report), basic(labUser, labToken), webhookDue},
		"ready":     {"GET", "/readyz", "", nil, requestDue},
	}
}

func basic(user, password string) http.Header {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return r.Header
}

// serveLimited serves an API whose statements have a limit, on a database.
func serveLimited(t *testing.T, f *fixture, database string, limit time.Duration) string {
	t.Helper()
	keys, err := keyring.Parse(storeKey)
	require.NoError(t, err)
	s, err := store.Open(t.Context(), store.Options{URL: database, Keys: keys, StatementLimit: limit})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	h, err := api.New(api.Deps{Store: s, Workflows: f.orders, Now: func() time.Time { return testTime },
		CourierSecrets: []string{courierSecret}, APIKeyRate: 1000, AddressRate: 2000, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// do sends a request and returns the status; 0: no answer in time.
func (r stalledRequest) do(t *testing.T, base string) (status int, took time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), r.due)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, r.method, base+r.path, strings.NewReader(r.body))
	require.NoError(t, err)
	request.Header = r.header.Clone()
	began := time.Now()
	answer, err := (&http.Client{Timeout: r.due}).Do(request)
	if err != nil {
		return 0, time.Since(began)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	if answer.StatusCode == http.StatusServiceUnavailable && r.path != "/readyz" {
		require.NotEmpty(t, answer.Header.Get("Retry-After"), r.path)
	}
	return answer.StatusCode, time.Since(began)
}

func TestEveryRequestEndsWhenTheDatabaseFails(t *testing.T) {
	t.Parallel()
	direct := postgrestest.NewDatabase(t)
	f := newFixtureOn(t, direct)
	requests := f.requestsThatNeedTheDatabase(f.order(f.createOrder(nil)).Number)
	for _, fault := range faultproxy.Faults() {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			u, err := url.Parse(direct)
			require.NoError(t, err)
			proxy := faultproxy.Start(t, u.Host)
			u.Host = proxy.Address
			base := serveLimited(t, f, u.String(), stalledLimit)
			for name, r := range requests {
				answers := func() bool {
					status, _ := r.do(t, base)
					return status != 0 && status < http.StatusInternalServerError
				}
				require.True(t, answers(), "%s without a fault", name)
				proxy.Set(fault)
				status, took := r.do(t, base)
				require.Equal(t, http.StatusServiceUnavailable, status, "%s after %s", name, took)
				proxy.Set(faultproxy.None)
				require.Eventually(t, answers, requestDue, 20*time.Millisecond, name)
			}
		})
	}
}

// A lab's webhook has a limit of its own, also where the process's statements have none. The control is the lock: until
// it is released, nothing but the limit ends the request.
func TestALabIsAnsweredWhileATableIsLocked(t *testing.T) {
	t.Parallel()
	direct := postgrestest.NewDatabase(t)
	f := newFixtureOn(t, direct)
	requests := f.requestsThatNeedTheDatabase(f.order(f.createOrder(nil)).Number)
	base := serveLimited(t, f, direct, 0)
	db, err := sql.Open("pgx", direct)
	require.NoError(t, err)
	defer db.Close()
	lock, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = lock.ExecContext(t.Context(), `LOCK TABLE orders, inbox, audit`)
	require.NoError(t, err)
	status, took := requests["lab"].do(t, base)
	require.Equal(t, http.StatusServiceUnavailable, status, took)
	require.Greater(t, took, 3*time.Second, "the control: the lock holds the request, and only the limit ends it")
	status, took = requests["read"].do(t, base)
	require.Equal(t, http.StatusServiceUnavailable, status, took)
	require.NoError(t, lock.Rollback())
	status, _ = requests["lab"].do(t, base)
	require.Equal(t, http.StatusOK, status)
}
