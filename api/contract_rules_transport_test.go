package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/store"
)

// client-api#1-transport, and the rules of client-api#2-errors for errors that are not about a field.
func TestRulesOfTransport(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	stranger := f.newKey(f.newTeam(store.Sandbox, ""), store.RoleClient)
	get := func(path string, headers ...string) func() reply {
		return func() reply { return f.send(http.MethodGet, path, nil, headers...) }
	}
	with := func(name, value string) func() reply { return get("/v3/order/"+id, name, value) }
	check(t, []contractRule{
		{rule: "no key", request: get("/v3/order/" + id), status: 401, text: "API key is missing"},
		{rule: "a bad key", request: with("x-vital-api-key", "sk_us_nobody"), status: 401, text: "not valid"},
		{rule: "the name of the header in lower case", request: with("x-vital-api-key", f.key)},
		{rule: "as the docs write it", request: with("X-Vital-API-Key", f.key)},
		{rule: "a bad token", request: with("Authorization", "Bearer nothing"), status: 401,
			text: "not valid, or has expired"},
		{rule: "a good token", request: with("Authorization", "Bearer "+f.token(f.team))},
		{rule: "one credential per request", request: get("/v3/order/"+id, "x-vital-api-key", f.key, "Authorization",
			"Bearer "+f.token(f.team)), status: 401, text: "Give one credential"},
		{rule: "the header of the management API is not valid here", request: with("X-Management-Key", f.opsKey),
			status: 401},
		{rule: "another team's order does not exist", request: with("x-vital-api-key", stranger), status: 404,
			text: "Order not found"},
		{
			rule: "headers of the SDK are ignored", request: get("/v3/order/"+id, "x-vital-api-key", f.key, "X-Fern-Language",
				"JavaScript", "X-Fern-SDK-Name", "@junction-api/sdk",
				"X-Fern-SDK-Version", "1.3.0", "X-Fern-Runtime", "node", "X-Fern-Runtime-Version", "22", "User-Agent", "x"),
			shows: map[string]any{"id": id},
		},
		{rule: "what is accepted is not negotiated", request: get("/v3/order/"+id, "x-vital-api-key", f.key, "Accept",
			"text/csv"), shows: map[string]any{"id": id}},
		{rule: "a route that there is not", request: get("/v3/nothing", "x-vital-api-key", f.key), status: 404,
			text: "Not found"},
		{rule: "a method that there is not",
			request: func() reply { return f.sendWithKey(http.MethodDelete, "/v3/order/"+id, f.key, nil) }, status: 405,
			text: "Method not allowed"},
		{rule: "a body whatever its type is called", request: func() reply {
			return f.sendWithKey(http.MethodPost, "/v2/user", f.key, `{"client_user_id": "text"}`, "Content-Type", "text/plain")
		}},
		{rule: "a body is UTF-8", request: func() reply {
			return f.sendWithKey(http.MethodPost, "/v2/user", f.key, "{\"client_user_id\": \"Zo\xeb\"}")
		}, loc: "body", kind: "json_invalid"},
		{rule: "a call without a body has no type", request: func() reply {
			return f.sendWithKey(http.MethodPost, "/v3/order/"+f.createOrder(nil)+"/cancel", f.key, nil)
		}},
		{rule: "a body that is not needed is not looked at", request: func() reply {
			return f.sendWithKey(http.MethodPost, "/v3/order/"+f.createOrder(nil)+"/cancel", f.key, `{"a": 1}`)
		}},
		{rule: "parameters are repeated", request: get("/v3/orders?status=ordered&status=completed&order_ids="+id,
			"x-vital-api-key", f.key), shows: map[string]any{"total": 1.0}},
		{rule: "a list of one is one parameter", request: get("/v3/orders?status=completed", "x-vital-api-key", f.key),
			shows: map[string]any{"total": 0.0}},
		{rule: "times have milliseconds",
			request: get("/v3/orders?start_date="+url.QueryEscape("2026-03-04T00:00:00.000Z")+"&order_ids="+id,
				"x-vital-api-key", f.key), shows: map[string]any{"total": 1.0}},
		{rule: "or an offset",
			request: get("/v3/orders?start_date="+url.QueryEscape("2026-03-04T00:00:00+01:00")+"&order_ids="+id,
				"x-vital-api-key", f.key), shows: map[string]any{"total": 1.0}},
		{rule: "booleans are true and false", request: get("/v3/lab_test?include_pricing=true", "x-vital-api-key", f.key),
			shows: map[string]any{"pricing.currency": "USD"}},
	})
	for _, r := range []reply{get("/v3/nothing")(), get("/v3/order/" + id)(), with("x-vital-api-key", f.key)(),
		f.sendWithKey(http.MethodGet, "/v3/order/42", f.key, nil)} {
		require.Equal(t, "application/json", mediaType(r.header.Get("Content-Type")), "errors included")
	}
	for _, place := range []string{"created_at", "updated_at", "events.0.created_at", "patient_details.dob",
		"order_transaction.orders.0.created_at"} {
		require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$`, at(t, with("x-vital-api-key", f.key)(), place),
			"times have an offset, UTC")
	}
}

// Simulation (client-api#8-orders) and order transactions (client-api#10-order-transactions).
func TestRulesOfSimulationAndTransactions(t *testing.T) {
	t.Parallel()
	s := newSimulationAPI(t, "neutral")
	id := s.requisitioned()
	transaction := s.order(id).TransactionID
	simulate := func(query string, body any) func() reply { return func() reply { return s.simulate(id, query, body) } }
	get := func(path string) func() reply {
		return func() reply { return s.sendWithKey(http.MethodGet, path, s.key, nil) }
	}
	rules := []contractRule{
		{rule: "no body", request: simulate("", nil)},
		{rule: "the text null", request: simulate("", "null")},
		{rule: "an empty object", request: simulate("", `{}`)},
		{rule: "final_status is a full status", request: simulate("?final_status=completed", nil), loc: "query.final_status",
			kind: "enum"},
		{rule: "of the order's own collection method", request: simulate("?final_status=completed.walk_in_test.completed",
			nil), status: 400},
		{rule: "and one that the order gets to", request: simulate("?final_status=received.testkit.ordered", nil),
			status: 400},
		{rule: "delay is an integer", request: simulate("?delay=x", nil), loc: "query.delay", kind: "int_parsing"},
		{rule: "delay is in seconds", request: simulate("?delay=1", nil)},
		{rule: "interpretation is of its enumeration", request: simulate("", `{"interpretation": "great"}`),
			loc: "body.interpretation", kind: "enum"},
		{rule: "result_types are of their enumeration", request: simulate("", `{"result_types": ["numeric", "colour"]}`),
			loc: "body.result_types.1", kind: "enum"},
		{rule: "result_types may be null", request: simulate("", `{"result_types": null, "has_missing_results": null}`)},
		{rule: "has_missing_results is a boolean", request: simulate("", `{"has_missing_results": "no"}`),
			loc: "body.has_missing_results", kind: "bool_type"},
		{rule: "an unknown order is not simulated", request: func() reply { return s.simulate(newID(), "", nil) },
			status: 404},

		{
			rule: "a transaction has its orders", request: get("/v3/order_transaction/" + transaction),
			shows: map[string]any{"id": transaction, "team_id": s.team, "status": "active", "orders.0.id": id,
				"orders.0.origin": "initial", "orders.0.parent_id": nil,
				"orders.0.last_status": string(lifecycle.RequisitionCreated)},
		},
		{rule: "an unknown transaction is not found", request: get("/v3/order_transaction/" + newID()), status: 404},
		{rule: "transaction_id is a UUID", request: get("/v3/order_transaction/x"), loc: "path.transaction_id",
			kind: "uuid_parsing"},
		{rule: "combined results that are not there are not found",
			request: get("/v3/order_transaction/" + transaction + "/result"), status: 404},
		{rule: "nor is their PDF", request: get("/v3/order_transaction/" + transaction + "/result/pdf"), status: 404},
	}
	for _, interpretation := range []string{"normal", "abnormal", "critical", "unknown"} {
		rules = append(rules, contractRule{rule: "interpretation " + interpretation,
			request: simulate("", `{"interpretation": "`+interpretation+`"}`)})
	}
	check(t, rules)
}

// Idempotency keys (client-api#3-idempotency). http_idempotency_test.go tests replays and concurrent requests.
func TestRulesOfIdempotencyKeys(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	post := func(key, onError string) func() reply {
		return func() reply {
			return f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(nil), "X-Idempotency-Key", key,
				"X-Idempotency-Error", onError)
		}
	}
	check(t, []contractRule{
		{rule: "a key is any text", request: post("é /?", "no-cache")},
		{rule: "a key has 255 characters", request: post(strings.Repeat("k", 255), "no-cache")},
		{rule: "and no more", request: post(strings.Repeat("k", 256), "no-cache"), loc: "header.X-Idempotency-Key",
			kind: "string_too_long"},
		{rule: "X-Idempotency-Error has one value", request: post("k", "cache"), loc: "header.X-Idempotency-Error",
			kind: "enum"},
		{rule: "names of the headers in lower case", request: func() reply {
			return f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(nil), "x-idempotency-key", "lower",
				"x-idempotency-error", "no-cache")
		}},
	})
	orders := f.countOrders()
	post("k", "no-cache")()
	post("k", "no-cache")()
	require.Equal(t, orders+1, f.countOrders())
}
