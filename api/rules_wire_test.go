package api_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
)

// The rules that hold for every request (client-api#1-transport, client-api#2-errors, client-api#3-idempotency,
// client-api#4-pagination).

// lookups are the requests of the client API that have a body and only read.
func (h house) lookups() map[string]func() attempt {
	plain := func(body any) func() attempt { return func() attempt { return attempt{body: body} } }
	return map[string]func() attempt{
		"POST /v3/lab_tests/list_order_set_markers":          plain(map[string]any{"lab_test_ids": []any{h.labTest}}),
		"POST /v3/insurance/search/payor":                    plain(map[string]any{"insurance_name": "cigna"}),
		"POST /v3/insurance/validate_icd_codes":              plain(map[string]any{"codes": []any{"E78.5"}}),
		"POST /v3/order/phlebotomy/appointment/availability": plain(visitAddress()),
		"POST /v3/order/psc/appointment/availability":        plain(map[string]any{"lab": "quest", "zip_code": "85004"}),
	}
}

// bodied are the requests of the client API that have a body, of which each succeeds.
func (h house) bodied(schemas map[string]route) map[string]func() attempt {
	h.t.Helper()
	all := h.lookups()
	maps.Copy(all, h.attempts())
	maps.DeleteFunc(all, func(route string, _ func() attempt) bool {
		client := slices.Contains(takes["own:read"], route) || slices.Contains(takes["own:change"], route)
		return !client || schemas[route].body == nil
	})
	require.Greater(h.t, len(all), 25)
	return all
}

// schemas are the operations of the document, as the router names them.
func (h house) schemas() map[string]route {
	h.t.Helper()
	document, err := api.Document()
	require.NoError(h.t, err)
	out := map[string]route{}
	for _, r := range routesOf(h.t, document) {
		out[r.method+" "+strings.NewReplacer("{", ":", "}", "").Replace(r.path)] = r
	}
	return out
}

// decoded is a body as JSON has it.
func decoded(t testing.TB, body any) map[string]any {
	t.Helper()
	text, err := json.Marshal(body)
	if s, ok := body.(string); ok {
		text, err = []byte(s), nil
	}
	require.NoError(t, err)
	out := map[string]any{}
	if len(text) > 0 && string(text) != "null" {
		require.NoError(t, json.Unmarshal(text, &out))
	}
	return out
}

// spoil puts a key that nobody knows into every object.
func spoil(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, item := range v {
			spoil(item)
		}
		v["something_new"] = map[string]any{"a": []any{1, nil}}
	case []any:
		for _, item := range v {
			spoil(item)
		}
	}
}

// forbidsKeys is the one route whose body may have no key that is not known.
const forbidsKeys = "POST /v3/unmatched_result_test"

func TestUnknownKeysAreIgnored(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for route, make := range h.bodied(h.schemas()) {
		a := make()
		body := decoded(t, a.body)
		spoil(body)
		a.body = body
		r := h.try(route, a)
		if route == forbidsKeys {
			requireProblem(t, r, []any{"body", "something_new"}, "extra_forbidden")
			continue
		}
		require.Less(t, r.status, http.StatusBadRequest, "%s: %s", route, r.body)
	}
}

// nulled sets to null what may be left out and is not there, as deep as the body goes, and returns how many that were.
func (r route) nulled(schema map[string]any, value any) (set int) {
	if ref, ok := schema["$ref"].(string); ok {
		schema, _ = r.all[ref].(map[string]any)
	}
	switch value := value.(type) {
	case []any:
		items, _ := schema["items"].(map[string]any)
		for _, item := range value {
			set += r.nulled(items, item)
		}
	case map[string]any:
		properties, _ := schema["properties"].(map[string]any)
		required, _ := schema["required"].([]any)
		for name, property := range properties {
			if _, there := value[name]; there {
				inner, _ := property.(map[string]any)
				set += r.nulled(inner, value[name])
			} else if !slices.Contains(required, any(name)) && name != "$schema" {
				value[name], set = nil, set+1
			}
		}
	}
	return set
}

func TestNullIsAsGoodAsAbsent(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	schemas, nulls := h.schemas(), 0
	for route, make := range h.bodied(schemas) {
		a := make()
		body := decoded(t, a.body)
		nulls += schemas[route].nulled(schemas[route].body, body)
		a.body = body
		r := h.try(route, a)
		require.Less(t, r.status, http.StatusBadRequest, "%s: %s\n%v", route, r.body, body)
	}
	require.Greater(t, nulls, 100)

	// Control: what is required may not be null.
	r := h.do(http.MethodPost, "/v3/order", h.key, h.orderBody(map[string]any{"patient_address.zip": json.RawMessage("null")}))
	require.Equal(t, http.StatusUnprocessableEntity, r.status)
}
