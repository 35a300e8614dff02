package api_test

import (
	"encoding/json"
	"net/http"
	"os"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/internal/catalogue"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// demo returns the demonstration catalogue, with the fixture's lab added.
func demo(t testing.TB) []catalogue.NamedFile {
	t.Helper()
	files, err := catalogue.DemoFiles()
	require.NoError(t, err)
	for _, f := range files {
		for i := range f.File.Labs {
			if f.File.Labs[i].Slug == "mtl" {
				f.File.Labs[i].ID = 27
			}
		}
	}
	return files
}

// demoFiles returns the demonstration catalogue as the files of a request.
func demoFiles(t testing.TB) []any {
	t.Helper()
	files := demo(t)
	out := make([]any, len(files))
	for i, f := range files {
		out[i] = map[string]any{"name": f.Name, "content": f.File}
	}
	return out
}

// importDemo imports the demonstration catalogue for the fixture's team.
func (f *fixture) importDemo() {
	f.t.Helper()
	c, problems := catalogue.Read(demo(f.t), order.Catalogue{})
	require.Empty(f.t, problems)
	_, err := f.store.ImportCatalogue(f.t.Context(), c, store.CatalogueImportOptions{TeamID: f.team})
	require.NoError(f.t, err)
}

func TestTheCatalogueIsImportedAndExported(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ask := func(more map[string]any) map[string]any {
		t.Helper()
		in := map[string]any{"files": demoFiles(t)}
		for k, v := range more {
			in[k] = v
		}
		r := f.ops(http.MethodPost, "/ops/catalogue", in)
		require.Equal(t, http.StatusOK, r.status, "%.2000s", r.body)
		return r.json(t)
	}
	labs := func() string { return string(f.sendWithKey(http.MethodGet, "/v3/lab_tests/labs", f.key, nil).body) }
	dry := ask(map[string]any{"dry_run": true})
	require.Equal(t, []any{true, true}, []any{dry["dry_run"], dry["changed"]})
	require.NotContains(t, labs(), "quest")

	require.Equal(t, true, ask(nil)["changed"])
	require.Contains(t, labs(), "quest")
	again := ask(nil)
	require.Equal(t, false, again["changed"])
	require.InDelta(t, 297, again["done"].(map[string]any)["markers"].(map[string]any)["unchanged"], 0)
	audit := f.ops(http.MethodGet, "/ops/audit?action=catalogue.import", nil)
	require.Contains(t, string(audit.body), "changed=true")
	require.NotContains(t, string(audit.body), "dry")

	exported := f.ops(http.MethodGet, "/ops/catalogue", nil)
	require.Equal(t, http.StatusOK, exported.status)
	r := f.ops(http.MethodPost, "/ops/catalogue",
		map[string]any{"files": []any{map[string]any{"name": "export.json", "content": json.RawMessage(exported.body)}}})
	require.Equal(t, http.StatusOK, r.status, "%.2000s", r.body)
	require.Equal(t, false, r.json(t)["changed"], "what was exported is what is there: %s", r.body)

	require.Equal(t, http.StatusNotFound, f.ops(http.MethodGet, "/ops/catalogue?team_id="+newID(), nil).status)
	require.Equal(t, http.StatusNotFound, f.ops(http.MethodPost, "/ops/catalogue",
		map[string]any{"files": demoFiles(t), "team_id": newID()}).status)
	taken := f.ops(http.MethodPost, "/ops/catalogue", map[string]any{"files": demoFiles(t), "team_id": f.team})
	require.Equal(t, http.StatusBadRequest, taken.status, "the lab tests are offered to all")
}

// The answer has all problems at once, each with its path, and nothing is imported.
func TestAnImportSaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	files := []any{
		map[string]any{"name": "labs.json", "content": json.RawMessage(`{"labs": [
			{"id": 2, "slug": "quest", "name": "Quest", "first_line_address": "", "city": "", "zipcode": "",
			"collection_methods": ["by_hand"], "sample_types": []}],
			"zips": ["85004 33.4 -112", "here"]}`)},
		map[string]any{"name": "quest.json", "content": json.RawMessage(`{"markers": [
			{"id": 1, "lab": "quest", "name": "Glucose", "slug": "glucose", "lonic": "2345-7"},
			{"id": 2, "lab": "quest", "slug": "Sodium!"}, {"id": "3"}]}`)},
		map[string]any{"name": "list.json", "content": json.RawMessage(`[]`)},
	}
	r := f.ops(http.MethodPost, "/ops/catalogue", map[string]any{"files": files})
	for _, want := range []struct {
		kind string
		loc  []any
	}{
		{"enum", []any{"body", "files", "labs.json", "labs", 0.0, "collection_methods", 0.0}},
		{"extra_forbidden", []any{"body", "files", "quest.json", "markers", 0.0, "lonic"}},
		{"missing", []any{"body", "files", "quest.json", "markers", 1.0, "name"}},
		{"string_pattern_mismatch", []any{"body", "files", "quest.json", "markers", 1.0, "slug"}},
		{"int_type", []any{"body", "files", "quest.json", "markers", 2.0, "id"}},
		{"dict_type", []any{"body", "files", "list.json"}},
	} {
		requireAmong(t, r, want.loc, want.kind)
	}

	// Rules that a schema cannot express are checked when the schema matches.
	files = []any{map[string]any{"name": "quest.json", "content": json.RawMessage(`{"markers": [
		{"id": 1, "lab": "quest", "name": "Glucose", "slug": "glucose", "loinc": "2345-8"}], "zips": ["here"]}`)}}
	r = f.ops(http.MethodPost, "/ops/catalogue", map[string]any{"files": files})
	requireAmong(t, r, []any{"body", "files", "quest.json", "markers", 0.0, "lab"}, "value_error")
	requireAmong(t, r, []any{"body", "files", "quest.json", "zips", 0.0}, "value_error")

	for body, loc := range map[string][]any{
		`{`: {"body"}, `{}`: {"body", "files"}, `{"files": [{"name": ""}]}`: {"body", "files", 0.0, "content"},
		`{"files": 1}`: {"body", "files"},
		`{"files": [{"name": "a", "content": {}}, {"name": "a", "content": {}}]}`: {"body", "files", 1.0, "name"},
		`{"files": [], "files": []}`: {"body"}, `{"files": [], "team_id": "x"}`: {"body", "team_id"},
	} {
		r := f.ops(http.MethodPost, "/ops/catalogue", body)
		requireAmong(t, r, loc, "")
	}
	c, err := f.store.Catalogue(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, c.Labs, 1, "the fixture's")
	require.Empty(t, c.Markers)
	require.Empty(t, c.ZipCenters)
}

// requireAmong requires that the problems contain one.
func requireAmong(t testing.TB, r reply, loc []any, kind string) {
	t.Helper()
	require.Equal(t, http.StatusUnprocessableEntity, r.status, string(r.body))
	for _, p := range r.detail(t).([]any) {
		p := p.(map[string]any)
		if reflect.DeepEqual(loc, p["loc"]) && (kind == "" || p["type"] == kind) {
			return
		}
	}
	require.Fail(t, "no such problem", "%v %s: %s", loc, kind, r.body)
}

func TestTheSchemaOfCataloguesIsCurrent(t *testing.T) {
	t.Parallel()
	want, err := api.CatalogueSchema()
	require.NoError(t, err)
	have, err := os.ReadFile("../docs/catalogue.schema.json")
	require.NoError(t, err)
	require.Equal(t, string(want), string(have), "run go generate ./api")
}
