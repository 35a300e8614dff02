package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
	"github.com/aliquot-labs/aliquot/store"
)

// Texts that PostgreSQL does not store are refused with a 4xx answer, in every path and every query.
func TestTextsThatPostgreSQLDoesNotTake(t *testing.T) {
	t.Parallel()
	document, err := api.Document()
	require.NoError(t, err)
	f := newFixtureOn(t, postgrestest.NewDatabase(t))
	looked := 0
	for _, r := range routesOf(t, document) {
		for _, p := range r.parameters {
			if p.In != "path" && p.In != "query" {
				continue
			}
			for _, text := range []string{"\x00", "a\xc3"} {
				got := f.sendWithKey(r.method, f.addressWithText(r, p.Name, text), f.opsKey, "{}")
				require.Equal(t, http.StatusUnprocessableEntity, got.status, "%s %s %s: %s", r.method, r.path, p.Name, got.body)
				looked++
			}
		}
	}
	require.Greater(t, looked, 200)
	r := f.sendWithKey(http.MethodGet, "/v2/user/resolve/a%00", f.key, nil)
	requireProblem(t, r, []any{"path", "client_user_id"}, "value_error")
}

// The first five bytes of a postal code may end within a character. They must not be sent to PostgreSQL as text.
func TestLocationsNearAForeignPostalCode(t *testing.T) {
	t.Parallel()
	f := newFixtureOn(t, postgrestest.NewDatabase(t))
	r := f.sendWithKey(http.MethodPost, "/v3/order/import", f.key,
		f.importBody(map[string]any{"patient_address.zip": "äöü"}))
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	id := r.json(t)["order"].(map[string]any)["id"].(string)
	r = f.sendWithKey(http.MethodGet, "/v3/order/"+id+"/psc/info", f.key, nil)
	require.Equal(t, http.StatusBadRequest, r.status, string(r.body))
	require.Contains(t, r.detail(t), "postal code")
}

// addressWithText returns the path of a route in which one parameter is the text.
func (f *fixture) addressWithText(r route, name, text string) string {
	path, query := r.path, url.Values{}
	for _, p := range r.parameters {
		value := map[string]string{"environment": store.Sandbox, "team_id": f.team}[p.Name]
		switch {
		case p.Name == name:
			value = text
		case value == "":
			value = newID()
		}
		if p.In == "path" {
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value))
		} else if p.Name == name {
			query.Set(name, value)
		}
	}
	return path + "?" + query.Encode()
}
