package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

func TestCreateOrder(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	endpoint := newID()
	require.NoError(t, f.store.CreateEndpoint(t.Context(),
		store.Endpoint{ID: endpoint, TeamID: f.team, URL: "http://receiver.test", Secret: "whsec_x"}))
	f.labTest = f.newLabTest(order.LabTest{Markers: []order.Marker{{
		ID: 173, Name: "Lead", Slug: "lead",
		Questions: []order.Question{{ID: 1234567890251, Code: "LCANS", Text: "Why?", Type: order.QuestionText}},
	}}})

	r := f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(map[string]any{
		"priority": true, "clinical_notes": "fasting", "icd_codes": []any{"E78.5"}, "something_new": map[string]any{"a": 1},
		"patient_details.phone_number": "602 555-0123", "patient_details.last_name": "van\tder Lee",
		"patient_details.race":  nil,
		"patient_address.state": "az", "aoe_answers": []any{map[string]any{"marker_id": 173, "question_id": 1234567890251,
			"answer": "LCANS4"}},
	}))
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	answer := r.json(t)
	require.Equal(t, "success", answer["status"])
	require.NotEmpty(t, answer["message"])
	shown := answer["order"].(map[string]any)
	require.Equal(t, "received", shown["status"])
	require.Equal(t, "received.testkit.ordered", shown["last_event"].(map[string]any)["status"])
	require.Equal(t, "initial", shown["origin"])
	require.Equal(t, "ref-42", shown["passthrough"])
	require.EqualValues(t, 1, shown["sequence"])
	require.Nil(t, shown["sample_id"])

	o := f.order(shown["id"].(string))
	require.Equal(t, f.team, o.TeamID)
	require.Equal(t, f.account, o.LabAccountID)
	require.Equal(t, "+16025550123", o.Patient.Phone)
	require.Equal(t, "van der Lee", o.Patient.LastName, "a tab between words would spoil a label")
	require.Equal(t, "AZ", o.Address.State)
	require.True(t, o.Priority)
	require.Equal(t, []string{"E78.5"}, o.ICDCodes)
	require.Equal(t, "fasting", *o.ClinicalNotes)
	require.Equal(t, int64(1234567890251), o.AoEAnswers[0].QuestionID)
	require.Equal(t, "hipaa-authorization", o.Consents[0].Type)
	require.Equal(t, order.PlacementStarted, o.State.Placement.State)

	started, nudged, _ := f.orders.snapshot()
	require.Equal(t, []string{o.ID}, started)
	require.Equal(t, []string{endpoint}, nudged)
	require.Equal(t, []string{"order.create"}, f.actions(o.ID))
}

// An order is created when it is stored. The reconciler heals later failures.
func TestCreateOrderWithoutWorkflows(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.orders.fail(errors.New("unreachable"))
	id := f.createOrder(nil)
	require.Equal(t, lifecycle.Ordered, f.order(id).Status)
	require.Contains(t, f.logs.String(), "an order is not started yet")
}

func TestCreateOrderScheduled(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	o := f.order(f.createOrder(map[string]any{"activate_by": "2026-03-09"}))
	require.Equal(t, "2026-03-09", o.ActivateBy.String())
	require.Equal(t, order.PlacementNone, o.State.Placement.State)
	require.True(t, o.State.Scheduled)

	today := f.order(f.createOrder(map[string]any{"activate_by": "2026-03-04"}))
	require.Equal(t, order.PlacementStarted, today.State.Placement.State, "today means now")
}

func TestCreateOrderAcceptsDocumentedSamples(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, set := range map[string]map[string]any{
		"phone of the samples":    {"patient_address.phone_number": "+1123456789"},
		"phone with an area code": {"patient_details.phone_number": "(602) 555-0123"},
		"timestamp as birth date": {"patient_details.dob": "1990-01-01T00:00:00.000Z"},
		"naive timestamp":         {"patient_details.dob": "1990-01-01T00:00:00"},
		"gender in capitals":      {"patient_details.gender": "Female"},
		"deprecated lab test":     {"order_set": nil, "lab_test_id": f.labTest},
		"both name the same":      {"lab_test_id": f.labTest},
		"collection method":       {"collection_method": "testkit"},
		"long zip":                {"patient_address.zip": "85004-1234"},
		"apostrophe and hyphen":   {"patient_details.first_name": "Anne-Marie O'Neil, Jr."},
		"country in words":        {"patient_address.country": "United States"},
		"account named":           {"lab_account_id": f.account},
		"account named in set": {"order_set": map[string]any{"lab_test_ids": []any{f.labTest},
			"lab_account_id": f.account}},
		"no receiver":              {"patient_address.receiver_name": nil},
		"empty phone of addresses": {"patient_address.phone_number": ""},
		"upper-case id":            {"user_id": strings.ToUpper(f.user)},
	} {
		r := f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(set))
		require.Equal(t, http.StatusOK, r.status, "%s: %s", name, r.body)
	}
	nulls := f.orderBody(nil)
	for _, key := range []string{
		"lab_test_id", "collection_method", "physician", "priority", "icd_codes", "activate_by", "aoe_answers",
		"clinical_notes", "lab_account_id", "creator_member_id", "health_insurance", "billing_type", "consents",
	} {
		nulls[key] = nil
	}
	for _, key := range []string{"medical_proxy", "race", "ethnicity", "household_income"} {
		nulls["patient_details"].(map[string]any)[key] = nil
	}
	r := f.sendWithKey(http.MethodPost, "/v3/order", f.key, nulls)
	require.Equal(t, http.StatusOK, r.status, "explicit null is absent: %s", r.body)
	r = f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(nil), "Content-Type", "text/plain")
	require.Equal(t, http.StatusOK, r.status, "a body is JSON whatever it is called: %s", r.body)
}

func TestCreateOrderInvalid(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	details := func(field string) []any { return []any{"body", "patient_details", field} }
	address := func(field string) []any { return []any{"body", "patient_address", field} }
	tests := map[string]struct {
		set  map[string]any
		loc  []any
		kind string
	}{
		"no user":          {map[string]any{"user_id": nil}, []any{"body", "user_id"}, "missing"},
		"user is no uuid":  {map[string]any{"user_id": "42"}, []any{"body", "user_id"}, "uuid_parsing"},
		"user is a number": {map[string]any{"user_id": 42}, []any{"body", "user_id"}, "string_type"},
		"nothing ordered":  {map[string]any{"order_set": nil}, []any{"body", "order_set"}, "missing"},
		"test is no uuid": {map[string]any{"order_set.lab_test_ids": []any{"x"}},
			[]any{"body", "order_set", "lab_test_ids", 0.0}, "uuid_parsing"},
		"unknown method": {map[string]any{"collection_method": "by_pigeon"}, []any{"body", "collection_method"},
			"enum"},
		"unknown billing":   {map[string]any{"billing_type": "barter"}, []any{"body", "billing_type"}, "enum"},
		"no patient":        {map[string]any{"patient_details": nil}, []any{"body", "patient_details"}, "missing"},
		"patient is a list": {map[string]any{"patient_details": []any{}}, []any{"body", "patient_details"}, "dict_type"},
		"no first name":     {map[string]any{"patient_details.first_name": nil}, details("first_name"), "missing"},
		"accent in name": {map[string]any{"patient_details.first_name": "Zoë"}, details("first_name"),
			"string_pattern_mismatch"},
		"double blank in name": {map[string]any{"patient_details.first_name": "Ann  B"}, details("first_name"),
			"string_pattern_mismatch"},
		"long name": {map[string]any{"patient_details.last_name": strings.Repeat("a", 51)}, details("last_name"),
			"string_too_long"},
		"birth date is prose": {map[string]any{"patient_details.dob": "last spring"}, details("dob"),
			"date_from_datetime_parsing"},
		"birth date is no day": {map[string]any{"patient_details.dob": "1990-02-30"}, details("dob"),
			"date_from_datetime_parsing"},
		"birth date has a time": {map[string]any{"patient_details.dob": "1990-01-01T07:00:00Z"}, details("dob"),
			"date_from_datetime_parsing"},
		"born tomorrow":       {map[string]any{"patient_details.dob": "2026-03-05"}, details("dob"), "value_error"},
		"birth date a number": {map[string]any{"patient_details.dob": 19900101}, details("dob"), "string_type"},
		"unknown gender":      {map[string]any{"patient_details.gender": "f"}, details("gender"), "enum"},
		"phone is prose": {map[string]any{"patient_details.phone_number": "call me"}, details("phone_number"),
			"value_error"},
		"phone is short": {map[string]any{"patient_details.phone_number": "+12 34 5 6"}, details("phone_number"),
			"value_error"},
		"email is none": {map[string]any{"patient_details.email": "ann"}, details("email"), "value_error"},
		"email with a name": {map[string]any{"patient_details.email": "Ann <ann@example.com>"}, details("email"),
			"value_error"},
		"unknown race": {map[string]any{"patient_details.race": "martian"}, details("race"), "enum"},
		"income is a fraction": {map[string]any{"patient_details.household_income": 1.5}, details("household_income"),
			"int_type"},
		"short zip": {map[string]any{"patient_address.zip": "8500"}, address("zip"), "string_pattern_mismatch"},
		"no zip":    {map[string]any{"patient_address.zip": nil}, address("zip"), "missing"},
		"long access notes": {map[string]any{"patient_address.access_notes": strings.Repeat("a", 1001)},
			address("access_notes"), "string_too_long"},
		"address phone": {map[string]any{"patient_address.phone_number": "none"}, address("phone_number"),
			"value_error"},
		"activate in the past": {map[string]any{"activate_by": "2026-03-03"}, []any{"body", "activate_by"}, "value_error"},
		"activate is no date": {map[string]any{"activate_by": "soon"}, []any{"body", "activate_by"},
			"date_from_datetime_parsing"},
		"priority is a text": {map[string]any{"priority": "yes"}, []any{"body", "priority"}, "bool_type"},
		"unknown consent": {map[string]any{"consents": []any{map[string]any{"consentType": "x"}}},
			[]any{"body", "consents", 0.0, "consentType"}, "enum"},
		"consent time": {map[string]any{"consents": []any{map[string]any{"consentType": "privacy-policy",
			"timeOfConsent": "x"}}}, []any{"body", "consents", 0.0, "timeOfConsent"}, "datetime_parsing"},
		"codes are no list": {map[string]any{"icd_codes": "E78.5"}, []any{"body", "icd_codes"}, "list_type"},
		"proxy without address": {map[string]any{"patient_details.medical_proxy": map[string]any{"first_name": "M",
			"last_name": "L", "phone_number": "+16025550124"}}, []any{"body", "patient_details", "medical_proxy", "address"},
			"missing"},
	}
	for name, tt := range tests {
		t.Log(name) // shown when what follows fails
		r := f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(tt.set), "X-Idempotency-Key", name)
		require.Equal(t, http.StatusUnprocessableEntity, r.status, string(r.body))
		requireProblem(t, r, tt.loc, tt.kind)
	}
	require.Zero(t, f.countOrders())
	started, _, _ := f.orders.snapshot()
	require.Empty(t, started)
}

func requireProblem(t *testing.T, r reply, loc []any, kind string) {
	t.Helper()
	list, ok := r.detail(t).([]any)
	require.True(t, ok, string(r.body))
	require.Len(t, list, 1, string(r.body))
	item := list[0].(map[string]any)
	require.Equal(t, loc, item["loc"])
	require.Equal(t, kind, item["type"])
	require.NotEmpty(t, item["msg"])
}

func TestCreateOrderReportsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(map[string]any{
		"user_id": "42", "activate_by": "soon", "patient_details.dob": "Jan 1", "patient_details.first_name": "Zoë-secret",
		"patient_address.zip": "x", "patient_address.phone_number": "none",
	}), "X-Idempotency-Error", "maybe")
	require.Equal(t, http.StatusUnprocessableEntity, r.status)
	require.Len(t, r.detail(t), 7, string(r.body))
	require.NotContains(t, string(r.body), "secret", "what was sent is not repeated")
	require.NotContains(t, string(r.body), "Jan 1")
}

func TestCreateOrderBodyIsNoJSON(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, tt := range map[string]struct {
		body string
		kind string
	}{
		"malformed": {`{"user_id": "Ann Lee`, "json_invalid"},
		"broken":    {"\xff\xfe", "json_invalid"},
		"prose":     {`Ann Lee`, "json_invalid"},
		"trailing":  {`{} {}`, "json_invalid"},
		"list":      {`[]`, "dict_type"},
		"null":      {`null`, "dict_type"},
	} {
		r := f.sendWithKey(http.MethodPost, "/v3/order", f.key, tt.body)
		require.Equal(t, http.StatusUnprocessableEntity, r.status, name)
		requireProblem(t, r, []any{"body"}, tt.kind)
		require.NotContains(t, string(r.body), "Ann", name)
	}
	r := f.sendWithKey(http.MethodPost, "/v3/order", f.key, nil)
	require.Equal(t, http.StatusUnprocessableEntity, r.status)
	requireProblem(t, r, []any{"body"}, "missing")
	require.Zero(t, f.countOrders())
}

func TestCreateOrderRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	inactive := f.newLabTest(order.LabTest{Status: "inactive"})
	walkIn := f.newLabTest(order.LabTest{Method: lifecycle.WalkIn})
	minor := map[string]any{"patient_details.dob": "2010-01-01"}
	set := func(id string) map[string]any { return map[string]any{"order_set.lab_test_ids": []any{id}} }
	tests := map[string]struct {
		set    map[string]any
		status int
		text   string
	}{
		"unknown user": {map[string]any{"user_id": newID()}, http.StatusNotFound, "User not found"},
		"foreign user": {map[string]any{"user_id": f.newUser(f.newTeam(store.Sandbox, ""))}, http.StatusNotFound,
			"User not found"},
		"unknown test":  {set(newID()), http.StatusBadRequest, "Lab test does not exist"},
		"inactive test": {set(inactive), http.StatusBadRequest, "Lab test is not active"},
		"no test in the set": {map[string]any{"order_set": map[string]any{}}, http.StatusBadRequest,
			"A lab test is required"},
		"one of two tests": {map[string]any{"lab_test_id": inactive}, http.StatusBadRequest, "Lab test is not active"},
		"two methods":      {map[string]any{"lab_test_id": walkIn}, http.StatusBadRequest, "different collection methods"},
		"other method": {map[string]any{"collection_method": "walk_in_test"}, http.StatusBadRequest,
			"collection method walk_in_test"},
		"walk-in test": {set(walkIn), http.StatusBadRequest, "Collection method walk_in_test is not available"},
		"insurance": {map[string]any{"billing_type": "commercial_insurance"}, http.StatusBadRequest,
			"commercial_insurance"},
		"minor": {minor, http.StatusBadRequest, "under 18"},
		"unknown account": {map[string]any{"lab_account_id": newID()}, http.StatusBadRequest,
			"Lab account does not exist"},
	}
	for name, tt := range tests {
		t.Log(name) // shown when what follows fails
		r := f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(tt.set))
		require.Equal(t, tt.status, r.status, string(r.body))
		require.Contains(t, r.detail(t), tt.text)
	}
	require.Zero(t, f.countOrders())
}

func TestCreateOrderForMinors(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.team = f.newTeam(store.Sandbox, `{"minors": true}`)
	f.key, f.user = f.newKey(f.team, store.RoleClient), f.newUser(f.team)
	minor := map[string]any{"patient_details.dob": "2008-03-05"} // 18 tomorrow
	r := f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(minor))
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Contains(t, r.detail(t), "medical proxy")

	minor["patient_details.medical_proxy"] = map[string]any{
		"first_name": "Mary", "last_name": "Lee", "phone_number": "+16025550199",
		"address": map[string]any{"first_line": "1 Main St", "country": "US", "zip": "85004", "city": "Phoenix",
			"state": "AZ"},
	}
	o := f.order(f.createOrder(minor))
	require.Contains(t, string(o.Patient.MedicalProxy), "Mary")
	require.True(t, o.State.Policy.AllowMinors, "the policy is kept with the order")

	f.createOrder(map[string]any{"patient_details.dob": "2008-03-04"}) // 18 today
}

func TestLabAccountSelection(t *testing.T) {
	t.Parallel()
	post := func(f *fixture, set map[string]any) reply {
		return f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(set))
	}
	t.Run("the team's own wins over the platform's", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		own := f.newAccount(store.LabAccount{TeamID: f.team})
		require.Equal(t, own, f.order(f.createOrder(nil)).LabAccountID)
	})
	t.Run("several active", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.newAccount(store.LabAccount{TeamID: f.team})
		second := f.newAccount(store.LabAccount{TeamID: f.team})
		require.Contains(t, post(f, nil).detail(t), "Several lab accounts")
		require.Equal(t, second, f.order(f.createOrder(map[string]any{"lab_account_id": second})).LabAccountID)
	})
	t.Run("linked, but none active: no fallback", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.newAccount(store.LabAccount{TeamID: f.team, Status: "suspended"})
		require.Contains(t, post(f, nil).detail(t), "No active lab account")
	})
	t.Run("a sandbox team never reaches a real lab", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		production := f.newAccount(store.LabAccount{TeamID: f.team, Environment: store.Production})
		require.Equal(t, f.account, f.order(f.createOrder(nil)).LabAccountID)
		require.Equal(t, http.StatusBadRequest, post(f, map[string]any{"lab_account_id": production}).status)
	})
	t.Run("a production team never reaches the simulated lab", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.team = f.newTeam(store.Production, "")
		f.key, f.user = f.newKey(f.team, store.RoleClient), f.newUser(f.team)
		require.Contains(t, post(f, nil).detail(t), "No active lab account")
	})
}

func TestCreateOrderResolvesThePolicy(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.team = f.newTeam(store.Sandbox, `{"replacement": "auto", "replacement_limit": 5}`)
	f.key, f.user = f.newKey(f.team, store.RoleClient), f.newUser(f.team)
	f.account = f.newAccount(store.LabAccount{TeamID: f.team,
		Policy: []byte(`{"recovery": {"window": "168h", "reminders": ["72h"]}}`)})
	f.labTest = f.newLabTest(order.LabTest{Policy: []byte(`{"replacement": "never"}`)})
	policy := f.order(f.createOrder(nil)).State.Policy
	require.Equal(t, order.ReplaceNever, policy.Replacement, "the lab test wins")
	require.Equal(t, 5, policy.ReplacementLimit)
	require.Equal(t, 7*order.Day, policy.Recovery.Window.Std())
}
