package api_test

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/store"
)

// anyParameter matches a parameter in a path of the router.
var anyParameter = regexp.MustCompile(`:[a-z_]+`)

// fillPathParameters replaces every parameter of a path by a valid value.
func fillPathParameters(path string, values map[string]string) string {
	return anyParameter.ReplaceAllStringFunc(path, func(name string) string {
		if v, ok := values[name[1:]]; ok {
			return v
		}
		switch name {
		case ":reason":
			return "tell_lab"
		case ":environment":
			return store.Sandbox
		}
		return newID()
	})
}

// routes returns all routes of the router, as "METHOD path".
func (f *fixture) routes() []string {
	f.t.Helper()
	h, err := api.New(api.Deps{Store: f.store, Workflows: f.orders})
	require.NoError(f.t, err)
	engine, ok := h.(*gin.Engine)
	require.True(f.t, ok)
	var all, heads []string
	for _, r := range engine.Routes() {
		if r.Method == http.MethodHead { // it needs the scope of GET
			heads = append(heads, http.MethodGet+" "+r.Path)
			continue
		}
		all = append(all, r.Method+" "+r.Path)
	}
	gets := slices.DeleteFunc(slices.Clone(all), func(r string) bool { return !strings.HasPrefix(r, "GET ") })
	require.ElementsMatch(f.t, gets, heads, "HEAD is on every GET route, and on no other")
	require.Greater(f.t, len(all), 80)
	return all
}

// differingRoutes returns the routes that the table does not have, and the entries of the table without a route.
func differingRoutes(routed []string, table map[string][]string) []string {
	listed := map[string]int{}
	for _, routes := range table {
		for _, route := range routes {
			listed[route]++
		}
	}
	var wrong []string
	for _, route := range routed {
		if listed[route] != 1 {
			wrong = append(wrong, route)
		}
		delete(listed, route)
	}
	return append(wrong, slices.Collect(maps.Keys(listed))...)
}

func TestEveryRouteHasAScope(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	require.Empty(t, differingRoutes(f.routes(), scopesOfRoutes))

	// Controls: a new route, a removed one, and one that is listed twice.
	require.Equal(t, []string{"GET /v3/new"}, differingRoutes(append(f.routes(), "GET /v3/new"), scopesOfRoutes))
	gone := maps.Clone(scopesOfRoutes)
	gone["own:read"] = append(slices.Clone(gone["own:read"]), "GET /v3/gone", "GET /ops/teams")
	require.ElementsMatch(t, []string{"GET /v3/gone", "GET /ops/teams"}, differingRoutes(f.routes(), gone))
}

// badKeys are invalid API keys, by what is wrong with them.
func (f *fixture) badKeys() map[string]string {
	f.t.Helper()
	bad := map[string]string{
		"none": "", "unknown": "sk_us_nobody", "truncated": f.opsKey[:len(f.opsKey)-1], "longer": f.opsKey + "x",
		"another case": strings.ToLower(f.opsKey),
		"wildcard":     "%", "injected": "' OR '1'='1",
	}
	for name, key := range map[string]store.APIKey{"revoked": {}, "expired": {ExpiresAt: testTime}} {
		key.ID, key.TeamID, key.Role = newID(), f.team, store.RoleAdministrator
		bad[name] = "sk_us_" + name
		require.NoError(f.t, f.store.CreateAPIKey(f.t.Context(), key, bad[name]))
		if name == "revoked" {
			require.NoError(f.t, f.store.RevokeAPIKey(f.t.Context(), key.ID))
		}
	}
	replaced := store.APIKey{ID: newID(), TeamID: f.team, Role: store.RoleAdministrator}
	bad["replaced"] = "sk_us_replaced"
	require.NoError(f.t, f.store.CreateAPIKey(f.t.Context(), replaced, bad["replaced"]))
	require.NoError(f.t, f.store.RotateAPIKey(f.t.Context(), replaced.ID, "sk_us_new", 0))
	return bad
}

func TestEveryRouteNeedsAKeyThatMayUseIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	bad, keys := f.badKeys(), map[string]string{}
	for role := range scopesOfRoles {
		keys[role] = f.newKey(f.team, role)
	}
	require.ElementsMatch(t, store.Roles(), slices.Collect(maps.Keys(scopesOfRoles)))
	for needs, routes := range scopesOfRoutes {
		if needs == "public" || needs == "partner" {
			continue
		}
		for _, route := range routes {
			method, pattern, _ := strings.Cut(route, " ")
			at := fillPathParameters(pattern, nil)
			for name, secret := range bad {
				r := f.sendWithKey(method, at, secret, `not even JSON`)
				require.Equal(t, http.StatusUnauthorized, r.status, "%s with a key that is %s", route, name)
				require.NotEmpty(t, r.detail(t))
			}
			for role, scopes := range scopesOfRoles {
				r := f.sendWithKey(method, at, keys[role], `not even JSON`)
				if !slices.Contains(scopes, needs) {
					require.Equal(t, http.StatusForbidden, r.status, "%s as %s", route, role)
					require.Contains(t, r.detail(t), needs)
					continue
				}
				require.NotContains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, r.status, "%s as %s", route, role)
			}
		}
	}
}

func TestPartnersRoutesTakeNoKeys(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, route := range scopesOfRoutes["partner"] {
		_, at, _ := strings.Cut(route, " ")
		r := f.sendWithKey(http.MethodPost, at, f.opsKey, `{}`)
		require.Contains(t, []int{http.StatusUnauthorized, http.StatusServiceUnavailable}, r.status, at)
	}
}

func TestAPIKeyManagement(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.ops(http.MethodPost, "/ops/teams/"+f.team+"/keys", map[string]any{
		"name": "backend", "role": "client", "expires_at": testTime.Add(time.Hour).Format(time.RFC3339),
	})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	id, old := r.json(t)["id"].(string), r.json(t)["secret"].(string)
	works := func(secret string) bool {
		t.Helper()
		return f.sendWithKey(http.MethodGet, "/v3/orders", secret, nil).status == http.StatusOK
	}
	require.True(t, works(old))

	r = f.ops(http.MethodPost, "/ops/keys/"+id+"/rotate", map[string]any{"overlap_seconds": 60})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	renewed := r.json(t)["secret"].(string)
	require.Equal(t, testTime.Add(time.Minute).Format(time.RFC3339), r.json(t)["previous_until"])
	require.True(t, works(old))
	require.True(t, works(renewed))

	r = f.ops(http.MethodGet, "/ops/keys?team_id="+f.team, nil)
	require.Equal(t, http.StatusOK, r.status)
	require.Contains(t, string(r.body), id)
	require.Contains(t, string(r.body), `"last_used_at":"`+testTime.Format(time.RFC3339))
	for _, secret := range []string{old, renewed, f.key, f.opsKey, `"secret"`, "hash"} {
		require.NotContains(t, string(r.body), secret)
	}
	require.Equal(t, "[]", strings.TrimSpace(string(f.ops(http.MethodGet, "/ops/keys?team_id="+newID(), nil).body)))

	r = f.ops(http.MethodPost, "/ops/keys/"+id+"/revoke", nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.False(t, works(old))
	require.False(t, works(renewed))
	require.Equal(t, http.StatusNotFound, f.ops(http.MethodPost, "/ops/keys/"+id+"/rotate", map[string]any{}).status)
	for _, verb := range []string{"rotate", "revoke"} {
		require.Equal(t, http.StatusNotFound, f.ops(http.MethodPost, "/ops/keys/"+newID()+"/"+verb, map[string]any{}).status)
	}
	past := map[string]any{"name": "late", "role": "client", "expires_at": testTime.Format(time.RFC3339)}
	require.Equal(t, http.StatusBadRequest, f.ops(http.MethodPost, "/ops/teams/"+f.team+"/keys", past).status)
	for _, secret := range []string{old, renewed} {
		require.NotContains(t, f.logs.String(), secret)
	}
}
