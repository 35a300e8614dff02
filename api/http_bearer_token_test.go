package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store"
)

// token creates a bearer token of a team and returns it.
func (f *fixture) token(team string) string {
	f.t.Helper()
	r := f.ops(http.MethodPost, "/ops/teams/"+team+"/tokens", map[string]any{})
	require.Equal(f.t, http.StatusOK, r.status, string(r.body))
	return r.json(f.t)["token"].(string)
}

func TestBearerTokens(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	r := f.ops(http.MethodPost, "/ops/teams/"+f.team+"/tokens", map[string]any{"lifetime_seconds": 60})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, testTime.Add(time.Minute).Format(time.RFC3339), r.json(t)["expires_at"])
	token := r.json(t)["token"].(string)
	read := func(headers ...string) reply { return f.send(http.MethodGet, "/v3/order/"+id, nil, headers...) }
	require.Equal(t, http.StatusOK, read("Authorization", "Bearer "+token).status)
	require.Equal(t, http.StatusOK, read("Authorization", "bearer "+token).status, "schemes have no case")
	require.Equal(t, http.StatusNotFound, read("Authorization", "Bearer "+f.token(f.newTeam(store.Sandbox, ""))).status,
		"another team's")
	require.Equal(t, http.StatusOK, read("Authorization", "Basic dTpw", "X-Vital-API-Key", f.key).status, "a proxy's own")

	for name, headers := range map[string][]string{
		"a token and a key": {"Authorization", "Bearer " + token, "X-Vital-API-Key", f.key},
		"a key as a token":  {"Authorization", "Bearer " + f.key},
		"a token as a key":  {"X-Vital-API-Key", token},
		"another scheme":    {"Authorization", "Token " + token},
		"no token":          {"Authorization", "Bearer "},
		"cut off":           {"Authorization", "Bearer " + token[:len(token)-1]},
	} {
		r := read(headers...)
		require.Equal(t, http.StatusUnauthorized, r.status, name)
		require.NotEmpty(t, r.detail(t))
	}
	two := f.send(http.MethodGet, "/v1/org/"+newID()+"/team/"+f.team+"/sandbox/webhook", nil, "X-Management-Key", f.opsKey,
		"X-Vital-API-Key", f.opsKey)
	require.Equal(t, http.StatusUnauthorized, two.status, "two keys")
	require.NotContains(t, f.logs.String(), token)

	require.Equal(t, http.StatusNotFound, f.ops(http.MethodPost, "/ops/teams/"+newID()+"/tokens", map[string]any{}).status)
	for _, life := range []int{0, 59, 3601} {
		r := f.ops(http.MethodPost, "/ops/teams/"+f.team+"/tokens", map[string]any{"lifetime_seconds": life})
		require.Equal(t, http.StatusUnprocessableEntity, r.status, life)
	}
	require.Contains(t, f.actions(id), "order.read", "who showed a token is in the audit")
}

// Every route refuses a token that has expired, and the tokens of an API key that is revoked.
func TestBearerTokensEnd(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	admin := store.APIKey{ID: newID(), TeamID: f.team, Role: store.RoleAdministrator}
	require.NoError(t, f.store.CreateAPIKey(t.Context(), admin, "sk_us_minter"))
	r := f.sendWithKey(http.MethodPost, "/ops/teams/"+f.team+"/tokens", "sk_us_minter", map[string]any{})
	require.Equal(t, http.StatusOK, r.status)
	token := r.json(t)["token"].(string)
	require.Equal(t, http.StatusOK, f.send(http.MethodGet, "/v3/orders", nil, "Authorization", "Bearer "+token).status)
	require.NoError(t, f.store.RevokeAPIKey(t.Context(), admin.ID))
	require.Equal(t, http.StatusUnauthorized, f.send(http.MethodGet, "/v3/orders", nil, "Authorization",
		"Bearer "+token).status)

	over := store.BearerToken{ID: newID(), TeamID: f.team, APIKeyID: f.adminKeyID(), CreatedAt: testTime.Add(-time.Minute),
		ExpiresAt: testTime}
	require.NoError(t, f.store.CreateBearerToken(t.Context(), over, "at_us_over"))
	for needs, routes := range scopesOfRoutes {
		if needs == "public" || needs == "partner" {
			continue
		}
		for _, route := range routes {
			method, pattern, _ := strings.Cut(route, " ")
			for _, secret := range []string{"at_us_over", token, "at_us_nobody"} {
				r := f.send(method, fillPathParameters(pattern, nil), `not even JSON`, "Authorization", "Bearer "+secret)
				require.Equal(t, http.StatusUnauthorized, r.status, route)
			}
		}
	}
}

// A token has the permissions of a client's API key, on every route.
func TestEveryRouteTakesATokenAsAClientsKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	token := f.token(f.team)
	tried := 0
	for needs, routes := range scopesOfRoutes {
		for _, route := range routes {
			if needs == "public" || needs == "partner" {
				continue
			}
			method, pattern, _ := strings.Cut(route, " ")
			r := f.send(method, fillPathParameters(pattern, nil), `not even JSON`, "Authorization", "Bearer "+token)
			if strings.HasPrefix(needs, "own:") {
				require.NotContains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, r.status, route)
			} else {
				require.Equal(t, http.StatusForbidden, r.status, route)
			}
			tried++
		}
	}
	require.Greater(t, tried, 100)
}

// adminKeyID returns the id of the fixture's API key for operations.
func (f *fixture) adminKeyID() string {
	f.t.Helper()
	key, _, err := f.store.APIKeyBySecret(f.t.Context(), f.opsKey)
	require.NoError(f.t, err)
	return key.ID
}
