package billing

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func reference(t *testing.T) *Reference {
	t.Helper()
	r, err := BuiltIn()
	require.NoError(t, err)
	return r
}

func TestCodesAreReadHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"E11.9": "E11.9", "e119": "E11.9", " E11.9 ": "E11.9", "I10": "I10", "i10.": "I10", "M1A9XX0": "M1A.9XX0", "": "",
		"E1": "E1",
	} {
		require.Equal(t, want, normalizeCode(given), given)
	}
}

func TestDiagnosesAreFoundByCodeAndByWords(t *testing.T) {
	t.Parallel()
	r := reference(t)
	codes := func(query string) []string {
		var out []string
		for _, d := range r.SearchDiagnoses(query) {
			out = append(out, d.Code)
		}
		return out
	}
	require.Equal(t, []string{"E11.21", "E11.22", "E11.42", "E11.65", "E11.69", "E11.9"}, codes("e11"))
	require.Equal(t, []string{"E11.9"}, codes("E119"))
	require.Equal(t, []string{"E78.01"}, codes("familial hyperchol"))
	require.Equal(t, []string{"E78.41", "E78.49"}, codes("e78.4"))
	require.Contains(t, codes("Diabetes TYPE 2"), "E11.9")
	require.Contains(t, codes("bmi"), "Z68.30")
	require.Empty(t, codes("no such illness"))
	require.Empty(t, codes("  "))
	require.LessOrEqual(t, len(codes("e")), maxDiagnoses)
	d, ok := r.DiagnosisByCode("z794")
	require.True(t, ok)
	require.True(t, d.Secondary)
}

func TestCodesAreChecked(t *testing.T) {
	t.Parallel()
	r := reference(t)
	require.NoError(t, r.CheckDiagnosisCode("e11.9"))
	require.ErrorIs(t, r.CheckDiagnosisCode("E11"), ErrNotBillable, "a category")
	require.ErrorIs(t, r.CheckDiagnosisCode("E11.999"), ErrNotBillable)
	for _, code := range []string{"", "diabetes", "11.9", "E11.12345", "E1", "É11"} {
		require.ErrorIs(t, r.CheckDiagnosisCode(code), ErrNotICD, code)
	}
}

func TestExclusions(t *testing.T) {
	t.Parallel()
	r := reference(t)
	for _, c := range []struct {
		name  string
		codes []string
		want  []Conflict
	}{
		{"nothing", []string{"E11.9", "I10"}, nil},
		{"two types of diabetes", []string{"E11.9", "e10.9"}, []Conflict{{"E11.9", "E10.9", Excludes1}}},
		{"the same turned round", []string{"E10.9", "E11.9"}, []Conflict{{"E10.9", "E11.9", Excludes1}}},
		{"below a code with a point", []string{"E11.9", "O24.410"}, []Conflict{{"E11.9", "O24.410", Excludes1}}},
		{"in a range", []string{"R73.03", "E11.65"}, []Conflict{{"R73.03", "E11.65", Excludes1}}},
		{"at the end of a range", []string{"R73.9", "E13.9"}, []Conflict{{"R73.9", "E13.9", Excludes1}}},
		{"beyond a range", []string{"R73.9", "E21.3"}, nil},
		{"may stand together", []string{"I10", "I63.9"}, []Conflict{{"I10", "I63.9", Excludes2}}},
		{"the stricter of two", []string{"F32.9", "F33.9"}, []Conflict{{"F32.9", "F33.9", Excludes1}}},
		{"a code twice is one code", []string{"E11.9", "E119"}, nil},
		{"several", []string{"E11.9", "E10.9", "I10", "I63.9"},
			[]Conflict{{"E11.9", "E10.9", Excludes1}, {"I10", "I63.9", Excludes2}}},
		{"unknown codes", []string{"Q99.9", "nonsense", ""}, nil},
	} {
		require.Equal(t, c.want, r.Conflicts(c.codes), c.name)
	}
}

func TestPayors(t *testing.T) {
	t.Parallel()
	r := reference(t)
	codes := func(q PayorQuery) []string {
		var out []string
		for _, p := range r.SearchPayors(q) {
			out = append(out, p.Code)
		}
		return out
	}
	require.Len(t, codes(PayorQuery{}), 24)
	require.Equal(t, []string{"UNITH"}, codes(PayorQuery{Name: "uhc"}))
	require.Equal(t, []string{"MAIDFED"}, codes(PayorQuery{Name: "tenncare"}), "by a state's plan")
	require.Equal(t, []string{"AETNA"}, codes(PayorQuery{Provider: "stedi", ProviderID: "60054"}))
	require.Equal(t, []string{"AETNA"}, codes(PayorQuery{ProviderID: "60054"}))
	require.Empty(t, codes(PayorQuery{Provider: "pverify", ProviderID: "60054"}))
	require.Empty(t, codes(PayorQuery{Name: "humana", ProviderID: "60054"}), "all has to hold")
	p, ok := r.PayorByCode("MEDFED")
	require.True(t, ok)
	require.True(t, p.Medicare)
	require.Equal(t, "Medicare Part B, Noridian Healthcare Solutions", p.ForState("AZ").Name)
	require.Equal(t, "Medicare", p.ForState("DC").Name)
	_, ok = r.PayorByCode("nobody")
	require.False(t, ok)
}

func TestOwnReferenceFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "reference.json")
	require.NoError(t, os.WriteFile(file, []byte(`{
		"payors": [{"code": "A", "name": "A", "address": {"first_line": "1", "city": "2", "state": "AZ", "zip": "4",
		"country": "US"}}],
		"diagnoses": [{"code": "e119", "description": "Type 2"}], "excludes": []}`), 0o600))
	r, err := Load(file)
	require.NoError(t, err)
	require.NoError(t, r.CheckDiagnosisCode("E11.9"))
	require.ErrorIs(t, r.CheckDiagnosisCode("I10"), ErrNotBillable)
	_, err = Load(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// All problems of a set are reported together.
func TestReferenceFileIsChecked(t *testing.T) {
	t.Parallel()
	_, err := parse([]byte(`{
		"payors": [{"code": "A", "name": "A", "plans": {"Arizona": "x"}, "provider_ids": {"nobody": "1"}, "address": {}},
		{"code": "A", "name": ""}],
		"diagnoses": [{"code": "diabetes", "description": ""}, {"code": "I10", "description": "x"}, {"code": "i10",
		"description": "x"}],
		"excludes": [{"code": "?", "kind": "excludes3", "codes": []}, {"code": "I10", "kind": "excludes1",
		"codes": ["E11-"]}]}`))
	for _, complaint := range []string{
		`payor "A" is listed twice`, "no name",
		"incomplete address", `"nobody"`, `"Arizona"`, `"diabetes" does not have the form`,
		"no description",
		`"i10" is listed twice`, `at "?"`, `"excludes3"`, "excludes nothing", `"E11-"`,
	} {
		require.ErrorContains(t, err, complaint)
	}
	for _, text := range []string{``, `{}`, `{"payers": []}`, `{"payors": [], "diagnoses": []} {}`} {
		_, err := parse([]byte(text))
		require.Error(t, err, text)
	}
}
