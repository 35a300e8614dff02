package api_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var pathParameter = regexp.MustCompile(`\{[^}]*\}`)

// extraFields returns the paths of the fields that an answer calls unknown.
func extraFields(t *testing.T, r reply) (paths []string) {
	t.Helper()
	require.Equal(t, http.StatusUnprocessableEntity, r.status, string(r.body))
	for _, item := range r.detail(t).([]any) {
		found := item.(map[string]any)
		if found["type"] != "extra_forbidden" {
			continue
		}
		var path []string
		for _, part := range found["loc"].([]any) {
			if text, ok := part.(string); ok {
				path = append(path, text)
			}
		}
		paths = append(paths, strings.Join(path, "."))
	}
	return paths
}

func TestOperationsRefuseUnknownFields(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var document struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	require.NoError(t, json.Unmarshal(f.sendWithKey(http.MethodGet, "/openapi.json", "", nil).body, &document))
	var tried int
	for route, operations := range document.Paths {
		if !strings.HasPrefix(route, "/ops/") {
			continue
		}
		for method := range operations {
			if method == "get" {
				continue
			}
			tried++
			at := strings.ReplaceAll(route, "{reason}", "placement_refused")
			at = pathParameter.ReplaceAllStringFunc(at, func(string) string { return newID() })
			r := f.sendWithKey(strings.ToUpper(method), at, f.opsKey, `{"no_such_field": 1}`)
			require.Contains(t, extraFields(t, r), "body.no_such_field", "%s %s", method, route)
		}
	}
	require.Greater(t, tried, 20)

	id := f.createOrder(nil)
	details := f.orderBody(nil)
	details["patient_details"].(map[string]any)["middle_name"] = "Q"
	details["patient_address"].(map[string]any)["Planet"] = "Earth"
	recovery := map[string]any{"patient_details": details["patient_details"],
		"patient_address": details["patient_address"]}
	r := f.sendWithKey(http.MethodPost, "/ops/orders/"+id+"/recover", f.opsKey, recovery)
	require.ElementsMatch(t, []string{"body.patient_details.middle_name", "body.patient_address.Planet"},
		extraFields(t, r))
	catalogue := `{"files": [{"name": "a", "content": {}, "contents": 1}]}`
	require.Equal(t, []string{"body.files.contents"},
		extraFields(t, f.sendWithKey(http.MethodPost, "/ops/catalogue", f.opsKey, catalogue)))

	require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodPost, "/v3/order", f.key, details).status,
		"the client API ignores unknown fields")
	for _, none := range []any{nil, "", "{}", " null\n", "\ufeff{}", "\ufeff"} {
		r := f.sendWithKey(http.MethodPost, "/ops/orders/"+id+"/cancel", f.opsKey, none)
		require.NotEqual(t, http.StatusUnprocessableEntity, r.status, "%v", none)
	}
	r = f.sendWithKey(http.MethodPost, "/ops/orders/"+id+"/cancel", f.opsKey, `{"reason": "x", "note": "y"}`)
	require.Equal(t, []string{"body.note", "body.reason"}, extraFields(t, r))
	r = f.sendWithKey(http.MethodPost, "/ops/orders/"+id+"/cancel", f.opsKey, `["x"]`)
	require.Equal(t, http.StatusUnprocessableEntity, r.status)
}
