package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// Users (client-api#6-users). The tests of the store check that a deletion is final after seven days.
func TestRulesOfUsers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	create := func(set map[string]any) func() reply {
		return func() reply {
			body := map[string]any{"client_user_id": newID()}
			for key, value := range set {
				body[key] = value
			}
			return f.sendWithKey(http.MethodPost, "/v2/user", f.key, body)
		}
	}
	get := func(path string) func() reply {
		return func() reply { return f.sendWithKey(http.MethodGet, path, f.key, nil) }
	}
	post := func(path string) func() reply {
		return func() reply { return f.sendWithKey(http.MethodPost, path, f.key, nil) }
	}
	patch := func(id string, body any) func() reply {
		return func() reply { return f.sendWithKey(http.MethodPatch, "/v2/user/"+id, f.key, body) }
	}
	id, taken := create(map[string]any{"client_user_id": "stable"})().json(t)["user_id"].(string),
		create(map[string]any{"client_user_id": "taken"})()
	check(t, []contractRule{
		{rule: "connected_sources is always an empty list", request: create(nil),
			shows: map[string]any{"connected_sources": []any{}, "team_id": f.team}},
		{rule: "fallback_time_zone is always there, if null", request: create(nil),
			shows: map[string]any{"fallback_time_zone": nil}},
		{rule: "it is created_on, not created_at", request: create(nil),
			shows: map[string]any{"created_on": testTime.Format(time.RFC3339), "created_at": absent}},
		{rule: "client_user_id is any text", request: create(map[string]any{"client_user_id": " %/é "}),
			shows: map[string]any{"client_user_id": " %/é "}},
		{rule: "client_user_id is not empty", request: create(map[string]any{"client_user_id": ""}),
			loc: "body.client_user_id", kind: "string_too_short"},
		{rule: "client_user_id is a text", request: create(map[string]any{"client_user_id": 7}), loc: "body.client_user_id",
			kind: "string_type"},
		{rule: "fallback_time_zone is an IANA name", request: create(map[string]any{"fallback_time_zone": "PST8"}),
			loc: "body.fallback_time_zone", kind: "value_error"},
		{
			rule:    "the time zone is shown with its source",
			request: create(map[string]any{"fallback_time_zone": "Europe/Vienna"}),
			shows: map[string]any{"fallback_time_zone.id": "Europe/Vienna", "fallback_time_zone.source_slug": "manual",
				"fallback_time_zone.updated_at": testTime.Format(time.RFC3339)},
		},
		{
			rule: "so is the birth date", request: create(map[string]any{"fallback_birth_date": "1990-02-28"}),
			shows: map[string]any{"fallback_birth_date.value": "1990-02-28", "fallback_birth_date.source_slug": "manual"},
		},
		{rule: "fallback_birth_date is YYYY-MM-DD", request: create(map[string]any{"fallback_birth_date": "28.2.1990"}),
			loc: "body.fallback_birth_date", kind: "date_from_datetime_parsing"},
		{rule: "and a day that there is", request: create(map[string]any{"fallback_birth_date": "1990-02-29"}),
			loc: "body.fallback_birth_date", kind: "date_from_datetime_parsing"},
		{rule: "and one of the past", request: create(map[string]any{"fallback_birth_date": "2999-01-01"}),
			loc: "body.fallback_birth_date", kind: "value_error"},
		{rule: "and plausible", request: create(map[string]any{"fallback_birth_date": "1899-12-31"}),
			loc: "body.fallback_birth_date", kind: "value_error"},
		{rule: "no client could read a day of the year 0", request: create(map[string]any{"ingestion_end": "0000-12-31"}),
			loc: "body.ingestion_end", kind: "value_error"},
		{
			rule:    "ingestion dates are stored and echoed",
			request: create(map[string]any{"ingestion_start": "2026-01-01", "ingestion_end": "2026-02-01"}),
			shows:   map[string]any{"ingestion_start": "2026-01-01", "ingestion_end": "2026-02-01"},
		},
		{rule: "ingestion_start is a date", request: create(map[string]any{"ingestion_start": "soon"}),
			loc: "body.ingestion_start", kind: "date_from_datetime_parsing"},
		{rule: "ingestion_end is a date", request: create(map[string]any{"ingestion_end": "soon"}), loc: "body.ingestion_end",
			kind: "date_from_datetime_parsing"},
		{
			rule:    "a client_user_id that exists is a conflict with what it is",
			request: create(map[string]any{"client_user_id": "taken"}), status: http.StatusBadRequest,
			shows: map[string]any{"detail.error_type": "INVALID_REQUEST", "detail.user_id": taken.json(t)["user_id"],
				"detail.created_on": taken.json(t)["created_on"]},
		},

		{rule: "offset is 0 and limit is 100 by default", request: get("/v2/user"),
			shows: map[string]any{"offset": 0.0, "limit": 100.0}},
		{rule: "/v2/user/ is taken without a redirect", request: get("/v2/user/?limit=1"),
			shows: map[string]any{"limit": 1.0}},
		{rule: "offset skips rows", request: get("/v2/user?offset=1000"),
			shows: map[string]any{"users": []any{}, "offset": 1000.0}},
		{rule: "limit is up to 500", request: get("/v2/user?limit=500"), shows: map[string]any{"limit": 500.0}},
		{rule: "and no more", request: get("/v2/user?limit=501"), loc: "query.limit", kind: "less_than_equal"},
		{rule: "offset is not negative", request: get("/v2/user?offset=-1"), loc: "query.offset", kind: "greater_than_equal"},
		{rule: "limit is an integer", request: get("/v2/user?limit=many"), loc: "query.limit", kind: "int_parsing"},

		{rule: "an unknown user is not found", request: get("/v2/user/" + newID()), status: http.StatusNotFound,
			text: "User not found"},
		{rule: "user_id is a UUID", request: get("/v2/user/42"), loc: "path.user_id", kind: "uuid_parsing"},
		{rule: "an unknown client_user_id is not found", request: get("/v2/user/resolve/nobody"), status: http.StatusNotFound,
			text: "User not found"},
		{rule: "a user is found by client_user_id", request: get("/v2/user/resolve/stable"),
			shows: map[string]any{"user_id": id}},

		{rule: "a change is answered 204",
			request: patch(id, map[string]any{"ingestion_start": "2026-01-01", "fallback_time_zone": "Europe/Vienna"}),
			status:  http.StatusNoContent},
		{rule: "it is partial", request: patch(id, map[string]any{"ingestion_end": "2026-01-02", "ingestion_start": nil}),
			status: http.StatusNoContent},
		{
			rule: "what is absent or null stays", request: get("/v2/user/" + id),
			shows: map[string]any{"ingestion_start": "2026-01-01", "ingestion_end": "2026-01-02",
				"fallback_time_zone.id": "Europe/Vienna", "client_user_id": "stable"},
		},
		{rule: "client_user_id stays unique", request: patch(id, map[string]any{"client_user_id": "taken"}),
			status: http.StatusBadRequest, shows: map[string]any{"detail.user_id": taken.json(t)["user_id"]}},
		{rule: "one's own is not taken", request: patch(id, map[string]any{"client_user_id": "stable"}),
			status: http.StatusNoContent},
		{rule: "a changed birth date is one of the past",
			request: patch(id, map[string]any{"fallback_birth_date": "2999-01-01"}),
			loc:     "body.fallback_birth_date", kind: "value_error"},
		{rule: "changes are typed as creation", request: patch(id, map[string]any{"fallback_birth_date": "x"}),
			loc: "body.fallback_birth_date", kind: "date_from_datetime_parsing"},

		{rule: "undo takes one of the two", request: post("/v2/user/undo_delete"), loc: "query.user_id", kind: "value_error"},
		{rule: "and not both", request: post("/v2/user/undo_delete?client_user_id=stable&user_id=" + id),
			loc: "query.user_id", kind: "value_error"},
		{rule: "a user that is not deleted is not found", request: post("/v2/user/undo_delete?user_id=" + newID()),
			status: http.StatusNotFound},
		{rule: "a deletion succeeds",
			request: func() reply { return f.sendWithKey(http.MethodDelete, "/v2/user/"+id, f.key, nil) },
			shows:   map[string]any{"success": true}},
		{rule: "during the grace period the user is not found", request: get("/v2/user/" + id), status: http.StatusNotFound},
		{rule: "neither is it by client_user_id", request: get("/v2/user/resolve/stable"), status: http.StatusNotFound},
		{rule: "nor can it be ordered for", request: func() reply {
			return f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(map[string]any{"user_id": id}))
		}, status: http.StatusNotFound},
		{rule: "undo restores", request: post("/v2/user/undo_delete?client_user_id=stable"),
			shows: map[string]any{"success": true}},
		{rule: "all of it", request: get("/v2/user/" + id), shows: map[string]any{"ingestion_start": "2026-01-01"}},
		{rule: "info is not found where none is", request: get("/v2/user/" + id + "/info/latest"),
			status: http.StatusNotFound},
	})
}

// User info (client-api#6-users), with the rules of its fields (client-api#5-validation).
func TestRulesOfUserInfo(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	put := func(set map[string]any) func() reply {
		return func() reply { return f.sendWithKey(http.MethodPatch, "/v2/user/"+f.user+"/info", f.key, userInfo(set)) }
	}
	rules := []contractRule{
		{rule: "gender is free text, kept in lower case", request: put(map[string]any{"gender": "Non-Binary"}),
			shows: map[string]any{"gender": "non-binary"}},
		{rule: "second_line defaults to an empty text", request: put(nil), shows: map[string]any{"address.second_line": ""}},
		{rule: "zip is not checked", request: put(map[string]any{"address.zip": "SW1A 1AA"}),
			shows: map[string]any{"address.zip": "SW1A 1AA"}},
		{rule: "zip may be called zip_code", request: put(map[string]any{"address.zip": nil, "address.zip_code": "85004"}),
			shows: map[string]any{"address.zip": "85004", "address.zip_code": absent}},
		{rule: "of two zips the one with the SDK's name counts",
			request: put(map[string]any{"address.zip": "85004", "address.zip_code": "85006"}),
			shows:   map[string]any{"address.zip": "85004", "address.zip_code": absent}},
		{rule: "a zip that is no text is not called missing", request: put(map[string]any{"address.zip": 85004}),
			loc: "body.address.zip", kind: "string_type"},
		{rule: "nothing is missed in an address that is none", request: put(map[string]any{"address": "1 Main St"}),
			loc: "body.address", kind: "dict_type"},
		{rule: "country may be in words", request: put(map[string]any{"address.country": "United States"}),
			shows: map[string]any{"address.country": "United States"}},
		{rule: "country defaults to US", request: put(map[string]any{"address.country": nil}),
			shows: map[string]any{"address.country": "US"}},
		{rule: "a phone number as the samples have it", request: put(map[string]any{"phone_number": "+1123456789"}),
			shows: map[string]any{"phone_number": "+1123456789"}},
		{rule: "a phone number is kept in E.164", request: put(map[string]any{"phone_number": "(602) 555-0123"}),
			shows: map[string]any{"phone_number": "+16025550123"}},
		{rule: "a phone number is one", request: put(map[string]any{"phone_number": "call me"}), loc: "body.phone_number",
			kind: "value_error"},
		{rule: "email is one", request: put(map[string]any{"email": "ann"}), loc: "body.email", kind: "value_error"},
		{rule: "email has no name with it", request: put(map[string]any{"email": "Ann <ann@example.com>"}), loc: "body.email",
			kind: "value_error"},
		{rule: "dob is a date", request: put(map[string]any{"dob": "Jan 1"}), loc: "body.dob",
			kind: "date_from_datetime_parsing"},
		{rule: "dob may be a timestamp at midnight", request: put(map[string]any{"dob": "1990-01-01T00:00:00Z"}),
			shows: map[string]any{"dob": "1990-01-01"}},
		{rule: "dob has passed", request: put(map[string]any{"dob": "2026-03-05"}), loc: "body.dob", kind: "value_error"},
		{rule: "race is of its enumeration", request: put(map[string]any{"race": "martian"}), loc: "body.race", kind: "enum"},
		{rule: "ethnicity is of its enumeration", request: put(map[string]any{"ethnicity": "x"}), loc: "body.ethnicity",
			kind: "enum"},
		{rule: "sexual_orientation is of its enumeration", request: put(map[string]any{"sexual_orientation": "x"}),
			loc: "body.sexual_orientation", kind: "enum"},
		{rule: "gender_identity is of its enumeration", request: put(map[string]any{"gender_identity": "x"}),
			loc: "body.gender_identity", kind: "enum"},
		{rule: "access_notes has 1000 characters",
			request: put(map[string]any{"address.access_notes": strings.Repeat("é", 1000)})},
		{rule: "and no more", request: put(map[string]any{"address.access_notes": strings.Repeat("a", 1001)}),
			loc: "body.address.access_notes", kind: "string_too_long"},
		{rule: "a name is not limited to 50 characters here",
			request: put(map[string]any{"last_name": strings.Repeat("a", 60)})},
		{rule: "a proxy has an address",
			request: put(map[string]any{"medical_proxy": map[string]any{"first_name": "Bo", "last_name": "Lee",
				"phone_number": "+16025550124"}}), loc: "body.medical_proxy.address", kind: "missing"},
		{
			rule: "a proxy may have household and email",
			request: put(map[string]any{"medical_proxy": proxy(map[string]any{"household_income": 1, "household_size": 2,
				"email": "bo@example.com"})}),
			shows: map[string]any{"medical_proxy.household_income": 1.0, "medical_proxy.email": "bo@example.com",
				"medical_proxy.address.second_line": ""},
		},
		{rule: "household_income is an integer",
			request: put(map[string]any{"medical_proxy": proxy(map[string]any{"household_income": 1.5})}),
			loc:     "body.medical_proxy.household_income", kind: "int_type"},
		{rule: "a proxy's phone number is one",
			request: put(map[string]any{"medical_proxy": proxy(map[string]any{"phone_number": "none"})}),
			loc:     "body.medical_proxy.phone_number", kind: "value_error"},
		{rule: "a proxy's access_notes has 1000 characters",
			request: put(map[string]any{"medical_proxy": proxy(map[string]any{"address.access_notes": strings.Repeat("a",
				1001)})}), loc: "body.medical_proxy.address.access_notes", kind: "string_too_long"},
		{
			rule: "it is the whole, not a change", request: put(nil),
			shows: map[string]any{"medical_proxy": absent, "last_name": "Lee", "gender": "female"},
		},
	}
	for _, field := range []string{"first_name", "last_name", "email", "phone_number", "gender", "dob", "address",
		"address.first_line", "address.zip", "address.city", "address.state"} {
		rules = append(rules, contractRule{rule: field + " is required", request: put(map[string]any{field: nil}),
			loc: "body." + field, kind: "missing"})
	}
	check(t,
		append(rules,
			nameRules("body.first_name", func(name any) reply { return put(map[string]any{"first_name": name})() })...))
}

// proxy returns a valid medical proxy, changed by set.
func proxy(set map[string]any) map[string]any {
	out := guarantor()
	for path, value := range set {
		setPath(out, path, value)
	}
	return out
}

// nameRules are the rules of a person's name (client-api#5-validation).
func nameRules(path string, ask func(name any) reply) []contractRule {
	rules := []contractRule{
		{rule: path + " may have blanks between words", request: func() reply { return ask("Ann B") }},
		{rule: path + " may have digits, hyphens, points, commas and apostrophes",
			request: func() reply { return ask("Anne-Marie O'Neil, Jr. 3rd") }},
		{rule: path + " may be one character", request: func() reply { return ask("A") }},
		{rule: path + " may have tabs between words", request: func() reply { return ask("Ann\tB") }},
	}
	for rule, name := range map[string]string{
		"begins with a letter or digit": "-Ann", "has single blanks": "Ann  B", "has no accents": "Zoë",
		"does not end in a blank": "Ann ",
		"does not begin with one": " Ann", "has no other signs": "Ann_B", "has no letters of other scripts": "Анна",
	} {
		rules = append(rules, contractRule{rule: path + " " + rule, request: func() reply { return ask(name) }, loc: path,
			kind: "string_pattern_mismatch"})
	}
	return append(rules, contractRule{rule: path + " is a text", request: func() reply { return ask(7) }, loc: path,
		kind: "string_type"})
}
