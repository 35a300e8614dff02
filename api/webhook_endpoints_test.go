package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store"
)

// manage sends a request to the management API of the fixture's team.
func (f *fixture) manage(method, suffix string, body any) reply {
	f.t.Helper()
	return f.send(method, f.managed()+suffix, body, "X-Management-Key", f.opsKey)
}

func (f *fixture) managed() string {
	return fmt.Sprintf("/v1/org/%s/team/%s/sandbox/webhook", newID(), f.team)
}

func (f *fixture) newWebhook(body map[string]any) map[string]any {
	f.t.Helper()
	r := f.manage(http.MethodPost, "", body)
	require.Equal(f.t, http.StatusOK, r.status, string(r.body))
	return r.json(f.t)
}

func TestWebhooksAreManaged(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	made := f.newWebhook(map[string]any{"url": "http://127.0.0.1:9/a"})
	id := "/" + made["id"].(string)
	require.Equal(t, map[string]any{
		"id": made["id"], "url": "http://127.0.0.1:9/a", "description": "", "rate_limit": nil, "disabled": false,
		"filter_types": nil,
		"created_at":   testTime.Format(time.RFC3339), "updated_at": testTime.Format(time.RFC3339),
	}, made)
	require.Equal(t, made, f.manage(http.MethodGet, id, nil).json(t))

	r := f.manage(http.MethodPatch, id, map[string]any{
		"url": "http://127.0.0.1:9/b", "description": "main", "rate_limit": 7, "filter_types": []any{"labtest.order.updated"},
		"disabled": true,
	})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	for name, want := range map[string]any{
		"url": "http://127.0.0.1:9/b", "description": "main", "rate_limit": 7.0,
		"filter_types": []any{"labtest.order.updated"}, "disabled": true,
	} {
		require.Equal(t, want, r.json(t)[name], name)
	}
	changed := f.manage(http.MethodPatch, id, map[string]any{"url": nil, "filter_types": nil, "rate_limit": nil,
		"disabled": nil}).json(t)
	require.Equal(t, r.json(t), changed, "null is as good as absent")
	changed = f.manage(http.MethodPatch, id, map[string]any{"filter_types": []any{}, "rate_limit": 0,
		"disabled": false}).json(t)
	require.Nil(t, changed["filter_types"])
	require.Nil(t, changed["rate_limit"])
	require.Equal(t, false, changed["disabled"])

	r = f.manage(http.MethodDelete, id, nil)
	require.Equal(t, http.StatusNoContent, r.status)
	require.Empty(t, r.body)
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		require.Equal(t, http.StatusNotFound, f.manage(method, id, nil).status)
	}
	require.Equal(t, []string{"endpoint.create", "endpoint.update", "endpoint.update", "endpoint.update",
		"endpoint.delete"}, f.actions(""))
}

func TestWebhooksAreListedInPages(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	require.JSONEq(t, `{"data": [], "next_cursor": null}`, string(f.manage(http.MethodGet, "", nil).body))
	var want, got []any
	for i := range 5 {
		want = append(want, f.newWebhook(map[string]any{"url": fmt.Sprintf("http://127.0.0.1:9/%d", i)})["id"])
	}
	for cursor := ""; ; {
		r := f.manage(http.MethodGet, "?limit=2&next_cursor="+cursor, nil)
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		for _, w := range r.json(t)["data"].([]any) {
			got = append(got, w.(map[string]any)["id"])
		}
		next, more := r.json(t)["next_cursor"].(string)
		if !more {
			break
		}
		cursor = next
	}
	require.Equal(t, want, got)
}

func TestWebhookHeadersAndSecrets(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := "whsec_" + strings.Repeat("QUJD", 8)
	id := "/" + f.newWebhook(map[string]any{"url": "http://127.0.0.1:9", "secret": key})["id"].(string)
	headers := map[string]any{"X-Tenant": "7", "Authorization": "Bearer t0p"}
	require.Equal(t, http.StatusNoContent, f.manage(http.MethodPut, id+"/headers",
		map[string]any{"headers": headers}).status)
	r := f.manage(http.MethodGet, id+"/headers", nil)
	require.JSONEq(t, `{"headers": {"X-Tenant": "7"}, "sensitive": ["Authorization"]}`, string(r.body))
	e, err := f.store.Endpoint(t.Context(), id[1:])
	require.NoError(t, err)
	require.Equal(t, map[string]string{"X-Tenant": "7", "Authorization": "Bearer t0p"}, e.Headers)
	require.Equal(t, http.StatusNoContent, f.manage(http.MethodPut, id+"/headers", `{"headers": {}}`).status)
	require.JSONEq(t, `{"headers": {}, "sensitive": []}`, string(f.manage(http.MethodGet, id+"/headers", nil).body))

	secret := func() string { return f.manage(http.MethodGet, id+"/secret", nil).json(t)["key"].(string) }
	require.Equal(t, key, secret())
	for _, body := range []any{nil, map[string]any{}, map[string]any{"key": nil}} {
		before := secret()
		r := f.manage(http.MethodPost, id+"/secret/rotate", body)
		require.Equal(t, http.StatusNoContent, r.status, string(r.body))
		require.NotEqual(t, before, secret())
		e, err := f.store.Endpoint(t.Context(), id[1:])
		require.NoError(t, err)
		require.Equal(t, before, e.PreviousSecret)
		require.Equal(t, testTime.Add(24*time.Hour), e.PreviousUntil)
	}
	require.Equal(t, http.StatusNoContent, f.manage(http.MethodPost, id+"/secret/rotate",
		map[string]any{"key": key}).status)
	require.Equal(t, key, secret())
	require.Contains(t, f.actions(""), "endpoint.secret.read")
	require.NotContains(t, f.logs.String(), "t0p")
	require.NotContains(t, f.logs.String(), key)
}

func TestWebhooksAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := "/" + f.newWebhook(map[string]any{"url": "http://127.0.0.1:9"})["id"].(string)
	for name, tt := range map[string]struct {
		method, suffix, body string
		field                string // of a 422; empty: a 400
	}{
		"no url":          {http.MethodPost, "", `{}`, "url"},
		"private":         {http.MethodPost, "", `{"url": "http://10.0.0.1"}`, ""},
		"unknown type":    {http.MethodPost, "", `{"url": "http://127.0.0.1:9", "filter_types": ["x"]}`, "filter_types"},
		"bad secret":      {http.MethodPost, "", `{"url": "http://127.0.0.1:9", "secret": "x"}`, "secret"},
		"negative rate":   {http.MethodPost, "", `{"url": "http://127.0.0.1:9", "rate_limit": -1}`, "rate_limit"},
		"patched private": {http.MethodPatch, id, `{"url": "http://169.254.169.254/"}`, ""},
		"a number":        {http.MethodPost, "", `{"url": "http://2852039166/"}`, ""},
		"patched number":  {http.MethodPatch, id, `{"url": "http://0x7f.1/"}`, ""},
		"a line in it":    {http.MethodPost, "", `{"url": "http://e.com/a\nb"}`, ""},
		"patched type":    {http.MethodPatch, id, `{"filter_types": ["x"]}`, "filter_types"},
		"reserved header": {http.MethodPut, id + "/headers", `{"headers": {"svix-id": "x"}}`, "headers"},
		"no headers":      {http.MethodPut, id + "/headers", `{}`, "headers"},
		"bad key":         {http.MethodPost, id + "/secret/rotate", `{"key": "x"}`, "key"},
	} {
		r := f.manage(tt.method, tt.suffix, tt.body)
		if tt.field == "" {
			require.Equal(t, http.StatusBadRequest, r.status, name)
			require.Contains(t, r.detail(t), "endpoint URL", name)
			continue
		}
		require.Equal(t, http.StatusUnprocessableEntity, r.status, "%s: %s", name, r.body)
		require.Equal(t, []any{"body", tt.field}, r.detail(t).([]any)[0].(map[string]any)["loc"], name)
	}
}

// Every route that takes an endpoint's URL stores it as it is requested.
func TestURLsOfEndpointsAreNormalized(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const pasted, stored = " https://e.com/hook?clinic=Zoë Ann ", "https://e.com/hook?clinic=Zo%C3%AB%20Ann"
	made := f.newWebhook(map[string]any{"url": pasted})
	require.Equal(t, stored, made["url"])
	r := f.manage(http.MethodPatch, "/"+made["id"].(string), map[string]any{"url": "https://e.com/?a=100% "})
	require.Equal(t, "https://e.com/?a=100%25", r.json(t)["url"], string(r.body))
	r = f.ops(http.MethodPost, "/ops/teams/"+f.team+"/endpoints", map[string]any{"url": pasted})
	require.Equal(t, stored, r.json(t)["url"], string(r.body))
	r = f.ops(http.MethodPost, "/ops/teams/"+f.team+"/endpoints", map[string]any{"url": "http://017700000001/"})
	require.Equal(t, http.StatusBadRequest, r.status, string(r.body))
}

// Every route checks the team and its environment.
func TestWebhooksOfOthersAreNotFound(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.newWebhook(map[string]any{"url": "http://127.0.0.1:9"})["id"].(string)
	other := f.newTeam(store.Sandbox, "")
	bodies := map[string]string{"POST": `{"url": "http://127.0.0.1:9"}`, "PATCH": `{}`, "PUT": `{"headers": {}}`,
		"POST/secret/rotate": `{}`}
	for _, route := range []string{
		"GET", "POST", "GET/", "PATCH/", "DELETE/", "GET/headers", "PUT/headers", "GET/secret", "POST/secret/rotate",
	} {
		method, suffix, one := strings.Cut(route, "/")
		var body any
		if b := firstOf(bodies[route], bodies[method]); b != "" {
			body = b
		}
		for name, base := range map[string]string{
			"another environment": "/v1/org/" + newID() + "/team/" + f.team + "/production/webhook",
			"an unknown team":     "/v1/org/" + newID() + "/team/" + newID() + "/sandbox/webhook",
			"another team":        "/v1/org/" + newID() + "/team/" + other + "/sandbox/webhook",
		} {
			if one {
				base += "/" + id
				if suffix != "" {
					base += "/" + suffix
				}
			} else if name == "another team" {
				continue
			}
			r := f.send(method, base, body, "X-Management-Key", f.opsKey)
			require.Equal(t, http.StatusNotFound, r.status, "%s: %s: %s", name, route, r.body)
		}
	}
	requireProblem(t, f.send(http.MethodGet, "/v1/org/x/team/"+f.team+"/sandbox/webhook", nil, "X-Management-Key",
		f.opsKey), []any{"path", "org_id"}, "uuid_parsing")
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

func TestTheManagementKeyIsAnOperationsKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for key, want := range map[string]int{f.opsKey: http.StatusOK, f.key: http.StatusForbidden,
		"": http.StatusUnauthorized, "mg_x": http.StatusUnauthorized} {
		require.Equal(t, want, f.send(http.MethodGet, f.managed(), nil, "X-Management-Key", key).status)
		require.Equal(t, want, f.sendWithKey(http.MethodGet, f.managed(), key, nil).status, "in our own header too")
	}
	require.Equal(t, http.StatusUnauthorized, f.send(http.MethodGet, "/v3/orders", nil, "X-Management-Key",
		f.opsKey).status, "not for the client API")
}
