package api_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// listed returns the resource with an id from a list of the operations API, as it is answered.
func (f *fixture) listed(path, id string) map[string]any {
	f.t.Helper()
	var all []map[string]any
	require.NoError(f.t, json.Unmarshal(f.ops(http.MethodGet, path, nil).body, &all))
	for _, one := range all {
		if one["id"] == id {
			return one
		}
	}
	require.Fail(f.t, "not listed", "%s in %s", id, path)
	return nil
}

func changed(document map[string]any, change map[string]any) map[string]any {
	out := maps.Clone(document)
	maps.Copy(out, change)
	return out
}

// What operations read, edit and put back is what they read; what a request cannot change is said.
func TestOperationsPutBackWhatTheyRead(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	account, ofTeam := newID(), newID()
	team := f.listed("/ops/teams", f.team)
	for id, change := range map[string]map[string]any{
		account: {"environment": "sandbox"},
		ofTeam:  {"environment": team["environment"], "team_id": f.team},
	} {
		r := f.ops(http.MethodPut, "/ops/lab-accounts/"+id, changed(map[string]any{
			"lab_slug": "draws", "partner": "neutral", "base_url": "https://partner.example/v1", "user": "us",
			"token": secretOf("a"), "profile": map[string]any{"account_name": "Draws"},
			"settings": map[string]any{"collection_methods": []any{}, "schedule": true, "provider": "getlabs"},
		}, change))
		require.Equal(t, http.StatusOK, r.status, string(r.body))
	}
	resources := []struct {
		name, method, list, id string
		edit                   map[string]any
		readOnly               map[string]any // with other values than the current ones
	}{
		{"an account of all teams", http.MethodPut, "/ops/lab-accounts", account,
			map[string]any{"spacing_ms": 250.0, "status": "suspended"},
			map[string]any{"id": newID(), "webhook_path": "/webhooks/labs/molecular", "rotating": true,
				"created_at": "2020-01-01T00:00:00Z"}},
		{"an account of a team", http.MethodPut, "/ops/lab-accounts", ofTeam, map[string]any{"spacing_ms": 250.0},
			map[string]any{"id": "x", "webhook_path": "", "rotating": true, "created_at": "2020-01-01T00:00:00Z"}},
		{"a team", http.MethodPatch, "/ops/teams", f.team, map[string]any{"policy": map[string]any{"minors": true}},
			map[string]any{"id": newID(), "name": "Other", "environment": "other", "time_zone": "Europe/Berlin",
				"resolved_policy": map[string]any{"minors": true}, "created_at": "2020-01-01T00:00:00Z"}},
	}
	for _, c := range resources {
		at := c.list + "/" + c.id
		read := f.listed(c.list, c.id)
		r := f.ops(c.method, at, read)
		require.Equal(t, http.StatusOK, r.status, "%s: %s", c.name, r.body)
		require.Equal(t, read, r.json(t), c.name)
		require.Equal(t, read, f.listed(c.list, c.id), c.name)

		r = f.ops(c.method, at, changed(read, c.edit))
		require.Equal(t, http.StatusOK, r.status, "%s: %s", c.name, r.body)
		for field, value := range c.edit {
			require.Equal(t, value, r.json(t)[field], "%s: %s", c.name, field)
		}
		read = f.listed(c.list, c.id)
		require.Equal(t, http.StatusOK, f.ops(c.method, at, read).status, c.name)
		for field, other := range c.readOnly {
			r := f.ops(c.method, at, changed(read, map[string]any{field: other}))
			requireProblem(t, r, []any{"body", field}, "value_error")
		}
		require.Contains(t, extraFields(t, f.ops(c.method, at, changed(read, map[string]any{"colour": "red"}))),
			"body.colour", c.name)
		require.Equal(t, read, f.listed(c.list, c.id), "%s: what is refused changes nothing", c.name)
	}
	requireProblem(t, f.ops(http.MethodPut, "/ops/lab-accounts/"+account,
		changed(f.listed("/ops/lab-accounts", account), map[string]any{"team_id": "x"})), []any{"body", "team_id"},
		"uuid_parsing")
}
