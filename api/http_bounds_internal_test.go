package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/require"
)

// boundedByCheck are the fields that checkInput bounds: those without a schema, and the texts in maps. A catalogue's
// content is bounded by the body's limit.
var boundedByCheck = []string{
	"PATCH /ops/teams/{team_id} body.policy", "PATCH /ops/teams/{team_id} body.resolved_policy",
	"POST /ops/teams body.policy",
	"PUT /ops/lab-accounts/{lab_account_id} body.policy", "PUT /ops/lab-accounts/{lab_account_id} body.profile",
	"PUT /ops/lab-accounts/{lab_account_id} body.settings", "POST /ops/catalogue body.files[].content",
	"POST /ops/teams/{team_id}/endpoints body.headers{}", "POST /v3/unmatched_result_test body.orders{}",
	"PUT /v1/org/{org_id}/team/{team_id}/{environment}/webhook/{webhook_id}/headers body.headers{}",
}

// isBoundedText reports whether a schema of a text has a maximum length, in whatever form.
func isBoundedText(schema *huma.Schema, isParameter bool) bool {
	anchored := strings.HasPrefix(schema.Pattern, "^") && strings.HasSuffix(schema.Pattern, "$")
	switch {
	case schema.MaxLength != nil, len(schema.Enum) > 0, schema.Format == formatID, schema.Format == "date":
		return true
	case isParameter && schema.Format == "date-time": // decoded to a time
		return true
	}
	return anchored && !strings.ContainsAny(schema.Pattern, "*+")
}

// findUnbounded returns the paths of the texts, lists and maps of a schema that have no maximum.
func findUnbounded(registry huma.Registry, schema *huma.Schema, path string, isParameter bool) (out []string) {
	if schema.Ref != "" {
		schema = registry.SchemaFromRef(schema.Ref)
	}
	switch schema.Type {
	case huma.TypeBoolean, huma.TypeInteger, huma.TypeNumber:
	case huma.TypeString:
		if !isBoundedText(schema, isParameter) {
			out = append(out, path)
		}
	case huma.TypeArray:
		if schema.MaxItems == nil {
			out = append(out, path)
		}
		out = append(out, findUnbounded(registry, schema.Items, path+"[]", isParameter)...)
	case huma.TypeObject:
		if values, isMap := schema.AdditionalProperties.(*huma.Schema); isMap {
			if schema.MaxProperties == nil {
				out = append(out, path)
			}
			out = append(out, findUnbounded(registry, values, path+"{}", isParameter)...)
		}
		for name, property := range schema.Properties {
			out = append(out, findUnbounded(registry, property, path+"."+name, isParameter)...)
		}
	default:
		out = append(out, path)
	}
	return out
}

// findUnboundedFields returns the fields of all requests that have no maximum, and the number of requests with a body.
func findUnboundedFields(s *server) (all []string, bodies int) {
	document := s.huma.OpenAPI()
	for route, item := range document.Paths {
		for method, op := range map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPost: item.Post,
			http.MethodPut: item.Put, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete} {
			if op == nil {
				continue
			}
			at := method + " " + route + " "
			for _, p := range op.Parameters {
				all = append(all, findUnbounded(document.Components.Schemas, p.Schema, at+p.In+"."+p.Name, true)...)
			}
			if op.RequestBody == nil {
				continue
			}
			bodies++
			for _, c := range op.RequestBody.Content {
				all = append(all, findUnbounded(document.Components.Schemas, c.Schema, at+"body", false)...)
			}
		}
	}
	slices.Sort(all)
	return all, bodies
}

// A field without a maximum lets one request take the memory and the time of all others.
func TestEveryFieldOfARequestHasAMaximum(t *testing.T) {
	t.Parallel()
	s, err := newServer(Deps{})
	require.NoError(t, err)
	s.routes()
	found, bodies := findUnboundedFields(s)
	require.Greater(t, bodies, 30, "the requests are found")
	found = slices.DeleteFunc(found, func(path string) bool { return slices.Contains(boundedByCheck, path) })
	require.Empty(t, found)
}

// unboundedInput is the input of the control: it has a field of each kind without a maximum.
type unboundedInput struct {
	Query []string `query:"list,explode"`
	Body  struct {
		Text   string                 `json:"text" pattern:"^a+$"`
		Fine   string                 `json:"fine" maxLength:"3"`
		Texts  []string               `json:"texts" maxLength:"3"`
		Map    map[string]string      `json:"map" maxLength:"3"`
		Any    any                    `json:"any"`
		Nested []OrderSetRequest      `json:"nested" maxItems:"2"`
		Deep   *struct{ Name string } `json:"deep"`
	}
}

func TestFieldsWithoutAMaximumAreFound(t *testing.T) {
	t.Parallel()
	s, err := newServer(Deps{})
	require.NoError(t, err)
	s.routes()
	before, _ := findUnboundedFields(s)
	huma.Register(s.huma, huma.Operation{OperationID: "control", Method: http.MethodPost, Path: "/control"},
		func(context.Context, *unboundedInput) (*struct{}, error) { return nil, nil })
	after, _ := findUnboundedFields(s)
	after = slices.DeleteFunc(after, func(path string) bool { return slices.Contains(before, path) })
	const at = "POST /control "
	require.Equal(t, []string{at + "body.any", at + "body.deep.Name", at + "body.map", at + "body.map{}", at + "body.text",
		at + "body.texts", at + "query.list", at + "query.list[]"}, after)
}
