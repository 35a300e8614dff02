package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store"
)

// recordAttempts records one attempt of every delivery that is due at an endpoint.
func (f *fixture) recordAttempts(endpoint string, row store.AttemptRow) {
	f.t.Helper()
	due, err := f.store.DueDeliveries(f.t.Context(), store.DueQuery{EndpointID: endpoint, Now: testTime, Limit: 100})
	require.NoError(f.t, err)
	for _, d := range due {
		row.MessageID, row.Round, row.Number, row.At = d.MessageID, d.Round, d.Attempts+1, testTime
		_, err := f.store.RecordAttempts(f.t.Context(), endpoint, []store.AttemptRow{row})
		require.NoError(f.t, err)
	}
}

func (f *fixture) messages(query string) []map[string]any {
	f.t.Helper()
	r := f.ops(http.MethodGet, "/ops/messages"+query, nil)
	require.Equal(f.t, http.StatusOK, r.status, string(r.body))
	var out []map[string]any
	for _, m := range r.json(f.t)["messages"].([]any) {
		out = append(out, m.(map[string]any))
	}
	return out
}

func TestOpsMessageLog(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	endpoint := f.newWebhook(map[string]any{"url": "http://127.0.0.1:9"})["id"].(string)
	id := f.createOrder(nil)
	f.recordAttempts(endpoint, store.AttemptRow{
		Duration: 1500 * time.Millisecond, StatusCode: 503, Failure: "status", Excerpt: []byte("try later"),
		NextAt: testTime.Add(5 * time.Second),
	})
	other := f.createOrder(nil)

	log := f.messages("?order_id=" + id + "&endpoint_id=" + endpoint +
		"&state=pending&event_type=labtest.order.created&team_id=" + f.team)
	require.Len(t, log, 1)
	require.Equal(t, id, log[0]["order_id"])
	delivery := log[0]["deliveries"].([]any)[0].(map[string]any)
	attempt := delivery["attempts"].([]any)[0].(map[string]any)
	require.Equal(t, map[string]any{
		"id": attempt["id"], "round": 1.0, "number": 1.0, "at": testTime.Format(time.RFC3339), "duration_ms": 1500.0,
		"status_code": 503.0,
		"failure":     "status", "next_at": testTime.Add(5 * time.Second).Format(time.RFC3339),
	}, attempt)
	require.Equal(t, testTime.Add(5*time.Second).Format(time.RFC3339), delivery["next_at"])
	require.Empty(t, f.messages("?state=delivered"))
	require.Empty(t, f.messages("?since="+testTime.Add(time.Second).Format(time.RFC3339)))
	require.Len(t, f.messages("?since="+testTime.Format(time.RFC3339)), 2)

	r := f.ops(http.MethodGet, "/ops/messages?limit=1", nil).json(t)
	require.Equal(t, other, r["messages"].([]any)[0].(map[string]any)["order_id"])
	r = f.ops(http.MethodGet, "/ops/messages?limit=1&next_cursor="+r["next_cursor"].(string), nil).json(t)
	require.Equal(t, id, r["messages"].([]any)[0].(map[string]any)["order_id"])
	require.Nil(t, r["next_cursor"])
	requireProblem(t, f.ops(http.MethodGet, "/ops/messages?next_cursor=x", nil), []any{"query", "next_cursor"},
		"value_error")
	requireProblem(t, f.ops(http.MethodGet, "/ops/messages?state=lost", nil), []any{"query", "state"}, "enum")

	item := f.ops(http.MethodGet, "/ops/messages/"+log[0]["id"].(string), nil)
	require.Equal(t, http.StatusOK, item.status, string(item.body))
	require.Contains(t, item.json(t)["body"], `"event_type":"labtest.order.created"`)
	require.Contains(t, string(item.body), "try later")
	require.Contains(t, f.actions(id), "ops.message.read", "it names the patient")
	require.Equal(t, http.StatusNotFound, f.ops(http.MethodGet, "/ops/messages/"+newID(), nil).status)
}

func TestOpsResendAndReplay(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	endpoint := f.newWebhook(map[string]any{"url": "http://127.0.0.1:9"})["id"].(string)
	f.createOrder(nil)
	f.recordAttempts(endpoint, store.AttemptRow{StatusCode: 500, Failure: "status"}) // the last
	message := f.messages("?state=exhausted")[0]["id"].(string)
	nudges := func() int { _, nudged, _ := f.orders.snapshot(); return len(nudged) }
	before := nudges()

	r := f.ops(http.MethodPost, "/ops/messages/"+message+"/resend", nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, []any{endpoint}, r.json(t)["endpoint_ids"])
	require.Len(t, f.messages("?state=pending"), 1)
	require.Equal(t, before+1, nudges())
	r = f.ops(http.MethodPost, "/ops/messages/"+message+"/resend", map[string]any{"endpoint_id": endpoint})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, http.StatusNotFound, f.ops(http.MethodPost, "/ops/messages/"+message+"/resend",
		map[string]any{"endpoint_id": newID()}).status)
	require.Equal(t, http.StatusNotFound, f.ops(http.MethodPost, "/ops/messages/"+newID()+"/resend", nil).status)

	f.recordAttempts(endpoint, store.AttemptRow{StatusCode: 500, Failure: "status"})
	replay := func(body map[string]any) reply {
		return f.ops(http.MethodPost, "/ops/endpoints/"+endpoint+"/replay", body)
	}
	r = replay(map[string]any{"since": testTime.Add(-time.Hour)})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.EqualValues(t, 1, r.json(t)["messages"])
	require.Len(t, f.messages("?state=pending"), 1)
	require.EqualValues(t, 0, replay(map[string]any{"since": testTime.Add(-time.Hour), "until": testTime.Add(-time.Minute),
		"missed": true}).json(t)["messages"])
	requireProblem(t, replay(map[string]any{}), []any{"body", "since"}, "missing")
	require.Equal(t, http.StatusNotFound, f.ops(http.MethodPost, "/ops/endpoints/"+newID()+"/replay",
		map[string]any{"since": testTime}).status)

	require.Equal(t, http.StatusOK, f.manage(http.MethodPatch, "/"+endpoint, map[string]any{"disabled": true}).status)
	require.Equal(t, http.StatusBadRequest, replay(map[string]any{"since": testTime}).status)
	r = f.ops(http.MethodPost, "/ops/messages/"+message+"/resend", map[string]any{"endpoint_id": endpoint})
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Contains(t, r.detail(t), "disabled")
}

func TestClientsResendWebhooks(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	endpoint := f.newWebhook(map[string]any{"url": "http://127.0.0.1:9"})["id"].(string)
	first, second := f.createOrder(nil), f.createOrder(nil)
	f.recordAttempts(endpoint, store.AttemptRow{StatusCode: 200, Delivered: true})
	resend := func(body any) reply { return f.sendWithKey(http.MethodPost, "/v3/order/resend_events", f.key, body) }
	for name, tt := range map[string]struct {
		body map[string]any
		want []any
	}{
		"by id":      {map[string]any{"order_ids": []any{first, newID()}}, []any{first}},
		"by time":    {map[string]any{"start_at": testTime.Add(-time.Hour)}, []any{first, second}},
		"up to then": {map[string]any{"start_at": testTime.Add(-time.Hour), "end_at": testTime}, []any{}},
		"nulls":      {map[string]any{"order_ids": []any{second}, "start_at": nil, "end_at": nil}, []any{second}},
	} {
		r := resend(tt.body)
		require.Equal(t, http.StatusOK, r.status, "%s: %s", name, r.body)
		require.ElementsMatch(t, tt.want, r.json(t)["order_ids"], name)
		require.Len(t, f.messages("?state=pending"), len(tt.want), name)
		f.recordAttempts(endpoint, store.AttemptRow{StatusCode: 200, Delivered: true})
	}
	_, nudged, _ := f.orders.snapshot()
	require.Equal(t, endpoint, nudged[len(nudged)-1])

	stranger := f.newKey(f.newTeam(store.Sandbox, ""), store.RoleClient)
	r := f.sendWithKey(http.MethodPost, "/v3/order/resend_events", stranger, map[string]any{"order_ids": []any{first}})
	require.JSONEq(t, `{"order_ids": []}`, string(r.body), "another team's order")

	for body, field := range map[string]string{
		`{}`: "order_ids", `{"order_ids": []}`: "order_ids", `{"order_ids": ["x"]}`: "order_ids",
		`{"order_ids": ["c1a9a7c2-6c4d-4b1c-9a65-6d6c1a1b8f10"], "end_at": "2026-01-01T00:00:00Z"}`: "end_at",
		`{"start_at": "2026-01-01T00:00:00Z"}`:                                                      "start_at",
		`{"order_ids": ["c1a9a7c2-6c4d-4b1c-9a65-6d6c1a1b8f10"], "start_at": "soon"}`:               "start_at",
		`{"start_at": "2026-03-01T00:00:00Z", "end_at": "2026-02-01T00:00:00Z"}`:                    "end_at",
	} {
		r := resend(body)
		require.Equal(t, http.StatusUnprocessableEntity, r.status, "%s: %s", body, r.body)
		require.Equal(t, field, r.detail(t).([]any)[0].(map[string]any)["loc"].([]any)[1], body)
	}
}
