package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

func (f *fixture) ops(method, path string, body any) reply {
	f.t.Helper()
	return f.do(method, path, f.opsKey, body)
}

// blocked is an order whose kit the lab has rejected for what can be supplied.
func (f *fixture) blocked() string {
	f.t.Helper()
	id := f.placed(nil)
	recoverable := true
	f.fact(id, order.Fact{Kind: order.KitRejected, Recoverable: &recoverable, Accession: "M000031828"})
	require.Equal(f.t, lifecycle.LabProcessingBlocked, f.order(id).Status)
	return id
}

func TestOpsOrder(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.blocked()
	r := f.ops(http.MethodGet, "/ops/orders/"+id, nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	m := r.json(t)
	require.Equal(t, id, m["order"].(map[string]any)["id"])
	require.Equal(t, "sample_with_lab.testkit.lab_processing_blocked", m["full_status"])
	require.Equal(t, "M000031828", m["accession"])
	require.Equal(t, f.order(id).Number, m["number"])
	require.Equal(t, "recovery_needed", m["attention"].([]any)[0].(map[string]any)["reason"])
	require.NotEmpty(t, m["deadlines"])
	require.Equal(t, "manual", m["policy"].(map[string]any)["replacement"])
	require.Contains(t, f.actions(id), "ops.order.read")
	require.Equal(t, http.StatusNotFound, f.ops(http.MethodGet, "/ops/orders/"+newID(), nil).status)
	require.Equal(t, http.StatusUnprocessableEntity, f.ops(http.MethodGet, "/ops/orders/42", nil).status)
}

func TestOpsSearch(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	blocked, plain := f.blocked(), f.placed(nil)
	list := func(query string) []any {
		r := f.ops(http.MethodGet, "/ops/orders"+query, nil)
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		var ids []any
		for _, o := range r.json(t)["orders"].([]any) {
			ids = append(ids, o.(map[string]any)["id"])
		}
		require.NotContains(t, string(r.body), "Ann", "a list has no patient data")
		return ids
	}
	require.Equal(t, []any{plain, blocked}, list(""))
	require.Equal(t, []any{blocked}, list("?attention=recovery_needed"))
	require.Equal(t, []any{blocked}, list("?attention=any"))
	require.Equal(t, []any{plain}, list("?status=ordered"))
	require.Empty(t, list("?status=lost"))
	require.Equal(t, []any{blocked}, list("?page=2&size=1"))
	requireProblem(t, f.ops(http.MethodGet, "/ops/orders?attention=No+Code", nil), []any{"query", "attention"}, "string_pattern_mismatch")
}

func TestOpsRecover(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.blocked()
	details := f.orderBody(map[string]any{"patient_details.dob": "1991-02-03"})["patient_details"]
	r := f.ops(http.MethodPost, "/ops/orders/"+id+"/recover", map[string]any{"patient_details": details, "note": "asked the patient"})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	o := f.order(id)
	require.Equal(t, "1991-02-03", o.Patient.DOB.String())
	require.Equal(t, "Phoenix", o.Address.City, "what is not supplied stays")
	require.True(t, o.State.Needs(order.TellLab))
	_, _, demands := f.orders.seen()
	require.True(t, demands[0].Corrects)
	require.Equal(t, lifecycle.Operations, demands[0].By)

	r = f.ops(http.MethodPost, "/ops/orders/"+id+"/recover", map[string]any{"confirmed_by_lab": true})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, "sample_with_lab.testkit.delivered_to_lab", r.json(t)["order"].(map[string]any)["full_status"])

	r = f.ops(http.MethodPost, "/ops/orders/"+id+"/recover", map[string]any{})
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Equal(t, "The order is not blocked at the lab", r.detail(t))
}

func TestOpsRecoverInvalid(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.blocked()
	details := f.orderBody(map[string]any{"patient_details.dob": "never"})["patient_details"]
	r := f.ops(http.MethodPost, "/ops/orders/"+id+"/recover", map[string]any{"patient_details": details})
	require.Equal(t, http.StatusUnprocessableEntity, r.status)
	requireProblem(t, r, []any{"body", "patient_details", "dob"}, "date_from_datetime_parsing")
	_, _, demands := f.orders.seen()
	require.Empty(t, demands)
}

func TestOpsDoNotProcess(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.blocked()
	url := "/ops/orders/" + id + "/do-not-process"
	requireProblem(t, f.ops(http.MethodPost, url, map[string]any{}), []any{"body", "reason"}, "missing")
	requireProblem(t, f.ops(http.MethodPost, url, map[string]any{"reason": "The patient died"}), []any{"body", "reason"}, "string_pattern_mismatch")

	r := f.ops(http.MethodPost, url, map[string]any{"reason": "patient_withdrew", "note": "Ann called"})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, lifecycle.DoNotProcess, f.order(id).Status)
	_, _, demands := f.orders.seen()
	require.Equal(t, "patient_withdrew", demands[0].Reason)
	note, err := f.store.DemandBody(t.Context(), demands[0].ID)
	require.NoError(t, err)
	require.JSONEq(t, `{"note": "Ann called"}`, string(note))
	require.NotContains(t, f.logs.String(), "Ann called")

	r = f.ops(http.MethodPost, url, map[string]any{"reason": "again"})
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Equal(t, "Transition from cancelled.testkit.do_not_process to cancelled.testkit.do_not_process is not allowed", r.detail(t))
}

func TestOpsReplace(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.placed(nil)
	url := "/ops/orders/" + id + "/replace"
	r := f.ops(http.MethodPost, url, nil)
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Contains(t, r.detail(t), "has not failed")

	final := false
	f.fact(id, order.Fact{Kind: order.KitRejected, Recoverable: &final})
	r = f.ops(http.MethodPost, url, nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	child := f.order(r.json(t)["child_id"].(string))
	require.Equal(t, id, child.ParentID)
	require.Equal(t, order.OriginRecreation, child.Origin)

	r = f.ops(http.MethodPost, url, nil)
	require.Equal(t, "The order has been replaced already", r.detail(t))
}

func TestOpsSimpleDemands(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.placed(nil)
	r := f.ops(http.MethodPost, "/ops/orders/"+id+"/place", nil)
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Contains(t, r.detail(t), "requisition")
	r = f.ops(http.MethodPost, "/ops/orders/"+id+"/attention/tell_lab/acknowledge", nil)
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Contains(t, r.detail(t), "no such open attention mark")
	requireProblem(t, f.ops(http.MethodPost, "/ops/orders/"+id+"/attention/Tell%20Lab/acknowledge", nil), []any{"path", "reason"}, "string_pattern_mismatch")

	r = f.ops(http.MethodPost, "/ops/orders/"+id+"/cancel", nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, lifecycle.Cancelled, f.order(id).Status)
	marks := f.order(id).State.AttentionReasons()
	require.Equal(t, []string{"cancel_at_lab"}, marks)
	r = f.ops(http.MethodPost, "/ops/orders/"+id+"/attention/cancel_at_lab/acknowledge", nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Empty(t, f.order(id).State.Attention)

	for _, action := range []string{"place", "cancel", "replace"} {
		require.Equal(t, http.StatusNotFound, f.ops(http.MethodPost, "/ops/orders/"+newID()+"/"+action, nil).status)
	}
	f.orders.instead(func(context.Context, order.Demand) (order.Answer, error) { return order.Answer{}, away{} })
	r = f.ops(http.MethodPost, "/ops/orders/"+f.placed(nil)+"/cancel", nil)
	require.Equal(t, http.StatusServiceUnavailable, r.status)
	require.NotEmpty(t, r.header.Get("Retry-After"))
}

func TestOpsStory(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	endpoint := newID()
	require.NoError(t, f.store.CreateEndpoint(t.Context(), store.Endpoint{ID: endpoint, TeamID: f.team, URL: "http://r.test", Secret: "whsec_x"}))
	id := f.shippedOrder()
	f.do(http.MethodPost, "/v3/order/"+id+"/cancel", f.key, nil) // refused
	r := f.ops(http.MethodGet, "/ops/orders/"+id+"/story", nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	m := r.json(t)
	require.Equal(t, f.order(id).Number, m["number"])
	require.Equal(t, "M000031828", m["accession"])
	require.Equal(t, outbound, m["outbound"].(map[string]any)["number"])
	require.Len(t, m["facts"], 1)
	require.Len(t, m["decisions"], 1)
	require.Len(t, m["events"], 3, "ordered, the implied requisition and the shipment")
	require.Equal(t, endpoint, m["deliveries"].([]any)[0].(map[string]any)["endpoint_id"])
	require.Equal(t, "active", m["transaction"].(map[string]any)["status"])
	var actions []any
	for _, a := range m["audit"].([]any) {
		actions = append(actions, a.(map[string]any)["action"])
	}
	require.Equal(t, []any{"order.create", "order.cancel.refused"}, actions)
	for _, secret := range []string{"Ann", "1990", "Main St", "85004"} {
		require.NotContains(t, string(r.body), secret)
	}
	require.Equal(t, http.StatusNotFound, f.ops(http.MethodGet, "/ops/orders/"+newID()+"/story", nil).status)
}

func TestOpsTeamsAndKeys(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.ops(http.MethodPost, "/ops/teams", map[string]any{
		"name": "Clinic", "environment": "sandbox", "time_zone": "America/Phoenix", "policy": map[string]any{"replacement": "auto"},
	})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	team := r.json(t)["id"].(string)
	require.Equal(t, map[string]any{"replacement": "auto"}, r.json(t)["policy"])

	r = f.ops(http.MethodPost, "/ops/teams/"+team+"/keys", map[string]any{"name": "backend", "role": "client"})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	secret := r.json(t)["secret"].(string)
	require.Equal(t, http.StatusOK, f.do(http.MethodGet, "/v3/orders", secret, nil).status)
	require.Equal(t, http.StatusForbidden, f.do(http.MethodGet, "/ops/teams", secret, nil).status)
	require.NotContains(t, f.logs.String(), secret)

	r = f.ops(http.MethodGet, "/ops/teams", nil)
	require.Equal(t, http.StatusOK, r.status)
	var teams []map[string]any
	require.NoError(t, json.Unmarshal(r.body, &teams))
	require.Len(t, teams, 2)

	requireProblem(t, f.ops(http.MethodPost, "/ops/teams", map[string]any{"name": "x", "environment": "moon"}), []any{"body", "environment"}, "enum")
	requireProblem(t, f.ops(http.MethodPost, "/ops/teams/"+team+"/keys", map[string]any{"name": "x", "role": "root"}), []any{"body", "role"}, "enum")
	require.Equal(t, http.StatusNotFound, f.ops(http.MethodPost, "/ops/teams/"+newID()+"/keys", map[string]any{"name": "x", "role": "client"}).status)
}

func TestOpsTeamPolicyIsMerged(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	url := "/ops/teams/" + f.team
	patch := func(policy string) reply { return f.ops(http.MethodPatch, url, `{"policy": `+policy+`}`) }
	stored := func() string {
		team, err := f.store.Team(t.Context(), f.team)
		require.NoError(t, err)
		return string(team.Policy)
	}
	require.Equal(t, http.StatusOK, patch(`{"minors": true, "deadlines": {"shipment": "72h"}}`).status)
	r := patch(`{"replacement": "auto", "deadlines": {"results": "240h"}}`)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.JSONEq(t, `{"minors": true, "replacement": "auto", "deadlines": {"shipment": "72h", "results": "240h"}}`, stored())
	require.Equal(t, "240h0m0s", r.json(t)["resolved_policy"].(map[string]any)["deadlines"].(map[string]any)["results"])

	for policy, text := range map[string]string{
		`{"replacment": "auto"}`:                 "replacment",
		`{"replacement": "sometimes"}`:           "sometimes",
		`{"deadlines": {"shipment": "soon"}}`:    "soon",
		`{"deadlines": {"shipment": "-1h"}}`:     "deadlines.shipment",
		`{"recovery": {"reminders": ["9000h"]}}`: "reminders",
		`[]`:                                     "not an object",
		`"auto"`:                                 "not an object",
	} {
		r := patch(policy)
		require.Equal(t, http.StatusBadRequest, r.status, policy)
		require.Contains(t, r.detail(t), text)
	}
	require.JSONEq(t, `{"minors": true, "replacement": "auto", "deadlines": {"shipment": "72h", "results": "240h"}}`, stored())

	require.Equal(t, http.StatusOK, patch(`{"minors": null, "deadlines": {"shipment": null}}`).status)
	require.JSONEq(t, `{"replacement": "auto", "deadlines": {"results": "240h"}}`, stored())
	require.Equal(t, http.StatusOK, patch(`null`).status)
	require.Empty(t, stored())
	requireProblem(t, f.ops(http.MethodPatch, url, `{}`), []any{"body", "policy"}, "missing")
	require.Equal(t, http.StatusNotFound, f.ops(http.MethodPatch, "/ops/teams/"+newID(), `{"policy": {}}`).status)
}

func TestOpsEndpoints(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	url := "/ops/teams/" + f.team + "/endpoints"
	r := f.ops(http.MethodPost, url, map[string]any{
		"url": "http://127.0.0.1:9/hook", "description": "backend", "filter_types": []any{"labtest.order.updated"},
		"headers": map[string]any{"X-Tenant": "7"}, "rate_limit": 20,
	})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	secret := r.json(t)["secret"].(string)
	require.Regexp(t, "^whsec_", secret)
	stored, err := f.store.Endpoint(t.Context(), r.json(t)["id"].(string))
	require.NoError(t, err)
	require.Equal(t, secret, stored.Secret)
	require.Equal(t, map[string]string{"X-Tenant": "7"}, stored.Headers)

	list := f.ops(http.MethodGet, "/ops/endpoints?team_id="+f.team, nil)
	require.Equal(t, http.StatusOK, list.status)
	require.NotContains(t, string(list.body), secret, "shown once")
	require.Contains(t, string(list.body), "http://127.0.0.1:9/hook")
	require.Equal(t, "[]\n", string(f.ops(http.MethodGet, "/ops/endpoints?team_id="+newID(), nil).body))

	for body, field := range map[string]string{
		`{"url": "http://127.0.0.1:9", "filter_types": ["labtest.unicorn"]}`: "filter_types",
		`{"url": "http://127.0.0.1:9", "secret": "tiny"}`:                    "secret",
		`{"url": "http://127.0.0.1:9", "headers": {"Host": "x"}}`:            "headers",
	} {
		r := f.ops(http.MethodPost, url, body)
		require.Equal(t, http.StatusUnprocessableEntity, r.status, body)
		require.Equal(t, []any{"body", field}, r.detail(t).([]any)[0].(map[string]any)["loc"])
	}
	for _, bad := range []string{"ftp://example.com", "http://10.0.0.1/hook", "http://user:pass@example.com", "nonsense"} {
		r := f.ops(http.MethodPost, url, map[string]any{"url": bad})
		require.Equal(t, http.StatusBadRequest, r.status, bad)
		require.Contains(t, r.detail(t), "endpoint URL")
	}
	require.Equal(t, http.StatusNotFound, f.ops(http.MethodPost, "/ops/teams/"+newID()+"/endpoints", map[string]any{"url": "http://127.0.0.1:9"}).status)
}

func TestOpsInbox(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.placed(nil)
	f.lab(seed(t, "kit_rejected", f.order(id).Number))
	f.lab(`garbage`)
	list := func(query string) map[string]any {
		r := f.ops(http.MethodGet, "/ops/inbox"+query, nil)
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		require.NotContains(t, string(r.body), "identifiers", "a list has no free text")
		return r.json(t)
	}
	require.EqualValues(t, 2, list("")["total"])
	quarantined := list("?state=quarantined")
	require.EqualValues(t, 1, quarantined["total"])
	of := list("?order_id=" + id)
	require.EqualValues(t, 1, of["total"])
	row := of["items"].([]any)[0].(map[string]any)
	require.Equal(t, "kit_rejected", row["kind"])

	r := f.ops(http.MethodGet, "/ops/inbox/"+row["id"].(string), nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, "No patient identifiers listed on the sample container / envelope.", r.json(t)["reason"])
	require.Contains(t, r.json(t)["body"], "rej_info")
	require.Contains(t, f.actions(id), "ops.inbox.read")
	require.Equal(t, http.StatusNotFound, f.ops(http.MethodGet, "/ops/inbox/"+newID(), nil).status)
	requireProblem(t, f.ops(http.MethodGet, "/ops/inbox?state=lost", nil), []any{"query", "state"}, "enum")
}
