package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// This file tests the rules of fields (client-api#5-validation), in every request that has the fields. The rules of
// user info are tested with it.

// patientRequest is a request that has a patient and an address.
type patientRequest struct {
	name    string
	post    func(set map[string]any) reply
	details string // where its patient is
	address string // where its strictly checked address is; empty: it has none
}

func TestRulesOfPatients(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCapabilities(labs.Capabilities{Registrable: true}))
	for _, r := range []patientRequest{
		{"an order", func(set map[string]any) reply {
			return f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(set))
		}, "patient_details", "patient_address"},
		{"an import", func(set map[string]any) reply {
			body := f.importBody(map[string]any{"sample_id": newID()})
			for path, value := range set {
				setPath(body, path, value)
			}
			return f.sendWithKey(http.MethodPost, "/v3/order/import", f.key, body)
		}, "patient_details", ""},
		{"a registration", f.newRegistrationRequest(), "patient_details", "patient_address"},
	} {
		t.Log(r.name) // shown when what follows fails
		check(t, patientRules(r))
		if r.address != "" {
			check(t, addressRules(r.post, r.address, "zip"))
		}
	}
}

// newRegistrationRequest asks for the registration of a kit that is not registered yet.
func (f *fixture) newRegistrationRequest() func(set map[string]any) reply {
	sample := ""
	return func(set map[string]any) reply {
		f.t.Helper()
		if sample == "" {
			sample = "KIT-" + newID()
			f.createRegistrableKit(sample)
		}
		r := f.sendWithKey(http.MethodPost, "/v3/order/testkit/register", f.key, f.registration(sample, set))
		if r.status == http.StatusOK {
			sample = ""
		}
		return r
	}
}

// patientRules are the rules of PatientDetailsWithValidation.
func patientRules(r patientRequest) []contractRule {
	with := func(field string, value any) func() reply {
		return func() reply { return r.post(map[string]any{r.details + "." + field: value}) }
	}
	at := "body." + r.details + "."
	rules := []contractRule{
		{rule: "a name has 50 characters", request: with("first_name", strings.Repeat("a", 50))},
		{rule: "and no more", request: with("first_name", strings.Repeat("a", 51)), loc: at + "first_name",
			kind: "string_too_long"},
		{rule: "dob is YYYY-MM-DD", request: with("dob", "01/02/1990"), loc: at + "dob", kind: "date_from_datetime_parsing"},
		{rule: "dob is a day that there is", request: with("dob", "1990-02-30"), loc: at + "dob",
			kind: "date_from_datetime_parsing"},
		{rule: "dob may be a timestamp at midnight", request: with("dob", "1990-01-01T00:00:00.000Z"),
			shows: map[string]any{"order.patient_details.dob": "1990-01-01T00:00:00Z"}},
		{rule: "dob has no time of day", request: with("dob", "1990-01-01T07:00:00Z"), loc: at + "dob",
			kind: "date_from_datetime_parsing"},
		{rule: "dob is not to come", request: with("dob", "2026-03-05"), loc: at + "dob", kind: "value_error"},
		{rule: "dob is a text", request: with("dob", 19900101), loc: at + "dob", kind: "string_type"},
		{rule: "dob is shown as a time", request: with("dob", "1990-01-01"),
			shows: map[string]any{"order.patient_details.dob": "1990-01-01T00:00:00Z"}},
		{rule: "gender is taken in any case and kept in lower case", request: with("gender", "FEMALE"),
			shows: map[string]any{"order.patient_details.gender": "female"}},
		{rule: "gender is of its enumeration", request: with("gender", "f"), loc: at + "gender", kind: "enum"},
		{rule: "a phone number as the samples have it", request: with("phone_number", "+1123456789"),
			shows: map[string]any{"order.patient_details.phone_number": "+1123456789"}},
		{rule: "a phone number is shown in E.164", request: with("phone_number", "602.555.0123"),
			shows: map[string]any{"order.patient_details.phone_number": "+16025550123"}},
		{rule: "a phone number abroad", request: with("phone_number", "+43 1 234567"),
			shows: map[string]any{"order.patient_details.phone_number": "+431234567"}},
		{rule: "a phone number is one", request: with("phone_number", "call me"), loc: at + "phone_number",
			kind: "value_error"},
		{rule: "a phone number has more than six digits", request: with("phone_number", "+12 34 56"),
			loc: at + "phone_number", kind: "value_error"},
		{rule: "a phone number has at most fifteen", request: with("phone_number", "+1234567890123456"),
			loc: at + "phone_number", kind: "value_error"},
		{rule: "email is one", request: with("email", "ann at example.com"), loc: at + "email", kind: "value_error"},
		{rule: "email has no name with it", request: with("email", "Ann <ann@example.com>"), loc: at + "email",
			kind: "value_error"},
		{rule: "race is of its enumeration", request: with("race", "martian"), loc: at + "race", kind: "enum"},
		{rule: "race is shown", request: with("race", "white_caucasian"),
			shows: map[string]any{"order.patient_details.race": "white_caucasian"}},
		{rule: "ethnicity is of its enumeration", request: with("ethnicity", "x"), loc: at + "ethnicity", kind: "enum"},
		{rule: "ethnicity is shown", request: with("ethnicity", "ashkenazi_jewish"),
			shows: map[string]any{"order.patient_details.ethnicity": "ashkenazi_jewish"}},
		{rule: "sexual_orientation is of its enumeration", request: with("sexual_orientation", "x"),
			loc: at + "sexual_orientation", kind: "enum"},
		{rule: "sexual_orientation is shown", request: with("sexual_orientation", "dont_know"),
			shows: map[string]any{"order.patient_details.sexual_orientation": "dont_know"}},
		{rule: "gender_identity is of its enumeration", request: with("gender_identity", "x"), loc: at + "gender_identity",
			kind: "enum"},
		{rule: "gender_identity is shown", request: with("gender_identity", "genderqueer"),
			shows: map[string]any{"order.patient_details.gender_identity": "genderqueer"}},
		{rule: "household_income is an integer", request: with("household_income", 1.5), loc: at + "household_income",
			kind: "int_type"},
		{rule: "household_size is an integer", request: with("household_size", "3"), loc: at + "household_size",
			kind: "int_type"},
		{rule: "a minor is for teams that may", request: with("dob", "2010-01-01"), status: 400, text: "under 18"},
		{rule: "eighteen today is no minor", request: with("dob", "2008-03-04")},
		{rule: "eighteen tomorrow is one", request: with("dob", "2008-03-05"), status: 400, text: "under 18"},
	}
	for _, field := range []string{"first_name", "last_name", "dob", "gender", "phone_number", "email"} {
		rules = append(rules, contractRule{rule: field + " is required", request: with(field, nil), loc: at + field,
			kind: "missing"})
	}
	for _, name := range []string{"first_name", "last_name"} {
		rules = append(rules, nameRules(at+name, func(value any) reply { return with(name, value)() })...)
	}
	return rules
}

// addressRules are the rules of addresses that are checked strictly. zip is the name of the postal code's field.
func addressRules(post func(map[string]any) reply, where, zip string) []contractRule {
	prefix := ""
	if where != "" {
		prefix = where + "."
	}
	with := func(field string, value any) func() reply {
		return func() reply { return post(map[string]any{prefix + field: value}) }
	}
	at := "body." + prefix
	rules := []contractRule{
		{rule: zip + " may have four digits more", request: with(zip, "85004-1234")},
		{rule: zip + " has no other form", request: with(zip, "850041234"), loc: at + zip, kind: "string_pattern_mismatch"},
		{rule: zip + " has no newline", request: with(zip, "85004\n"), loc: at + zip, kind: "string_pattern_mismatch"},
		{rule: zip + " is a text", request: with(zip, 85004), loc: at + zip, kind: "string_type"},
		{rule: zip + " has ASCII digits", request: with(zip, "٨٥٠٠٤"), loc: at + zip, kind: "string_pattern_mismatch"},
		{rule: "state may be in lower case", request: with("state", "az")},
		{rule: "a second line is optional", request: with("second_line", nil)},
	}
	for _, field := range []string{"first_line", "city", "state", zip} {
		rules = append(rules, contractRule{rule: field + " is required", request: with(field, nil), loc: at + field,
			kind: "missing"})
	}
	if where == "patient_address" {
		rules = append(rules,
			contractRule{rule: "receiver_name defaults to an empty text", request: with("receiver_name", nil),
				shows: map[string]any{"order.patient_address.receiver_name": ""}},
			contractRule{rule: "country is required", request: with("country", nil), loc: at + "country", kind: "missing"},
			contractRule{rule: "country may be in words", request: with("country", "United States"),
				shows: map[string]any{"order.patient_address.country": "United States"}},
			contractRule{rule: "its phone number is optional", request: with("phone_number", nil),
				shows: map[string]any{"order.patient_address.phone_number": nil}},
			contractRule{rule: "but one", request: with("phone_number", "none"), loc: at + "phone_number", kind: "value_error"},
			contractRule{rule: "access_notes are shown", request: with("access_notes", "Ring twice"),
				shows: map[string]any{"order.patient_address.access_notes": "Ring twice"}},
		)
	}
	if where != "shipping_details" {
		rules = append(rules,
			contractRule{rule: "access_notes has 1000 characters", request: with("access_notes", strings.Repeat("é", 1000))},
			contractRule{rule: "no more", request: with("access_notes", strings.Repeat("é", 1001)), loc: at + "access_notes",
				kind: "string_too_long"},
		)
	}
	return rules
}

// networkPhysician is the physician of a lab account's network.
var networkPhysician = &order.Physician{FirstName: "Net", LastName: "Work", NPI: "1999999984"}

// Kits that are registered later (client-api#9-registrable-testkits).
func TestRulesOfTestkits(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCapabilities(labs.Capabilities{Registrable: true}))
	f.createRegistrableKit("KIT")
	post := func(set map[string]any) reply {
		return f.sendWithKey(http.MethodPost, "/v3/order/testkit", f.key, f.testkitBody(set))
	}
	with := func(field string, value any) func() reply {
		return func() reply { return post(map[string]any{field: value}) }
	}
	registers := f.newRegistrationRequest()
	register := func(set map[string]any) func() reply { return func() reply { return registers(set) } }
	check(t, addressRules(post, "shipping_details", "zip"))
	check(t, []contractRule{
		{rule: "a kit has no patient", request: with("passthrough", "p"),
			shows: map[string]any{"order.patient_details": nil, "order.patient_address": nil, "order.passthrough": "p"}},
		{rule: "user_id is required", request: with("user_id", nil), loc: "body.user_id", kind: "missing"},
		{rule: "lab_test_id is required", request: with("lab_test_id", nil), loc: "body.lab_test_id", kind: "missing"},
		{rule: "shipping_details are required", request: with("shipping_details", nil), loc: "body.shipping_details",
			kind: "missing"},
		{rule: "receiver_name is required here", request: with("shipping_details.receiver_name", nil),
			loc: "body.shipping_details.receiver_name", kind: "missing"},
		{rule: "phone_number is required here", request: with("shipping_details.phone_number", nil),
			loc: "body.shipping_details.phone_number", kind: "missing"},
		{rule: "country is required", request: with("shipping_details.country", nil), loc: "body.shipping_details.country",
			kind: "missing"},
		{rule: "lab_account_id is a UUID", request: with("lab_account_id", "x"), loc: "body.lab_account_id",
			kind: "uuid_parsing"},

		{
			rule: "a registration adds its event and the patient", request: register(nil), shows: map[string]any{
				"order.last_event.status": "received.testkit.registered", "order.patient_details.first_name": "Ann",
				"order.user_id": f.user, "message": "order registered",
			},
		},
		{rule: "sample_id is required", request: register(map[string]any{"sample_id": nil}), loc: "body.sample_id",
			kind: "missing"},
		{rule: "an unknown sample_id is not found", request: register(map[string]any{"sample_id": "NONE"}), status: 404,
			text: "Kit not found"},
		{rule: "patient_details are required", request: register(map[string]any{"patient_details": nil}),
			loc: "body.patient_details", kind: "missing"},
		{rule: "patient_address is required", request: register(map[string]any{"patient_address": nil}),
			loc: "body.patient_address", kind: "missing"},
		{rule: "a signature is none of its fields",
			request: register(map[string]any{"physician.signature_image": "scribble"}),
			shows:   map[string]any{"order.physician.npi": "1234567890"}},
		{rule: "consents are of their enumeration",
			request: register(map[string]any{"consents": []any{map[string]any{"consentType": "x"}}}),
			loc:     "body.consents.0.consentType", kind: "enum"},
		{rule: "an unknown user is not found", request: register(map[string]any{"user_id": newID()}), status: 404,
			text: "User not found"},
		{rule: "health_insurance is checked",
			request: register(map[string]any{"health_insurance": map[string]any{"responsible_relationship": "Other"}}),
			loc:     "body.health_insurance.responsible_details", kind: "missing"},
	})
	again := f.registration("KIT", nil)
	require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodPost, "/v3/order/testkit/register", f.key, again).status)
	f.profile(store.AccountProfile{NetworkPhysician: networkPhysician})
	check(t, []contractRule{
		{rule: "a kit that is registered is refused",
			request: func() reply { return f.sendWithKey(http.MethodPost, "/v3/order/testkit/register", f.key, again) },
			status:  400, text: "registered already"},
		{rule: "consents are required with the network physician",
			request: register(map[string]any{"physician": nil, "consents": nil}), status: 400, text: "consents"},
		{rule: "who then orders", request: register(map[string]any{"physician": nil}),
			shows: map[string]any{"order.physician.npi": networkPhysician.NPI}},
	})
}

// client-api#2-errors: an answer has all problems at once, each with its path, for every part of the request.
func TestAllProblemsAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.sendWithKey(http.MethodPatch, "/v2/user/42/info", f.key, userInfo(map[string]any{
		"first_name": "Zoë", "email": "ann", "phone_number": "none", "dob": "soon", "address.city": nil,
		"medical_proxy": map[string]any{"phone_number": "none"},
	}))
	require.Equal(t, http.StatusUnprocessableEntity, r.status)
	require.ElementsMatch(t, []string{
		"path.user_id uuid_parsing", "body.first_name string_pattern_mismatch", "body.email value_error",
		"body.phone_number value_error", "body.dob date_from_datetime_parsing",
		"body.address.city missing", "body.medical_proxy.first_name missing", "body.medical_proxy.last_name missing",
		"body.medical_proxy.address missing",
		"body.medical_proxy.phone_number value_error",
	}, problemsOf(t, r))

	r = f.sendWithKey(http.MethodPost, "/v3/order", f.key,
		f.orderBody(map[string]any{"user_id": "42", "patient_address.zip": "x", "consents": []any{map[string]any{}}}),
		"X-Idempotency-Error", "maybe", "X-Idempotency-Key", strings.Repeat("k", 256))
	require.ElementsMatch(t, []string{
		"header.X-Idempotency-Error enum", "header.X-Idempotency-Key string_too_long", "body.user_id uuid_parsing",
		"body.patient_address.zip string_pattern_mismatch",
		"body.consents.0.consentType missing",
	}, problemsOf(t, r))

	r = f.sendWithKey(http.MethodPost, "/v3/order/resend_events", f.key,
		map[string]any{"order_ids": []any{"x", newID(), "y"}, "end_at": testTime})
	require.ElementsMatch(t, []string{"body.order_ids.0 uuid_parsing", "body.order_ids.2 uuid_parsing",
		"body.end_at value_error"}, problemsOf(t, r))

	r = f.sendWithKey(http.MethodGet, "/v3/orders?page=0&size=x&user_id=42", f.key, nil)
	require.ElementsMatch(t, []string{"query.page greater_than_equal", "query.size int_parsing",
		"query.user_id uuid_parsing"}, problemsOf(t, r))
}

// client-api#3-idempotency: other requests ignore the idempotency headers.
func TestIdempotencyHeadersAreIgnoredElsewhere(t *testing.T) {
	t.Parallel()
	h := newFullAPI(t)
	for _, route := range []string{"POST /v2/user", "POST /v3/order/import", "POST /v3/order/testkit", "POST /v3/payor"} {
		attempts := h.validRequests()
		first := h.sendAsAdministrator(route, attempts[route](), "X-Idempotency-Key", "k", "X-Idempotency-Error", "maybe")
		require.Equal(t, http.StatusOK, first.status, "%s: %s", route, first.body)
		again := attempts[route]()
		if body, ok := again.body.(map[string]any); ok {
			for key := range map[string]any{"client_user_id": 0, "sample_id": 0} {
				if body[key] != nil {
					body[key] = newID()
				}
			}
		}
		second := h.sendAsAdministrator(route, again, "X-Idempotency-Key", "k")
		require.Equal(t, http.StatusOK, second.status, "%s: %s", route, second.body)
		require.NotEqual(t, string(first.body), string(second.body), route)
	}
}
