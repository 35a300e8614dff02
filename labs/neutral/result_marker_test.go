package neutral_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/neutral"
	"github.com/aliquot-labs/aliquot/labs/neutral/neutraltest"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

const reportedNumber = "K7Q2M9XW4T1B8C5D"

// reportOf returns a lab report as the client of a partner reads it.
func reportOf(t *testing.T, body string) (labs.FetchedResults, error) {
	t.Helper()
	var report map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &report))
	p := neutraltest.Start(t, neutraltest.FullAccount.User, neutraltest.FullAccount.Token)
	c := openClient(t, p, neutraltest.FullAccount)
	_, err := c.Place(t.Context(), neutraltest.Fixture().NewRequisition(reportedNumber))
	require.NoError(t, err)
	p.PublishReport(reportedNumber, report)
	return c.FetchResults(t.Context(), reportedNumber)
}

// resultOf returns the only result of a lab report.
func resultOf(t *testing.T, fields string) (order.Result, *order.LabReport) {
	t.Helper()
	got, err := reportOf(t, `{"status":"final","results":[{"name":"Potassium",`+fields+`}]}`)
	require.NoError(t, err)
	require.Len(t, got.LabReport.Results, 1)
	require.Equal(t, "Potassium", got.LabReport.Results[0].Name)
	return got.LabReport.Results[0], got.LabReport
}

func TestResultsAreJudgedByTheirOwnBounds(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]order.Interpretation{
		`"result":"7.5","reference_range":"3.5–5.0"`:                                      "abnormal",
		`"result":7.5,"reference_range":"3.5-5.0 mmol/L","unit":"mmol/L"`:                 "abnormal",
		`"result":"4","reference_range":"(3.5 - 5.0)"`:                                    "normal",
		`"value":7.5,"min":3.5,"max":5.0`:                                                 "abnormal",
		`"value":"7.5","min":"3.5","max":"5.0"`:                                           "abnormal",
		`"value":4,"min":3.5,"max":5.0`:                                                   "normal",
		`"value":5.0,"min":3.5,"max":5.0`:                                                 "normal",
		`"value":5.0,"max":5.0,"reference_range":"<5.0"`:                                  "abnormal",
		`"value":7.5,"max":5.0`:                                                           "abnormal",
		`"value":2,"min":3.5,"reference_range":"3.5-5.0"`:                                 "abnormal",
		`"result":"< 0.41","min":0.5,"max":1.5`:                                           "abnormal",
		`"result":"≤5","reference_range":"≤5.0"`:                                          "normal",
		`"result":"<0.41","reference_range":"0.2-1.5"`:                                    "unknown",
		`"result":"7.5","reference_range":"3.5-5.0 mg/dL","unit":"mmol/L"`:                "unknown",
		`"value":7.5,"min":3.5,"max":5.0,"reference_range":"35-50"`:                       "unknown",
		`"value":7.5,"min":5.0,"max":3.5`:                                                 "unknown",
		`"value":7.5`:                                                                     "unknown",
		`"result":"7.5","min":3.5,"max":"≤5.0"`:                                           "abnormal",
		`"result":"7.5","min":3.5,"max":"5.0 mmol/L","unit":"mmol/L"`:                     "abnormal",
		`"result":"7.5","min":3.5,"max":"5.0 mg/dL","unit":"mmol/L"`:                      "unknown",
		`"result":"7.5","min":3.5,"max":"5,0"`:                                            "unknown",
		`"result":"3","min":3.5,"max":"5,0"`:                                              "unknown",
		`"result":"7.5","min":3.5,"max":"5,0","reference_range":"3.5-5.0"`:                "abnormal",
		`"result":"999","min":"3.5","max":"1,000"`:                                        "normal",
		`"result":"1,001","min":"3.5","max":"1,000"`:                                      "abnormal",
		`"result":"3","min":">3","max":5`:                                                 "abnormal",
		`"result":"2","min":"<3","max":5`:                                                 "unknown",
		`"result":"7.5","max":"none"`:                                                     "unknown",
		`"result":"7.5","value":4.5,"min":3.5,"max":5`:                                    "unknown",
		`"result":"4.5","value":4.48,"min":3.5,"max":5`:                                   "normal",
		`"result":"high","value":"1,000","max":500`:                                       "abnormal",
		`"value":7.5,"reference_range":"see note"`:                                        "unknown",
		`"value":4,"min":3.5,"max":5.0,"flag":"H"`:                                        "unknown",
		`"value":4,"min":3.5,"max":5.0,"flag":"N"`:                                        "normal",
		`"value":7.5,"min":3.5,"max":5.0,"interpretation":"Normal"`:                       "normal",
		`"value":4,"min":3.5,"max":5.0,"interpretation":" CRITICAL"`:                      "critical",
		`"value":7.5,"min":3.5,"max":5.0,"interpretation":"unknown"`:                      "unknown",
		`"value":4,"min":3.5,"max":5.0,"interpretation":"borderline"`:                     "unknown",
		`"value":7.5,"min":3.5,"max":5.0,"interpretation":null`:                           "abnormal",
		`"result":"see note","reference_range":"3.5-5.0"`:                                 "unknown",
		`"result":"7.5","type":"comment","reference_range":"3.5-5.0"`:                     "unknown",
		`"result":"DETECTED","type":"coded_value","reference_range":"1-2","flag":"A"`:     "unknown",
		`"result":"7.5","type":"NUMERIC","reference_range":"3.5-5.0","interpretation":""`: "abnormal",
	} {
		got, report := resultOf(t, fields)
		require.Equal(t, want, got.Interpretation, fields)
		require.Equal(t, want, report.Interpretation, "the report of %s", fields)
	}
}

func TestResultsAsPartnersWriteThem(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]order.Result{
		`"result":75`:                       {Type: "numeric", Text: "75", Value: new(75.0)},
		`"result":7.5,"type":"numeric"`:     {Type: "numeric", Text: "7.5", Value: new(7.5)},
		`"value":7.5`:                       {Type: "numeric", Text: "7.5", Value: new(7.5)},
		`"value":"7.5"`:                     {Type: "numeric", Text: "7.5", Value: new(7.5)},
		`"value":"≤5"`:                      {Type: "range", Text: "<=5", Notes: new("≤5")},
		`"result":"≤5","type":"range"`:      {Type: "range", Text: "<=5", Notes: new("≤5")},
		`"result":">1,000"`:                 {Type: "range", Text: ">1000", Notes: new(">1,000")},
		`"result":"< 0.41","value":0.41`:    {Type: "range", Text: "<0.41", Notes: new("< 0.41")},
		`"result":"1,234","type":"numeric"`: {Type: "numeric", Text: "1234", Value: new(1234.0), Notes: new("1,234")},
		`"result":"see note","value":5`:     {Type: "numeric", Text: "5", Value: new(5.0), Notes: new("see note")},
		`"result":"about 5","type":"range"`: {Type: "comment", Text: "about 5"},
		`"result":"3,5","type":"numeric"`:   {Type: "comment", Text: "3,5"},
		`"result":"7.5 mmol/L"`: {Type: "numeric", Text: "7.5", Value: new(7.5), Unit: new("mmol/L"),
			Notes: new("7.5 mmol/L")},
		`"result":"DETECTED","type":"Coded_Value"`:    {Type: "coded_value", Text: "DETECTED"},
		`"result":"5","type":"range"`:                 {Type: "numeric", Text: "5", Value: new(5.0)},
		`"result":"no growth","code":17,"loinc":null`: {Type: "comment", Text: "no growth", ProviderID: new("17")},
	} {
		got, _ := resultOf(t, fields)
		want.Name, want.Slug, want.Interpretation = "Potassium", "potassium", order.InterpretationUnknown
		require.Equal(t, want, got, fields)
	}
}

// TestAmbiguousRangesHaveNoBounds: what is shown as a bound is one.
func TestAmbiguousRangesHaveNoBounds(t *testing.T) {
	t.Parallel()
	for _, written := range []string{"1.0E3-2.0E3", "1/2-3", "5.0-3.5", "3.5-5.0 mg/dL", "70-99 (fasting)"} {
		r, _ := resultOf(t, `"result":"4","unit":"mmol/L","reference_range":"`+written+`"`)
		require.Nil(t, r.Min, written)
		require.Nil(t, r.Max, written)
		require.Equal(t, order.InterpretationUnknown, r.Interpretation, written)
		require.Equal(t, written, *r.ReferenceRange)
	}
}

// TestBooleansAreText: a field in a form that no result has does not make the lab report unreadable.
func TestBooleansAreText(t *testing.T) {
	t.Parallel()
	r, _ := resultOf(t, `"result":true,"flag":false,"min":false`)
	require.Equal(t, "true", r.Text)
	require.Equal(t, "comment", r.Type)
	require.Equal(t, order.InterpretationUnknown, r.Interpretation)
}

// TestPatientsAsPartnersWriteThem: a patient in another form is read as far as possible, and no report is lost for it.
func TestPatientsAsPartnersWriteThem(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]*order.TestedPatient{
		`{"first_name":"A","last_name":"Null","dob":"1980-01-02"}`: {FirstName: "A", LastName: "Null", DOB: "1980-01-02"},
		`{"first_name":"A","last_name":"null","dob":"null"}`:       {FirstName: "A", LastName: "null"},
		`{"first_name":"A","last_name":"B","dob":19800102}`:        {FirstName: "A", LastName: "B", DOB: "19800102"},
		`{"first_name":null,"last_name":7}`:                        {LastName: "7"},
		`{"first_name":["A"],"last_name":"B"}`:                     {LastName: "B"},
		`{}`:                                                       {},
		`"null"`:                                                   nil, `null`: nil, `"A B"`: nil, `[]`: nil, `5`: nil,
	} {
		_, report := resultOf(t, `"result":"1"}],"patient":`+written+`,"missing":[{"name":"Sodium"`)
		require.Equal(t, want, report.Patient, written)
	}
}

func TestReportStatusInAnyCase(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"final": "final", "FINAL": "final", " Final ": "final", "PARTIAL": "partial", "done": "partial", "": "partial",
	} {
		got, err := reportOf(t, `{"status":"`+written+`","interpretation":"ABNORMAL","results":[{"name":"A"}],
			"missing":[{"name":"B","failure":"Internal_Lab_Failure"}]}`)
		require.NoError(t, err)
		require.Equal(t, want, got.LabReport.Status, written)
		require.Equal(t, order.InterpretationAbnormal, got.LabReport.Interpretation)
		require.Equal(t, "internal_lab_failure", got.LabReport.Missing[0].FailureType)
	}
	_, err := reportOf(t, `{"status":"final","results":[{"name":"A","result":{"n":1}}]}`)
	var unanswered *labs.UnansweredError
	require.ErrorAs(t, err, &unanswered, "the control: an object is no text")
}

// Words of fixed lists mean the same in capitals.
func TestFactsInAnyCase(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]order.Fact{
		`{"order_number":"1","type":"Transit","data":{"leg":"OUTBOUND","status":"With_Customer "}}`: {
			Kind: order.FactCourierReport, Leg: "outbound", TargetStatus: lifecycle.WithCustomer, LegEnded: true},
		`{"order_number":"1","type":"REPORT_READY"}`: {Kind: order.FactReportReady},
	} {
		m := neutral.Decode("1", []byte(body), receivedAt)
		require.Empty(t, m.Problem, body)
		want.ReceivedAt = m.Fact.ReceivedAt
		require.Equal(t, want, *m.Fact)
	}
	m := neutral.Decode("1", []byte(`{"order_number":"1","type":"appointment","data":{"id":"2","status":"CONFIRMED",
		"start":"2026-03-01T09:00:00Z"}}`), receivedAt)
	require.Empty(t, m.Problem)
	require.Equal(t, lifecycle.AppointmentStatusConfirmed, m.Fact.Appointment.Status)
	require.Equal(t, labs.UnknownType, neutral.Decode("1", []byte(`{"order_number":"1","type":"other"}`),
		receivedAt).Problem)
}
