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

// This file tests the rules that hold for every request (client-api#1-transport, client-api#2-errors,
// client-api#3-idempotency, client-api#4-pagination).

// lookupRequests are the requests of the client API that have a body and change nothing.
func (h fullAPI) lookupRequests() map[string]func() validRequest {
	plain := func(body any) func() validRequest { return func() validRequest { return validRequest{body: body} } }
	return map[string]func() validRequest{
		"POST /v3/lab_tests/list_order_set_markers":          plain(map[string]any{"lab_test_ids": []any{h.labTest}}),
		"POST /v3/insurance/search/payor":                    plain(map[string]any{"insurance_name": "cigna"}),
		"POST /v3/insurance/validate_icd_codes":              plain(map[string]any{"codes": []any{"E78.5"}}),
		"POST /v3/order/phlebotomy/appointment/availability": plain(visitAddress()),
		"POST /v3/order/psc/appointment/availability":        plain(map[string]any{"lab": "quest", "zip_code": "85004"}),
	}
}

// requestsWithBody are the requests of the client API that have a body. Each of them succeeds.
func (h fullAPI) requestsWithBody(schemas map[string]route) map[string]func() validRequest {
	h.t.Helper()
	all := h.lookupRequests()
	maps.Copy(all, h.validRequests())
	maps.DeleteFunc(all, func(route string, _ func() validRequest) bool {
		client := slices.Contains(scopesOfRoutes["own:read"], route) || slices.Contains(scopesOfRoutes["own:change"], route)
		return !client || schemas[route].body == nil
	})
	require.Greater(h.t, len(all), 25)
	return all
}

// schemas are the operations of the document, by the router's names.
func (h fullAPI) schemas() map[string]route {
	h.t.Helper()
	document, err := api.Document()
	require.NoError(h.t, err)
	out := map[string]route{}
	for _, r := range routesOf(h.t, document) {
		out[r.method+" "+strings.NewReplacer("{", ":", "}", "").Replace(r.path)] = r
	}
	return out
}

// toJSONValue returns a body as a decoded JSON value.
func toJSONValue(t testing.TB, body any) map[string]any {
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

// addUnknownKeys adds an unknown key to every object.
func addUnknownKeys(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, item := range v {
			addUnknownKeys(item)
		}
		v["something_new"] = map[string]any{"a": []any{1, nil}}
	case []any:
		for _, item := range v {
			addUnknownKeys(item)
		}
	}
}

// forbidsKeys is the only route that refuses unknown keys.
const forbidsKeys = "POST /v3/unmatched_result_test"

func TestUnknownKeysAreIgnored(t *testing.T) {
	t.Parallel()
	h := newFullAPI(t)
	for route, make := range h.requestsWithBody(h.schemas()) {
		a := make()
		body := toJSONValue(t, a.body)
		addUnknownKeys(body)
		a.body = body
		r := h.sendAsAdministrator(route, a)
		if route == forbidsKeys {
			requireProblem(t, r, []any{"body", "something_new"}, "extra_forbidden")
			continue
		}
		require.Less(t, r.status, http.StatusBadRequest, "%s: %s", route, r.body)
	}
}

// setAbsentToNull sets all optional fields that a body does not have to null, at every depth, and returns their number.
func (r route) setAbsentToNull(schema map[string]any, value any) (set int) {
	if ref, ok := schema["$ref"].(string); ok {
		schema, _ = r.all[ref].(map[string]any)
	}
	switch value := value.(type) {
	case []any:
		items, _ := schema["items"].(map[string]any)
		for _, item := range value {
			set += r.setAbsentToNull(items, item)
		}
	case map[string]any:
		properties, _ := schema["properties"].(map[string]any)
		required, _ := schema["required"].([]any)
		for name, property := range properties {
			if _, there := value[name]; there {
				inner, _ := property.(map[string]any)
				set += r.setAbsentToNull(inner, value[name])
			} else if !slices.Contains(required, any(name)) && name != "$schema" {
				value[name], set = nil, set+1
			}
		}
	}
	return set
}

func TestNullIsAsGoodAsAbsent(t *testing.T) {
	t.Parallel()
	h := newFullAPI(t)
	schemas, nulls := h.schemas(), 0
	for route, make := range h.requestsWithBody(schemas) {
		a := make()
		body := toJSONValue(t, a.body)
		nulls += schemas[route].setAbsentToNull(schemas[route].body, body)
		a.body = body
		r := h.sendAsAdministrator(route, a)
		require.Less(t, r.status, http.StatusBadRequest, "%s: %s\n%v", route, r.body, body)
	}
	require.Greater(t, nulls, 100)

	// Control: a required field must not be null.
	r := h.sendWithKey(http.MethodPost, "/v3/order", h.key,
		h.orderBody(map[string]any{"patient_address.zip": json.RawMessage("null")}))
	require.Equal(t, http.StatusUnprocessableEntity, r.status)
}
