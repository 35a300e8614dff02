package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/store"
)

// denied returns the audit's row of a denied request. found is false when there is none.
func (f *fixture) denied(requestID string) (row store.AuditEntry, found bool) {
	f.t.Helper()
	log, err := f.store.AuditLog(f.t.Context(), store.AuditQuery{Size: 100})
	require.NoError(f.t, err)
	i := slices.IndexFunc(log,
		func(e store.AuditEntry) bool { return e.RequestID == requestID && e.Action == "access.denied" })
	if i < 0 {
		return row, false
	}
	return log[i], true
}

// requestLine returns the request's line of the log.
func (f *fixture) requestLine(requestID string) map[string]any {
	f.t.Helper()
	for text := range strings.Lines(f.logs.String()) {
		var line map[string]any
		require.NoError(f.t, json.Unmarshal([]byte(text), &line))
		if line["msg"] == "request" && line["request_id"] == requestID {
			return line
		}
	}
	require.Fail(f.t, "the log has no line of the request", requestID)
	return nil
}

// newKnownKey adds an API key and returns its id and its secret.
func (f *fixture) newKnownKey(key store.APIKey) (id, secret string) {
	f.t.Helper()
	key.ID, key.TeamID = newID(), f.team
	secret, err := store.NewAPIKeySecret(store.Sandbox)
	require.NoError(f.t, err)
	require.NoError(f.t, f.store.CreateAPIKey(f.t.Context(), key, secret))
	return key.ID, secret
}

func TestDeniedRequestsAreLoggedAndAudited(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(d *api.Deps) { d.Proxies = []string{"127.0.0.0/8"} })
	client, clientSecret := f.newKnownKey(store.APIKey{Role: store.RoleClient})
	expired, expiredSecret := f.newKnownKey(store.APIKey{Role: store.RoleClient, ExpiresAt: testTime.Add(-time.Hour)})
	revoked, revokedSecret := f.newKnownKey(store.APIKey{Role: store.RoleClient})
	require.NoError(t, f.store.RevokeAPIKey(t.Context(), revoked))
	order := f.createOrder(nil)
	for name, tt := range map[string]struct {
		method, path, secret string
		status               int
		key, route           string
		order                string
	}{
		"a role that may not": {http.MethodGet, "/ops/keys", clientSecret, 403, client, "/ops/keys", ""},
		"an order":            {http.MethodGet, "/ops/orders/" + order, clientSecret, 403, client, "/ops/orders/:order_id", order},
		"HEAD":                {http.MethodHead, "/ops/keys", clientSecret, 403, client, "/ops/keys", ""},
		"no key":              {http.MethodGet, "/v3/orders", "", 401, "", "/v3/orders", ""},
		"an unknown key":      {http.MethodGet, "/v3/order/" + order, "sk_us_x", 401, "", "/v3/order/:order_id", ""},
		"an expired key":      {http.MethodGet, "/v3/orders", expiredSecret, 401, expired, "/v3/orders", ""},
		"a revoked key":       {http.MethodGet, "/v3/orders", revokedSecret, 401, revoked, "/v3/orders", ""},
		"a lab":               {http.MethodPost, "/webhooks/labs/molecular", "", 401, "", "/webhooks/labs/molecular", ""},
	} {
		id, address := newID(), "198.51.100."+string('1'+name[len(name)-1]%9)
		r := f.sendWithKey(tt.method, tt.path, tt.secret, nil, "X-Request-Id", id, "X-Forwarded-For", address)
		require.Equal(t, tt.status, r.status, name)
		row, found := f.denied(id)
		require.True(t, found, name)
		require.Equal(t, []string{tt.key, tt.order, address}, []string{row.APIKeyID, row.OrderID, row.Address}, name)
		require.Contains(t, row.Detail, "route="+tt.method+" "+tt.route+" ", name)
		if tt.key != "" {
			require.Equal(t, f.team, row.TeamID, name)
		}
		line := f.requestLine(id)
		require.Equal(t, []any{tt.key, address}, []any{line["key_id"], line["address"]}, name)
	}
	id := newID()
	require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodGet, "/v3/orders", f.key, nil, "X-Request-Id", id).status)
	_, found := f.denied(id)
	require.False(t, found, "control")
	require.Equal(t, "127.0.0.1", f.requestLine(id)["address"])
	metrics := f.sendWithKey(http.MethodGet, "/metrics", "", nil)
	require.NotContains(t, string(metrics.body), "198.51.100.", "an address is no label")
}

// Rows of denied requests are bounded, and say how many they stand for.
func TestFloodsOfDeniedRequestsAreBoundedInTheAudit(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id, secret := f.newKnownKey(store.APIKey{Role: store.RoleClient})
	for range 40 {
		require.Equal(t, http.StatusForbidden, f.sendWithKey(http.MethodGet, "/ops/keys", secret, nil).status)
		require.Equal(t, http.StatusUnauthorized, f.sendWithKey(http.MethodGet, "/ops/keys", "sk_us_no", nil).status)
	}
	count := func() (ofKey, all int) {
		log, err := f.store.AuditLog(t.Context(), store.AuditQuery{Size: 100})
		require.NoError(t, err)
		for _, e := range log {
			if e.Action == "access.denied" {
				all++
			}
			if e.APIKeyID == id {
				ofKey++
			}
		}
		return ofKey, all
	}
	ofKey, all := count()
	require.Equal(t, []int{5, 10}, []int{ofKey, all})
}
