package neutral_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/neutral"
	"github.com/aliquot-labs/aliquot/labs/neutral/neutraltest"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

func TestSettingsNameAllProblems(t *testing.T) {
	t.Parallel()
	for document, want := range map[string][]string{
		`{"cancl": true}`: {"cancl"},
		`{} {}`:           {"more than one document"},
		`{"collection_methods": ["testkit", "post", "testkit"], "provider": "getlabs"}`: {
			`"post" is not a collection method`, "testkit is listed twice", "provider and tiers are for accounts with schedule",
		},
		`{"collection_methods": ["on_site_collection"],
			"registrable": true}`: {"registrable is for accounts with the collection method testkit"},
		`{"collection_methods": [], "cancel": true}`: {"cancel and correct are for",
			"needs a collection method or schedule"},
		`{"schedule": true, "provider": "post", "tiers": []}`: {"provider is none of", "tiers are empty"},
		`{"schedule": true, "provider": "quest", "tiers": ["appointment-request", "appointment-ready",
			"appointment-ready", "soon"]}`: {
			"appointment-request is for phlebotomy", "appointment-ready is listed twice", `"soon" is neither`,
		},
	} {
		_, err := neutral.ParseSettings([]byte(document))
		for _, part := range want {
			require.ErrorContains(t, err, part, document)
		}
	}
	s, err := neutral.ParseSettings(nil)
	require.NoError(t, err)
	require.Equal(t, neutral.Settings{Methods: []lifecycle.Modality{lifecycle.Testkit}}, s)
	s, err = neutral.ParseSettings([]byte(`{"collection_methods": [], "schedule": true, "provider": "quest"}`))
	require.NoError(t, err)
	require.Equal(t, []labs.Tier{labs.AppointmentReady}, s.Tiers)
}

func TestNewNamesAllProblems(t *testing.T) {
	t.Parallel()
	_, err := neutral.New(labs.Account{ID: "acc-1", BaseURL: "x", User: "u", Token: "whsec_short",
		Settings: []byte(`{"schedule": true}`)}, labs.Options{})
	for _, part := range []string{"lab account acc-1", "base URL is not", "environment is neither", "token is not whsec_",
		"provider is none of"} {
		require.ErrorContains(t, err, part)
	}
	require.NotContains(t, err.Error(), "short")
}

func openClient(t *testing.T, p *neutraltest.Partner, a labs.Account) *neutral.Client {
	t.Helper()
	a.BaseURL = p.URL
	c, err := neutral.New(a, labs.Options{})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// The body of an order is that of docs/partners.md.
func TestPlaceSendsTheOrder(t *testing.T) {
	t.Parallel()
	p := neutraltest.Start(t, neutraltest.FullAccount.User, neutraltest.FullAccount.Token)
	c := openClient(t, p, neutraltest.FullAccount)
	r := neutraltest.Fixture().NewRequisition("K7Q2M9XW4T1B8C5D")
	r.Script, r.OriginNumber = "happy", "A3R8N5YV2P6H1J9E"
	r.Order.LabTest.Markers = []order.Marker{{ID: 1, Name: "HDL", ProviderID: new("H1")},
		{ID: 2, Name: "unknown to the lab"}}
	r.Order.AoEAnswers = []order.AoEAnswer{
		{MarkerID: 1, QuestionID: 7, Answer: "Y", Code: "FASTING", Question: "Fasting?", Text: "Yes"},
		{MarkerID: 2, QuestionID: 7, Answer: "Y", Code: "FASTING"},
		{MarkerID: 3, QuestionID: 8, Answer: "of a marker that is not drawn again", Code: "X"},
	}
	r.Order.Physician = &order.Physician{FirstName: "Pia", LastName: "Doe", NPI: "1234567893"}
	r.Order.ICDCodes, r.Order.Priority = []string{"Z00.0"}, true

	placed, err := c.Place(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, "N-000001", placed.Accession)
	require.Equal(t, []neutraltest.Call{{Method: "PUT", Path: "/orders/K7Q2M9XW4T1B8C5D", Body: map[string]any{
		"number": "K7Q2M9XW4T1B8C5D", "collection_method": "testkit", "registrable": false, "priority": true,
		"replaces": "A3R8N5YV2P6H1J9E",
		"script":   "happy", "icd_codes": []any{"Z00.0"}, "tests": []any{map[string]any{"code": "H1", "name": "HDL"}},
		"aoe_answers": []any{map[string]any{"test": "H1", "code": "FASTING", "question": "Fasting?", "answer": "Y"}},
		"physician":   map[string]any{"first_name": "Pia", "last_name": "Doe", "npi": "1234567893"},
		"patient": map[string]any{
			"first_name": "Ines", "last_name": "Quillfeather", "dob": "1988-11-30", "gender": "female",
			"phone_number": "+16025550142",
			"email":        "ines@example.org",
		},
		"address": map[string]any{
			"receiver_name": "Quillfeather", "first_line": "77 Elm Ct", "city": "Phoenix", "state": "AZ", "zip": "85004",
			"country": "US",
		},
	}}}, p.Calls())
}

func TestScriptIsSentToTheSandboxOnly(t *testing.T) {
	t.Parallel()
	p := neutraltest.Start(t, neutraltest.FullAccount.User, neutraltest.FullAccount.Token)
	a := neutraltest.FullAccount
	a.Environment = labs.Production // a loopback URL is allowed
	r := neutraltest.Fixture().NewRequisition("K7Q2M9XW4T1B8C5D")
	r.Script = "happy"
	_, err := openClient(t, p, a).Place(t.Context(), r)
	require.NoError(t, err)
	require.NotContains(t, p.Calls()[0].Body, "script")
}

func TestInvalidOrdersAreNotSent(t *testing.T) {
	t.Parallel()
	p := neutraltest.Start(t, neutraltest.FullAccount.User, neutraltest.FullAccount.Token)
	c := openClient(t, p, neutraltest.FullAccount)
	var refused *labs.RefusedError
	_, err := c.Place(t.Context(), labs.Requisition{OrderNumber: "..", Order: &order.Order{Modality: lifecycle.WalkIn}})
	require.ErrorAs(t, err, &refused)
	require.Equal(t, []string{"number", "collection_method", "patient", "address", "tests"}, refused.Fields)
	for _, number := range []string{"", ".", "..", "../x", "x/..", `a\..\b`, "a/./b", " a", "a\x00"} {
		_, err := c.FetchResults(t.Context(), number)
		require.ErrorAs(t, err, &refused, number)
	}
	_, err = c.Book(t.Context(), labs.Booking{OrderNumber: "1", AppointmentID: "../2", Type: order.Phlebotomy, Slot: "s"})
	require.ErrorAs(t, err, &refused)
	_, err = c.Availability(t.Context(), labs.AvailabilityQuery{Type: order.PatientServiceCenter})
	require.ErrorAs(t, err, &refused)
	require.Equal(t, []string{"type"}, refused.Fields)
	require.Empty(t, p.Calls())
}

// TestNumbersOfImportedOrdersAreEscaped asks about orders whose numbers the lab has made.
func TestNumbersOfImportedOrdersAreEscaped(t *testing.T) {
	t.Parallel()
	for _, number := range []string{"24/001234", "24 001234", "A#1?x=1&y", "100%", "a%2Fb", "a+b", "Ä-1", "a..b", "...",
		"a\\b", "a;b", "~x", `"x"`} {
		t.Run(number, func(t *testing.T) {
			t.Parallel()
			p := neutraltest.Start(t, neutraltest.FullAccount.User, neutraltest.FullAccount.Token)
			c := openClient(t, p, neutraltest.FullAccount)
			_, err := c.Place(t.Context(), neutraltest.Fixture().NewRequisition(number))
			require.NoError(t, err)
			p.PublishReport(number, map[string]any{"status": "final", "results": []any{map[string]any{"name": "A"}}})
			got, err := c.FetchResults(t.Context(), number)
			require.NoError(t, err)
			require.NotNil(t, got.LabReport)
			p.AddFact(number, "1", map[string]any{"type": "sample_received", "order_number": number})
			facts, err := c.PollFacts(t.Context(), number)
			require.NoError(t, err)
			require.Len(t, facts, 1)
			var refused *labs.RefusedError
			require.ErrorAs(t, c.Cancel(t.Context(), number, ""), &refused)
			require.Equal(t, "not_cancellable", refused.Code, "the partner knows the order")
			for _, k := range p.Calls() {
				require.Contains(t, k.Path+"/", "/orders/"+number+"/")
			}
		})
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	p := neutraltest.Start(t, neutraltest.FullAccount.User, neutraltest.FullAccount.Token)
	c := openClient(t, p, neutraltest.FullAccount)
	const number = "K7Q2M9XW4T1B8C5D"
	_, err := c.Place(t.Context(), neutraltest.Fixture().NewRequisition(number))
	require.NoError(t, err)
	p.PublishReport(number, map[string]any{
		"status": "final", "reported_at": "2026-03-01T09:00:00-07:00", "collected_at": "2026-02-26T08:00:00Z",
		"laboratory": "A Lab",
		"results": []any{
			map[string]any{"code": "H1", "name": "HDL Cholesterol", "value": 61.5, "interpretation": "abnormal", "flag": "H",
				"unit": "mg/dL"},
			map[string]any{"name": "Culture", "result": "no growth"},
		},
		"missing": []any{
			map[string]any{"name": "LDL", "failure": "internal_lab_failure", "note": "spilt"},
			map[string]any{"name": "TSH", "failure": "eaten"},
		},
		"patient": map[string]any{"first_name": "Ines", "last_name": "O", "dob": "1988-11-30"}, "pdf_base64": "JVBERg==",
	})
	got, err := c.FetchResults(t.Context(), number)
	require.NoError(t, err)
	collected := time.Date(2026, 2, 26, 8, 0, 0, 0, time.UTC)
	require.Equal(t, &order.LabReport{
		Status: "final", Interpretation: order.InterpretationAbnormal, CollectedAt: &collected,
		ReportedAt: time.Date(2026, 3, 1, 16, 0, 0, 0, time.UTC),
		Laboratory: "A Lab", Patient: &order.TestedPatient{FirstName: "Ines", LastName: "O", DOB: "1988-11-30"},
		Results: []order.Result{
			{
				Name: "HDL Cholesterol", Slug: "hdl-cholesterol", Value: new(61.5), Text: "61.5", Type: "numeric",
				Unit:           new("mg/dL"),
				Interpretation: order.InterpretationAbnormal, SourceFlag: "H", ProviderID: new("H1"),
			},
			{Name: "Culture", Slug: "culture", Text: "no growth", Type: "comment", Interpretation: order.InterpretationUnknown},
		},
		Missing: []order.MissingMarker{
			{Name: "LDL", Slug: "ldl", FailureType: "internal_lab_failure", Note: new("spilt")},
			{Name: "TSH", Slug: "tsh", FailureType: "unknown_failure"},
		},
	}, got.LabReport)
	require.Equal(t, "%PDF", string(got.PDF))

	for name, report := range map[string]map[string]any{
		"a nameless result": {"status": "final", "results": []any{map[string]any{"result": "1"}}},
		"a broken document": {"status": "final", "results": []any{map[string]any{"name": "A"}}, "pdf_base64": "%"},
	} {
		p.PublishReport(number, report)
		_, err := c.FetchResults(t.Context(), number)
		var unanswered *labs.UnansweredError
		require.ErrorAs(t, err, &unanswered, name)
	}
	for text, want := range map[string]order.Result{
		"31.5":         {Type: "numeric", Value: new(31.5)},
		">90":          {Type: "range"},
		"not measured": {Type: "comment"},
	} {
		p.PublishReport(number, map[string]any{"status": "final",
			"results": []any{map[string]any{"name": "A", "type": "numeric", "result": text}}})
		got, err := c.FetchResults(t.Context(), number)
		require.NoError(t, err)
		want.Name, want.Slug, want.Text, want.Interpretation = "A", "a", text, order.InterpretationUnknown
		require.Equal(t, []order.Result{want}, got.LabReport.Results, "without a value")
	}
	for result, want := range map[string]order.Interpretation{"critical": order.InterpretationCritical,
		"abnormal": order.InterpretationNormal} {
		p.PublishReport(number, map[string]any{"status": "final", "interpretation": "normal",
			"results": []any{map[string]any{"name": "A", "interpretation": result}}})
		got, err := c.FetchResults(t.Context(), number)
		require.NoError(t, err)
		require.Equal(t, want, got.LabReport.Interpretation, "called normal as a whole")
	}
	p.PublishReport(number, map[string]any{"status": "done", "results": []any{map[string]any{"name": "A"}}})
	got, err = c.FetchResults(t.Context(), number)
	require.NoError(t, err)
	require.Equal(t, "partial", got.LabReport.Status, "completing an order cannot be undone")
	p.PublishReport(number, map[string]any{"status": "final", "results": []any{}})
	got, err = c.FetchResults(t.Context(), number)
	require.NoError(t, err)
	require.Nil(t, got.LabReport, "nothing is no result yet")
}
