package api_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store"
)

// asks are bodies of changes that succeed.
func (f *fixture) asks() map[string]any {
	return map[string]any{
		"POST /v2/user":                                           map[string]any{"client_user_id": "new"},
		"POST /v3/order":                                          f.orderBody(nil),
		"PATCH /v2/user/:user_id/info":                            userInfo(nil),
		"POST /v2/user/:user_id/insurance":                        insurance(nil),
		"POST /v3/payor":                                          map[string]any{"name": "Own plan", "address": address()},
		"POST /v3/order/import":                                   f.importBody(nil),
		"PATCH /v3/order/:order_id":                               `{"activate_by": "2026-03-09"}`,
		"POST /v3/unmatched_result/:raw_result_id/resolve":        `{"action": "reject"}`,
		"POST /ops/teams":                                         map[string]any{"name": "New", "environment": "sandbox"},
		"PATCH /ops/teams/:team_id":                               `{"policy": {}}`,
		"POST /ops/teams/:team_id/keys":                           map[string]any{"name": "new", "role": "client"},
		"POST /ops/teams/:team_id/tokens":                         `{}`,
		"POST /ops/keys/:key_id/rotate":                           `{}`,
		"POST /ops/keys/:key_id/revoke":                           nil,
		"POST /ops/teams/:team_id/endpoints":                      map[string]any{"url": "https://example.com/hook"},
		"POST /v1/org/:org_id/team/:team_id/:environment/webhook": map[string]any{"url": "https://example.com/hook"},
		"POST /ops/orders/:order_id/do-not-process":               map[string]any{"reason": "patient_withdrew"},
		"DELETE /v2/user/:user_id":                                nil,
	}
}

// Whatever changes something, and whatever shows something of a patient, is in the audit, under the request's id.
func TestEveryChangeAndEverySightOfAPatientIsAudited(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ids := f.owned()
	ids["team_id"] = f.team
	key := store.Key{ID: newID(), TeamID: f.team, Role: store.RoleClient}
	require.NoError(t, f.store.CreateKey(t.Context(), key, "sk_us_to_be_changed"))
	ids["key_id"] = key.ID
	open := f.placed(map[string]any{"activate_by": "2026-03-20"})
	changed, seen := 0, 0
	bodies := f.asks()
	for _, route := range f.ordered(bodies) {
		method, pattern, _ := strings.Cut(route, " ")
		if method != http.MethodGet {
			ids["order_id"] = open
		}
		id := "audited-" + strconv.Itoa(changed+seen) + "-" + newID()
		r := f.do(method, filled(pattern, ids), f.opsKey, bodies[route], "X-Request-Id", id)
		if _, asked := bodies[route]; asked {
			require.Less(t, r.status, http.StatusBadRequest, "%s: %s", route, r.body)
		}
		if r.status >= http.StatusBadRequest {
			continue
		}
		shows := false
		for _, word := range []string{"Ann", "1990-01-01", "ann@example.com", "%PDF", `"results":[{`, `"1 Main St`} {
			shows = shows || strings.Contains(string(r.body), word)
		}
		change := method != http.MethodGet && !slices.Contains(takes["own:read"], route)
		if !change && !shows {
			continue
		}
		if change {
			changed++
		} else {
			seen++
		}
		log, err := f.store.AuditLog(t.Context(), store.AuditQuery{Size: 100})
		require.NoError(t, err)
		require.True(t, slices.ContainsFunc(log, func(e store.AuditEntry) bool { return e.RequestID == id && e.KeyID != "" }), "%s is not audited", route)
	}
	t.Log(changed, "changes", seen, "reads")
	require.GreaterOrEqual(t, changed, 12)
	require.GreaterOrEqual(t, seen, 8)
}

// ordered are the routes that take a key: reads, then changes, those that end something last.
func (f *fixture) ordered(bodies map[string]any) []string {
	var reads, changes []string
	for _, scope := range []string{"own:read", "all:read", "own:change", "all:change", "administer"} {
		for _, route := range takes[scope] {
			if strings.HasPrefix(route, "GET ") {
				reads = append(reads, route)
			} else if _, asked := bodies[route]; asked && !ends(route) {
				changes = append(changes, route)
			}
		}
	}
	last := []string{"POST /ops/orders/:order_id/do-not-process", "POST /ops/keys/:key_id/revoke", "DELETE /v2/user/:user_id"}
	return slices.Concat(reads, changes, last)
}

func ends(route string) bool {
	return strings.HasSuffix(route, "/revoke") || strings.HasSuffix(route, "/cancel") || strings.HasSuffix(route, "do-not-process") || strings.HasPrefix(route, "DELETE")
}
