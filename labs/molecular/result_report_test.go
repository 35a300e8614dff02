package molecular_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/order"
)

const (
	cholesterol = `{"test_name":"HDL Cholesterol","result":"Detected","result_value":"31","units":"mg/dL",
		"reference_range":"40-100",
		"loinc":"2085-9","assay_datetime":"2026-03-01T08:00:00.123456Z","snp":null}`
	chlamydia = `{"test_name":"Chlamydia trachomatis","result":"Not Detected","result_value":"Not Detected",
		"loinc":"21613-5"}`
)

func reportWith(status, pdf string, observations ...string) string {
	return fmt.Sprintf(`{"order_number":%q,"kit_id":"M000412207","status":%q,"version":1,"pdf_base64":%q,
		"tempstrip_status":"pass",
		"observations":[%s]}`, number, status, base64.StdEncoding.EncodeToString([]byte(pdf)), strings.Join(observations,
		","))
}

func fetch(t *testing.T, status int, body string) (labs.FetchedResults, error) {
	t.Helper()
	return newFullClient(t, newLab(t, answer(status, body))).FetchResults(t.Context(), number)
}

func TestResults(t *testing.T) {
	t.Parallel()
	body := reportWith("final", "%PDF-1.4", cholesterol, chlamydia)
	l := newLab(t, answer(http.StatusOK, body))

	reported, err := newFullClient(t, l).FetchResults(t.Context(), number)

	require.NoError(t, err)
	require.Equal(t, []string{"GET /Results"}, l.paths())
	require.Equal(t, "order_number="+number, l.received()[0].Query)
	require.Empty(t, l.received()[0].Body)
	require.Equal(t, body, string(reported.Raw))
	require.Equal(t, "%PDF-1.4", string(reported.PDF))
	require.Len(t, reported.Hash, 64)
	assayed := time.Date(2026, 3, 1, 8, 0, 0, 123456000, time.UTC)
	require.Equal(t, &order.LabReport{
		Status: "final", Interpretation: order.InterpretationAbnormal, ReportedAt: now, Laboratory: "Molecular Testing Labs",
		Results: []order.Result{
			{
				Name: "HDL Cholesterol", Slug: "hdl-cholesterol", Value: new(31.0), Text: "31", Type: "numeric", Unit: new("mg/dL"),
				Timestamp: &assayed, ReferenceRange: new("40-100"), Min: new(40.0), Max: new(100.0),
				Interpretation: order.InterpretationAbnormal,
				SourceFlag:     "Detected", LOINC: new("2085-9"),
			},
			{
				Name: "Chlamydia trachomatis", Slug: "chlamydia-trachomatis", Text: "NOT_DETECTED", Type: "coded_value",
				Interpretation: order.InterpretationNormal, LOINC: new("21613-5"),
			},
		},
	}, reported.LabReport)
}

func TestObservation(t *testing.T) {
	t.Parallel()
	type want struct {
		kind, text, flag string
		value            *float64
		interpretation   order.Interpretation
	}
	tests := map[string]want{
		`"result":"Detected"`: {"coded_value", "DETECTED", "", nil,
			order.InterpretationAbnormal},
		`"result":" not  detected "`: {"coded_value", "NOT_DETECTED", "", nil,
			order.InterpretationNormal},
		`"result":"Detected","result_value":"32.1"`: {"coded_value", "DETECTED", "", nil,
			order.InterpretationAbnormal},
		`"result":"Detected","result_value":"850","units":"copies/mL"`: {"numeric", "850", "Detected", new(850.0),
			order.InterpretationAbnormal},
		`"result":"Detected","result_value":5,"reference_range":"1-10"`: {"numeric", "5", "Detected", new(5.0),
			order.InterpretationNormal},
		`"result":"Positive"`: {"comment", "Positive", "", nil,
			order.InterpretationUnknown},
		`"result":"Positive","result_value":"1:64"`: {"comment", "1:64", "Positive", nil,
			order.InterpretationUnknown},
		`"result":"INCONCLUSIVE*","result_value":"INCONCLUSIVE*"`: {"comment", "INCONCLUSIVE*", "", nil,
			order.InterpretationUnknown},
		`"result":"High","result_value":"7.5"`: {"numeric", "7.5", "High", new(7.5),
			order.InterpretationUnknown},
		`"result":12`: {"numeric", "12", "", new(12.0),
			order.InterpretationUnknown},
		`"result":"","result_value":"-3e2"`: {"numeric", "-3e2", "", new(-300.0),
			order.InterpretationUnknown},
		`"result_value":"NaN"`: {"comment", "NaN", "", nil,
			order.InterpretationUnknown},
		`"result_value":"0x1F"`: {"comment", "0x1F", "", nil,
			order.InterpretationUnknown},
		`"result_value":1e999`: {"comment", "1e999", "", nil,
			order.InterpretationUnknown},
		`"result_value":"<20"`: {"range", "<20", "", nil,
			order.InterpretationUnknown},
		`"result_value":">=1.5"`: {"range", ">=1.5", "", nil,
			order.InterpretationUnknown},
		`"result_value":"1-3"`: {"range", "1-3", "", nil,
			order.InterpretationUnknown},
		`"result":null,"result_value":null`: {"comment", "", "", nil,
			order.InterpretationUnknown},
	}
	for fields, want := range tests {
		t.Run(fields, func(t *testing.T) {
			t.Parallel()
			reported, err := fetch(t, http.StatusOK, reportWith("final", "", `{"test_name":"X",`+fields+`}`))
			require.NoError(t, err)
			require.Len(t, reported.LabReport.Results, 1)
			r := reported.LabReport.Results[0]
			require.Equal(t, want.kind, r.Type)
			require.Equal(t, want.text, r.Text)
			require.Equal(t, want.flag, r.SourceFlag)
			require.Equal(t, want.value, r.Value)
			require.Equal(t, want.interpretation, r.Interpretation)
			require.Equal(t, want.interpretation, reported.LabReport.Interpretation)
		})
	}
}

func TestReferenceRange(t *testing.T) {
	t.Parallel()
	tests := []struct {
		written  string
		min, max *float64
		normal   []string
		abnormal []string
	}{
		{"1-10", new(1.0), new(10.0), []string{"1", "5", "10"}, []string{"0.99", "10.01"}},
		{" 1.5 - 10.25 ", new(1.5), new(10.25), []string{"1.5", "10.25"}, []string{"1.4", "10.26"}},
		{"-2--1", new(-2.0), new(-1.0), []string{"-1.5"}, []string{"0", "-3"}},
		{"<5", nil, new(5.0), []string{"4.9", "-1"}, []string{"5", "6"}},
		{"<=10.5", nil, new(10.5), []string{"10.5"}, []string{"10.6"}},
		{"< OR = 9.9", nil, new(9.9), []string{"9.9"}, []string{"10"}},
		{">3", new(3.0), nil, []string{"3.1"}, []string{"3"}},
		{">=7.25", new(7.25), nil, []string{"7.25"}, []string{"7.2"}},
	}
	for _, tt := range tests {
		t.Run(tt.written, func(t *testing.T) {
			t.Parallel()
			judged := func(value string) order.Result {
				reported, err := fetch(t, http.StatusOK, reportWith("final", "",
					fmt.Sprintf(`{"test_name":"X","result_value":%q,"reference_range":%q}`, value, tt.written)))
				require.NoError(t, err)
				return reported.LabReport.Results[0]
			}
			for _, value := range tt.normal {
				r := judged(value)
				require.Equal(t, order.InterpretationNormal, r.Interpretation, value)
				require.Equal(t, tt.min, r.Min)
				require.Equal(t, tt.max, r.Max)
			}
			for _, value := range tt.abnormal {
				require.Equal(t, order.InterpretationAbnormal, judged(value).Interpretation, value)
			}
		})
	}
	for _, unreadable := range []string{"negative", "10-1", "1-", "< 5 fasting", "1-10-20", "<", "1e5-2e5"} {
		reported, err := fetch(t, http.StatusOK, reportWith("final", "",
			fmt.Sprintf(`{"test_name":"X","result_value":"5","reference_range":%q}`, unreadable)))
		require.NoError(t, err)
		r := reported.LabReport.Results[0]
		require.Equal(t, order.InterpretationUnknown, r.Interpretation, unreadable)
		require.Equal(t, unreadable, *r.ReferenceRange)
		require.Nil(t, r.Min)
		require.Nil(t, r.Max)
	}
}

// The parser has its own tables (labs/quantity). These are results and ranges as they come through the adapter.
func TestObservationsAsLabsWriteThem(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]order.Result{
		`"result_value":"7.5","reference_range":"3.5–5.0"`: {Type: "numeric", Text: "7.5", Value: new(7.5),
			ReferenceRange: new("3.5–5.0"), Min: new(3.5), Max: new(5.0), Interpretation: "abnormal"},
		`"result_value":"7.5","units":"mmol/L","reference_range":"3.5-5.0 mmol/L"`: {Type: "numeric", Text: "7.5",
			Value: new(7.5), Unit: new("mmol/L"), ReferenceRange: new("3.5-5.0 mmol/L"), Min: new(3.5), Max: new(5.0),
			Interpretation: "abnormal"},
		`"result_value":"< 0.41","reference_range":"(.5 - 1.5)"`: {Type: "range", Text: "<0.41", Notes: new("< 0.41"),
			ReferenceRange: new("(.5 - 1.5)"), Min: new(0.5), Max: new(1.5), Interpretation: "abnormal"},
		`"result_value":"≤5","reference_range":"≤5.0"`: {Type: "range", Text: "<=5", Notes: new("≤5"),
			ReferenceRange: new("≤5.0"), Max: new(5.0), Interpretation: "normal"},
		`"result_value":">1,000","reference_range":"1,000-2,000"`: {Type: "range", Text: ">1000", Notes: new(">1,000"),
			ReferenceRange: new("1,000-2,000"), Min: new(1000.0), Max: new(2000.0), Interpretation: "unknown"},
		`"result_value":"1,234"`: {Type: "numeric", Text: "1234", Value: new(1234.0), Notes: new("1,234"),
			Interpretation: "unknown"},
		`"result":"Not Detected","result_value":"<20","units":"copies/mL"`: {Type: "coded_value", Text: "NOT_DETECTED",
			Notes: new("<20"), Unit: new("copies/mL"), Interpretation: "normal"},
	} {
		reported, err := fetch(t, http.StatusOK, reportWith("final", "", `{"test_name":"X",`+fields+`}`))
		require.NoError(t, err)
		want.Name, want.Slug = "X", "x"
		require.Equal(t, []order.Result{want}, reported.LabReport.Results, fields)
	}
}

// TestFlaggedValues: a value within its range that the lab flags is not called normal.
func TestFlaggedValues(t *testing.T) {
	t.Parallel()
	for flag, want := range map[string]order.Interpretation{
		"High": "unknown", "H": "unknown", "L*": "unknown", "*": "unknown", "abnormal": "unknown", "Critical Low": "unknown",
		"HH": "unknown", "Normal": "normal", "Negative": "normal", "Within range": "normal", "N": "normal", "": "normal",
	} {
		reported, err := fetch(t, http.StatusOK, reportWith("final", "",
			fmt.Sprintf(`{"test_name":"X","result":%q,"result_value":"4.5","reference_range":"3.5-5.0"}`, flag)))
		require.NoError(t, err)
		require.Equal(t, want, reported.LabReport.Results[0].Interpretation, flag)
	}
}

func TestReportInterpretationIsTheWorst(t *testing.T) {
	t.Parallel()
	observed := func(word string) string { return fmt.Sprintf(`{"test_name":"X","result":%q}`, word) }
	tests := map[order.Interpretation][]string{
		order.InterpretationNormal:   {observed("Not Detected"), observed("Not Detected")},
		order.InterpretationUnknown:  {observed("Not Detected"), observed("Equivocal"), observed("Not Detected")},
		order.InterpretationAbnormal: {observed("Equivocal"), observed("Detected"), observed("Not Detected")},
	}
	for want, observations := range tests {
		reported, err := fetch(t, http.StatusOK, reportWith("final", "", observations...))
		require.NoError(t, err)
		require.Equal(t, want, reported.LabReport.Interpretation)
	}
}

func TestReportStatus(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"final": "final", "Final ": "final", "": "final", "partial": "partial", "preliminary": "partial",
	} {
		reported, err := fetch(t, http.StatusOK, reportWith(written, "", chlamydia))
		require.NoError(t, err)
		require.Equal(t, want, reported.LabReport.Status, written)
	}
}

func TestNoResultsYet(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status    int
		body, pdf string
	}{
		"not found":               {404, `{"success":false,"error_msg":"results are not ready"}`, ""},
		"not found, no body":      {404, ``, ""},
		"no observations":         {200, reportWith("final", ""), ""},
		"null observations":       {200, `{"observations":null,"pdf_base64":null}`, ""},
		"a document without them": {200, reportWith("final", "%PDF"), "%PDF"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reported, err := fetch(t, tt.status, tt.body)
			require.NoError(t, err)
			require.Nil(t, reported.LabReport)
			require.Empty(t, reported.Hash)
			require.Equal(t, tt.pdf, string(reported.PDF))
			require.Equal(t, tt.body, string(reported.Raw))
		})
	}
}

func TestResultsUnusable(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty":                  ``,
		"no JSON":                `<html>Ines Okafor</html>`,
		"another order's":        strings.Replace(reportWith("final", "", chlamydia), number, "0000000000000000", 1),
		"no base64":              `{"pdf_base64":"%PDF-Okafor","observations":[` + chlamydia + `]}`,
		"an unnamed observation": reportWith("final", "", `{"result":"Detected"}`),
		"an odd value":           reportWith("final", "", `{"test_name":"X","result_value":{"n":1}}`),
	} {
		_, err := fetch(t, http.StatusOK, body)
		var unanswered *labs.UnansweredError
		require.ErrorAs(t, err, &unanswered, name)
		require.Equal(t, body, string(unanswered.Raw), name)
		require.NotContains(t, err.Error(), "Okafor")
	}
}

func TestResultsRefused(t *testing.T) {
	t.Parallel()
	const body = `{"success":false,"error_msg":"no access"}`
	for _, status := range []int{http.StatusOK, http.StatusBadRequest, http.StatusConflict} {
		_, err := fetch(t, status, body)
		require.Equal(t, &labs.RefusedError{Code: labs.CodeRefusedByLab, Raw: []byte(body)}, err)
	}
}

func TestHashDecidesWhatIsACorrection(t *testing.T) {
	t.Parallel()
	hash := func(body string) string {
		reported, err := fetch(t, http.StatusOK, body)
		require.NoError(t, err)
		return reported.Hash
	}
	base := hash(reportWith("final", "%PDF", cholesterol, chlamydia))

	same := map[string]string{
		"again": reportWith("final", "%PDF", cholesterol, chlamydia),
		"another version": strings.Replace(reportWith("final", "%PDF", cholesterol, chlamydia), `"version":1`,
			`"version":2`, 1),
		"in another order":     reportWith("final", "%PDF", chlamydia, cholesterol),
		"in other spaces":      reportWith(" Final", "%PDF", strings.ReplaceAll(cholesterol, ",", " , "), chlamydia),
		"a number as a number": reportWith("final", "%PDF", strings.Replace(cholesterol, `"31"`, `31`, 1), chlamydia),
		"empty as null as none": reportWith("final", "%PDF", strings.Replace(cholesterol, `"snp":null`, `"snp":""`, 1),
			chlamydia),
	}
	for name, body := range same {
		require.Equal(t, base, hash(body), name)
	}

	other := map[string]string{
		"a value":       reportWith("final", "%PDF", strings.Replace(cholesterol, `"31"`, `"32"`, 1), chlamydia),
		"a word":        reportWith("final", "%PDF", cholesterol, strings.Replace(chlamydia, "Not Detected", "Detected", 1)),
		"a unit":        reportWith("final", "%PDF", strings.Replace(cholesterol, "mg/dL", "g/L", 1), chlamydia),
		"a range":       reportWith("final", "%PDF", strings.Replace(cholesterol, "40-100", "40-99", 1), chlamydia),
		"a code":        reportWith("final", "%PDF", strings.Replace(cholesterol, "2085-9", "2085-8", 1), chlamydia),
		"an assay time": reportWith("final", "%PDF", strings.Replace(cholesterol, "123456Z", "123457Z", 1), chlamydia),
		"an snp":        reportWith("final", "%PDF", strings.Replace(cholesterol, `"snp":null`, `"snp":"rs1"`, 1), chlamydia),
		"one more":      reportWith("final", "%PDF", cholesterol, chlamydia, chlamydia),
		"one less":      reportWith("final", "%PDF", cholesterol),
		"the status":    reportWith("partial", "%PDF", cholesterol, chlamydia),
		"the document":  reportWith("final", "%PDF 2", cholesterol, chlamydia),
		"the strip":     strings.Replace(reportWith("final", "%PDF", cholesterol, chlamydia), `"pass"`, `"fail"`, 1),
	}
	seen := map[string]string{base: "the first"}
	for name, body := range other {
		h := hash(body)
		require.NotContains(t, seen, h, "%s is as %s", name, seen[h])
		seen[h] = name
	}
}
