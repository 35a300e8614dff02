package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// validRequest is a request that succeeds and changes something.
type validRequest struct {
	body    any
	ids     map[string]string // what the parameters of its path name; what is not there is the team's own, or anything
	query   string
	headers []string
}

// fullAPI is an API on which every route can succeed: its labs make appointments and ship kits, and its simulated lab
// accepts every script.
type fullAPI struct {
	labAPI
	own map[string]string // ids of what belongs to its team, by the parameter that names it
}

// obedientLab is a simulated lab that accepts every script.
type obedientLab struct{}

func (obedientLab) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}")), Header: http.Header{},
		Request: r}, nil
}

func newFullAPI(t *testing.T) fullAPI {
	t.Helper()
	h := fullAPI{labAPI: newSchedulingAPI(t,
		func(d *api.Deps) { d.LabHTTPClient = &http.Client{Transport: obedientLab{}} })}
	h.labs["mtl"] = &lab{can: labs.Capabilities{Methods: lifecycle.Modalities(), Registrable: true}}
	h.own = h.ownIDs()
	h.own["team_id"] = h.team
	return h
}

// validRequests returns, for every route that changes something, a function that creates what the route needs and
// returns a request that succeeds.
func (h fullAPI) validRequests() map[string]func() validRequest {
	plain := func(body any) func() validRequest { return func() validRequest { return validRequest{body: body} } }
	all := map[string]func() validRequest{}
	for _, some := range []map[string]func() validRequest{h.userRequests(plain), h.orderRequests(plain),
		h.appointmentRequests(), h.opsOrderRequests(plain), h.adminRequests(plain)} {
		for route, make := range some {
			all[route] = make
		}
	}
	return all
}

func requestAbout(parameter, id string, body any) validRequest {
	return validRequest{body: body, ids: map[string]string{parameter: id}}
}

func (h fullAPI) userRequests(plain func(any) func() validRequest) map[string]func() validRequest {
	deleted := func() string {
		id := h.newUser(h.team)
		require.NoError(h.t, h.store.DeleteUser(h.t.Context(), h.team, id))
		return id
	}
	return map[string]func() validRequest{
		"POST /v2/user":                plain(map[string]any{"client_user_id": "new"}),
		"POST /v2/user/":               plain(map[string]any{"client_user_id": "new too"}),
		"PATCH /v2/user/:user_id":      plain(map[string]any{"fallback_time_zone": "America/Phoenix"}),
		"PATCH /v2/user/:user_id/info": plain(userInfo(nil)),
		"POST /v2/user/:user_id/insurance": func() validRequest {
			h.addInsurance(nil)
			return validRequest{body: insurance(map[string]any{"relationship": "Spouse", "guarantor": guarantor()})}
		},
		"DELETE /v2/user/:user_id":  func() validRequest { return requestAbout("user_id", h.newUser(h.team), nil) },
		"POST /v2/user/undo_delete": func() validRequest { return validRequest{query: "?user_id=" + deleted()} },
		"POST /v3/payor":            plain(map[string]any{"name": "Own plan", "address": address()}),
	}
}

func (h fullAPI) orderRequests(plain func(any) func() validRequest) map[string]func() validRequest {
	placed := func(set map[string]any, body any) func() validRequest {
		return func() validRequest { return requestAbout("order_id", h.createOrder(set), body) }
	}
	review := func(body any) func() validRequest {
		return func() validRequest {
			_, id := h.newHeldReview()
			return requestAbout("raw_result_id", id, body)
		}
	}
	return map[string]func() validRequest{
		"POST /v3/lab_tests":               func() validRequest { return validRequest{body: h.ironTest()} },
		"PATCH /v3/lab_tests/:lab_test_id": plain(map[string]any{"name": "Renamed"}),
		"POST /v3/order":                   plain(h.orderBody(map[string]any{"physician": physician()})),
		"PATCH /v3/order/:order_id": placed(map[string]any{"activate_by": "2026-03-20"},
			`{"activate_by": "2026-03-09"}`),
		"POST /v3/order/:order_id/cancel": placed(nil, nil),
		"POST /v3/order/import":           plain(h.importBody(nil)),
		"POST /v3/order/testkit":          plain(h.testkitBody(nil)),
		"POST /v3/order/testkit/register": func() validRequest {
			h.createRegistrableKit("KIT-1")
			return validRequest{body: h.registration("KIT-1", nil)}
		},
		"POST /v3/order/resend_events": func() validRequest {
			return validRequest{body: map[string]any{"order_ids": []any{h.createOrder(nil)}}}
		},
		"POST /v3/order/:order_id/test":  h.simulationRequest,
		"POST /v3/unmatched_result_test": h.unmatchedResultTestRequest,
		"PATCH /v3/order/:order_id/draw_completed": func() validRequest {
			defer func(id string) { h.labTest = id }(h.labTest)
			return requestAbout("order_id", h.createOnSiteOrder(), nil)
		},
		"PATCH /v3/order/:order_id/communication_settings": placed(nil, map[string]any{"sms_enabled": false}),
		"POST /v3/unmatched_result/:raw_result_id/accept":  review(map[string]any{"note": "sampled before"}),
		"POST /v3/unmatched_result/:raw_result_id/resolve": review(`{"action": "unsure", "note": "who?"}`),
	}
}

// ironTest creates a lab test of one marker and returns its id.
func (h fullAPI) ironTest() map[string]any {
	r := h.ops(http.MethodPost, "/ops/catalogue", smallCatalogue())
	require.Equal(h.t, http.StatusOK, r.status, string(r.body))
	return map[string]any{"marker_ids": []any{77001}, "name": "Iron", "method": "walk_in_test", "description": "Ferritin"}
}

func smallCatalogue() map[string]any {
	return map[string]any{"files": []any{map[string]any{"name": "small.json", "content": json.RawMessage(`{
		"labs": [{"id": 770, "slug": "small", "name": "Small", "first_line_address": "1 Main St", "city": "Phoenix",
			"zipcode": "85004", "collection_methods": ["walk_in_test"], "sample_types": ["serum"]}],
		"markers": [{"id": 77001, "lab": "small", "name": "Ferritin", "slug": "ferritin", "provider_id": "F1"}]}`)}}}
}

func (h fullAPI) simulationRequest() validRequest {
	a := requestAbout("order_id", h.requisitioned(), map[string]any{"interpretation": "normal"})
	a.query = "?final_status=collecting_sample.testkit.transit_customer"
	return a
}

func (h fullAPI) unmatchedResultTestRequest() validRequest {
	return validRequest{body: map[string]any{"case": "no_match", "order_source": "managed"},
		headers: []string{testKey, "run-1"}}
}

// appointmentRequests are the requests about appointments. Each has its own order.
func (h fullAPI) appointmentRequests() map[string]func() validRequest {
	out := map[string]func() validRequest{}
	reason := map[lifecycle.Modality]map[string]any{
		lifecycle.AtHomePhlebotomy: {"cancellation_reason_id": order.CancellationReasons(order.Phlebotomy)[0].ID,
			"notes": "moved"},
		lifecycle.WalkIn: {"cancellationReasonId": order.CancellationReasons(order.PatientServiceCenter)[0].ID,
			"note": "moved"},
	}
	for m, words := range reason {
		booked := func(body func(v appointmentFixture) any) func() validRequest {
			return func() validRequest {
				defer func(id string) { h.labTest = id }(h.labTest)
				v := h.newAppointmentFixture(m)
				if r := v.book(v.keys[0], nil); r.status != http.StatusOK {
					require.Fail(h.t, "not booked", string(r.body))
				}
				return requestAbout("order_id", v.id, body(v))
			}
		}
		base := path(appointmentRoutePaths[m], ":order_id")
		out["POST "+base+"/book"] = func() validRequest {
			defer func(id string) { h.labTest = id }(h.labTest)
			v := h.newAppointmentFixture(m)
			return requestAbout("order_id", v.id, map[string]any{"booking_key": v.keys[0], "appointment_notes": "blue door"})
		}
		out["PATCH "+base+"/reschedule"] = booked(func(v appointmentFixture) any {
			return map[string]any{"booking_key": v.keys[1], "appointment_notes": "red door"}
		})
		out["PATCH "+base+"/cancel"] = booked(func(appointmentFixture) any { return words })
	}
	out["POST /v3/order/:order_id/phlebotomy/appointment/request"] = func() validRequest {
		defer func(id string) { h.labTest = id }(h.labTest)
		return requestAbout("order_id", h.newAppointmentFixture(lifecycle.AtHomePhlebotomy).id,
			map[string]any{"address": visitAddress(), "provider": "getlabs"})
	}
	return out
}

func (h fullAPI) opsOrderRequests(plain func(any) func() validRequest) map[string]func() validRequest {
	rejected := func() string {
		id, final := h.createOrder(nil), false
		h.applyFact(id, order.Fact{Kind: order.FactKitRejected, Recoverable: &final})
		return id
	}
	refused := func() string {
		id := h.createOrder(nil)
		h.record(id, order.CauseCall(newID()),
			func(s order.State) order.Decision { return s.ApplyPlacementRefused(testTime) })
		return id
	}
	review := func(body any) func() validRequest {
		return func() validRequest {
			_, id := h.newHeldReview()
			return requestAbout("raw_result_id", id, body)
		}
	}
	return map[string]func() validRequest{
		"POST /ops/orders/:order_id/cancel": func() validRequest {
			return requestAbout("order_id", h.createOrder(nil),
				nil)
		},
		"POST /ops/orders/place": func() validRequest {
			refused()
			return validRequest{body: map[string]any{"limit": 1}}
		},
		"POST /ops/orders/:order_id/place":   func() validRequest { return requestAbout("order_id", refused(), nil) },
		"POST /ops/orders/:order_id/replace": func() validRequest { return requestAbout("order_id", rejected(), nil) },
		"POST /ops/orders/:order_id/recover": func() validRequest {
			details := h.orderBody(map[string]any{"patient_details.dob": "1991-02-03"})
			return requestAbout("order_id", h.newBlockedOrder(), map[string]any{"patient_details": details["patient_details"],
				"patient_address": details["patient_address"], "note": "asked"})
		},
		"POST /ops/orders/:order_id/do-not-process": func() validRequest {
			return requestAbout("order_id", h.createOrder(nil), map[string]any{"reason": "patient_withdrew", "note": "called"})
		},
		"POST /ops/orders/:order_id/attention/:reason/acknowledge": func() validRequest {
			return validRequest{ids: map[string]string{"order_id": h.newBlockedOrder(), "reason": "recovery_needed"}}
		},
		"POST /ops/reviews/:raw_result_id/accept": review(map[string]any{"note": "sampled before"}),
		"POST /ops/reviews/:raw_result_id/resolve": func() validRequest {
			_, id := h.newHeldReview()
			require.Equal(h.t, http.StatusOK, h.decide(id, "resolve", map[string]any{"action": "unsure"}).status)
			return requestAbout("raw_result_id", id, `{"action": "reject"}`)
		},
		"POST /ops/inbox/:inbox_id/assign": func() validRequest {
			received := h.sendLabWebhookAs(labUser, labToken, labWebhookSample(h.t, "kit_received", "NOBODY"))
			require.Equal(h.t, http.StatusAccepted, received.status, string(received.body))
			return requestAbout("inbox_id", received.json(h.t)["id"].(string), map[string]any{"order_id": h.createOrder(nil)})
		},
		"POST /ops/inbox/:inbox_id/release": func() validRequest {
			received := h.sendLabWebhookAs(labUser, labToken, `not JSON `+newID())
			require.Equal(h.t, http.StatusBadRequest, received.status, string(received.body))
			return requestAbout("inbox_id", received.json(h.t)["id"].(string), nil)
		},
		"POST /ops/lab-tests/:lab_test_id/approve": func() validRequest {
			made := h.sendWithKey(http.MethodPost, "/v3/lab_tests", h.key, h.ironTest())
			require.Equal(h.t, http.StatusOK, made.status, string(made.body))
			return requestAbout("lab_test_id", made.json(h.t)["id"].(string), nil)
		},
		"POST /ops/messages/:message_id/resend": func() validRequest {
			endpoint := h.newWebhook(map[string]any{"url": "http://127.0.0.1:9"})["id"].(string)
			id := h.createOrder(nil)
			h.recordAttempts(endpoint, store.AttemptRow{StatusCode: 500, Failure: "status"}) // the last
			return requestAbout("message_id", h.messages("?order_id=" + id)[0]["id"].(string),
				map[string]any{"endpoint_id": endpoint})
		},
		"POST /ops/endpoints/:endpoint_id/replay": func() validRequest {
			endpoint := h.newWebhook(map[string]any{"url": "http://127.0.0.1:9"})["id"].(string)
			return requestAbout("endpoint_id", endpoint, map[string]any{"since": "2026-03-01T00:00:00Z"})
		},
		"POST /ops/catalogue": plain(smallCatalogue()),
	}
}

const managedWebhook = "/v1/org/:org_id/team/:team_id/:environment/webhook"

func (h fullAPI) adminRequests(plain func(any) func() validRequest) map[string]func() validRequest {
	webhook := func(body any) func() validRequest {
		return func() validRequest {
			return requestAbout("webhook_id", h.newWebhook(map[string]any{"url": "http://127.0.0.1:9"})["id"].(string), body)
		}
	}
	key := func(body any) func() validRequest {
		return func() validRequest {
			k := store.APIKey{ID: newID(), TeamID: h.team, Role: store.RoleClient}
			require.NoError(h.t, h.store.CreateAPIKey(h.t.Context(), k, "sk_us_"+k.ID))
			return requestAbout("key_id", k.ID, body)
		}
	}
	url := map[string]any{"url": "http://127.0.0.1:9/hook", "description": "main"}
	return map[string]func() validRequest{
		"POST /ops/teams":                 plain(map[string]any{"name": "New", "environment": "sandbox"}),
		"PATCH /ops/teams/:team_id":       plain(`{"policy": {}}`),
		"POST /ops/teams/:team_id/keys":   plain(map[string]any{"name": "new", "role": "client"}),
		"POST /ops/teams/:team_id/tokens": plain(map[string]any{"lifetime_seconds": 60}),
		"POST /ops/keys/:key_id/rotate":   key(map[string]any{"overlap_seconds": 60}),
		"POST /ops/keys/:key_id/revoke":   key(nil),
		"PUT /ops/lab-accounts/:lab_account_id": plain(map[string]any{
			"lab_slug": "draws", "partner": "neutral", "environment": "sandbox", "base_url": "http://partner.test", "user": "us",
			"token": secretOf("a"),
		}),
		"POST /ops/teams/:team_id/endpoints":        plain(url),
		"POST " + managedWebhook:                    plain(url),
		"PATCH " + managedWebhook + "/:webhook_id":  webhook(map[string]any{"description": "other"}),
		"DELETE " + managedWebhook + "/:webhook_id": webhook(nil),
		"PUT " + managedWebhook +
			"/:webhook_id/headers": webhook(map[string]any{"headers": map[string]any{"X-Env": "test"}}),
		"POST " + managedWebhook + "/:webhook_id/secret/rotate": webhook(map[string]any{"key": secretOf("b")}),
	}
}

// mutating returns the routes of the table that change something.
func mutating() []string {
	var all []string
	for _, scope := range []string{"own:change", "all:change", "administer"} {
		for _, route := range scopesOfRoutes[scope] {
			if !strings.HasPrefix(route, "GET ") {
				all = append(all, route)
			}
		}
	}
	slices.Sort(all)
	return all
}

// sendAsAdministrator sends a request as an administrator.
func (h fullAPI) sendAsAdministrator(route string, a validRequest, headers ...string) reply {
	h.t.Helper()
	method, pattern, _ := strings.Cut(route, " ")
	ids := map[string]string{}
	for _, some := range []map[string]string{h.own, a.ids} {
		for name, id := range some {
			ids[name] = id
		}
	}
	return h.sendWithKey(method, fillPathParameters(pattern, ids)+a.query, h.opsKey, a.body,
		append(headers, a.headers...)...)
}
