package api_test

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/png"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
)

// POST /v3/order (client-api#8-orders). Other tests check the rules of lab accounts, physicians, insurance, order sets
// and AOE questions.
func TestRulesOfNewOrders(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	post := func(set map[string]any) func() reply {
		return func() reply { return f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(set)) }
	}
	null := func(key string) func() reply {
		return func() reply {
			body := f.orderBody(nil)
			body[key] = nil
			return f.sendWithKey(http.MethodPost, "/v3/order", f.key, body)
		}
	}
	consent := func(set map[string]any) map[string]any {
		c := map[string]any{"consentType": "hipaa-authorization"}
		for key, value := range set {
			setPath(c, key, value)
		}
		return map[string]any{"consents": []any{c}}
	}
	image := func(content, kind string) map[string]any {
		p := physician()
		p["signature_image"] = map[string]any{"content": content, "content_type": kind}
		return map[string]any{"physician": p}
	}
	insured := func(set map[string]any) map[string]any { return map[string]any{"health_insurance": set} }
	rules := []contractRule{
		{
			rule: "the answer has the order, success and a message, with 200", request: post(nil),
			shows: map[string]any{"status": "success", "message": "order created", "order.origin": "initial"},
		},
		{
			rule: "the first event is there at once", request: post(nil), shows: map[string]any{
				"order.events.0.status": "received.testkit.ordered", "order.last_event.status": "received.testkit.ordered",
				"order.status":                 "received",
				"order.events.0.status_detail": nil,
			},
		},
		{
			rule: "an order has its transaction", request: post(nil), shows: map[string]any{
				"order.order_transaction.status": "active", "order.order_transaction.orders.0.origin": "initial",
				"order.order_transaction.orders.0.low_level_status": "ordered",
				"order.order_transaction.orders.0.parent_id":        nil,
			},
		},
		{rule: "user_id is required", request: post(map[string]any{"user_id": nil}), loc: "body.user_id", kind: "missing"},
		{rule: "user_id is a UUID", request: post(map[string]any{"user_id": "42"}), loc: "body.user_id",
			kind: "uuid_parsing"},
		{rule: "one of order_set and lab_test_id is needed", request: post(map[string]any{"order_set": nil}),
			loc: "body.order_set", kind: "missing"},
		{rule: "lab_test_id is as good as order_set",
			request: post(map[string]any{"order_set": nil, "lab_test_id": f.labTest}),
			shows:   map[string]any{"order.lab_test.id": f.labTest}},
		{rule: "lab_test_id is a UUID", request: post(map[string]any{"lab_test_id": "x"}), loc: "body.lab_test_id",
			kind: "uuid_parsing"},
		{rule: "lab and markers of the test are null in an order", request: post(nil),
			shows: map[string]any{"order.lab_test.lab": nil, "order.lab_test.markers": nil}},
		{rule: "collection_method is of its enumeration", request: post(map[string]any{"collection_method": "post"}),
			loc: "body.collection_method", kind: "enum"},
		{rule: "without collection_method it is the test's", request: post(nil),
			shows: map[string]any{"order.details.type": "testkit"}},
		{rule: "priority defaults to false", request: post(nil), shows: map[string]any{"order.priority": false}},
		{rule: "priority is kept", request: post(map[string]any{"priority": true}),
			shows: map[string]any{"order.priority": true}},
		{rule: "null for priority is the default", request: null("priority"), shows: map[string]any{"order.priority": false}},
		{rule: "priority is a boolean", request: post(map[string]any{"priority": 1}), loc: "body.priority",
			kind: "bool_type"},
		{rule: "billing_type defaults to client_bill", request: post(map[string]any{"billing_type": nil}),
			shows: map[string]any{"order.billing_type": "client_bill"}},
		{rule: "billing_type is of its enumeration", request: post(map[string]any{"billing_type": "barter"}),
			loc: "body.billing_type", kind: "enum"},
		{rule: "icd_codes are kept", request: post(map[string]any{"icd_codes": []any{"E78.5"}}),
			shows: map[string]any{"order.icd_codes": []any{"E78.5"}}},
		{rule: "icd_codes are a list", request: post(map[string]any{"icd_codes": "E78.5"}), loc: "body.icd_codes",
			kind: "list_type"},
		{rule: "icd_codes are texts", request: post(map[string]any{"icd_codes": []any{785}}), loc: "body.icd_codes.0",
			kind: "string_type"},
		{rule: "consentType is required", request: post(consent(map[string]any{"consentType": nil})),
			loc: "body.consents.0.consentType", kind: "missing"},
		{rule: "consentType is of its enumeration", request: post(consent(map[string]any{"consentType": "x"})),
			loc: "body.consents.0.consentType", kind: "enum"},
		{rule: "timeOfConsent is a time", request: post(consent(map[string]any{"timeOfConsent": "x"})),
			loc: "body.consents.0.timeOfConsent", kind: "datetime_parsing"},
		{rule: "consents may be empty", request: post(map[string]any{"consents": []any{}})},
		{rule: "activate_by may be today", request: post(map[string]any{"activate_by": "2026-03-04"}),
			shows: map[string]any{"order.activate_by": "2026-03-04"}},
		{rule: "activate_by may be later; the order stays ordered",
			request: post(map[string]any{"activate_by": "2027-03-04"}),
			shows:   map[string]any{"order.last_event.status": "received.testkit.ordered"}},
		{rule: "activate_by has not passed", request: post(map[string]any{"activate_by": "2026-03-03"}),
			loc: "body.activate_by", kind: "value_error"},
		{rule: "activate_by is a date", request: post(map[string]any{"activate_by": "soon"}), loc: "body.activate_by",
			kind: "date_from_datetime_parsing"},
		{rule: "passthrough is echoed", request: post(map[string]any{"passthrough": ` {"é": 1} `}),
			shows: map[string]any{"order.passthrough": ` {"é": 1} `}},
		{rule: "passthrough is a text", request: post(map[string]any{"passthrough": map[string]any{}}),
			loc: "body.passthrough", kind: "string_type"},
		{rule: "clinical_notes are shown as they were sent", request: post(map[string]any{"clinical_notes": "a\nb"}),
			shows: map[string]any{"order.clinical_notes": "a\nb"}},
		{rule: "clinical_notes have 1,000 characters",
			request: post(map[string]any{"clinical_notes": strings.Repeat("é", 1000)})},
		{rule: "and no more", request: post(map[string]any{"clinical_notes": strings.Repeat("a", 1001)}),
			loc: "body.clinical_notes", kind: "string_too_long"},
		{rule: "lab_account_id is a UUID", request: post(map[string]any{"lab_account_id": "x"}), loc: "body.lab_account_id",
			kind: "uuid_parsing"},
		{rule: "creator_member_id is a UUID", request: post(map[string]any{"creator_member_id": "x"}),
			loc: "body.creator_member_id", kind: "uuid_parsing"},
		{rule: "notes on orders are null", request: post(map[string]any{"notes": "x"}),
			shows: map[string]any{"order.notes": nil}},
		{rule: "patient_details are required", request: post(map[string]any{"patient_details": nil}),
			loc: "body.patient_details", kind: "missing"},
		{rule: "patient_address is required", request: post(map[string]any{"patient_address": nil}),
			loc: "body.patient_address", kind: "missing"},
		{rule: "lab_test_ids of a set are UUIDs",
			request: post(map[string]any{"order_set.lab_test_ids": []any{f.labTest, "x"}}), loc: "body.order_set.lab_test_ids.1",
			kind: "uuid_parsing"},
		{rule: "marker_ids of an add-on are integers",
			request: post(map[string]any{"order_set": map[string]any{"add_on": map[string]any{"marker_ids": []any{"1"}}}}),
			loc:     "body.order_set.add_on.marker_ids.0", kind: "int_type"},
		{rule: "an add-on needs collection_method",
			request: post(map[string]any{"order_set": map[string]any{"add_on": map[string]any{"marker_ids": []any{1}}}}),
			status:  400, text: "collection_method is required"},
		{rule: "a set of nothing",
			request: post(map[string]any{"order_set": map[string]any{"lab_test_ids": []any{}, "add_on": nil}}), status: 400,
			text: "A lab test is required"},
		{rule: "an answer names its marker",
			request: post(map[string]any{"aoe_answers": []any{map[string]any{"question_id": 1, "answer": "x"}}}),
			loc:     "body.aoe_answers.0.marker_id", kind: "missing"},
		{rule: "an answer is a text",
			request: post(map[string]any{"aoe_answers": []any{map[string]any{"marker_id": 1, "question_id": 1, "answer": 1}}}),
			loc:     "body.aoe_answers.0.answer", kind: "string_type"},

		{rule: "an NPI has no pattern",
			request: post(map[string]any{"physician": map[string]any{"first_name": "Jane", "last_name": "Smith", "npi": "x"}}),
			shows:   map[string]any{"order.physician.npi": "x"}},
		{rule: "a physician has an NPI",
			request: post(map[string]any{"physician": map[string]any{"first_name": "Jane", "last_name": "Smith"}}),
			loc:     "body.physician.npi", kind: "missing"},
		{rule: "a physician has a first name",
			request: post(map[string]any{"physician": map[string]any{"last_name": "Smith", "npi": "1"}}),
			loc:     "body.physician.first_name", kind: "missing"},
		{rule: "licensed_states are a list",
			request: post(map[string]any{"physician": map[string]any{"first_name": "Jane", "last_name": "Smith", "npi": "1",
				"licensed_states": "AZ"}}), loc: "body.physician.licensed_states", kind: "list_type"},
		{rule: "a signature may be a photograph", request: post(image(gray(t, 4000, 3000), "image/png")),
			shows: map[string]any{"status": "success"}},
		{rule: "a signature does not unpack to half a gigabyte", request: post(image(gray(t, 8000, 8000), "image/png")),
			loc: "body.physician.signature_image.content", kind: "value_error"},
		{rule: "a signature is base64", request: post(image("%%", "image/png")),
			loc: "body.physician.signature_image.content", kind: "value_error"},
		{rule: "a signature is what its type says", request: post(image(picture(t), "image/jpeg")),
			loc: "body.physician.signature_image.content", kind: "value_error"},
		{rule: "a signature is a JPEG or PNG",
			request: post(image(base64.StdEncoding.EncodeToString([]byte("GIF89a")), "image/gif")),
			loc:     "body.physician.signature_image.content_type", kind: "enum"},
		{rule: "a relationship that is not Self needs responsible_details",
			request: post(insured(map[string]any{"responsible_relationship": "Spouse"})),
			loc:     "body.health_insurance.responsible_details", kind: "missing"},
		{rule: "responsible_relationship is of its enumeration",
			request: post(insured(map[string]any{"responsible_relationship": "Cousin"})),
			loc:     "body.health_insurance.responsible_relationship", kind: "enum"},
		{rule: "Self needs none", request: post(insured(map[string]any{"responsible_relationship": "Self"}))},
		{rule: "who is responsible has an address",
			request: post(insured(map[string]any{"responsible_relationship": "Other",
				"responsible_details": map[string]any{"first_name": "Bo", "last_name": "Lee", "phone_number": "+16025550124"}})),
			loc: "body.health_insurance.responsible_details.address", kind: "missing"},
		{rule: "and a phone number that is one",
			request: post(insured(map[string]any{"responsible_relationship": "Other",
				"responsible_details": proxy(map[string]any{"phone_number": "none"})})),
			loc: "body.health_insurance.responsible_details.phone_number", kind: "value_error"},
		{rule: "with whom the order is taken",
			request: post(insured(map[string]any{"responsible_relationship": "Other", "responsible_details": guarantor()}))},
	}
	for _, kind := range []string{"terms-of-use", "telehealth-informed-consent", "mobile-terms-and-conditions",
		"notice-of-privacy-practices", "privacy-policy", "hipaa-authorization"} {
		rules = append(rules, contractRule{rule: "consent " + kind,
			request: post(consent(map[string]any{"consentType": kind}))})
	}
	check(t, rules)
}

// Defaults that are stored and not returned: the stored order has them.
func TestDefaultsOfNewOrders(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	member := newID()
	o := f.order(f.createOrder(map[string]any{
		"consents": []any{map[string]any{"consentType": "privacy-policy"},
			map[string]any{"consentType": "terms-of-use", "version": "2.1", "timeOfConsent": "2026-03-01T10:00:00+01:00"}},
		"health_insurance": map[string]any{"responsible_relationship": "Other",
			"responsible_details": proxy(map[string]any{"phone_number": "602 555-0124"})},
		"creator_member_id": member, "patient_details.household_income": 50000, "patient_details.household_size": 3,
	}))
	require.Equal(t, "1.0", o.Consents[0].Version, "version defaults to 1.0")
	require.Equal(t, testTime, o.Consents[0].At.UTC(), "timeOfConsent defaults to now")
	require.Equal(t, "2.1", o.Consents[1].Version, "version is kept")
	require.Equal(t, "2026-03-01T09:00:00Z", o.Consents[1].At.UTC().Format("2006-01-02T15:04:05Z07:00"),
		"timeOfConsent is kept")
	require.Equal(t, member, *o.CreatorMemberID, "creator_member_id is stored")
	require.Equal(t, 50000, *o.Patient.HouseholdIncome, "household_income is stored")
	require.Equal(t, 3, *o.Patient.HouseholdSize, "household_size is stored")
	require.Contains(t, string(o.Insurance), `"phone_type":"Mobile"`, "phone_type defaults to Mobile")
	require.Contains(t, string(o.Insurance), `"phone_number":"+16025550124"`)
}

// gray returns an empty PNG, which compresses well.
func gray(t *testing.T, width, height int) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))))
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

// client-api#8-orders: changes, imports, the draw, and webhooks that are sent again. The tests of the lifecycle check
// when an order may be cancelled (client-api#18-order-states).
func TestRulesOfOrders(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	scheduled, plain := f.createOrder(map[string]any{"activate_by": "2026-03-09"}), f.createOrder(nil)
	f.record(f.createOrder(nil), order.CauseCall(newID()),
		func(s order.State) order.Decision { return s.ApplyPlacementAccepted("TAKEN", testTime) })
	shipped := f.createOrder(map[string]any{"activate_by": "2026-03-04"})
	f.applyFact(shipped, order.Fact{Kind: order.FactKitShipped})
	patch := func(id string, body any) func() reply {
		return func() reply { return f.sendWithKey(http.MethodPatch, "/v3/order/"+id, f.key, body) }
	}
	imported := func(set map[string]any) func() reply {
		return func() reply {
			body := f.importBody(map[string]any{"sample_id": newID()})
			for path, value := range set {
				setPath(body, path, value)
			}
			return f.sendWithKey(http.MethodPost, "/v3/order/import", f.key, body)
		}
	}
	resend := func(body any) func() reply {
		return func() reply { return f.sendWithKey(http.MethodPost, "/v3/order/resend_events", f.key, body) }
	}
	post := func(path string) func() reply {
		return func() reply { return f.sendWithKey(http.MethodPost, path, f.key, nil) }
	}
	get := func(path string) func() reply {
		return func() reply { return f.sendWithKey(http.MethodGet, path, f.key, nil) }
	}
	check(t, []contractRule{
		{rule: "the body is the bare order", request: get("/v3/order/" + plain),
			shows: map[string]any{"id": plain, "order": absent}},
		{rule: "an unknown order is not found", request: get("/v3/order/" + newID()), status: 404, text: "Order not found"},
		{rule: "order_id is a UUID", request: get("/v3/order/42"), loc: "path.order_id", kind: "uuid_parsing"},

		{rule: "activate_by must be there to be changed", request: patch(scheduled, `{}`), loc: "body.activate_by",
			kind: "missing"},
		{rule: "a later date reschedules", request: patch(scheduled, `{"activate_by": "2026-04-01"}`),
			shows: map[string]any{"order.activate_by": "2026-04-01", "status": "success", "message": "order updated"}},
		{rule: "a date that has passed is refused", request: patch(scheduled, `{"activate_by": "2026-03-03"}`), status: 400,
			text: "in the past"},
		{rule: "an order without activate_by is not rescheduled", request: patch(plain, `{"activate_by": "2026-04-01"}`),
			status: 400, text: "created without activate_by"},
		{rule: "an order that is not ordered any more is not rescheduled",
			request: patch(shipped, `{"activate_by": "2026-04-01"}`), status: 400},
		{rule: "a change of an unknown order", request: patch(newID(), `{"activate_by": null}`), status: 404},
		{rule: "today dispatches", request: patch(scheduled, `{"activate_by": "2026-03-04"}`),
			shows: map[string]any{"order.activate_by": "2026-03-04"}},

		{
			rule: "a cancellation adds its event", request: post("/v3/order/" + plain + "/cancel"),
			shows: map[string]any{"order.last_event.status": "cancelled.testkit.cancelled", "order.status": "cancelled",
				"order.order_transaction.status": "cancelled", "status": "success"},
		},
		{
			rule: "what cannot be cancelled is refused in both shapes", request: post("/v3/order/" + plain + "/cancel"),
			status: 400,
			shows:  map[string]any{"status_code": 400.0, "error": "Bad Request"}, text: "not allowed",
		},
		{rule: "an unknown order is not cancelled", request: post("/v3/order/" + newID() + "/cancel"), status: 404},

		{
			rule: "an import goes past the requisition", request: imported(nil), shows: map[string]any{
				"order.events.0.status":   "received.testkit.ordered",
				"order.events.1.status":   "received.testkit.requisition_bypassed",
				"order.last_event.status": "received.testkit.requisition_bypassed",
			},
		},
		{rule: "an import has its sample_id", request: imported(map[string]any{"sample_id": "REQ-1"}),
			shows: map[string]any{"order.sample_id": "REQ-1"}},
		{rule: "without blanks around it, as reports name it", request: imported(map[string]any{"sample_id": " REQ-2\t"}),
			shows: map[string]any{"order.sample_id": "REQ-2"}},
		{rule: "so that a blank makes no other one", request: imported(map[string]any{"sample_id": "REQ-1 "}),
			loc: "body.sample_id", kind: "value_error"},
		{rule: "and it is none that no report could name",
			request: imported(map[string]any{"sample_id": strings.Repeat("é", 40)}), loc: "body.sample_id",
			kind: "value_error"},
		{rule: "such as a blank one", request: imported(map[string]any{"sample_id": " "}), loc: "body.sample_id",
			kind: "value_error"},
		{rule: "which is unique among imports", request: imported(map[string]any{"sample_id": "REQ-1"}),
			loc: "body.sample_id", kind: "value_error"},
		{rule: "and among orders that were placed", request: imported(map[string]any{"sample_id": "TAKEN"}),
			loc: "body.sample_id", kind: "value_error"},
		{rule: "an import's address has no pattern for zip", request: imported(map[string]any{"patient_address.zip": "n/a"})},
		{rule: "but a zip", request: imported(map[string]any{"patient_address.zip": nil}), loc: "body.patient_address.zip",
			kind: "missing"},
		{rule: "an import has receiver_name", request: imported(map[string]any{"patient_address.receiver_name": nil}),
			loc: "body.patient_address.receiver_name", kind: "missing"},
		{rule: "an import's access_notes has 1000 characters",
			request: imported(map[string]any{"patient_address.access_notes": strings.Repeat("a", 1001)}),
			loc:     "body.patient_address.access_notes", kind: "string_too_long"},
		{rule: "a phone number in its address is ignored",
			request: imported(map[string]any{"patient_address.phone_number": 7})},
		{rule: "its patient is checked as any", request: imported(map[string]any{"patient_details.first_name": "Zoë"}),
			loc: "body.patient_details.first_name", kind: "string_pattern_mismatch"},
		{rule: "it has billing_type", request: imported(map[string]any{"billing_type": nil}), loc: "body.billing_type",
			kind: "missing"},
		{rule: "it has collection_method", request: imported(map[string]any{"collection_method": nil}),
			loc: "body.collection_method", kind: "missing"},
		{rule: "it has a set", request: imported(map[string]any{"order_set": nil}), loc: "body.order_set", kind: "missing"},
		{rule: "it has sample_id", request: imported(map[string]any{"sample_id": nil}), loc: "body.sample_id",
			kind: "missing"},
		{rule: "sample_id is not empty", request: imported(map[string]any{"sample_id": ""}), loc: "body.sample_id",
			kind: "string_too_short"},

		{rule: "the draw is of on-site orders only", request: func() reply {
			return f.sendWithKey(http.MethodPatch, "/v3/order/"+scheduled+"/draw_completed", f.key, nil)
		}, status: 400, text: "does not have this"},
		{rule: "the draw of an unknown order", request: func() reply {
			return f.sendWithKey(http.MethodPatch, "/v3/order/"+newID()+"/draw_completed", f.key, nil)
		}, status: 404},

		{rule: "webhooks are resent by order_ids", request: resend(map[string]any{"order_ids": []any{newID()}}),
			shows: map[string]any{"order_ids": []any{}}},
		{rule: "or by start_at", request: resend(map[string]any{"start_at": "2026-03-01T00:00:00Z"})},
		{rule: "one of which is needed", request: resend(map[string]any{}), loc: "body.order_ids", kind: "value_error"},
		{rule: "the time is at most 60 days",
			request: resend(map[string]any{"start_at": "2026-01-01T00:00:00Z", "end_at": "2026-03-02T00:00:01Z"}),
			loc:     "body.start_at", kind: "value_error"},
		{rule: "and may be 60 days",
			request: resend(map[string]any{"start_at": "2026-01-01T00:00:00Z", "end_at": "2026-03-02T00:00:00Z"})},
		{rule: "end_at defaults to now", request: resend(map[string]any{"start_at": "2026-01-01T00:00:00Z"}),
			loc: "body.start_at", kind: "value_error"},
		{rule: "start_at is a time", request: resend(map[string]any{"start_at": "soon"}), loc: "body.start_at",
			kind: "datetime_parsing"},
		{rule: "order_ids are UUIDs", request: resend(map[string]any{"order_ids": []any{newID(), "x"}}),
			loc: "body.order_ids.1", kind: "uuid_parsing"},

		{rule: "sms_enabled is required", request: func() reply {
			return f.sendWithKey(http.MethodPatch, "/v3/order/"+plain+"/communication_settings", f.key, `{}`)
		}, loc: "body.sms_enabled", kind: "missing"},
		{rule: "sms_enabled is shown with the order", request: get("/v3/order/" + plain + "/communication_settings"),
			shows: map[string]any{"order_id": plain, "sms_enabled": true}},
	})
}
