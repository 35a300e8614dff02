package api_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store"
)

func address() map[string]any {
	return map[string]any{"first_line": "1 Main St", "country": "US", "zip": "85004", "city": "Phoenix", "state": "AZ"}
}

// userInfo returns valid user info, changed by set.
func userInfo(set map[string]any) map[string]any {
	body := map[string]any{
		"first_name": "Ann", "last_name": "Lee", "email": "ann@example.com", "phone_number": "+16025550123",
		"gender": "female",
		"dob":    "1990-01-01", "address": address(),
	}
	for path, value := range set {
		setPath(body, path, value)
	}
	return body
}

func guarantor() map[string]any {
	return map[string]any{"first_name": "Bo", "last_name": "Lee", "address": address(), "phone_number": "+16025550124"}
}

func insurance(set map[string]any) map[string]any {
	body := map[string]any{
		"payor_code": "AETNA", "member_id": "W123456789", "group_id": "G-77", "relationship": "Self",
		"insured": map[string]any{
			"first_name": "Ann", "last_name": "Lee", "gender": "Female", "address": address(), "dob": "1990-01-01",
			"email":        "ann@example.com",
			"phone_number": "602 555-0123",
		},
	}
	for path, value := range set {
		setPath(body, path, value)
	}
	return body
}

// addInsurance adds user info and insurance to the fixture's user.
func (f *fixture) addInsurance(set map[string]any) {
	f.t.Helper()
	require.Equal(f.t, http.StatusOK, f.sendWithKey(http.MethodPatch, "/v2/user/"+f.user+"/info", f.key,
		userInfo(nil)).status)
	r := f.sendWithKey(http.MethodPost, "/v2/user/"+f.user+"/insurance", f.key, insurance(set))
	require.Equal(f.t, http.StatusOK, r.status, string(r.body))
}

func TestInsurance(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	at := "/v2/user/" + f.user + "/insurance"
	r := f.sendWithKey(http.MethodPost, at, f.key, insurance(nil))
	require.Equal(t, http.StatusBadRequest, r.status, "the user has no info")
	require.Contains(t, r.detail(t), "user info")
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodGet, at+"/latest", f.key, nil).status)
	require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodPatch, "/v2/user/"+f.user+"/info", f.key,
		userInfo(nil)).status)

	r = f.sendWithKey(http.MethodPost, at, f.key, insurance(nil))
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	first := r.json(t)
	require.Equal(t, "AETNA", first["payor_code"])
	require.Equal(t, true, first["is_primary"], "the default")
	require.Nil(t, first["guarantor"])
	require.Equal(t, "Aetna", first["company"].(map[string]any)["name"])
	require.Equal(t, "06156", first["company"].(map[string]any)["address"].(map[string]any)["zip"])
	require.Equal(t, "female", first["insured"].(map[string]any)["gender"])
	require.Equal(t, "+16025550123", first["insured"].(map[string]any)["phone_number"])
	require.Equal(t, first, f.sendWithKey(http.MethodGet, at+"/latest", f.key, nil).json(t))

	r = f.sendWithKey(http.MethodPost, at, f.key, insurance(map[string]any{
		"relationship": "Spouse", "guarantor": guarantor(), "is_primary": false, "payor_code": "MAIDFED",
	}))
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	second := r.json(t)
	require.Equal(t, "Arizona Health Care Cost Containment System (AHCCCS)", second["company"].(map[string]any)["name"],
		"the state's plan")
	require.Equal(t, "Bo", second["guarantor"].(map[string]any)["first_name"])
	require.Equal(t, second, f.sendWithKey(http.MethodGet, at+"/latest?is_primary=false", f.key, nil).json(t))
	require.Equal(t, first, f.sendWithKey(http.MethodGet, at+"/latest", f.key, nil).json(t))

	stranger := f.newKey(f.newTeam(store.Sandbox, ""), store.RoleClient)
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodGet, at+"/latest", stranger, nil).status)
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodPost, at, stranger, insurance(nil)).status)
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodPost, "/v2/user/"+newID()+"/insurance", f.key,
		insurance(nil)).status)
	for _, text := range []string{"W123456789", "Ann"} {
		require.NotContains(t, f.logs.String(), text)
	}
}

func TestInsuranceIsChecked(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.addInsurance(nil)
	for _, c := range []struct {
		name string
		set  map[string]any
		loc  []any
		kind string
	}{
		{"no payor", map[string]any{"payor_code": nil}, []any{"body", "payor_code"}, "missing"},
		{"no member", map[string]any{"member_id": ""}, []any{"body", "member_id"}, "string_too_short"},
		{"a relationship that is none", map[string]any{"relationship": "Cousin"}, []any{"body", "relationship"}, "enum"},
		{"a spouse without guarantor", map[string]any{"relationship": "Spouse"}, []any{"body", "guarantor"}, "missing"},
		{"another without guarantor", map[string]any{"relationship": "Other"}, []any{"body", "guarantor"}, "missing"},
		{"an incomplete guarantor", map[string]any{"relationship": "Other",
			"guarantor": map[string]any{"first_name": "Bo", "last_name": "Lee", "phone_number": "+16025550124"}},
			[]any{"body", "guarantor", "address"}, "missing"},
		{"a name", map[string]any{"insured.last_name": "-Lee"}, []any{"body", "insured", "last_name"},
			"string_pattern_mismatch"},
		{"a gender", map[string]any{"insured.gender": "F"}, []any{"body", "insured", "gender"}, "enum"},
		{"a date", map[string]any{"insured.dob": "01/01/1990"}, []any{"body", "insured", "dob"},
			"date_from_datetime_parsing"},
		{"a date to come", map[string]any{"insured.dob": "2026-03-05"}, []any{"body", "insured", "dob"}, "value_error"},
		{"a telephone", map[string]any{"insured.phone_number": "call me"}, []any{"body", "insured", "phone_number"},
			"value_error"},
		{"a state", map[string]any{"insured.address.state": nil}, []any{"body", "insured", "address", "state"}, "missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			requireProblem(t, f.sendWithKey(http.MethodPost, "/v2/user/"+f.user+"/insurance", f.key, insurance(c.set)), c.loc,
				c.kind)
		})
	}
	r := f.sendWithKey(http.MethodPost, "/v2/user/"+f.user+"/insurance", f.key,
		insurance(map[string]any{"payor_code": "NOBODY"}))
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Equal(t, http.StatusUnprocessableEntity, f.sendWithKey(http.MethodGet,
		"/v2/user/"+f.user+"/insurance/latest?is_primary=perhaps", f.key, nil).status)
}

func payorsIn(t *testing.T, r reply, key string) []string {
	t.Helper()
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	var list []map[string]any
	require.NoError(t, json.Unmarshal(r.body, &list))
	names := []string{}
	for _, p := range list {
		require.NotEmpty(t, p[key])
		require.NotNil(t, p["aliases"])
		names = append(names, p["name"].(string)+" "+p["source"].(string))
	}
	return names
}

func TestPayors(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	search := func(key, query string) []string {
		return payorsIn(t, f.sendWithKey(http.MethodGet, "/v3/insurance/search/payor"+query, key, nil), "payor_code")
	}
	require.Len(t, search(f.key, ""), 24)
	require.Equal(t, []string{"UnitedHealthcare platform"}, search(f.key, "?insurance_name=uhc"))
	require.Equal(t, []string{"Cigna platform"}, search(f.key, "?provider=stedi&provider_payor_id=62308"))
	require.Empty(t, search(f.key, "?insurance_name=nobody"))
	requireProblem(t, f.sendWithKey(http.MethodGet, "/v3/insurance/search/payor?provider=pigeon", f.key, nil),
		[]any{"query", "provider"}, "enum")

	body := map[string]any{"name": "Cigna of our own", "address": address(), "provider": "waystar",
		"provider_payor_id": "X1"}
	r := f.sendWithKey(http.MethodPost, "/v3/payor", f.key, body)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	code := r.json(t)["payor_code"].(string)
	require.Equal(t, "team", r.json(t)["source"])
	require.Equal(t, []string{"Cigna of our own team", "Cigna platform"}, search(f.key, "?insurance_name=cigna"))
	require.Equal(t, []string{"Cigna of our own team"}, search(f.key, "?provider_payor_id=x1"))
	stranger := f.newKey(f.newTeam(store.Sandbox, ""), store.RoleClient)
	require.Equal(t, []string{"Cigna platform"}, search(stranger, "?insurance_name=cigna"), "the team sees it alone")

	r = f.sendWithKey(http.MethodPost, "/v3/insurance/search/payor", f.key,
		map[string]any{"provider": "waystar", "provider_id": "X1"})
	require.Equal(t, []string{"Cigna of our own team"}, payorsIn(t, r, "code"))

	f.addInsurance(map[string]any{"payor_code": code})
	other := f.newUser(f.newTeam(store.Sandbox, ""))
	require.NotEqual(t, f.user, other)
	requireProblem(t, f.sendWithKey(http.MethodPost, "/v3/payor", f.key,
		map[string]any{"name": "x", "address": address(), "provider": "stedi"}),
		[]any{"body", "provider_payor_id"}, "missing")
	requireProblem(t, f.sendWithKey(http.MethodPost, "/v3/payor", f.key, map[string]any{"name": "x"}),
		[]any{"body", "address"}, "missing")
}

func TestDiagnoses(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.sendWithKey(http.MethodGet, "/v3/insurance/search/diagnosis?diagnosis_query="+
		url.QueryEscape("type 2 hyperglycemia"), f.key, nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.JSONEq(t,
		`[{"diagnosis_code":"E11.65","description":"Type 2 diabetes mellitus with hyperglycemia","is_secondary":false}]`,
		string(r.body))
	requireProblem(t, f.sendWithKey(http.MethodGet, "/v3/insurance/search/diagnosis", f.key, nil),
		[]any{"query", "diagnosis_query"}, "missing")
	require.JSONEq(t, `[]`, string(f.sendWithKey(http.MethodGet, "/v3/insurance/search/diagnosis?diagnosis_query=zzz",
		f.key, nil).body))

	for name, c := range map[string]struct {
		codes []any
		want  string
	}{
		"good": {[]any{"E11.9", "i10"}, `{"valid":true,"errors":[],"violations":[],"warnings":[]}`},
		"none": {[]any{}, `{"valid":false,"errors":["At least one code is required"],"violations":[],"warnings":[]}`},
		"a category": {[]any{"E11", "I10"},
			`{"valid":false,"errors":["E11 is not a billable ICD-10-CM code"],"violations":[],"warnings":[]}`},
		"no code": {[]any{"flu"},
			`{"valid":false,"errors":["flu has not the form of an ICD-10-CM code"],"violations":[],"warnings":[]}`},
		"none first": {[]any{"Z79.4"},
			`{"valid":false,"errors":["None of the codes may stand first on a bill"],"violations":[],"warnings":[]}`},
		"excludes 1": {[]any{"E11.9", "E10.9"},
			`{"valid":false,"errors":[],"violations":[{"code":"E11.9","conflicts_with":"E10.9","type":"excludes1"}],` +
				`"warnings":[]}`},
		"excludes 2": {[]any{"I10", "I63.9"},
			`{"valid":true,"errors":[],"violations":[],"warnings":[{"code":"I10","overlaps_with":"I63.9","type":"excludes2"}]}`},
	} {
		r := f.sendWithKey(http.MethodPost, "/v3/insurance/validate_icd_codes", f.key, map[string]any{"codes": c.codes})
		require.Equal(t, http.StatusOK, r.status, name)
		require.JSONEq(t, c.want, string(r.body), name)
	}
	requireProblem(t, f.sendWithKey(http.MethodPost, "/v3/insurance/validate_icd_codes", f.key, map[string]any{}),
		[]any{"body", "codes"}, "missing")
}
