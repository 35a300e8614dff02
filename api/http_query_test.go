package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
)

// A filter is applied or refused: a query never answers all orders because a part of it was not read.
func TestQueriesAreReadInFull(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	other := f.createOrder(map[string]any{"patient_details.first_name": "Jane", "patient_details.last_name": "Roe"})
	total := func(query string) float64 {
		t.Helper()
		r := f.sendWithKey(http.MethodGet, "/v3/orders?"+query, f.key, nil)
		require.Equal(t, http.StatusOK, r.status, "%s: %s", query, r.body)
		return r.json(t)["total"].(float64)
	}
	for query, want := range map[string]float64{
		"":                                          2,
		"patient_name=100%":                         0,
		"patient_name=%zz":                          0,
		"search_input=Nobody;Else":                  0,
		"patient_name=Nobody;Else":                  0,
		"status=&status=completed":                  0,
		"status=completed&status=":                  0,
		"status=completed&":                         0,
		"status=":                                   2,
		"status":                                    2,
		"status=completed&status=ordered":           2,
		"patient_name=Nobody&patient_name=":         0,
		"patient_name=Ann&patient_name=Jane":        1,
		"order_ids=" + id + "&order_ids=":           1,
		"user_id=&user_id=" + newID():               0,
		"user_id=" + newID() + "&user_id=" + f.user: 2,
		"order_ids=" + id + "&order_ids=" + other + "&junk=100%": 2,
		"page=1.0&size=%2B5": 2,
		"order_activation_types=&order_activation_types=scheduled": 0,
		"order_type=&order_type=walk_in_test":                      0,
	} {
		require.InDelta(t, want, total(query), 0, query)
	}
	for query, loc := range map[string]string{
		"status=nosuch": "query.status.0", "status=ordered&status=nosuch": "query.status.1", "status=100%": "query.status.0",
		"patient_name=%ff": "query.patient_name", "patient_name=a%00": "query.patient_name",
		"order_key=100%": "query.order_key", "is_critical=maybe": "query.is_critical", "size=5;page=2": "query.size",
		"start_date=2026-01-01;x": "query.start_date", "page=1&page=x": "query.page", "order_ids=%": "query.order_ids.0",
	} {
		r := f.sendWithKey(http.MethodGet, "/v3/orders?"+query, f.key, nil)
		require.Equal(t, http.StatusUnprocessableEntity, r.status, "%s: %s", query, r.body)
		require.Contains(t, locations(t, r), loc, query)
	}
	r := f.sendWithKey(http.MethodGet, "/v3/orders?"+strings.Repeat("a&", 6000), f.key, nil)
	require.Equal(t, http.StatusUnprocessableEntity, r.status, "a query of so many fields is not read in part")
}

func TestUnknownNamesOfOperationsFiltersAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for query, want := range map[string]int{
		"/ops/orders?status=nosuch": 422, "/ops/orders?status=ordered": 200, "/ops/orders?attention=nosuch": 422,
		"/ops/orders?attention=any": 200, "/ops/orders?attention=tell_lab": 200, "/ops/orders?attention=": 200,
		"/ops/messages?event_type=labtest.order.nosuch": 422, "/ops/messages?event_type=labtest.order.created": 200,
		"/ops/messages?state=&state=nosuch": 422, "/ops/inbox?state=nosuch": 422, "/ops/inbox?order_id=100%": 422,
		"/ops/audit?order_id=%": 422, "/ops/keys?team_id=;": 422, "/ops/reviews?team_id=%zz": 422,
		"/ops/endpoints?team_id=%": 422, "/ops/catalogue?team_id=%": 422,
	} {
		r := f.sendWithKey(http.MethodGet, query, f.opsKey, nil)
		require.Equal(t, want, r.status, "%s: %s", query, r.body)
	}
}

// queryParameter is a parameter of a query, with the method and the path, such as /v3/order/:order_id, of its route.
type queryParameter struct {
	parameter
	method, path string
}

// queryParameters lists the query parameters of all routes.
func queryParameters(t *testing.T) (all []queryParameter) {
	t.Helper()
	document, err := api.Document()
	require.NoError(t, err)
	at := strings.NewReplacer("{", ":", "}", "")
	for _, r := range routesOf(t, document) {
		for _, p := range r.parameters {
			if p.In == "query" {
				all = append(all, queryParameter{p, r.method, at.Replace(r.path)})
			}
		}
	}
	return all
}

// Every boolean of every query is read as the original API reads it.
func TestBooleansOfQueries(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	asked := 0
	for _, p := range queryParameters(t) {
		enum, _ := p.Schema["enum"].([]any)
		if p.Schema["type"] != "boolean" && fmt.Sprint(enum) != "[true false]" {
			continue
		}
		asked++
		path := fillPathParameters(p.path, nil)
		for _, text := range []string{"True", "FALSE", "yes", "No", "on", "off", "T", "n", "1", "0", ""} {
			got := f.sendWithKey(p.method, path+"?"+p.Name+"="+text, f.opsKey, nil)
			if got.status == http.StatusUnprocessableEntity {
				require.NotContains(t, locations(t, got), "query."+p.Name, "%s %s=%s: %s", path, p.Name, text, got.body)
			}
		}
		got := f.sendWithKey(p.method, path+"?"+p.Name+"=maybe", f.opsKey, nil)
		require.Contains(t, locations(t, got), "query."+p.Name, "control: %s", path)
	}
	require.GreaterOrEqual(t, asked, 6)
}

// locations returns where the problems of a 422 answer are, with dots.
func locations(t *testing.T, r reply) []string {
	t.Helper()
	list, ok := r.detail(t).([]any)
	require.True(t, ok, string(r.body))
	var all []string
	for _, item := range list {
		var parts []string
		for _, part := range item.(map[string]any)["loc"].([]any) {
			parts = append(parts, fmt.Sprint(part))
		}
		all = append(all, strings.Join(parts, "."))
	}
	return all
}
