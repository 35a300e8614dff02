package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/apiclient"
)

// requireCatalogueCommands runs every catalogue command.
func requireCatalogueCommands(t *testing.T, d *devSystem) {
	t.Helper()
	folder := t.TempDir()
	file := func(name, text string) string {
		t.Helper()
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	run := func(args ...string) string {
		return mustCommand(t, append(append([]string{"catalogue"}, args...), "--data", d.data)...)
	}
	lab := file("lab.json",
		`{"labs": [{"id": 9, "slug": "ussl", "name": "A lab", "first_line_address": "", "city": "", "zipcode": "",
		"collection_methods": ["walk_in_test"], "sample_types": ["serum"]}]}`)
	markers := file("markers.json",
		`{"markers": [{"id": 900, "lab": "ussl", "name": "Glucose", "slug": "glucose", "loinc": "2345-7"}]}`)

	require.Regexp(t, `markers +1 +0 +0 +0`, run("import", "--dry-run", markers, lab))
	require.Regexp(t, `labs +1 +0 +0 +0`, run("import", markers, lab))
	require.Contains(t, run("import", markers, lab), "nothing changed: the catalogue has all of it")
	exported := run("export")
	require.Contains(t, exported, `"ussl"`)
	require.Contains(t, run("import", file("export.json", exported)), "nothing changed")

	require.Contains(t, run("import", file("marked.json", "\ufeff"+exported)), "nothing changed")
	_, err := runInProcess(t, "catalogue", "import", file("wide.json", "\xff\xfe{\x00}\x00"), "--data", d.data)
	require.ErrorContains(t, err, "UTF-16: save it as UTF-8")

	wrong := file("wrong.json",
		`{"markers": [{"id": 901, "lab": "ussl", "name": "Sodium", "slug": "sodium", "loinc": "2951-3"}, {"id": 902,
			"lab": "none", "name": "", "slug": "x"}]}`)
	_, err = runInProcess(t, "catalogue", "import", wrong, "--data", d.data)
	require.ErrorContains(t, err, wrong+": markers[1].name: expected length >= 1")
	wrong = file("wrong.json",
		`{"markers": [{"id": 901, "lab": "ussl", "name": "Sodium", "slug": "sodium", "loinc": "2951-3"}, {"id": 902,
			"lab": "none", "name": "X", "slug": "x"}]}`)
	_, err = runInProcess(t, "catalogue", "import", wrong, "--data", d.data)
	require.EqualError(t, err, "nothing was imported: 2 problems\n  "+wrong+
		": markers[0].loinc: 2951-3 has a wrong check digit\n  "+
		wrong+`: markers[1].lab: there is no lab "none"`)
	_, err = runInProcess(t, "catalogue", "import", file("broken.json", "{\n  x"), "--data", d.data)
	require.ErrorContains(t, err, "line 2: not JSON")
	_, err = runInProcess(t, "catalogue", "import", filepath.Join(folder, "none.json"), "--data", d.data)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = runInProcess(t, "catalogue", "approve", "019a1100-0000-7000-8000-000000000101", "--data", d.data)
	require.ErrorContains(t, err, "does not await an approval")
}

func TestWhatIsWrongWithACatalogueIsSaidLineByLine(t *testing.T) {
	t.Parallel()
	detail := func(text string) error {
		return &apiclient.APIError{Status: http.StatusUnprocessableEntity, Detail: json.RawMessage(text)}
	}
	err := explainCatalogueError(detail(`[{"loc": ["body", "files", "a.b.json", "markers", 12, "aoe", 0, "code"],
		"msg": "Field required"}]`))
	require.EqualError(t, err, "nothing was imported: 1 problem\n  a.b.json: markers[12].aoe[0].code: Field required")
	err = explainCatalogueError(detail(`[{"loc": ["body", "files", "a.json"], "msg": "x"}, {"loc": ["body", "team_id"],
		"msg": "y"}]`))
	require.EqualError(t, err, "nothing was imported: 2 problems\n  a.json: x\n  team_id: y")
	other := errors.New("unreachable")
	require.Equal(t, other, explainCatalogueError(other))
	text := detail(`"text"`)
	require.Equal(t, text, explainCatalogueError(text))
}
