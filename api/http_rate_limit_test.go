package api_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/store"
)

// replicas returns the URLs of two APIs on the data of a fixture. change sets their rate limits.
func (f *fixture) replicas(change func(*api.Deps)) [2]string {
	f.t.Helper()
	var urls [2]string
	for i := range urls {
		d := api.Deps{Store: f.store, Workflows: f.orders, Now: func() time.Time { return testTime },
			Logger: slog.New(slog.NewJSONHandler(f.logs, nil))}
		change(&d)
		h, err := api.New(d)
		require.NoError(f.t, err)
		server := httptest.NewServer(h)
		f.t.Cleanup(server.Close)
		urls[i] = server.URL
	}
	return urls
}

// countAllowed sends requests to the replicas in turn. It returns the number of requests that were not refused by the
// limit, and the last refusal.
func (f *fixture) countAllowed(urls [2]string, n int, path, key string,
	headers ...string) (passed int, refusal *reply) {
	f.t.Helper()
	for i := range n {
		f.url = urls[i%len(urls)]
		r := f.sendWithKey(http.MethodGet, path, key, nil, headers...)
		if r.status == http.StatusTooManyRequests {
			refusal = &r
			continue
		}
		require.Equal(f.t, http.StatusOK, r.status, string(r.body))
		passed++
	}
	return passed, refusal
}

func TestAKeysRequestsAreLimitedOverAllReplicas(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const rate, burst = 2, 20
	urls := f.replicas(func(d *api.Deps) { d.APIKeyRate = rate })
	begun := time.Now()
	passed, refusal := f.countAllowed(urls, 3*burst, "/v3/orders", f.key)
	most := burst + rate*(int(time.Since(begun).Seconds())+1)
	require.GreaterOrEqual(t, passed, burst)
	require.LessOrEqual(t, passed, most)
	require.NotNil(t, refusal)
	require.Equal(t, "Too many requests", refusal.detail(t))
	after, err := strconv.Atoi(refusal.header.Get("Retry-After"))
	require.NoError(t, err)
	require.Positive(t, after)
	require.Less(t, after, burst)
	reset, err := strconv.ParseInt(refusal.header.Get("X-RateLimit-Reset"), 10, 64)
	require.NoError(t, err)
	require.Greater(t, reset, begun.Unix())

	passed, _ = f.countAllowed(urls, burst, "/v3/orders", f.newKey(f.team, store.RoleClient))
	require.Equal(t, burst, passed, "another key has a limit of its own")

	passed, _ = f.countAllowed(f.replicas(func(*api.Deps) {}), 3*burst, "/v3/orders", f.key)
	require.Equal(t, 3*burst, passed, "control: without a limit all pass")
}

func TestAnAddressesRequestsAreLimitedOverAllReplicas(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const rate, burst = 1, 10
	urls := f.replicas(func(d *api.Deps) { d.AddressRate, d.Proxies = rate, []string{"127.0.0.0/8"} })
	begun := time.Now()
	from := func(address string) int {
		n, _ := f.countAllowed(urls, 2*burst, "/openapi.json", "", "X-Forwarded-For", address)
		return n
	}
	require.LessOrEqual(t, from("192.0.2.1"), burst+int(time.Since(begun).Seconds())+1)
	require.GreaterOrEqual(t, from("192.0.2.2"), burst, "another address")
	require.GreaterOrEqual(t, from("2001:db8::1"), burst)
	require.Less(t, from("2001:db8::2"), burst+int(time.Since(begun).Seconds())+1, "the same subscriber")
	n, _ := f.countAllowed(urls, 5*burst, "/healthz", "", "X-Forwarded-For", "192.0.2.1")
	require.Equal(t, 5*burst, n, "health is always answered")

	// A forwarded address counts only when a trusted proxy sends it.
	f2 := newFixture(t)
	urls = f2.replicas(func(d *api.Deps) { d.AddressRate = rate })
	begun, all := time.Now(), 0
	for i := range 3 * burst {
		n, _ := f2.countAllowed(urls, 1, "/openapi.json", "", "X-Forwarded-For", "192.0.2."+strconv.Itoa(i))
		all += n
	}
	require.LessOrEqual(t, all, burst+int(time.Since(begun).Seconds())+1)
}

// Not every partner sends a message again after a 429 answer, so partners get 503.
func TestPartnersOverTheLimitGet503(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.url = f.replicas(func(d *api.Deps) { d.AddressRate = 1 })[0]
	again := 0
	for range 30 {
		r := f.sendWithKey(http.MethodPost, labRoute, "", `{}`)
		if r.status == http.StatusUnauthorized {
			continue
		}
		require.Equal(t, http.StatusServiceUnavailable, r.status, string(r.body))
		require.NotEmpty(t, r.header.Get("Retry-After"))
		again++
	}
	require.Positive(t, again)
}

func TestTheAuditHasTheForwardedAddress(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	f.url = f.replicas(func(d *api.Deps) { d.Proxies = []string{"127.0.0.1/32"} })[0]
	f.sendWithKey(http.MethodGet, "/v3/order/"+id, f.key, nil, "X-Forwarded-For", "198.51.100.9, 192.0.2.7")
	rows, err := f.store.OrderAudit(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "192.0.2.7", rows[len(rows)-1].Address, "the one that the proxy saw, not what the caller said before")

	_, err = api.New(api.Deps{Store: f.store, Workflows: f.orders, Proxies: []string{"everybody"}})
	require.ErrorContains(t, err, "proxies")
}

func TestDeepAndLongBodiesAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, tt := range map[string]struct{ value, text string }{
		"lists":          {strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), "deeply"},
		"objects":        {strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100), "deeply"},
		"never closed":   {strings.Repeat("[", 1_000_000), "deeply"},
		"a long list":    {"[" + strings.Repeat("1,", 60_000) + "1]", "too many"},
		"many objects":   {"[" + strings.Repeat("{},", 60_000) + "1]", "too many"},
		"after a string": {`["\"",` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "]", "deeply"},
	} {
		r := f.sendWithKey(http.MethodPost, "/v2/user", f.key, `{"client_user_id": "a", "other": `+tt.value+`}`)
		require.Equal(t, http.StatusUnprocessableEntity, r.status, name)
		require.Contains(t, string(r.body), tt.text, name)
	}
	for i, fine := range []string{
		strings.Repeat("[", 30) + strings.Repeat("]", 30), "[" + strings.Repeat("1,", 40_000) + "1]",
		`"` + strings.Repeat("[{,", 100_000) + `"`, `"\\"`,
	} {
		r := f.sendWithKey(http.MethodPost, "/v2/user", f.key,
			`{"client_user_id": "fine`+strconv.Itoa(i)+`", "other": `+fine+`}`)
		require.Equal(t, http.StatusOK, r.status, string(r.body))
	}
}
