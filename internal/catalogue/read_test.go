package catalogue_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/catalogue"
	"github.com/aliquot-labs/aliquot/order"
)

// validCatalogue is a small valid catalogue.
const validCatalogue = `{
	"labs": [{"id": 7, "slug": "quest", "name": "Quest", "collection_methods": ["walk_in_test"],
	"sample_types": ["serum"]}],
	"markers": [
		{"id": 1, "lab": "quest", "provider_id": "10", "name": "Glucose", "slug": "glucose", "loinc": "2345-7",
		"unit": "mg/dL", "common_tat_days": 1,
		 "price": {"base_cents": 1205}, "a_la_carte": true, "aoe": [
			{"id": 5, "code": "F", "value": "Fasting?", "type": "choice", "required": true, "answers": [{"id": 1,
			"code": "Y", "value": "Yes"},
			 {"id": 2, "code": "N", "value": "No"}], "fasting": {"yes": "Y", "no": "N"}}]},
		{"id": 2, "lab": "quest", "name": "Lipids", "slug": "lipids", "type": "panel", "common_tat_days": 2,
		"worst_case_tat_days": 4, "expected_results": [
			{"id": 1, "name": "HDL", "slug": "hdl", "loinc": "2085-9", "provider_id": "11"}, {"id": 2, "name": "Note",
			"slug": "note", "required": false}]}],
	"lab_tests": [{"id": "019A1100-0000-7000-8000-000000000101", "slug": "s", "name": "Both", "lab": "quest",
	"method": "walk_in_test",
		"sample_type": "serum", "marker_ids": [1, 2], "price": {"base_cents": 2550}}],
	"sites": [{"code": "A", "lab": "quest", "name": "A", "first_line": "1 Main St", "city": "Phoenix", "state": "AZ",
	"zip_code": "85004", "lat": 33.4,
		"lng": -112.1, "hours": {"monday": "07:00-16:00", "sunday": "closed"}}],
	"phlebotomy": [{"provider": "getlabs", "service_types": ["appointment-ready"], "zips": ["850", "85201-85299",
	"54650"]}],
	"zips": ["85004 33.4516 -112.0699"]
}`

func file(t *testing.T, text string) catalogue.File {
	t.Helper()
	var f catalogue.File
	require.NoError(t, json.Unmarshal([]byte(text), &f))
	return f
}

func TestRead(t *testing.T) {
	t.Parallel()
	c, problems := catalogue.Read([]catalogue.NamedFile{{Name: "good.json", File: file(t, validCatalogue)}},
		order.Catalogue{})
	require.Empty(t, problems)
	glucose, lipids := c.Markers[0], c.Markers[1]
	require.Equal(t, 7, *glucose.LabID)
	require.Equal(t, "12.05", *glucose.Price)
	require.Equal(t, "biomarker", *glucose.Type)
	require.Equal(t, []order.ExpectedResult{{ID: 1, Name: "Glucose", Slug: "glucose", ProviderID: new("10"),
		Required: true,
		LOINC:    &order.LOINC{ID: 2345, Name: "Glucose", Slug: "glucose", Code: "2345-7", Unit: new("mg/dL")}}},
		glucose.ExpectedResults)
	require.Equal(t, 1, glucose.Questions[0].Sequence)
	require.True(t, glucose.Orderable())
	require.False(t, lipids.ExpectedResults[1].Required)
	require.Nil(t, lipids.ExpectedResults[1].LOINC)
	test := c.LabTests[0]
	require.Equal(t, "019a1100-0000-7000-8000-000000000101", test.ID)
	require.Equal(t, "active", test.Status)
	require.InDelta(t, 25.5, test.Price, 0)
	require.Equal(t, c.Markers, test.Markers)
	require.Equal(t, 2, *test.CommonTATDays)
	require.Nil(t, test.WorstCaseTATDays, "one marker's is not known")
	require.Equal(t, []string{"client_bill"}, c.Sites[0].BillTypes)
	require.Equal(t, []order.PhlebotomyArea{
		{Provider: "getlabs", ServiceTypes: []string{"appointment-ready"}, FirstZip: "85000", LastZip: "85099"},
		{Provider: "getlabs", ServiceTypes: []string{"appointment-ready"}, FirstZip: "85201", LastZip: "85299"},
		{Provider: "getlabs", ServiceTypes: []string{"appointment-ready"}, FirstZip: "54650", LastZip: "54650"},
	}, c.PhlebotomyAreas)
	require.Equal(t, []order.ZipCenter{{Zip: "85004", Point: order.Point{Lat: 33.4516, Lng: -112.0699}}}, c.ZipCenters)
}

// Every mistake is found, with its path.
func TestReadFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	known := order.Catalogue{
		Labs:    []order.Lab{{ID: 8, Slug: "labcorp"}},
		Markers: []order.Marker{{ID: 80, LabID: new(8), ProviderID: new("K")}, {ID: 81, LabID: new(8)}},
	}
	tests := map[string]struct{ was, is, path, message string }{
		"check digit":          {`"loinc": "2345-7"`, `"loinc": "2345-8"`, "markers[0].loinc", "check digit"},
		"expected check digit": {`"2085-9"`, `"2085-8"`, "markers[1].expected_results[0].loinc", "check digit"},
		"result twice": {`{"id": 2, "name": "Note"`, `{"id": 1, "name": "Note"`, "markers[1].expected_results[1].id",
			"another"},
		"marker twice": {`"id": 2, "lab"`, `"id": 1, "lab"`, "markers[1].id", "another entry has 1 too"},
		"code twice": {`"slug": "lipids"`, `"slug": "lipids", "provider_id": "10"`, "markers[1].provider_id",
			"another entry"},
		"code of a known one": {`{"id": 2, "lab": "quest",`, `{"id": 2, "lab": "labcorp", "provider_id": "K",`,
			"markers[1].provider_id", "marker 80, imported before"},
		"another lab's marker": {`{"id": 2, "lab": "quest",`, `{"id": 81, "lab": "quest",`, "markers[1].lab",
			"known as one of another lab"},
		"no such lab": {`{"id": 2, "lab": "quest"`, `{"id": 2, "lab": "none"`, "markers[1].lab",
			`there is no lab "none"`},
		"a lab's id": {`{"id": 7,`, `{"id": 8,`, "labs[0].id", "lab 8 is known as labcorp"},
		"reflex": {`"a_la_carte": true`, `"a_la_carte": true, "reflex": true`, "markers[0].a_la_carte",
			"reflex"},
		"turnaround": {`"worst_case_tat_days": 4`, `"worst_case_tat_days": 1`, "markers[1].worst_case_tat_days",
			"less"},
		"choice twice": {`"code": "N"`, `"code": "Y"`, "markers[0].aoe[0].answers[1].code", "another"},
		"no choices":   {`"type": "choice"`, `"type": "text"`, "markers[0].aoe[0].answers", "needed for the types"},
		"default":      {`"required": true`, `"default": "M"`, "markers[0].aoe[0].default", "one of Y, N"},
		"fasting":      {`"yes": "Y"`, `"yes": "J"`, "markers[0].aoe[0].fasting.yes", `"J" is no answer`},
		"pattern":      {`"required": true`, `"pattern": "("`, "markers[0].aoe[0].pattern", "regular expression"},
		"minimum":      {`"required": true`, `"minimum": 2, "maximum": 1`, "markers[0].aoe[0].maximum", "less"},
		"state of a price": {`"base_cents": 1205`, `"base_cents": 1, "modifiers": [{"delta_cents": 1, "states": ["XX"]}]`,
			"markers[0].price.modifiers[0].states[0]", "not a state"},
		"no such marker":    {`[1, 2]`, `[1, 3]`, "lab_tests[0].marker_ids[1]", "there is no marker 3"},
		"marker of another": {`[1, 2]`, `[1, 80]`, "lab_tests[0].marker_ids[1]", "another lab's"},
		"marker again":      {`[1, 2]`, `[1, 1]`, "lab_tests[0].marker_ids[1]", "twice"},
		"method": {`"method": "walk_in_test"`, `"method": "testkit"`, "lab_tests[0].method",
			"does not collect by testkit"},
		"sample": {`"sample_type": "serum"`, `"sample_type": "urine"`, "lab_tests[0].sample_type",
			"takes no urine"},
		"policy":          {`"slug": "s"`, `"slug": "s", "policy": {"x": 1}`, "lab_tests[0].policy", "not valid"},
		"state of a site": {`"state": "AZ"`, `"state": "ZZ"`, "sites[0].state", "not a state"},
		"day":             {`"monday"`, `"mon"`, "sites[0].hours", "no day"},
		"hours":           {`07:00-16:00`, `7-16`, "sites[0].hours.monday", "07:00-16:00"},
		"range":           {`85201-85299`, `85299-85201`, "phlebotomy[0].zips[1]", "ends before"},
		"area twice":      {`"54650"`, `"85000-85099"`, "phlebotomy[0].zips[2]", "another entry"},
		"area":            {`"54650"`, `"546501"`, "phlebotomy[0].zips[2]", "neither"},
		"zip":             {`-112.0699`, `-212`, "zips[0]", "globe"},
		"form of a zip":   {`-112.0699`, `W112`, "zips[0]", "not of the form"},
	}
	for name, tt := range tests {
		require.Equal(t, 1, min(1, strings.Count(validCatalogue, tt.was)), name)
		broken := strings.Replace(validCatalogue, tt.was, tt.is, 1)
		c, problems := catalogue.Read([]catalogue.NamedFile{{Name: "a.json", File: file(t, broken)}}, known)
		require.Empty(t, c, name)
		found := false
		for _, p := range problems {
			found = found || p.File == "a.json" && p.Path == tt.path && strings.Contains(p.Message, tt.message)
		}
		require.True(t, found, "%s: %v", name, problems)
	}
}

func TestReadListsEverythingInTheOrderOfTheFiles(t *testing.T) {
	t.Parallel()
	zips := file(t, `{"zips": ["85004 99 0"]}`)
	markers := file(t, `{"markers": [{"id": 1, "lab": "none"}, {"id": 1, "lab": "none"}]}`)
	_, problems := catalogue.Read([]catalogue.NamedFile{{Name: "a.json", File: zips}, {Name: "b.json", File: markers}},
		order.Catalogue{})
	var lines []string
	for _, p := range problems {
		lines = append(lines, p.String())
	}
	require.Equal(t, []string{
		"a.json: zips[0]: not a position on the globe",
		`b.json: markers[0].lab: there is no lab "none"`,
		"b.json: markers[1].id: another entry has 1 too",
		`b.json: markers[1].lab: there is no lab "none"`,
	}, lines)
}

// Entries may refer to entries that were imported before.
func TestReadRefersToWhatIsKnown(t *testing.T) {
	t.Parallel()
	first, problems := catalogue.Read([]catalogue.NamedFile{{Name: "a.json", File: file(t, validCatalogue)}},
		order.Catalogue{})
	require.Empty(t, problems)
	more := file(t,
		`{"lab_tests": [{"id": "019a1100-0000-7000-8000-000000000102", "slug": "g", "name": "G", "lab": "quest",
			"method": "walk_in_test",
		"sample_type": "serum", "marker_ids": [1]}]}`)
	second, problems := catalogue.Read([]catalogue.NamedFile{{Name: "b.json", File: more}}, first)
	require.Empty(t, problems)
	require.Equal(t, first.Markers[:1], second.LabTests[0].Markers)
	require.Equal(t, first.Labs[0], *second.LabTests[0].Lab)
	require.Empty(t, second.Markers)
}
