package api_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/webhooks"
)

func secretOf(letter string) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(letter, 32)))
}

func TestOpsLabAccounts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id, path := newID(), "/ops/lab-accounts/"
	want := func(change map[string]any) map[string]any {
		in := map[string]any{
			"lab_slug": "draws", "partner": "neutral", "environment": "production", "base_url": "https://partner.example/v1",
			"user":  "us",
			"token": secretOf("a"), "settings": map[string]any{"collection_methods": []any{}, "schedule": true,
				"provider": "getlabs"},
		}
		for name, value := range change {
			in[name] = value
			if value == nil {
				delete(in, name)
			}
		}
		return in
	}
	r := f.ops(http.MethodPut, path+id, want(nil))
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, "active", r.json(t)["status"])
	require.Equal(t, "/webhooks/labs/neutral", r.json(t)["webhook_path"])
	require.Equal(t, false, r.json(t)["rotating"])

	r = f.ops(http.MethodPut, path+id, want(map[string]any{
		"user": nil, "token": secretOf("b"), "spacing_ms": 500, "status": "suspended",
		"policy": map[string]any{"replacement": "auto"},
	}))
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, true, r.json(t)["rotating"])
	a, err := f.store.LabAccount(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, []string{"us", secretOf("b"), "us", secretOf("a")},
		[]string{a.User, a.Token, a.PreviousUser, a.PreviousToken})
	require.Equal(t, "suspended", a.Status)

	r = f.ops(http.MethodPut, path+id, want(map[string]any{"user": nil, "token": nil, "end_rotation": true}))
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	a, err = f.store.LabAccount(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, []string{secretOf("b"), ""}, []string{a.Token, a.PreviousToken})

	list := f.ops(http.MethodGet, "/ops/lab-accounts", nil)
	var accounts []map[string]any
	require.NoError(t, json.Unmarshal(list.body, &accounts))
	require.Len(t, accounts, 2)
	for _, secret := range []string{secretOf("a"), secretOf("b"), labToken} {
		require.NotContains(t, string(list.body)+string(r.body)+f.logs.String(), secret, "credentials are never shown")
	}
	require.Equal(t, http.StatusForbidden, f.sendWithKey(http.MethodGet, "/ops/lab-accounts", f.key, nil).status)
	require.Equal(t, http.StatusForbidden, f.sendWithKey(http.MethodPut, path+id, f.key, want(nil)).status)
}

func TestOpsLabAccountsAreChecked(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	made := f.newPartner(store.LabAccount{})
	in := map[string]any{
		"lab_slug": "mtl", "partner": "neutral", "environment": "sandbox", "base_url": "http://partner.test", "user": "us",
		"token": secretOf("a"),
	}
	for name, tt := range map[string]struct {
		id     string
		change map[string]any
		status int
		says   string
	}{
		"an unknown partner": {newID(), map[string]any{"partner": "post"}, http.StatusBadRequest, "post"},
		"settings that are wrong": {newID(), map[string]any{"settings": map[string]any{"schedule": true}},
			http.StatusBadRequest, "provider is none of"},
		"a secret that is none": {newID(), map[string]any{"token": "secret"}, http.StatusBadRequest, "whsec_"},
		"production in clear text": {newID(), map[string]any{"environment": "production"}, http.StatusBadRequest,
			"not https"},
		"a private address": {newID(), map[string]any{"base_url": "http://10.1.2.3/api"}, http.StatusBadRequest,
			"ALIQUOT_PARTNER_NETWORKS"},
		"the metadata service as a number": {newID(), map[string]any{"base_url": "http://2852039166/"},
			http.StatusBadRequest, "a number as its host"},
		"an octal address": {newID(), map[string]any{"base_url": "http://0177.0.0.1"}, http.StatusBadRequest,
			"a number as its host"},
		"circled digits": {newID(), map[string]any{"base_url": "http://①②⑦.⓪.⓪.①/"}, http.StatusBadRequest,
			"not public"},
		"this machine":   {newID(), map[string]any{"base_url": "http://localhost:8080"}, http.StatusBadRequest, "not public"},
		"a query":        {newID(), map[string]any{"base_url": "http://lab.test/?a=b"}, http.StatusBadRequest, "base URL"},
		"a blank in it":  {newID(), map[string]any{"base_url": "http://part ner.test/"}, http.StatusBadRequest, "base_url"},
		"no credentials": {newID(), map[string]any{"token": ""}, http.StatusBadRequest, "token"},
		"a policy that is wrong": {newID(), map[string]any{"policy": map[string]any{"replacement": "x"}},
			http.StatusBadRequest, "policy"},
		"a team of elsewhere": {newID(), map[string]any{"team_id": f.newTeam(store.Production, "")},
			http.StatusBadRequest, "environment"},
		"an unknown team": {newID(), map[string]any{"team_id": newID()}, http.StatusNotFound, "Team"},
		"another team":    {made.ID, map[string]any{"team_id": f.team}, http.StatusBadRequest, "cannot be changed"},
		"another partner": {made.ID, map[string]any{"partner": "molecular"}, http.StatusBadRequest,
			"cannot be changed"},
	} {
		body := map[string]any{}
		for key, value := range in {
			body[key] = value
		}
		for key, value := range tt.change {
			body[key] = value
		}
		r := f.ops(http.MethodPut, "/ops/lab-accounts/"+tt.id, body)
		require.Equal(t, tt.status, r.status, "%s: %s", name, r.body)
		require.Contains(t, string(r.body), tt.says, name)
		require.NotContains(t, string(r.body), secretOf("a"), name)
	}
	in["environment"] = "moon"
	requireProblem(t, f.ops(http.MethodPut, "/ops/lab-accounts/"+newID(), in), []any{"body", "environment"}, "enum")
}

// An active account of Molecular needs the settings without which every order would be refused, or never get its
// results. The answer names all that is missing, when the account is made and when it is changed.
func TestAccountsWithoutTheirSettingsAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const physician, results = "settings.physicians or settings.default_physician", "settings.endpoints.results"
	path := map[string]any{"results": "/Results"}
	complete := map[string]any{"physicians": map[string]any{"AZ": 12}, "endpoints": path}
	put := func(id, status string, settings any, more map[string]any) reply {
		in := map[string]any{"lab_slug": "mtl", "partner": "molecular", "environment": "sandbox", "user": "us",
			"base_url": "http://partner.test", "token": "secret", "status": status, "settings": settings}
		for name, value := range more {
			in[name] = value
		}
		return f.ops(http.MethodPut, "/ops/lab-accounts/"+id, in)
	}
	made := newID()
	require.Equal(t, http.StatusOK, put(made, "active", complete, nil).status)
	require.Equal(t, http.StatusOK, put(newID(), "active",
		map[string]any{"default_physician": 12, "endpoints": path}, nil).status)
	for name, tt := range map[string]struct {
		settings any
		more     map[string]any
		says     []string
	}{
		"no settings":        {nil, nil, []string{physician, results}},
		"empty settings":     {map[string]any{}, nil, []string{physician, results}},
		"nobody by default":  {map[string]any{"default_physician": 0, "endpoints": path}, nil, []string{physician}},
		"an empty list":      {map[string]any{"physicians": map[string]any{}, "endpoints": path}, nil, []string{physician}},
		"no path of results": {map[string]any{"default_physician": 12}, nil, []string{results}},
		"other paths": {map[string]any{"default_physician": 12, "endpoints": map[string]any{"cancel": "/Cancel"}}, nil,
			[]string{results}},
		"wrong besides": {map[string]any{}, map[string]any{"base_url": "http://partner.test/?a=b"}, []string{"base URL"}},
	} {
		for _, id := range []string{newID(), made} {
			r := put(id, "active", tt.settings, tt.more)
			require.Equal(t, http.StatusBadRequest, r.status, "%s: %s", name, r.body)
			for _, says := range tt.says {
				require.Contains(t, string(r.body), says, name)
			}
		}
	}
	r := f.ops(http.MethodPut, "/ops/lab-accounts/"+newID(), map[string]any{"lab_slug": "mtl", "partner": "molecular",
		"environment": "sandbox", "base_url": "http://partner.test"})
	require.Equal(t, http.StatusBadRequest, r.status)
	for _, says := range []string{"user and token are required", physician, results} {
		require.Contains(t, string(r.body), says)
	}
	pending := newID()
	require.Equal(t, http.StatusOK, put(pending, "pending", map[string]any{}, nil).status)
	require.Equal(t, http.StatusBadRequest, put(pending, "active", map[string]any{}, nil).status,
		"the change is checked too")
	require.Equal(t, http.StatusOK, put(pending, "active", complete, nil).status)
}

// A setting allows labs in private networks. An account's current URL is not judged again.
func TestBaseURLsOfPrivateLabs(t *testing.T) {
	t.Parallel()
	guard, err := webhooks.NewAddressGuard("10.1.0.0/16")
	require.NoError(t, err)
	f := newFixture(t, func(d *api.Deps) { d.PartnerGuard = guard })
	put := func(f *fixture, id, baseURL, token string) reply {
		return f.ops(http.MethodPut, "/ops/lab-accounts/"+id, map[string]any{"lab_slug": "mtl", "partner": "neutral",
			"environment": "sandbox", "user": "us", "token": token, "base_url": baseURL})
	}
	id := newID()
	for baseURL, stored := range map[string]string{
		"http://10.1.2.3:8443/api": "http://10.1.2.3:8443/api", " http://lab.internal/api\n": "http://lab.internal/api",
		"http://8.8.8.8": "http://8.8.8.8",
	} {
		r := put(f, id, baseURL, secretOf("a"))
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		require.Equal(t, stored, r.json(t)["base_url"])
	}
	for _, baseURL := range []string{"http://10.2.2.3/", "http://167838211/", "http://127.0.0.1/"} {
		require.Equal(t, http.StatusBadRequest, put(f, id, baseURL, secretOf("a")).status, baseURL)
	}
	made := f.newPartner(store.LabAccount{})
	a, err := f.store.LabAccount(t.Context(), made.ID)
	require.NoError(t, err)
	a.BaseURL = "http://192.168.0.9"
	require.NoError(t, f.store.PutLabAccount(t.Context(), a))
	r := put(f, made.ID, a.BaseURL, secretOf("b"))
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, http.StatusBadRequest, put(f, made.ID, "http://192.168.0.8", secretOf("b")).status)
}
