package api_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store"
)

func TestUsers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.sendWithKey(http.MethodPost, "/v2/user", f.key, map[string]any{
		"client_user_id": "patient 1/2", "fallback_time_zone": "America/Phoenix", "fallback_birth_date": "1990-01-01",
		"ingestion_start": "2026-01-01", "ingestion_end": nil,
	})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	created := r.json(t)
	require.Equal(t, f.team, created["team_id"])
	require.Equal(t, "patient 1/2", created["client_user_id"])
	require.Equal(t, []any{}, created["connected_sources"])
	require.Equal(t, "America/Phoenix", created["fallback_time_zone"].(map[string]any)["id"])
	require.Equal(t, "1990-01-01", created["fallback_birth_date"].(map[string]any)["value"])
	require.Equal(t, "2026-01-01", created["ingestion_start"])
	require.Nil(t, created["ingestion_end"])
	id := created["user_id"].(string)

	read := f.sendWithKey(http.MethodGet, "/v2/user/"+id, f.key, nil)
	require.Equal(t, http.StatusOK, read.status)
	require.Equal(t, created, read.json(t))

	conflict := f.sendWithKey(http.MethodPost, "/v2/user", f.key, map[string]any{"client_user_id": "patient 1/2"})
	require.Equal(t, http.StatusBadRequest, conflict.status)
	detail := conflict.detail(t).(map[string]any)
	require.Equal(t, id, detail["user_id"])
	require.Equal(t, "INVALID_REQUEST", detail["error_type"])
	require.Equal(t, created["created_on"], detail["created_on"])
	require.NotEmpty(t, detail["error_message"])

	stranger := f.newKey(f.newTeam(store.Sandbox, ""), store.RoleClient)
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodGet, "/v2/user/"+id, stranger, nil).status)
	same := f.sendWithKey(http.MethodPost, "/v2/user", stranger, map[string]any{"client_user_id": "patient 1/2"})
	require.Equal(t, http.StatusOK, same.status, "unique in the team only")
}

func TestUserPathWithSlash(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.sendWithKey(http.MethodPost, "/v2/user/", f.key, map[string]any{"client_user_id": "a"})
	require.Equal(t, http.StatusOK, r.status, "%s: not redirected", r.header.Get("Location"))
}

func TestUserLimitOfSandboxTeams(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for range store.MaxSandboxUsers - 1 { // the fixture has one
		f.newUser(f.team)
	}
	r := f.sendWithKey(http.MethodPost, "/v2/user", f.key, map[string]any{"client_user_id": "one more"})
	require.Equal(t, http.StatusBadRequest, r.status, string(r.body))
	require.Equal(t, "A sandbox team may have at most 50 users", r.detail(t))
}

func TestUserInvalid(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, tt := range map[string]struct {
		body  map[string]any
		field string
		kind  string
	}{
		"no id":    {map[string]any{}, "client_user_id", "missing"},
		"empty id": {map[string]any{"client_user_id": ""}, "client_user_id", "string_too_short"},
		"null id":  {map[string]any{"client_user_id": nil}, "client_user_id", "string_type"},
		"unknown zone": {map[string]any{"client_user_id": "a", "fallback_time_zone": "Moon/Crater"}, "fallback_time_zone",
			"value_error"},
		"machine's own": {map[string]any{"client_user_id": "a", "fallback_time_zone": "Local"}, "fallback_time_zone",
			"value_error"},
		"birth date": {map[string]any{"client_user_id": "a", "fallback_birth_date": "x"}, "fallback_birth_date",
			"date_from_datetime_parsing"},
	} {
		r := f.sendWithKey(http.MethodPost, "/v2/user", f.key, tt.body)
		require.Equal(t, http.StatusUnprocessableEntity, r.status, name)
		requireProblem(t, r, []any{"body", tt.field}, tt.kind)
	}
	for id, status := range map[string]int{newID(): http.StatusNotFound, "42": http.StatusUnprocessableEntity} {
		require.Equal(t, status, f.sendWithKey(http.MethodGet, "/v2/user/"+id, f.key, nil).status)
	}
}

func TestUsersAreListedResolvedAndChanged(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	create := func(clientID string) string {
		r := f.sendWithKey(http.MethodPost, "/v2/user", f.key,
			map[string]any{"client_user_id": clientID, "fallback_time_zone": "America/Phoenix"})
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		return r.json(t)["user_id"].(string)
	}
	// Each of these must be escaped in a path, or looks escaped.
	ids := map[string]string{}
	for _, clientID := range []string{"a b", "a/b", "a%2Fb", "é+ü", "resolve", "100%"} {
		ids[clientID] = create(clientID)
	}
	stranger := f.newKey(f.newTeam(store.Sandbox, ""), store.RoleClient)
	for clientID, id := range ids {
		path := "/v2/user/resolve/" + url.PathEscape(clientID)
		r := f.sendWithKey(http.MethodGet, path, f.key, nil)
		require.Equal(t, http.StatusOK, r.status, "%s: %s", path, r.body)
		require.Equal(t, id, r.json(t)["user_id"], clientID)
		require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodGet, path, stranger, nil).status)
	}

	all := f.sendWithKey(http.MethodGet, "/v2/user", f.key, nil).json(t)
	require.InDelta(t, len(ids)+1, all["total"], 0, "the fixture has one more")
	require.InDelta(t, 100, all["limit"], 0)
	part := f.sendWithKey(http.MethodGet, "/v2/user?offset=2&limit=3", f.key, nil).json(t)
	require.Equal(t, all["users"].([]any)[2:5], part["users"])
	require.Equal(t, all["total"], part["total"])
	require.Equal(t, []any{}, f.sendWithKey(http.MethodGet, "/v2/user", stranger, nil).json(t)["users"])
	requireProblem(t, f.sendWithKey(http.MethodGet, "/v2/user?limit=501", f.key, nil), []any{"query", "limit"},
		"less_than_equal")

	id := ids["a b"]
	changed := f.sendWithKey(http.MethodPatch, "/v2/user/"+id, f.key, map[string]any{
		"client_user_id": "new id", "fallback_birth_date": "1990-01-01", "ingestion_start": nil,
	})
	require.Equal(t, http.StatusNoContent, changed.status, string(changed.body))
	require.Empty(t, changed.body)
	now := f.sendWithKey(http.MethodGet, "/v2/user/"+id, f.key, nil).json(t)
	require.Equal(t, "new id", now["client_user_id"])
	require.Equal(t, "1990-01-01", now["fallback_birth_date"].(map[string]any)["value"])
	require.Equal(t, "America/Phoenix", now["fallback_time_zone"].(map[string]any)["id"], "it was not mentioned")
	require.Equal(t, http.StatusNoContent, f.sendWithKey(http.MethodPatch, "/v2/user/"+id, f.key, map[string]any{}).status)

	taken := f.sendWithKey(http.MethodPatch, "/v2/user/"+id, f.key, map[string]any{"client_user_id": "a/b"})
	require.Equal(t, http.StatusBadRequest, taken.status)
	require.Equal(t, ids["a/b"], taken.detail(t).(map[string]any)["user_id"])
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodPatch, "/v2/user/"+id, stranger,
		map[string]any{"client_user_id": "x"}).status)
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodPatch, "/v2/user/"+newID(), f.key,
		map[string]any{}).status)
	moon := f.sendWithKey(http.MethodPatch, "/v2/user/"+id, f.key, map[string]any{"fallback_time_zone": "Moon/Crater"})
	requireProblem(t, moon, []any{"body", "fallback_time_zone"}, "value_error")
}
