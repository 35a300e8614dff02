package api_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/store"
)

// anyID is a parameter of a path that names something by its id.
var anyID = regexp.MustCompile(`\{[a-z_]+_id\}`)

// routes are all operations of the document, with ids in their paths.
func routes(t *testing.T) [][2]string {
	t.Helper()
	b, err := api.Document()
	require.NoError(t, err)
	var doc struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	require.NoError(t, json.Unmarshal(b, &doc))
	var out [][2]string
	for path, methods := range doc.Paths {
		path = anyID.ReplaceAllStringFunc(path, func(string) string { return newID() })
		path = strings.ReplaceAll(path, "{reason}", "tell_lab")
		path = strings.ReplaceAll(path, "{environment}", "sandbox")
		require.NotContains(t, path, "{")
		for method := range methods {
			out = append(out, [2]string{strings.ToUpper(method), path})
		}
	}
	require.Greater(t, len(out), 70)
	return out
}

func TestEveryRouteNeedsAKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	revoked := f.newKey(f.team, store.RoleOperations)
	key, _, err := f.store.KeyBySecret(t.Context(), revoked)
	require.NoError(t, err)
	require.NoError(t, f.store.RevokeKey(t.Context(), key.ID))

	for _, route := range append(routes(t), [2]string{http.MethodPost, "/v2/user/"}) {
		method, path := route[0], route[1]
		for name, secret := range map[string]string{"none": "", "unknown": "sk_us_nobody", "revoked": revoked} {
			r := f.do(method, path, secret, `not even JSON`)
			require.Equal(t, http.StatusUnauthorized, r.status, "%s %s with %s", method, path, name)
			require.NotEmpty(t, r.detail(t))
		}
		r := f.do(method, path, f.key, `not even JSON`)
		if strings.HasPrefix(path, "/ops/") || strings.HasPrefix(path, "/v1/org/") {
			require.Equal(t, http.StatusForbidden, r.status, "%s %s", method, path)
			require.NotEmpty(t, r.detail(t))
			continue
		}
		require.NotEqual(t, http.StatusUnauthorized, r.status)
		require.NotEqual(t, http.StatusForbidden, r.status)
	}
}

func TestOperationsKeyMayUseTheClientAPI(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.placed(nil)
	require.Equal(t, http.StatusOK, f.do(http.MethodGet, "/v3/order/"+id, f.opsKey, nil).status)
	other := f.newKey(f.newTeam(store.Sandbox, ""), store.RoleOperations)
	require.Equal(t, http.StatusNotFound, f.do(http.MethodGet, "/v3/order/"+id, other, nil).status, "its own team's orders only")
	require.Equal(t, http.StatusOK, f.do(http.MethodGet, "/ops/orders/"+id, other, nil).status, "and every team's on the operations API")
}

func TestAuthenticationWithoutStore(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	require.NoError(t, f.store.Close())
	r := f.do(http.MethodGet, "/v3/orders", f.key, nil)
	require.Equal(t, http.StatusInternalServerError, r.status)
	require.Equal(t, "Internal server error", r.detail(t))
}
