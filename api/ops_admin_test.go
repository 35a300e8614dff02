package api_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
)

func TestOpsTeamsAndKeys(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.ops(http.MethodPost, "/ops/teams", map[string]any{
		"name": "Clinic", "environment": "sandbox", "time_zone": "America/Phoenix",
		"policy": map[string]any{"replacement": "auto"},
	})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	team := r.json(t)["id"].(string)
	require.Equal(t, map[string]any{"replacement": "auto"}, r.json(t)["policy"])

	r = f.ops(http.MethodPost, "/ops/teams/"+team+"/keys", map[string]any{"name": "backend", "role": "client"})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	secret := r.json(t)["secret"].(string)
	require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodGet, "/v3/orders", secret, nil).status)
	require.Equal(t, http.StatusForbidden, f.sendWithKey(http.MethodGet, "/ops/teams", secret, nil).status)
	require.NotContains(t, f.logs.String(), secret)

	r = f.ops(http.MethodGet, "/ops/teams", nil)
	require.Equal(t, http.StatusOK, r.status)
	var teams []map[string]any
	require.NoError(t, json.Unmarshal(r.body, &teams))
	require.Len(t, teams, 2)

	requireProblem(t, f.ops(http.MethodPost, "/ops/teams", map[string]any{"name": "x", "environment": "moon"}),
		[]any{"body", "environment"}, "enum")
	requireProblem(t, f.ops(http.MethodPost, "/ops/teams/"+team+"/keys", map[string]any{"name": "x", "role": "root"}),
		[]any{"body", "role"}, "enum")
	require.Equal(t, http.StatusNotFound, f.ops(http.MethodPost, "/ops/teams/"+newID()+"/keys",
		map[string]any{"name": "x", "role": "client"}).status)
}

// Concurrent changes of different values of a policy do not undo each other.
func TestOpsTeamPolicyIsMergedAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixtureOn(t, postgrestest.NewDatabase(t))
	var g errgroup.Group
	changes := []string{`{"minors": true}`, `{"replacement": "auto"}`, `{"deadlines": {"shipment": "72h"}}`,
		`{"deadlines": {"results": "240h"}}`}
	for _, change := range changes {
		g.Go(func() error {
			if r := f.ops(http.MethodPatch, "/ops/teams/"+f.team, `{"policy": `+change+`}`); r.status != http.StatusOK {
				return errors.New(string(r.body))
			}
			return nil
		})
	}
	require.NoError(t, g.Wait())
	team, err := f.store.Team(t.Context(), f.team)
	require.NoError(t, err)
	require.JSONEq(t, `{"minors": true, "replacement": "auto", "deadlines": {"shipment": "72h", "results": "240h"}}`,
		string(team.Policy))
}

func TestOpsTeamPolicyIsMerged(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	url := "/ops/teams/" + f.team
	patch := func(policy string) reply { return f.ops(http.MethodPatch, url, `{"policy": `+policy+`}`) }
	stored := func() string {
		team, err := f.store.Team(t.Context(), f.team)
		require.NoError(t, err)
		return string(team.Policy)
	}
	require.Equal(t, http.StatusOK, patch(`{"minors": true, "deadlines": {"shipment": "72h"}}`).status)
	r := patch(`{"replacement": "auto", "deadlines": {"results": "240h"}}`)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.JSONEq(t, `{"minors": true, "replacement": "auto", "deadlines": {"shipment": "72h", "results": "240h"}}`,
		stored())
	require.Equal(t, "240h0m0s", r.json(t)["resolved_policy"].(map[string]any)["deadlines"].(map[string]any)["results"])

	for policy, text := range map[string]string{
		`{"replacment": "auto"}`:                 "replacment",
		`{"replacement": "sometimes"}`:           "sometimes",
		`{"deadlines": {"shipment": "soon"}}`:    "soon",
		`{"deadlines": {"shipment": "-1h"}}`:     "deadlines.shipment",
		`{"recovery": {"reminders": ["9000h"]}}`: "reminders",
		`[]`:                                     "not an object",
		`"auto"`:                                 "not an object",
	} {
		r := patch(policy)
		require.Equal(t, http.StatusBadRequest, r.status, policy)
		require.Contains(t, r.detail(t), text)
	}
	require.JSONEq(t, `{"minors": true, "replacement": "auto", "deadlines": {"shipment": "72h", "results": "240h"}}`,
		stored())

	require.Equal(t, http.StatusOK, patch(`{"minors": null, "deadlines": {"shipment": null}}`).status)
	require.JSONEq(t, `{"replacement": "auto", "deadlines": {"results": "240h"}}`, stored())
	require.Equal(t, http.StatusOK, patch(`null`).status)
	require.Empty(t, stored())
	requireProblem(t, f.ops(http.MethodPatch, url, `{}`), []any{"body", "policy"}, "missing")
	require.Equal(t, http.StatusNotFound, f.ops(http.MethodPatch, "/ops/teams/"+newID(), `{"policy": {}}`).status)
}

func TestOpsEndpoints(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	url := "/ops/teams/" + f.team + "/endpoints"
	r := f.ops(http.MethodPost, url, map[string]any{
		"url": "http://127.0.0.1:9/hook", "description": "backend", "filter_types": []any{"labtest.order.updated"},
		"headers": map[string]any{"X-Tenant": "7"}, "rate_limit": 20,
	})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	secret := r.json(t)["secret"].(string)
	require.Regexp(t, "^whsec_", secret)
	stored, err := f.store.Endpoint(t.Context(), r.json(t)["id"].(string))
	require.NoError(t, err)
	require.Equal(t, secret, stored.Secret)
	require.Equal(t, map[string]string{"X-Tenant": "7"}, stored.Headers)

	list := f.ops(http.MethodGet, "/ops/endpoints?team_id="+f.team, nil)
	require.Equal(t, http.StatusOK, list.status)
	require.NotContains(t, string(list.body), secret, "shown once")
	require.Contains(t, string(list.body), "http://127.0.0.1:9/hook")
	require.Equal(t, "[]\n", string(f.ops(http.MethodGet, "/ops/endpoints?team_id="+newID(), nil).body))

	for body, field := range map[string]string{
		`{"url": "http://127.0.0.1:9", "filter_types": ["labtest.unicorn"]}`: "filter_types",
		`{"url": "http://127.0.0.1:9", "secret": "tiny"}`:                    "secret",
		`{"url": "http://127.0.0.1:9", "headers": {"Host": "x"}}`:            "headers",
	} {
		r := f.ops(http.MethodPost, url, body)
		require.Equal(t, http.StatusUnprocessableEntity, r.status, body)
		require.Equal(t, []any{"body", field}, r.detail(t).([]any)[0].(map[string]any)["loc"])
	}
	for _, bad := range []string{"ftp://example.com", "http://10.0.0.1/hook", "http://user:pass@example.com", "nonsense"} {
		r := f.ops(http.MethodPost, url, map[string]any{"url": bad})
		require.Equal(t, http.StatusBadRequest, r.status, bad)
		require.Contains(t, r.detail(t), "endpoint URL")
	}
	require.Equal(t, http.StatusNotFound, f.ops(http.MethodPost, "/ops/teams/"+newID()+"/endpoints",
		map[string]any{"url": "http://127.0.0.1:9"}).status)
}

func TestOpsInbox(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	f.sendLabWebhook(labWebhookSample(t, "kit_rejected", f.order(id).Number))
	f.sendLabWebhook(`garbage`)
	list := func(query string) map[string]any {
		r := f.ops(http.MethodGet, "/ops/inbox"+query, nil)
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		require.NotContains(t, string(r.body), "identifiers", "a list has no free text")
		return r.json(t)
	}
	require.EqualValues(t, 2, list("")["total"])
	quarantined := list("?state=quarantined")
	require.EqualValues(t, 1, quarantined["total"])
	of := list("?order_id=" + id)
	require.EqualValues(t, 1, of["total"])
	row := of["items"].([]any)[0].(map[string]any)
	require.Equal(t, "kit_rejected", row["kind"])

	r := f.ops(http.MethodGet, "/ops/inbox/"+row["id"].(string), nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, "No patient identifiers listed on the sample container / envelope.", r.json(t)["reason"])
	require.Contains(t, r.json(t)["body"], "rej_info")
	require.Contains(t, f.actions(id), "ops.inbox.read")
	require.Equal(t, http.StatusNotFound, f.ops(http.MethodGet, "/ops/inbox/"+newID(), nil).status)
	requireProblem(t, f.ops(http.MethodGet, "/ops/inbox?state=lost", nil), []any{"query", "state"}, "enum")
}
