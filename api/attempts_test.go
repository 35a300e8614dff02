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

// attempt is a request that changes something, and succeeds.
type attempt struct {
	body    any
	ids     map[string]string // what the parameters of its path name; what is not there is the team's own, or anything
	query   string
	headers []string
}

// house is an API of which everything can be asked: its labs keep appointments and ship kits, and its simulated lab obeys.
type house struct {
	clinic
	own map[string]string // ids of what belongs to its team, by the parameter that names it
}

// obeys is a simulated lab that takes every script.
type obeys struct{}

func (obeys) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}")), Header: http.Header{}, Request: r}, nil
}

func newHouse(t *testing.T) house {
	t.Helper()
	h := house{clinic: newVisits(t, func(d *api.Deps) { d.HTTP = &http.Client{Transport: obeys{}} })}
	h.labs["mtl"] = &lab{can: labs.Capabilities{Methods: lifecycle.Modalities(), Registrable: true}}
	h.own = h.owned()
	h.own["team_id"] = h.team
	return h
}

// attempts say of every route that changes something how it is asked so that it does. Each puts in place first what it needs.
func (h house) attempts() map[string]func() attempt {
	plain := func(body any) func() attempt { return func() attempt { return attempt{body: body} } }
	all := map[string]func() attempt{}
	for _, some := range []map[string]func() attempt{h.userAttempts(plain), h.orderAttempts(plain), h.visitAttempts(), h.opsOrderAttempts(plain), h.adminAttempts(plain)} {
		for route, make := range some {
			all[route] = make
		}
	}
	return all
}

func about(parameter, id string, body any) attempt {
	return attempt{body: body, ids: map[string]string{parameter: id}}
}

func (h house) userAttempts(plain func(any) func() attempt) map[string]func() attempt {
	deleted := func() string {
		id := h.newUser(h.team)
		require.NoError(h.t, h.store.DeleteUser(h.t.Context(), h.team, id))
		return id
	}
	return map[string]func() attempt{
		"POST /v2/user":                plain(map[string]any{"client_user_id": "new"}),
		"POST /v2/user/":               plain(map[string]any{"client_user_id": "new too"}),
		"PATCH /v2/user/:user_id":      plain(map[string]any{"fallback_time_zone": "America/Phoenix"}),
		"PATCH /v2/user/:user_id/info": plain(userInfo(nil)),
		"POST /v2/user/:user_id/insurance": func() attempt {
			h.insured(nil)
			return attempt{body: insurance(map[string]any{"relationship": "Spouse", "guarantor": guarantor()})}
		},
		"DELETE /v2/user/:user_id":  func() attempt { return about("user_id", h.newUser(h.team), nil) },
		"POST /v2/user/undo_delete": func() attempt { return attempt{query: "?user_id=" + deleted()} },
		"POST /v3/payor":            plain(map[string]any{"name": "Own plan", "address": address()}),
	}
}

func (h house) orderAttempts(plain func(any) func() attempt) map[string]func() attempt {
	placed := func(set map[string]any, body any) func() attempt {
		return func() attempt { return about("order_id", h.placed(set), body) }
	}
	review := func(body any) func() attempt {
		return func() attempt {
			_, id := h.held()
			return about("raw_result_id", id, body)
		}
	}
	return map[string]func() attempt{
		"POST /v3/lab_tests":               func() attempt { return attempt{body: h.ironTest()} },
		"PATCH /v3/lab_tests/:lab_test_id": plain(map[string]any{"name": "Renamed"}),
		"POST /v3/order":                   plain(h.orderBody(map[string]any{"physician": physician()})),
		"PATCH /v3/order/:order_id":        placed(map[string]any{"activate_by": "2026-03-20"}, `{"activate_by": "2026-03-09"}`),
		"POST /v3/order/:order_id/cancel":  placed(nil, nil),
		"POST /v3/order/import":            plain(h.importBody(nil)),
		"POST /v3/order/testkit":           plain(h.testkitBody(nil)),
		"POST /v3/order/testkit/register":  func() attempt { h.kit("KIT-1"); return attempt{body: h.registration("KIT-1", nil)} },
		"POST /v3/order/resend_events":     func() attempt { return attempt{body: map[string]any{"order_ids": []any{h.placed(nil)}}} },
		"POST /v3/order/:order_id/test":    h.simulated,
		"POST /v3/unmatched_result_test":   h.reviewTest,
		"PATCH /v3/order/:order_id/draw_completed": func() attempt {
			defer func(id string) { h.labTest = id }(h.labTest)
			return about("order_id", h.onSite(), nil)
		},
		"PATCH /v3/order/:order_id/communication_settings": placed(nil, map[string]any{"sms_enabled": false}),
		"POST /v3/unmatched_result/:raw_result_id/accept":  review(map[string]any{"note": "sampled before"}),
		"POST /v3/unmatched_result/:raw_result_id/resolve": review(`{"action": "unsure", "note": "who?"}`),
	}
}

// ironTest is a lab test that a team makes of a marker.
func (h house) ironTest() map[string]any {
	r := h.ops(http.MethodPost, "/ops/catalogue", smallCatalogue())
	require.Equal(h.t, http.StatusOK, r.status, string(r.body))
	return map[string]any{"marker_ids": []any{77001}, "name": "Iron", "method": "walk_in_test", "description": "Ferritin"}
}

func smallCatalogue() map[string]any {
	return map[string]any{"files": []any{map[string]any{"name": "small.json", "content": json.RawMessage(`{
		"labs": [{"id": 770, "slug": "small", "name": "Small", "first_line_address": "1 Main St", "city": "Phoenix", "zipcode": "85004",
			"collection_methods": ["walk_in_test"], "sample_types": ["serum"]}],
		"markers": [{"id": 77001, "lab": "small", "name": "Ferritin", "slug": "ferritin", "provider_id": "F1"}]}`)}}}
}

func (h house) simulated() attempt {
	a := about("order_id", h.requisitioned(), map[string]any{"interpretation": "normal"})
	a.query = "?final_status=collecting_sample.testkit.transit_customer"
	return a
}

func (h house) reviewTest() attempt {
	return attempt{body: map[string]any{"case": "no_match", "order_source": "managed"}, headers: []string{testKey, "run-1"}}
}

// visitAttempts are about appointments, of orders of their own.
func (h house) visitAttempts() map[string]func() attempt {
	out := map[string]func() attempt{}
	reason := map[lifecycle.Modality]map[string]any{
		lifecycle.AtHomePhlebotomy: {"cancellation_reason_id": order.CancellationReasons(order.Phlebotomy)[0].ID, "notes": "moved"},
		lifecycle.WalkIn:           {"cancellationReasonId": order.CancellationReasons(order.PatientServiceCenter)[0].ID, "note": "moved"},
	}
	for m, words := range reason {
		booked := func(body func(v visit) any) func() attempt {
			return func() attempt {
				defer func(id string) { h.labTest = id }(h.labTest)
				v := h.visit(m)
				if r := v.book(v.keys[0], nil); r.status != http.StatusOK {
					require.Fail(h.t, "not booked", string(r.body))
				}
				return about("order_id", v.id, body(v))
			}
		}
		base := path(visitPaths[m], ":order_id")
		out["POST "+base+"/book"] = func() attempt {
			defer func(id string) { h.labTest = id }(h.labTest)
			v := h.visit(m)
			return about("order_id", v.id, map[string]any{"booking_key": v.keys[0], "appointment_notes": "blue door"})
		}
		out["PATCH "+base+"/reschedule"] = booked(func(v visit) any { return map[string]any{"booking_key": v.keys[1], "appointment_notes": "red door"} })
		out["PATCH "+base+"/cancel"] = booked(func(visit) any { return words })
	}
	out["POST /v3/order/:order_id/phlebotomy/appointment/request"] = func() attempt {
		defer func(id string) { h.labTest = id }(h.labTest)
		return about("order_id", h.visit(lifecycle.AtHomePhlebotomy).id, map[string]any{"address": visitAddress(), "provider": "getlabs"})
	}
	return out
}

func (h house) opsOrderAttempts(plain func(any) func() attempt) map[string]func() attempt {
	rejected := func() string {
		id, final := h.placed(nil), false
		h.fact(id, order.Fact{Kind: order.KitRejected, Recoverable: &final})
		return id
	}
	refused := func() string {
		id := h.placed(nil)
		h.record(id, order.CauseCall(newID()), func(s order.State) order.Decision { return s.ApplyPlacementRefused(began) })
		return id
	}
	review := func(body any) func() attempt {
		return func() attempt {
			_, id := h.held()
			return about("raw_result_id", id, body)
		}
	}
	return map[string]func() attempt{
		"POST /ops/orders/:order_id/cancel":  func() attempt { return about("order_id", h.placed(nil), nil) },
		"POST /ops/orders/:order_id/place":   func() attempt { return about("order_id", refused(), nil) },
		"POST /ops/orders/:order_id/replace": func() attempt { return about("order_id", rejected(), nil) },
		"POST /ops/orders/:order_id/recover": func() attempt {
			details := h.orderBody(map[string]any{"patient_details.dob": "1991-02-03"})
			return about("order_id", h.blocked(), map[string]any{"patient_details": details["patient_details"], "patient_address": details["patient_address"], "note": "asked"})
		},
		"POST /ops/orders/:order_id/do-not-process": func() attempt {
			return about("order_id", h.placed(nil), map[string]any{"reason": "patient_withdrew", "note": "called"})
		},
		"POST /ops/orders/:order_id/attention/:reason/acknowledge": func() attempt {
			return attempt{ids: map[string]string{"order_id": h.blocked(), "reason": "recovery_needed"}}
		},
		"POST /ops/reviews/:raw_result_id/accept": review(map[string]any{"note": "sampled before"}),
		"POST /ops/reviews/:raw_result_id/resolve": func() attempt {
			_, id := h.held()
			require.Equal(h.t, http.StatusOK, h.decide(id, "resolve", map[string]any{"action": "unsure"}).status)
			return about("raw_result_id", id, `{"action": "reject"}`)
		},
		"POST /ops/inbox/:inbox_id/assign": func() attempt {
			received := h.labAs(labUser, labToken, seed(h.t, "kit_received", "NOBODY"))
			require.Equal(h.t, http.StatusAccepted, received.status, string(received.body))
			return about("inbox_id", received.json(h.t)["id"].(string), map[string]any{"order_id": h.placed(nil)})
		},
		"POST /ops/lab-tests/:lab_test_id/approve": func() attempt {
			made := h.do(http.MethodPost, "/v3/lab_tests", h.key, h.ironTest())
			require.Equal(h.t, http.StatusOK, made.status, string(made.body))
			return about("lab_test_id", made.json(h.t)["id"].(string), nil)
		},
		"POST /ops/messages/:message_id/resend": func() attempt {
			endpoint := h.newWebhook(map[string]any{"url": "http://127.0.0.1:9"})["id"].(string)
			id := h.placed(nil)
			h.attempted(endpoint, store.AttemptRow{StatusCode: 500, Failure: "status"}) // the last
			return about("message_id", h.messages("?order_id=" + id)[0]["id"].(string), map[string]any{"endpoint_id": endpoint})
		},
		"POST /ops/endpoints/:endpoint_id/replay": func() attempt {
			endpoint := h.newWebhook(map[string]any{"url": "http://127.0.0.1:9"})["id"].(string)
			return about("endpoint_id", endpoint, map[string]any{"since": "2026-03-01T00:00:00Z"})
		},
		"POST /ops/catalogue": plain(smallCatalogue()),
	}
}

const managedWebhook = "/v1/org/:org_id/team/:team_id/:environment/webhook"

func (h house) adminAttempts(plain func(any) func() attempt) map[string]func() attempt {
	webhook := func(body any) func() attempt {
		return func() attempt {
			return about("webhook_id", h.newWebhook(map[string]any{"url": "http://127.0.0.1:9"})["id"].(string), body)
		}
	}
	key := func(body any) func() attempt {
		return func() attempt {
			k := store.Key{ID: newID(), TeamID: h.team, Role: store.RoleClient}
			require.NoError(h.t, h.store.CreateKey(h.t.Context(), k, "sk_us_"+k.ID))
			return about("key_id", k.ID, body)
		}
	}
	url := map[string]any{"url": "http://127.0.0.1:9/hook", "description": "main"}
	return map[string]func() attempt{
		"POST /ops/teams":                 plain(map[string]any{"name": "New", "environment": "sandbox"}),
		"PATCH /ops/teams/:team_id":       plain(`{"policy": {}}`),
		"POST /ops/teams/:team_id/keys":   plain(map[string]any{"name": "new", "role": "client"}),
		"POST /ops/teams/:team_id/tokens": plain(map[string]any{"lifetime_seconds": 60}),
		"POST /ops/keys/:key_id/rotate":   key(map[string]any{"overlap_seconds": 60}),
		"POST /ops/keys/:key_id/revoke":   key(nil),
		"PUT /ops/lab-accounts/:lab_account_id": plain(map[string]any{
			"lab_slug": "draws", "partner": "neutral", "environment": "sandbox", "base_url": "http://partner.test", "user": "us", "token": secretOf("a"),
		}),
		"POST /ops/teams/:team_id/endpoints":                    plain(url),
		"POST " + managedWebhook:                                plain(url),
		"PATCH " + managedWebhook + "/:webhook_id":              webhook(map[string]any{"description": "other"}),
		"DELETE " + managedWebhook + "/:webhook_id":             webhook(nil),
		"PUT " + managedWebhook + "/:webhook_id/headers":        webhook(map[string]any{"headers": map[string]any{"X-Env": "test"}}),
		"POST " + managedWebhook + "/:webhook_id/secret/rotate": webhook(map[string]any{"key": secretOf("b")}),
	}
}

// mutating are the routes of the table that change something.
func mutating() []string {
	var all []string
	for _, scope := range []string{"own:change", "all:change", "administer"} {
		for _, route := range takes[scope] {
			if !strings.HasPrefix(route, "GET ") {
				all = append(all, route)
			}
		}
	}
	slices.Sort(all)
	return all
}

// try makes the attempt, as an administrator.
func (h house) try(route string, a attempt, headers ...string) reply {
	h.t.Helper()
	method, pattern, _ := strings.Cut(route, " ")
	ids := map[string]string{}
	for _, some := range []map[string]string{h.own, a.ids} {
		for name, id := range some {
			ids[name] = id
		}
	}
	return h.do(method, filled(pattern, ids)+a.query, h.opsKey, a.body, append(headers, a.headers...)...)
}
