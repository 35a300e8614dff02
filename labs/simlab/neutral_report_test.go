package simlab_test

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/simlab"
)

type reportedResult struct {
	Code           string   `json:"code"`
	Name           string   `json:"name"`
	LOINC          string   `json:"loinc"`
	Type           string   `json:"type"`
	Result         string   `json:"result"`
	Value          *float64 `json:"value"`
	Unit           string   `json:"unit"`
	ReferenceRange string   `json:"reference_range"`
	Min            *float64 `json:"min"`
	Max            *float64 `json:"max"`
	Interpretation string   `json:"interpretation"`
	Flag           string   `json:"flag"`
}

type labReport struct {
	Status         string           `json:"status"`
	Version        int              `json:"version"`
	ReportedAt     string           `json:"reported_at"`
	CollectedAt    string           `json:"collected_at"`
	ReceivedAt     string           `json:"received_at"`
	Interpretation string           `json:"interpretation"`
	Results        []reportedResult `json:"results"`
	Missing        []struct {
		Code, Name, LOINC, Failure string
	} `json:"missing"`
	Patient map[string]string `json:"patient"`
	PDF     string            `json:"pdf_base64"`
}

func (w *testLab) reported() labReport {
	w.t.Helper()
	return neutralCall[labReport](w, http.StatusOK, http.MethodGet, "/orders/N1/results", "")
}

// runScript runs a script of an on-site order to its end and returns the lab report.
func (w *testLab) runScript(script string, changes ...any) labReport {
	w.t.Helper()
	w.placeOnSite(simlab.FlowOnSite, script, changes...)
	w.await(func() bool { s := w.order("N1"); return s.Version > 0 && !s.Running })
	return w.reported()
}

func tests(codes ...string) []map[string]any {
	var all []map[string]any
	for _, code := range codes {
		all = append(all, map[string]any{"code": code, "name": "Test of " + code})
	}
	return all
}

func TestNeutralReport(t *testing.T) {
	t.Parallel()
	w := newNeutralLab(t)
	got := w.runScript("happy", "tests", tests("101", "102", "201", "202", "203", "204", "2085-9", "2022", "cbc", "X-7"))
	require.Equal(t, []any{"final", 1, "normal"}, []any{got.Status, got.Version, got.Interpretation})
	require.Len(t, got.Results, 4+3+6+5+1+1+1+1+5+1)
	require.NotEmpty(t, got.CollectedAt)
	require.NotEmpty(t, got.ReceivedAt)
	require.Nil(t, got.Patient, "the lab stores no names")
	kinds := map[string]bool{}
	for _, r := range got.Results {
		kinds[r.Type] = true
		require.NotEmpty(t, r.Code)
		require.NotEmpty(t, r.Name)
		require.Equal(t, "normal", r.Interpretation, r.Name)
		require.Empty(t, r.Flag)
		switch r.Type {
		case "numeric":
			value, err := strconv.ParseFloat(r.Result, 64)
			require.NoError(t, err)
			require.InDelta(t, value, *r.Value, 0)
			require.True(t, *r.Min <= value && value <= *r.Max, "%s: %s in %s", r.Name, r.Result, r.ReferenceRange)
			require.NotEmpty(t, r.Unit)
		case "range": // the form in client-api#biomarkerresult
			require.Regexp(t, `^([<>]=?\d*(\.\d+)?|(\d*(\.\d+)?-\d*(\.\d+)?))$`, r.Result)
		case "coded_value":
			require.Equal(t, "NOT_DETECTED", r.Result)
		}
	}
	require.Len(t, kinds, 4)
	last := got.Results[len(got.Results)-1]
	require.Equal(t, []string{"X-7", "Test of X-7"}, []string{last.Code, last.Name})
	pdf, err := base64.StdEncoding.DecodeString(got.PDF)
	require.NoError(t, err)
	require.Contains(t, string(pdf), "Order N1")
}

func TestReportsOfScripts(t *testing.T) {
	t.Parallel()
	for script, check := range map[string]func(t *testing.T, got labReport){
		"partial-silent": func(t *testing.T, got labReport) {
			require.Equal(t, "partial", got.Status)
			require.Len(t, got.Results, 2)
			require.Empty(t, got.PDF)
			require.Empty(t, got.Missing)
		},
		"partial": func(t *testing.T, got labReport) {
			require.Equal(t, []any{"final", 2, 4}, []any{got.Status, got.Version, len(got.Results)})
		},
		"abnormal": func(t *testing.T, got labReport) {
			require.Equal(t, []string{"abnormal", "abnormal", "H"},
				[]string{got.Interpretation, got.Results[0].Interpretation, got.Results[0].Flag})
			require.Greater(t, *got.Results[0].Value, *got.Results[0].Max)
			require.Equal(t, "normal", got.Results[1].Interpretation)
		},
		"critical": func(t *testing.T, got labReport) {
			require.Equal(t, []string{"critical", "critical", "HH"},
				[]string{got.Interpretation, got.Results[0].Interpretation, got.Results[0].Flag})
		},
		"missing-lab-fault": func(t *testing.T, got labReport) {
			require.Len(t, got.Results, 3)
			require.Len(t, got.Missing, 1)
			require.Equal(t, []string{"Triglycerides", "1013", "2571-8", "internal_lab_failure"},
				[]string{got.Missing[0].Name, got.Missing[0].Code, got.Missing[0].LOINC, got.Missing[0].Failure})
		},
		"missing-order-entry": func(t *testing.T, got labReport) {
			require.Equal(t, "order_entry_failure",
				got.Missing[0].Failure)
		},
		"missing-patient-fault": func(t *testing.T, got labReport) {
			require.Equal(t, "quantity_not_sufficient_failure", got.Missing[0].Failure)
		},
		"corrected": func(t *testing.T, got labReport) {
			require.Equal(t, []any{"final", 2},
				[]any{got.Status, got.Version})
		},
		"repeated-report": func(t *testing.T, got labReport) { require.Equal(t, 1, got.Version) },
	} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			check(t, newNeutralLab(t).runScript(script))
		})
	}
}

func TestARedrawGetsWhatWasMissing(t *testing.T) {
	t.Parallel()
	for script, missing := range map[string]int{"missing-lab-fault": 0, "missing-lab-fault-again": 1} {
		w := newNeutralLab(t)
		w.placeOnSite(simlab.FlowWalkIn, script, "replaces", "N0", "tests",
			[]map[string]any{{"code": "1013", "name": "Triglycerides"}})
		w.await(func() bool { s := w.order("N1"); return s.Version > 0 && !s.Running })
		got := w.reported()
		require.Len(t, got.Missing, missing)
		require.Len(t, got.Results, 1-missing)
	}
}

func TestCorrectedReportsDiffer(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"101", "102", "203", "X-7"} {
		w := newNeutralLab(t, withManual)
		w.placeOnSite(simlab.FlowOnSite, "", "tests", tests(code))
		var versions []string
		for range 3 {
			w.replaceScript("N1", []simlab.Step{{Kind: simlab.KindResults}})
			versions = append(versions, marshal(t, w.reported().Results))
		}
		require.NotEqual(t, versions[0], versions[1], code)
		require.NotEqual(t, versions[1], versions[2], code)
	}
}

func TestReportsPutByHand(t *testing.T) {
	t.Parallel()
	w := newNeutralLab(t, withManual)
	w.placeOnSite(simlab.FlowOnSite, "")
	put := func(status int, body string) map[string]any {
		return call[map[string]any](w, status, http.MethodPut, "/sandbox/orders/N1/results", body)
	}
	require.InDelta(t, 1, put(http.StatusOK, `{}`)["version"], 0)
	require.Len(t, w.reported().Results, 4)
	put(http.StatusOK,
		`{"status":"partial","interpretation":"critical","patient":{"first_name":"Ada","last_name":"Example",
			"dob":"1990-01-01"},
		"results":[{"code":"1","name":"Potassium","type":"numeric","result":"7.1","value":7.1,"interpretation":"critical"}],
		"missing":[{"code":"2","name":"Sodium","failure":"internal_lab_failure"}]}`)
	got := w.reported()
	require.Equal(t, []any{"partial", 2, "critical", "Ada"},
		[]any{got.Status, got.Version, got.Interpretation, got.Patient["first_name"]})
	require.Len(t, got.Missing, 1)
	w.replaceScript("N1", []simlab.Step{{Kind: simlab.KindResults}})
	require.Equal(t, 2, w.reported().Version, "results from the control endpoint stay")
	put(http.StatusBadRequest, `{"status":"perhaps"}`)
	put(http.StatusBadRequest, `{"observations":[]}`)
}
