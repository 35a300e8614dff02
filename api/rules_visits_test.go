package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// Appointments (client-api#11-appointments). What becomes of an order by them is tested beside it.
func TestRulesOfAppointments(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for m, at := range visitPaths {
		v := h.visit(m)
		t.Log(at) // shown when what follows fails
		ask := func(method, what string, body any) func() reply {
			return func() reply { return v.ask(method, what, body) }
		}
		with := func(key string, value any) map[string]any {
			body := map[string]any{"booking_key": "a.b"}
			place(body, key, value)
			return body
		}
		var rules []ruling
		for what, method := range map[string]string{"/book": http.MethodPost, "/reschedule": http.MethodPatch} {
			rules = append(rules,
				ruling{rule: what + ": booking_key is required", ask: ask(method, what, `{}`), loc: "body.booking_key", kind: "missing"},
				ruling{rule: what + ": booking_key is a text", ask: ask(method, what, with("booking_key", 1)), loc: "body.booking_key", kind: "string_type"},
				ruling{rule: what + ": a key that is none is refused", ask: ask(method, what, with("booking_key", "x")), status: 400},
				ruling{rule: what + ": appointment_notes has 1000 characters", ask: ask(method, what, with("appointment_notes", strings.Repeat("é", 1001))), loc: "body.appointment_notes", kind: "string_too_long"},
				ruling{rule: what + ": and may have them", ask: ask(method, what, with("appointment_notes", strings.Repeat("é", 1000))), status: 400, says: "booking_key"},
			)
		}
		for field, bounds := range map[string][2]int64{"sync_confirmation_timeout_millisecond": {1000, 10000}, "async_confirmation_timeout_millisecond": {60000, 172800000}} {
			rules = append(rules,
				ruling{rule: field + " has a least value", ask: ask(http.MethodPost, "/book", with(field, bounds[0]-1)), loc: "body." + field, kind: "greater_than_equal"},
				ruling{rule: field + " may be it", ask: ask(http.MethodPost, "/book", with(field, bounds[0])), status: 400, says: "booking_key"},
				ruling{rule: field + " has a greatest value", ask: ask(http.MethodPost, "/book", with(field, bounds[1]+1)), loc: "body." + field, kind: "less_than_equal"},
				ruling{rule: field + " may be that", ask: ask(http.MethodPost, "/book", with(field, bounds[1])), status: 400, says: "booking_key"},
				ruling{rule: field + " is an integer", ask: ask(http.MethodPost, "/book", with(field, float64(bounds[0])+0.5)), loc: "body." + field, kind: "int_type"},
			)
		}
		reason := map[lifecycle.Modality]string{lifecycle.AtHomePhlebotomy: "cancellation_reason_id", lifecycle.WalkIn: "cancellationReasonId"}[m]
		id := order.CancellationReasons(order.AppointmentTypeOf(m))[0].ID
		rules = append(rules,
			ruling{rule: "async_confirmation is a boolean", ask: ask(http.MethodPost, "/book", with("async_confirmation", "yes")), loc: "body.async_confirmation", kind: "bool_type"},
			ruling{rule: "no appointment is not found", ask: ask(http.MethodGet, "", nil), status: 404, says: "Appointment not found"},
			ruling{rule: "the reason of a cancellation is required", ask: ask(http.MethodPatch, "/cancel", `{}`), loc: "body." + reason, kind: "missing"},
			ruling{rule: "the reason is a UUID", ask: ask(http.MethodPatch, "/cancel", map[string]any{reason: "x"}), loc: "body." + reason, kind: "uuid_parsing"},
			ruling{rule: "what is not booked is not cancelled", ask: ask(http.MethodPatch, "/cancel", map[string]any{reason: id}), status: 400, says: "no appointment"},
			ruling{rule: "what is not booked is not moved", ask: ask(http.MethodPatch, "/reschedule", map[string]any{"booking_key": v.keys[1]}), status: 400, says: "no appointment"},
			ruling{
				rule: "a booking is confirmed, and scheduled", ask: ask(http.MethodPost, "/book", map[string]any{"booking_key": v.keys[0], "appointment_notes": "blue door"}),
				shows: map[string]any{"status": "confirmed", "event_status": "scheduled", "order_id": v.id, "user_id": v.user, "appointment_notes": "blue door", "can_reschedule": true, "events.0.status": "scheduled"},
			},
			ruling{rule: "one at a time", ask: ask(http.MethodPost, "/book", map[string]any{"booking_key": v.keys[1]}), status: 400, says: "has an appointment already"},
			ruling{rule: "it is read", ask: ask(http.MethodGet, "", nil), shows: map[string]any{"status": "confirmed"}},
			ruling{rule: "it is moved", ask: ask(http.MethodPatch, "/reschedule", map[string]any{"booking_key": v.keys[1]}), shows: map[string]any{"event_data.is_reschedule": true, "event_data.origin": "patient", "status": "confirmed"}},
			ruling{rule: "a reason that there is not", ask: ask(http.MethodPatch, "/cancel", map[string]any{reason: newID()}), status: 400, says: "reason does not exist"},
			ruling{rule: "it is cancelled", ask: ask(http.MethodPatch, "/cancel", map[string]any{reason: id}), shows: map[string]any{"status": "cancelled", "event_status": "cancelled"}},
		)
		check(t, rules)
	}
}

// Section 11: what is free, and phlebotomists who set the time.
func TestRulesOfAvailability(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	v := h.visit(lifecycle.AtHomePhlebotomy)
	visit := func(set map[string]any) func() reply {
		return func() reply {
			body := visitAddress()
			for path, value := range set {
				place(body, path, value)
			}
			return h.do(http.MethodPost, phlebotomyPath, h.key, body)
		}
	}
	request := func(set map[string]any) reply {
		body := map[string]any{"address": visitAddress(), "provider": "getlabs"}
		for path, value := range set {
			place(body, path, value)
		}
		return v.ask(http.MethodPost, "/request", body)
	}
	psc := func(query string) func() reply {
		return func() reply { return h.do(http.MethodPost, pscPath+query, h.key, nil) }
	}
	check(t, addressesHold(func(set map[string]any) reply { return visit(set)() }, "", "zip_code"))
	check(t, []ruling{
		{rule: "slots are in cents, with a key", ask: visit(nil), shows: map[string]any{"slots.0.slots.0.price": 3500.0, "slots.0.location": nil, "timezone": "America/Phoenix", "slots.0.slots.0.is_priority": false}},
		{rule: "start_date is a date", ask: func() reply { return h.do(http.MethodPost, phlebotomyPath+"?start_date=soon", h.key, visitAddress()) }, loc: "query.start_date", kind: "date_from_datetime_parsing"},
		{rule: "a provider is of its enumeration", ask: func() reply { return request(map[string]any{"provider": "me"}) }, loc: "body.provider", kind: "enum"},
		{rule: "a provider is required", ask: func() reply { return request(map[string]any{"provider": nil}) }, loc: "body.provider", kind: "missing"},
		{rule: "so is an address", ask: func() reply { return request(map[string]any{"address": nil}) }, loc: "body.address", kind: "missing"},
		{rule: "whose zip_code is checked", ask: func() reply { return request(map[string]any{"address.zip_code": "8500"}) }, loc: "body.address.zip_code", kind: "string_pattern_mismatch"},
		{rule: "notes have 1000 characters", ask: func() reply { return request(map[string]any{"appointment_notes": strings.Repeat("a", 1001)}) }, loc: "body.appointment_notes", kind: "string_too_long"},
		{rule: "a provider who takes no requests", ask: func() reply { return request(map[string]any{"provider": "phlebfinders"}) }, status: 400, says: "cannot be requested"},
		{
			rule: "a request is pending, without a time", ask: func() reply { return request(nil) },
			shows: map[string]any{"status": "pending", "event_status": "pending", "start_at": nil, "end_at": nil, "can_reschedule": false, "provider": "getlabs", "type": "phlebotomy"},
		},

		{rule: "parameters of centers are in the query", ask: psc("?lab=quest&zip_code=85004"), shows: map[string]any{"timezone": nil, "slots.0.location.code": "AZ1"}},
		{rule: "lab is required", ask: psc("?zip_code=85004"), loc: "query.lab", kind: "missing"},
		{rule: "lab is one that books", ask: psc("?lab=labcorp&zip_code=85004"), loc: "query.lab", kind: "enum"},
		{rule: "zip_code has five digits", ask: psc("?lab=quest&zip_code=85004-1234"), loc: "query.zip_code", kind: "string_pattern_mismatch"},
		{rule: "radius is of its enumeration", ask: psc("?lab=quest&zip_code=85004&radius=30"), loc: "query.radius", kind: "enum"},
		{rule: "neither sites nor zip_code", ask: psc("?lab=quest"), status: 400, says: "is required"},
		{rule: "three sites", ask: psc("?lab=quest&site_codes=1&site_codes=2&site_codes=3")},
		{rule: "and no more", ask: psc("?lab=quest&site_codes=1&site_codes=2&site_codes=3&site_codes=4"), status: 400, says: "At most 3"},
		{rule: "start_date may be today", ask: psc("?lab=quest&zip_code=85004&start_date=2026-03-04")},
		{rule: "start_date has not passed", ask: psc("?lab=quest&zip_code=85004&start_date=2026-03-03"), status: 400, says: "in the past"},
		{rule: "a center's start_date is a date", ask: psc("?lab=quest&zip_code=85004&start_date=soon"), loc: "query.start_date", kind: "date_from_datetime_parsing"},
		{rule: "allow_stale is a boolean", ask: psc("?lab=quest&zip_code=85004&allow_stale=old"), loc: "query.allow_stale", kind: "bool_parsing"},
		{rule: "a lab for which nothing is enabled", ask: psc("?lab=sonora_quest&zip_code=85004"), status: 503, says: "not enabled"},
	})
}

// Sections 12 to 14: results, PDFs and places.
func TestRulesOfPapersAndPlaces(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.placed(nil)
	get := func(path string) func() reply { return func() reply { return f.do(http.MethodGet, path, f.key, nil) } }
	of := func(what string) func() reply { return get("/v3/order/" + id + what) }
	rules := []ruling{
		{rule: "number_of_labels is an integer", ask: of("/labels/pdf?number_of_labels=x&collection_date=2026-03-04T15:30:00Z"), loc: "query.number_of_labels", kind: "int_parsing"},
		{rule: "collection_date is required", ask: of("/labels/pdf"), loc: "query.collection_date", kind: "missing"},
		{rule: "collection_date is a time", ask: of("/labels/pdf?collection_date=soon"), loc: "query.collection_date", kind: "datetime_parsing"},
		{rule: "labels that cannot be printed yet are not found", ask: of("/labels/pdf?collection_date=2026-03-04T15:30:00.000Z"), status: 404},

		{rule: "zip_code is required for an area", ask: get("/v3/order/area/info"), loc: "query.zip_code", kind: "missing"},
		{rule: "and has five digits", ask: get("/v3/order/area/info?zip_code=85004-1234"), loc: "query.zip_code", kind: "string_pattern_mismatch"},
		{rule: "radius defaults to 25", ask: get("/v3/order/area/info?zip_code=85004&labs=quest"), shows: map[string]any{"zip_code": "85004", "phlebotomy.is_served": false}},
		{rule: "radius is of its enumeration", ask: get("/v3/order/area/info?zip_code=85004&radius=26"), loc: "query.radius", kind: "enum"},
		{rule: "labs are of their enumeration", ask: get("/v3/order/area/info?zip_code=85004&labs=mtl"), loc: "query.labs.0", kind: "enum"},
		{rule: "lab is too", ask: get("/v3/order/area/info?zip_code=85004&lab=mtl"), loc: "query.lab", kind: "enum"},
		{rule: "lab_account_id of an area is a UUID", ask: get("/v3/order/area/info?zip_code=85004&lab_account_id=x"), loc: "query.lab_account_id", kind: "uuid_parsing"},
		{rule: "zip_code is required for centers", ask: get("/v3/order/psc/info?lab_id=27"), loc: "query.zip_code", kind: "missing"},
		{rule: "lab_id is required", ask: get("/v3/order/psc/info?zip_code=85004"), loc: "query.lab_id", kind: "missing"},
		{rule: "lab_id is an integer", ask: get("/v3/order/psc/info?zip_code=85004&lab_id=mtl"), loc: "query.lab_id", kind: "int_parsing"},
		{rule: "centers of a lab", ask: get("/v3/order/psc/info?zip_code=85004&lab_id=27"), shows: map[string]any{"lab_id": 27.0, "slug": "mtl", "patient_service_centers": []any{}}},
		{rule: "an unknown lab is not found", ask: get("/v3/order/psc/info?zip_code=85004&lab_id=28"), status: 404, says: "Lab not found"},
		{rule: "capabilities are of their enumeration", ask: get("/v3/order/psc/info?zip_code=85004&lab_id=27&capabilities=fast"), loc: "query.capabilities.0", kind: "enum"},
		{rule: "centers of an order", ask: of("/psc/info"), shows: map[string]any{"lab_id": 27.0}},
		{rule: "radius of an order's centers", ask: of("/psc/info?radius=1"), loc: "query.radius", kind: "enum"},
	}
	for what, says := range map[string]string{
		"/result": "Result", "/result/metadata": "Result", "/result/pdf": "Result", "/requisition/pdf": "Requisition", "/abn_pdf": "Advance beneficiary notice",
		"/collection_instruction_pdf": "Collection instructions",
	} {
		rules = append(rules,
			ruling{rule: what + " that is not there yet is not found", ask: of(what), status: 404, says: says + " not found"},
			ruling{rule: what + " of an unknown order", ask: get("/v3/order/" + newID() + what), status: 404, says: "not found"},
			ruling{rule: what + " of no id", ask: get("/v3/order/42" + what), loc: "path.order_id", kind: "uuid_parsing"},
		)
	}
	check(t, rules)
	imported := f.do(http.MethodPost, "/v3/order/import", f.key, f.importBody(nil)).json(t)["order"].(map[string]any)["id"].(string)
	require.Equal(t, http.StatusNotFound, f.do(http.MethodGet, "/v3/order/"+imported+"/requisition/pdf", f.key, nil).status, "none for imported orders")
}
