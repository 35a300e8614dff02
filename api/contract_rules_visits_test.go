package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// Appointments (client-api#11-appointments). visit_booking_test.go tests how they change the order.
func TestRulesOfAppointments(t *testing.T) {
	t.Parallel()
	h := newFullAPI(t)
	for m, at := range appointmentRoutePaths {
		v := h.newAppointmentFixture(m)
		t.Log(at) // shown when what follows fails
		ask := func(method, what string, body any) func() reply {
			return func() reply { return v.request(method, what, body) }
		}
		with := func(key string, value any) map[string]any {
			body := map[string]any{"booking_key": "a.b"}
			setPath(body, key, value)
			return body
		}
		var rules []contractRule
		for what, method := range map[string]string{"/book": http.MethodPost, "/reschedule": http.MethodPatch} {
			rules = append(rules,
				contractRule{rule: what + ": booking_key is required", request: ask(method, what, `{}`), loc: "body.booking_key",
					kind: "missing"},
				contractRule{rule: what + ": booking_key is a text", request: ask(method, what, with("booking_key", 1)),
					loc: "body.booking_key", kind: "string_type"},
				contractRule{rule: what + ": a key that is none is refused", request: ask(method, what, with("booking_key", "x")),
					status: 400},
				contractRule{rule: what + ": appointment_notes has 1000 characters",
					request: ask(method, what, with("appointment_notes", strings.Repeat("é", 1001))), loc: "body.appointment_notes",
					kind: "string_too_long"},
				contractRule{rule: what + ": and may have them",
					request: ask(method, what, with("appointment_notes", strings.Repeat("é", 1000))), status: 400,
					text: "booking_key"},
			)
		}
		for field, bounds := range map[string][2]int64{"sync_confirmation_timeout_millisecond": {1000, 10000},
			"async_confirmation_timeout_millisecond": {60000, 172800000}} {
			rules = append(rules,
				contractRule{rule: field + " has a least value", request: ask(http.MethodPost, "/book", with(field, bounds[0]-1)),
					loc: "body." + field, kind: "greater_than_equal"},
				contractRule{rule: field + " may be it", request: ask(http.MethodPost, "/book", with(field, bounds[0])),
					status: 400, text: "booking_key"},
				contractRule{rule: field + " has a greatest value",
					request: ask(http.MethodPost, "/book", with(field, bounds[1]+1)), loc: "body." + field, kind: "less_than_equal"},
				contractRule{rule: field + " may be that", request: ask(http.MethodPost, "/book", with(field, bounds[1])),
					status: 400, text: "booking_key"},
				contractRule{rule: field + " is an integer", request: ask(http.MethodPost, "/book",
					with(field, float64(bounds[0])+0.5)), loc: "body." + field, kind: "int_type"},
			)
		}
		reason := map[lifecycle.Modality]string{lifecycle.AtHomePhlebotomy: "cancellation_reason_id",
			lifecycle.WalkIn: "cancellationReasonId"}[m]
		id := order.CancellationReasons(order.AppointmentTypeOf(m))[0].ID
		rules = append(rules,
			contractRule{rule: "async_confirmation is a boolean",
				request: ask(http.MethodPost, "/book", with("async_confirmation", "yes")), loc: "body.async_confirmation",
				kind: "bool_type"},
			contractRule{rule: "no appointment is not found", request: ask(http.MethodGet, "", nil), status: 404,
				text: "Appointment not found"},
			contractRule{rule: "the reason of a cancellation is required", request: ask(http.MethodPatch, "/cancel", `{}`),
				loc: "body." + reason, kind: "missing"},
			contractRule{rule: "the reason is a UUID", request: ask(http.MethodPatch, "/cancel", map[string]any{reason: "x"}),
				loc: "body." + reason, kind: "uuid_parsing"},
			contractRule{rule: "what is not booked is not cancelled",
				request: ask(http.MethodPatch, "/cancel", map[string]any{reason: id}), status: 400, text: "no appointment"},
			contractRule{rule: "what is not booked is not moved",
				request: ask(http.MethodPatch, "/reschedule", map[string]any{"booking_key": v.keys[1]}), status: 400,
				text: "no appointment"},
			contractRule{
				rule:    "a booking is confirmed, and scheduled",
				request: ask(http.MethodPost, "/book", map[string]any{"booking_key": v.keys[0], "appointment_notes": "blue door"}),
				shows: map[string]any{"status": "confirmed", "event_status": "scheduled", "order_id": v.id, "user_id": v.user,
					"appointment_notes": "blue door", "can_reschedule": true, "events.0.status": "scheduled"},
			},
			contractRule{rule: "one at a time", request: ask(http.MethodPost, "/book", map[string]any{"booking_key": v.keys[1]}),
				status: 400, text: "has an appointment already"},
			contractRule{rule: "it is read", request: ask(http.MethodGet, "", nil),
				shows: map[string]any{"status": "confirmed"}},
			contractRule{rule: "it is moved", request: ask(http.MethodPatch, "/reschedule",
				map[string]any{"booking_key": v.keys[1]}), shows: map[string]any{"event_data.is_reschedule": true,
				"event_data.origin": "patient", "status": "confirmed"}},
			contractRule{rule: "a reason that there is not",
				request: ask(http.MethodPatch, "/cancel", map[string]any{reason: newID()}), status: 400,
				text: "reason does not exist"},
			contractRule{rule: "it is cancelled", request: ask(http.MethodPatch, "/cancel", map[string]any{reason: id}),
				shows: map[string]any{"status": "cancelled", "event_status": "cancelled"}},
		)
		check(t, rules)
	}
}

// client-api#11-appointments: free slots, and appointments whose time the provider sets.
func TestRulesOfAvailability(t *testing.T) {
	t.Parallel()
	h := newFullAPI(t)
	v := h.newAppointmentFixture(lifecycle.AtHomePhlebotomy)
	visit := func(set map[string]any) func() reply {
		return func() reply {
			body := visitAddress()
			for path, value := range set {
				setPath(body, path, value)
			}
			return h.sendWithKey(http.MethodPost, phlebotomyPath, h.key, body)
		}
	}
	request := func(set map[string]any) reply {
		body := map[string]any{"address": visitAddress(), "provider": "getlabs"}
		for path, value := range set {
			setPath(body, path, value)
		}
		return v.request(http.MethodPost, "/request", body)
	}
	psc := func(query string) func() reply {
		return func() reply { return h.sendWithKey(http.MethodPost, pscPath+query, h.key, nil) }
	}
	check(t, addressRules(func(set map[string]any) reply { return visit(set)() }, "", "zip_code"))
	check(t, []contractRule{
		{rule: "slots are in cents, with a key", request: visit(nil),
			shows: map[string]any{"slots.0.slots.0.price": 3500.0, "slots.0.location": nil, "timezone": "America/Phoenix",
				"slots.0.slots.0.is_priority": false}},
		{rule: "start_date is a date", request: func() reply {
			return h.sendWithKey(http.MethodPost, phlebotomyPath+"?start_date=soon", h.key, visitAddress())
		}, loc: "query.start_date", kind: "date_from_datetime_parsing"},
		{rule: "a provider is of its enumeration", request: func() reply { return request(map[string]any{"provider": "me"}) },
			loc: "body.provider", kind: "enum"},
		{rule: "a provider is required", request: func() reply { return request(map[string]any{"provider": nil}) },
			loc: "body.provider", kind: "missing"},
		{rule: "so is an address", request: func() reply { return request(map[string]any{"address": nil}) },
			loc: "body.address", kind: "missing"},
		{rule: "whose zip_code is checked",
			request: func() reply { return request(map[string]any{"address.zip_code": "8500"}) }, loc: "body.address.zip_code",
			kind: "string_pattern_mismatch"},
		{rule: "notes have 1000 characters",
			request: func() reply { return request(map[string]any{"appointment_notes": strings.Repeat("a", 1001)}) },
			loc:     "body.appointment_notes", kind: "string_too_long"},
		{rule: "a provider who takes no requests",
			request: func() reply { return request(map[string]any{"provider": "phlebfinders"}) }, status: 400,
			text: "cannot be requested"},
		{
			rule: "a request is pending, without a time", request: func() reply { return request(nil) },
			shows: map[string]any{"status": "pending", "event_status": "pending", "start_at": nil, "end_at": nil,
				"can_reschedule": false, "provider": "getlabs", "type": "phlebotomy"},
		},

		{rule: "parameters of centers are in the query", request: psc("?lab=quest&zip_code=85004"),
			shows: map[string]any{"timezone": nil, "slots.0.location.code": "AZ1"}},
		{rule: "lab is required", request: psc("?zip_code=85004"), loc: "query.lab", kind: "missing"},
		{rule: "lab is one that books", request: psc("?lab=labcorp&zip_code=85004"), loc: "query.lab", kind: "enum"},
		{rule: "zip_code has five digits", request: psc("?lab=quest&zip_code=85004-1234"), loc: "query.zip_code",
			kind: "string_pattern_mismatch"},
		{rule: "radius is of its enumeration", request: psc("?lab=quest&zip_code=85004&radius=30"), loc: "query.radius",
			kind: "enum"},
		{rule: "neither sites nor zip_code", request: psc("?lab=quest"), status: 400, text: "is required"},
		{rule: "three sites", request: psc("?lab=quest&site_codes=1&site_codes=2&site_codes=3")},
		{rule: "and no more", request: psc("?lab=quest&site_codes=1&site_codes=2&site_codes=3&site_codes=4"), status: 400,
			text: "At most 3"},
		{rule: "start_date may be today", request: psc("?lab=quest&zip_code=85004&start_date=2026-03-04")},
		{rule: "start_date has not passed", request: psc("?lab=quest&zip_code=85004&start_date=2026-03-03"), status: 400,
			text: "in the past"},
		{rule: "the days after start_date are dates", request: psc("?lab=quest&zip_code=85004&start_date=9999-12-31"),
			loc: "query.start_date", kind: "value_error"},
		{rule: "also in every time zone", request: psc("?lab=quest&zip_code=85004&start_date=9999-12-17"),
			loc: "query.start_date", kind: "value_error"},
		{rule: "also at the other end", request: psc("?lab=quest&zip_code=85004&start_date=0001-01-01"), status: 400,
			text: "in the past"},
		{rule: "also where the body has it", request: func() reply {
			return h.sendWithKey(http.MethodPost, "/v3/order/psc/appointment/availability", h.key,
				map[string]any{"lab": "quest", "zip_code": "85004", "start_date": "9999-12-31"})
		}, loc: "query.start_date", kind: "value_error"},
		{rule: "a phlebotomist's too", request: func() reply {
			return h.sendWithKey(http.MethodPost, phlebotomyPath+"?start_date=9999-12-31", h.key, visitAddress())
		}, loc: "query.start_date", kind: "value_error"},
		{rule: "the last day is asked for", request: func() reply {
			return h.sendWithKey(http.MethodPost, phlebotomyPath+"?start_date=9999-12-16", h.key, visitAddress())
		}},
		{rule: "a center's start_date is a date", request: psc("?lab=quest&zip_code=85004&start_date=soon"),
			loc: "query.start_date", kind: "date_from_datetime_parsing"},
		{rule: "allow_stale is a boolean", request: psc("?lab=quest&zip_code=85004&allow_stale=old"),
			loc: "query.allow_stale", kind: "bool_parsing"},
		{rule: "a lab for which nothing is enabled", request: psc("?lab=sonora_quest&zip_code=85004"), status: 503,
			text: "not enabled"},
	})
}

// Results, PDFs and locations (client-api#12-results, client-api#13-pdfs, client-api#14-area-and-psc-info).
func TestRulesOfDocumentsAndLocations(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	get := func(path string) func() reply {
		return func() reply { return f.sendWithKey(http.MethodGet, path, f.key, nil) }
	}
	of := func(what string) func() reply { return get("/v3/order/" + id + what) }
	rules := []contractRule{
		{rule: "number_of_labels is an integer",
			request: of("/labels/pdf?number_of_labels=x&collection_date=2026-03-04T15:30:00Z"), loc: "query.number_of_labels",
			kind: "int_parsing"},
		{rule: "collection_date is required", request: of("/labels/pdf"), loc: "query.collection_date", kind: "missing"},
		{rule: "collection_date is a time", request: of("/labels/pdf?collection_date=soon"), loc: "query.collection_date",
			kind: "datetime_parsing"},
		{rule: "labels that cannot be printed yet are not found",
			request: of("/labels/pdf?collection_date=2026-03-04T15:30:00.000Z"), status: 404},

		{rule: "zip_code is required for an area", request: get("/v3/order/area/info"), loc: "query.zip_code",
			kind: "missing"},
		{rule: "and has five digits", request: get("/v3/order/area/info?zip_code=85004-1234"), loc: "query.zip_code",
			kind: "string_pattern_mismatch"},
		{rule: "radius defaults to 25", request: get("/v3/order/area/info?zip_code=85004&labs=quest"),
			shows: map[string]any{"zip_code": "85004", "phlebotomy.is_served": false}},
		{rule: "radius is of its enumeration", request: get("/v3/order/area/info?zip_code=85004&radius=26"),
			loc: "query.radius", kind: "enum"},
		{rule: "labs are of their enumeration", request: get("/v3/order/area/info?zip_code=85004&labs=mtl"),
			loc: "query.labs.0", kind: "enum"},
		{rule: "lab is too", request: get("/v3/order/area/info?zip_code=85004&lab=mtl"), loc: "query.lab", kind: "enum"},
		{rule: "lab_account_id of an area is a UUID", request: get("/v3/order/area/info?zip_code=85004&lab_account_id=x"),
			loc: "query.lab_account_id", kind: "uuid_parsing"},
		{rule: "zip_code is required for centers", request: get("/v3/order/psc/info?lab_id=27"), loc: "query.zip_code",
			kind: "missing"},
		{rule: "lab_id is required", request: get("/v3/order/psc/info?zip_code=85004"), loc: "query.lab_id", kind: "missing"},
		{rule: "lab_id is an integer", request: get("/v3/order/psc/info?zip_code=85004&lab_id=mtl"), loc: "query.lab_id",
			kind: "int_parsing"},
		{rule: "centers of a lab", request: get("/v3/order/psc/info?zip_code=85004&lab_id=27"),
			shows: map[string]any{"lab_id": 27.0, "slug": "mtl", "patient_service_centers": []any{}}},
		{rule: "an unknown lab is not found", request: get("/v3/order/psc/info?zip_code=85004&lab_id=28"), status: 404,
			text: "Lab not found"},
		{rule: "capabilities are of their enumeration",
			request: get("/v3/order/psc/info?zip_code=85004&lab_id=27&capabilities=fast"), loc: "query.capabilities.0",
			kind: "enum"},
		{rule: "centers of an order", request: of("/psc/info"), shows: map[string]any{"lab_id": 27.0}},
		{rule: "radius of an order's centers", request: of("/psc/info?radius=1"), loc: "query.radius", kind: "enum"},
	}
	for what, says := range map[string]string{
		"/result": "Result", "/result/metadata": "Result", "/result/pdf": "Result", "/requisition/pdf": "Requisition",
		"/abn_pdf":                    "Advance beneficiary notice",
		"/collection_instruction_pdf": "Collection instructions",
	} {
		rules = append(rules,
			contractRule{rule: what + " that is not there yet is not found", request: of(what), status: 404,
				text: says + " not found"},
			contractRule{rule: what + " of an unknown order", request: get("/v3/order/" + newID() + what), status: 404,
				text: "not found"},
			contractRule{rule: what + " of no id", request: get("/v3/order/42" + what), loc: "path.order_id",
				kind: "uuid_parsing"},
		)
	}
	check(t, rules)
	imported := f.sendWithKey(http.MethodPost, "/v3/order/import", f.key,
		f.importBody(nil)).json(t)["order"].(map[string]any)["id"].(string)
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodGet, "/v3/order/"+imported+"/requisition/pdf", f.key,
		nil).status, "none for imported orders")
}
