package api_test

import (
	"net/http"
	"strings"
	"testing"
)

// Lab tests and markers (client-api#7-lab-tests-markers-labs).
func TestRulesOfLabTests(t *testing.T) {
	t.Parallel()
	h := newFullAPI(t)
	made := h.sendWithKey(http.MethodPost, "/v3/lab_tests", h.key, h.ironTest()).json(t)["id"].(string)
	create := func(set map[string]any) func() reply {
		return func() reply {
			body := h.ironTest()
			for key, value := range set {
				setPath(body, key, value)
			}
			return h.sendWithKey(http.MethodPost, "/v3/lab_tests", h.key, body)
		}
	}
	get := func(path string) func() reply {
		return func() reply { return h.sendWithKey(http.MethodGet, path, h.key, nil) }
	}
	patch := func(id string, body any) func() reply {
		return func() reply { return h.sendWithKey(http.MethodPatch, "/v3/lab_tests/"+id, h.key, body) }
	}
	rules := []contractRule{
		{rule: "a new test awaits its approval", request: create(nil),
			shows: map[string]any{"status": "pending_approval", "is_active": false, "auto_generated": false,
				"is_delegated": false}},
		{rule: "fasting defaults to false", request: create(nil), shows: map[string]any{"fasting": false}},
		{rule: "it is the bare test", request: create(nil),
			shows: map[string]any{"lab_test": absent, "name": "Iron", "method": "walk_in_test", "lab.slug": "small",
				"markers.0.id": 77001.0}},
		{rule: "provider_ids are as good as marker_ids",
			request: create(map[string]any{"marker_ids": nil, "provider_ids": []any{"F1"}}),
			shows:   map[string]any{"markers.0.provider_id": "F1"}},
		{rule: "both are refused", request: create(map[string]any{"provider_ids": []any{"F1"}}), status: 400,
			text: "Either marker_ids or provider_ids"},
		{rule: "neither is refused", request: create(map[string]any{"marker_ids": nil}), status: 400,
			text: "Either marker_ids or provider_ids"},
		{rule: "empty is neither", request: create(map[string]any{"marker_ids": []any{}}), status: 400,
			text: "Either marker_ids or provider_ids"},
		{rule: "an unknown marker is refused", request: create(map[string]any{"marker_ids": []any{1}}), status: 400,
			text: "marker does not exist"},
		{rule: "method is of its enumeration", request: create(map[string]any{"method": "by_hand"}), loc: "body.method",
			kind: "enum"},
		{rule: "marker_ids are integers", request: create(map[string]any{"marker_ids": []any{"77001"}}),
			loc: "body.marker_ids.0", kind: "int_type"},
		{rule: "lab_account_id is a UUID", request: create(map[string]any{"lab_account_id": "x"}), loc: "body.lab_account_id",
			kind: "uuid_parsing"},

		{rule: "an unknown test is not found", request: get("/v3/lab_tests/" + newID()), status: 404},
		{rule: "lab_test_id is a UUID", request: get("/v3/lab_tests/x"), loc: "path.lab_test_id", kind: "uuid_parsing"},
		{rule: "a test is renamed", request: patch(made, `{"name": "Iron 2"}`),
			shows: map[string]any{"name": "Iron 2", "status": "pending_approval"}},
		{rule: "active is a boolean", request: patch(made, `{"active": "no"}`), loc: "body.active", kind: "bool_type"},
		{rule: "an unknown test is not changed", request: patch(newID(), `{}`), status: 404},

		{rule: "generation_method defaults to manual", request: get("/v3/lab_test?generation_method=manual")},
		{rule: "generation_method is of its enumeration", request: get("/v3/lab_test?generation_method=x"),
			loc: "query.generation_method", kind: "enum"},
		{rule: "collection_method of a list is of its enumeration", request: get("/v3/lab_test?collection_method=x"),
			loc: "query.collection_method", kind: "enum"},
		{rule: "status is of its enumeration", request: get("/v3/lab_test?status=x"), loc: "query.status", kind: "enum"},
		{rule: "order_key is of its enumeration", request: get("/v3/lab_test?order_key=name"), loc: "query.order_key",
			kind: "enum"},
		{rule: "order_direction is of its enumeration", request: get("/v3/lab_test?order_direction=up"),
			loc: "query.order_direction", kind: "enum"},
		{rule: "include_pricing is a boolean", request: get("/v3/lab_test?include_pricing=x"), loc: "query.include_pricing",
			kind: "bool_parsing"},
		{rule: "without pricing it is null", request: get("/v3/lab_test"),
			shows: map[string]any{"pricing": nil, "next_cursor": nil}},
		{rule: "lab_test_limit has no maximum that is refused", request: get("/v3/lab_test?lab_test_limit=100000")},
		{rule: "lab_test_limit is an integer", request: get("/v3/lab_test?lab_test_limit=x"), loc: "query.lab_test_limit",
			kind: "int_parsing"},

		{rule: "markers come in pages of 50", request: get("/v3/lab_tests/markers"),
			shows: map[string]any{"page": 1.0, "size": 50.0, "pages": 1.0}},
		{rule: "page of markers is at least 1", request: get("/v3/lab_tests/markers?page=0"), loc: "query.page",
			kind: "greater_than_equal"},
		{rule: "size of markers is at most 100", request: get("/v3/lab_tests/markers?size=101"), loc: "query.size",
			kind: "less_than_equal"},
		{rule: "lab_id is an integer", request: get("/v3/lab_tests/markers?lab_id=x"), loc: "query.lab_id",
			kind: "int_parsing"},
		{rule: "markers of an unknown test", request: get("/v3/lab_tests/" + newID() + "/markers"), status: 404},
		{rule: "a marker by its lab's code", request: get("/v3/lab_tests/770/markers/F1"),
			shows: map[string]any{"id": 77001.0, "expected_results": absent}},
		{rule: "an unknown code is not found", request: get("/v3/lab_tests/770/markers/F2"), status: 404},
		{rule: "a set's size is at most 100", request: func() reply {
			return h.sendWithKey(http.MethodPost, "/v3/lab_tests/list_order_set_markers?size=101", h.key, `{}`)
		}, loc: "query.size", kind: "less_than_equal"},
	}
	for _, field := range []string{"name", "method", "description"} {
		rules = append(rules, contractRule{rule: field + " is required", request: create(map[string]any{field: nil}),
			loc: "body." + field, kind: "missing"})
	}
	check(t, rules)
}

// Insurance, payors, diagnoses, physicians and lab accounts (client-api#15-tier-2).
func TestRulesOfInsurance(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.addInsurance(nil)
	at := "/v2/user/" + f.user + "/insurance"
	post := func(set map[string]any) func() reply {
		return func() reply { return f.sendWithKey(http.MethodPost, at, f.key, insurance(set)) }
	}
	get := func(path string) func() reply {
		return func() reply { return f.sendWithKey(http.MethodGet, path, f.key, nil) }
	}
	payor := func(set map[string]any) func() reply {
		return func() reply {
			body := map[string]any{"name": "Own plan", "address": address()}
			for key, value := range set {
				setPath(body, key, value)
			}
			return f.sendWithKey(http.MethodPost, "/v3/payor", f.key, body)
		}
	}
	rules := []contractRule{
		{rule: "is_primary defaults to true", request: post(nil),
			shows: map[string]any{"is_primary": true, "guarantor": nil, "group_id": "G-77"}},
		{rule: "is_primary is a boolean", request: post(map[string]any{"is_primary": "yes"}), loc: "body.is_primary",
			kind: "bool_type"},
		{rule: "gender is taken in any case", request: post(map[string]any{"insured.gender": "MALE"}),
			shows: map[string]any{"insured.gender": "male"}},
		{rule: "gender is of its enumeration", request: post(map[string]any{"insured.gender": "m"}),
			loc: "body.insured.gender", kind: "enum"},
		{rule: "zip is not checked", request: post(map[string]any{"insured.address.zip": "x"}),
			shows: map[string]any{"insured.address.zip": "x", "insured.address.second_line": ""}},
		{rule: "email is a plain text", request: post(map[string]any{"insured.email": "none"}),
			shows: map[string]any{"insured.email": "none"}},
		{rule: "dob may be a timestamp at midnight", request: post(map[string]any{"insured.dob": "1990-01-01T00:00:00Z"}),
			shows: map[string]any{"insured.dob": "1990-01-01"}},
		{rule: "a guarantor's phone number is one",
			request: post(map[string]any{"relationship": "Other", "guarantor": proxy(map[string]any{"phone_number": "none"})}),
			loc:     "body.guarantor.phone_number", kind: "value_error"},
		{rule: "an unknown payor is refused", request: post(map[string]any{"payor_code": "NOBODY"}), status: 400},
		{rule: "the latest is the primary one", request: get(at + "/latest"), shows: map[string]any{"is_primary": true}},
		{rule: "there is none that is not", request: get(at + "/latest?is_primary=false"), status: 404,
			text: "Insurance not found"},
		{rule: "is_primary of the latest is a boolean", request: get(at + "/latest?is_primary=x"), loc: "query.is_primary",
			kind: "bool_parsing"},
		{rule: "an unknown user has none", request: get("/v2/user/" + newID() + "/insurance/latest"), status: 404},

		{rule: "a payor is the team's", request: payor(nil),
			shows: map[string]any{"source": "team", "name": "Own plan", "aliases": []any{}, "org_address.city": "Phoenix"}},
		{rule: "a payor has a name", request: payor(map[string]any{"name": nil}), loc: "body.name", kind: "missing"},
		{rule: "a payor has an address", request: payor(map[string]any{"address": nil}), loc: "body.address",
			kind: "missing"},
		{rule: "with a city", request: payor(map[string]any{"address.city": nil}), loc: "body.address.city", kind: "missing"},
		{rule: "its country defaults to US", request: payor(map[string]any{"address.country": nil}),
			shows: map[string]any{"org_address.country": "US"}},
		{rule: "provider is of its enumeration", request: payor(map[string]any{"provider": "x", "provider_payor_id": "1"}),
			loc: "body.provider", kind: "enum"},
		{rule: "provider of a search is of its enumeration", request: get("/v3/insurance/search/payor?provider=x"),
			loc: "query.provider", kind: "enum"},
		{rule: "so is that of the deprecated search", request: func() reply {
			return f.sendWithKey(http.MethodPost, "/v3/insurance/search/payor", f.key, `{"provider": "x"}`)
		}, loc: "body.provider", kind: "enum"},
		{rule: "diagnosis_query is required", request: get("/v3/insurance/search/diagnosis"), loc: "query.diagnosis_query",
			kind: "missing"},
		{rule: "codes are required",
			request: func() reply { return f.sendWithKey(http.MethodPost, "/v3/insurance/validate_icd_codes", f.key, `{}`) },
			loc:     "body.codes", kind: "missing"},
		{rule: "codes are texts", request: func() reply {
			return f.sendWithKey(http.MethodPost, "/v3/insurance/validate_icd_codes", f.key, `{"codes": [1]}`)
		}, loc: "body.codes.0", kind: "string_type"},
		{rule: "a team's own physicians only", request: get("/v2/team/" + newID() + "/physicians"), status: 404},
		{rule: "team_id is a UUID", request: get("/v2/team/x/physicians"), loc: "path.team_id", kind: "uuid_parsing"},
		{rule: "lab accounts are in data", request: get("/v3/lab_test/lab_account"),
			shows: map[string]any{"data.0.id": f.account, "data.0.delegated_flow": "not_delegated", "data.0.org_id": nil}},
		{rule: "status of lab accounts is of its enumeration", request: get("/v3/lab_test/lab_account?status=x"),
			loc: "query.status", kind: "enum"},
		{rule: "lab_account_id is a UUID", request: get("/v3/lab_test/lab_account?lab_account_id=x"),
			loc: "query.lab_account_id", kind: "uuid_parsing"},
	}
	for _, field := range []string{
		"payor_code", "member_id", "relationship", "insured", "insured.first_name", "insured.last_name", "insured.gender",
		"insured.address", "insured.dob", "insured.email",
		"insured.phone_number", "insured.address.first_line", "insured.address.city", "insured.address.state",
		"insured.address.zip",
	} {
		rules = append(rules, contractRule{rule: field + " is required", request: post(map[string]any{field: nil}),
			loc: "body." + field, kind: "missing"})
	}
	check(t,
		append(rules, nameRules("body.insured.last_name",
			func(name any) reply { return post(map[string]any{"insured.last_name": name})() })...))
}

// Match reviews, and their tests (client-api#unmatched-results-match-reviews).
func TestRulesOfUnmatchedResults(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, id := f.newHeldReview()
	get := func(path string) func() reply {
		return func() reply { return f.sendWithKey(http.MethodGet, path, f.key, nil) }
	}
	decide := func(id, verb string, body any) func() reply { return func() reply { return f.decide(id, verb, body) } }
	test := func(set map[string]any, headers ...string) func() reply {
		return func() reply {
			body := map[string]any{"case": "no_match", "order_source": "managed"}
			for key, value := range set {
				setPath(body, key, value)
			}
			return f.sendWithKey(http.MethodPost, "/v3/unmatched_result_test", f.key, body, headers...)
		}
	}
	key := []string{testKey, "k"}
	check(t, []contractRule{
		{rule: "total is shown, and the cursor", request: get("/v3/unmatched_result"),
			shows: map[string]any{"total": 1.0, "next_cursor": nil, "data.0.id": id}},
		{rule: "limit is at least 1", request: get("/v3/unmatched_result?limit=0"), loc: "query.limit",
			kind: "greater_than_equal"},
		{rule: "limit is clamped", request: get("/v3/unmatched_result?limit=100000")},
		{rule: "status is of its enumeration", request: get("/v3/unmatched_result?status=matched"), loc: "query.status",
			kind: "enum"},
		{rule: "decision_code is of its enumeration", request: get("/v3/unmatched_result?decision_code=x"),
			loc: "query.decision_code", kind: "enum"},
		{rule: "created_at_start is a date", request: get("/v3/unmatched_result?created_at_start=soon"),
			loc: "query.created_at_start", kind: "date_from_datetime_parsing"},
		{rule: "created_at_end is a date", request: get("/v3/unmatched_result?created_at_end=soon"),
			loc: "query.created_at_end", kind: "date_from_datetime_parsing"},
		{rule: "an unknown review is not found", request: get("/v3/unmatched_result/" + newID()), status: 404},
		{rule: "raw_result_id is a UUID", request: get("/v3/unmatched_result/x"), loc: "path.raw_result_id",
			kind: "uuid_parsing"},
		{rule: "action is required", request: decide(id, "resolve", `{}`), loc: "body.action", kind: "missing"},
		{rule: "action is of its enumeration", request: decide(id, "resolve", `{"action": "accept"}`), loc: "body.action",
			kind: "enum"},
		{rule: "order_id of an acceptance is a UUID", request: decide(id, "accept", `{"order_id": "x"}`),
			loc: "body.order_id", kind: "uuid_parsing"},
		{rule: "user_id of an acceptance is a UUID", request: decide(id, "accept", `{"user_id": "x"}`), loc: "body.user_id",
			kind: "uuid_parsing"},
		{rule: "an unknown review is not accepted", request: decide(newID(), "accept", `{}`), status: 404},
		{rule: "an unknown review is not resolved", request: decide(newID(), "resolve", `{"action": "reject"}`), status: 404},
		{rule: "unsure leaves it to operations", request: decide(id, "resolve", `{"action": "unsure"}`),
			shows: map[string]any{"status": "pending_ops_review", "allowed_actions": []any{}}},
		{rule: "what is not reviewable any more is not found", request: decide(id, "accept", `{}`), status: 404},

		{rule: "a test needs its key", request: test(nil), loc: "header.X-Idempotency-Key", kind: "missing"},
		{rule: "a test is answered 202", request: test(nil, key...), status: 202},
		{rule: "the same key with another request is a conflict",
			request: test(map[string]any{"result_status": "partial"}, key...), status: 409},
		{rule: "a key has at most 255 characters", request: test(nil, testKey, strings.Repeat("k", 256)),
			loc: "header.X-Idempotency-Key", kind: "string_too_long"},
		{rule: "no key is known that is not", request: test(map[string]any{"delay": 3}, key...), loc: "body.delay",
			kind: "extra_forbidden"},
		{rule: "case is required", request: test(map[string]any{"case": nil}, key...), loc: "body.case", kind: "missing"},
		{rule: "case is of its enumeration", request: test(map[string]any{"case": "x"}, key...), loc: "body.case",
			kind: "enum"},
		{rule: "order_source is required", request: test(map[string]any{"order_source": nil}, key...),
			loc: "body.order_source", kind: "missing"},
		{rule: "order_source is of its enumeration", request: test(map[string]any{"order_source": "x"}, key...),
			loc: "body.order_source", kind: "enum"},
		{rule: "result_status is of its enumeration", request: test(map[string]any{"result_status": "x"}, key...),
			loc: "body.result_status", kind: "enum"},
		{rule: "interpretation is of its enumeration", request: test(map[string]any{"interpretation": "x"}, key...),
			loc: "body.interpretation", kind: "enum"},
		{rule: "every interpretation is", request: test(map[string]any{"interpretation": "unknown"}, testKey, "k2"),
			status: 202},
		{rule: "lab_test_id of a test is a UUID", request: test(map[string]any{"lab_test_id": "x"}, key...),
			loc: "body.lab_test_id", kind: "uuid_parsing"},
		{rule: "an unknown run is not found", request: get("/v3/unmatched_result_test/" + newID()), status: 404},
	})
}
