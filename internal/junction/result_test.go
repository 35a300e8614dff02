package junction_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/order"
)

func ptrFloat(f float64) *float64 { return &f }

func labReport() order.ResultVersion {
	at := time.Date(2026, 1, 12, 8, 0, 0, 0, time.UTC)
	collected := at.AddDate(0, 0, -4)
	return order.ResultVersion{Version: 1, Visible: true, Report: order.LabReport{
		Status: "final", Interpretation: order.InterpretationAbnormal, CollectedAt: &collected, ReportedAt: at,
		Laboratory: "MTL",
		Results: []order.Result{
			{
				Name: "HDL Cholesterol", Slug: "hdl-cholesterol", Value: ptrFloat(31), Text: "31", Type: "numeric",
				Unit: ptr("mg/dL"), Timestamp: &at,
				ReferenceRange: ptr(">39"), Min: ptrFloat(39), Interpretation: order.InterpretationAbnormal, SourceFlag: "L",
				LOINC: ptr("2085-9"), ProviderID: ptr("011817"),
			},
			{Name: "Comment", Slug: "comment", Text: "hemolysed", Type: "comment", Interpretation: order.InterpretationNormal},
		},
		Missing: []order.MissingMarker{{
			Name: "Triglycerides", Slug: "triglycerides", FailureType: "quantity_not_sufficient_failure",
			Note:  ptr("too little"),
			LOINC: ptr("2571-8"), ProviderID: ptr("001172"),
		}},
	}}
}

func TestFromResult(t *testing.T) {
	t.Parallel()
	o := testkitOrder()
	o.Physician = &order.Physician{FirstName: "Jane", LastName: "Smith", NPI: "1234567890"}
	o.LabTest.Markers = []order.Marker{
		{ID: 229, Name: "Lipid Panel", Slug: "lipid-panel", ProviderID: ptr("303756"),
			ExpectedResults: []order.ExpectedResult{{ID: 1, Slug: "hdl", ProviderID: ptr("011817")}}},
		{ID: 230, Name: "Triglycerides", Slug: "trig", ProviderID: ptr("001172")},
	}
	r := junction.FromResultVersion(o, labReport())

	require.Equal(t, "6", r.Metadata.Age)
	require.Equal(t, "2020-01-01", r.Metadata.DOB)
	require.Equal(t, "John Doe", r.Metadata.Patient)
	require.Equal(t, "Jane Smith", *r.Metadata.Provider)
	require.Equal(t, "2026-01-12", r.Metadata.DateReported)
	require.Equal(t, "2026-01-08", *r.Metadata.DateCollected)
	require.Nil(t, r.Metadata.DateReceived)
	require.Equal(t, "123456789", r.Metadata.SpecimenNumber)

	hdl := r.Results[0]
	require.InDelta(t, 31, hdl.Value, 0)
	require.True(t, *hdl.IsBelowMinRange)
	require.Nil(t, hdl.IsAboveMaxRange)
	require.Equal(t, []junction.SourceMarker{{MarkerID: 229, Name: "Lipid Panel", Slug: "lipid-panel",
		ProviderID: ptr("303756")}}, hdl.SourceMarkers, "the panel contains the result")

	comment := r.Results[1]
	require.InDelta(t, -1, comment.Value, 0)
	require.Equal(t, "hemolysed", *comment.Notes)
	require.Nil(t, comment.SourceMarkers, "the comment was not ordered")
	require.Equal(t, junction.MissingResult{
		Name: "Triglycerides", Slug: "triglycerides", InferredFailureType: "quantity_not_sufficient_failure",
		Note:  ptr("too little"),
		LOINC: ptr("2571-8"), ProviderID: ptr("001172"),
		SourceMarkers: []junction.SourceMarker{{MarkerID: 230, Name: "Triglycerides", Slug: "trig",
			ProviderID: ptr("001172")}},
	}, r.MissingResults[0])
	require.Contains(t, r.SampleInformation, "123456789")
}

// The rendered results have every key of the sample in client-api#22-fixtures.
func TestFromResultHasTheKeysOfTheContract(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(junction.FromResultVersion(testkitOrder(), labReport()))
	require.NoError(t, err)
	got := keyTypes(decode(t, b))
	for key := range keyTypes(decode(t, readFixture(t, "contract/result.json"))) {
		if !belowUnfilledValues(key) {
			require.Contains(t, got, key)
		}
	}
	require.Equal(t, "string", got[".metadata.age"])
	require.Equal(t, "string", got[".results[].result"])
}

// belowUnfilledValues reports whether a key path lies below a value that is set in the sample and not in this report.
func belowUnfilledValues(key string) bool {
	for _, parent := range []string{".results[].source_markers", ".sample_information.123456789.date_collected",
		".sample_information.123456789.clinical_information"} {
		if len(key) > len(parent) && key[:len(parent)] == parent {
			return true
		}
	}
	return false
}

func TestAgeOnTheDayOfTheReport(t *testing.T) {
	t.Parallel()
	o, v := testkitOrder(), labReport()
	for born, want := range map[string]string{"1990-01-12": "36", "1990-01-13": "35", "1990-02-01": "35",
		"1989-12-31": "36"} {
		d, err := order.ParseDate(born)
		require.NoError(t, err)
		o.Patient.DOB = d
		require.Equal(t, want, junction.FromResultVersion(o, v).Metadata.Age, born)
	}
}

func TestEmptyReport(t *testing.T) {
	t.Parallel()
	o := testkitOrder()
	o.Patient, o.SampleID = nil, ""
	b, err := json.Marshal(junction.FromResultVersion(o, order.ResultVersion{}))
	require.NoError(t, err)
	m := decode(t, b)
	require.Equal(t, []any{}, m["results"])
	require.Equal(t, []any{}, m["missing_results"])
	require.Nil(t, m["sample_information"])
	require.Empty(t, m["metadata"].(map[string]any)["age"])
}

// The notes of a result are the lab's words where the result has another form.
func TestNotesAreTheLabsWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		result order.Result
		want   *string
	}{
		{order.Result{Type: "range", Text: "<=5", Notes: ptr("≤5")}, ptr("≤5")},
		{order.Result{Type: "range", Text: "<5"}, ptr("<5")},
		{order.Result{Type: "comment", Text: "see report"}, ptr("see report")},
		{order.Result{Type: "numeric", Text: "1234", Notes: ptr("1,234")}, ptr("1,234")},
		{order.Result{Type: "numeric", Text: "5"}, nil},
	} {
		out := junction.FromResultVersion(order.Order{}, order.ResultVersion{Report: order.LabReport{
			Results: []order.Result{tt.result}}})
		require.Equal(t, tt.want, out.Results[0].Notes)
	}
}
