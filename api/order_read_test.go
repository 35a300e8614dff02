package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

func TestGetOrder(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	r := f.sendWithKey(http.MethodGet, "/v3/order/"+id, f.key, nil)
	require.Equal(t, http.StatusOK, r.status)
	o := r.json(t)
	require.Equal(t, id, o["id"], "the bare order")
	require.Equal(t, "Ann", o["patient_details"].(map[string]any)["first_name"])
	require.Equal(t, "application/json", r.header.Get("Content-Type"))
	require.Equal(t, "no-store", r.header.Get("Cache-Control"))
	require.NotContains(t, string(r.body), "$schema")
	require.Equal(t, []string{"order.create", "order.read"}, f.actions(id))

	require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodGet, "/v3/order/"+strings.ToUpper(id), f.key, nil).status)
}

// Answers do not reveal whether another team has an order with an id.
func TestOrdersOfOthersDoNotExist(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	stranger := f.newKey(f.newTeam(store.Sandbox, ""), store.RoleClient)
	for _, route := range []struct{ method, path string }{
		{http.MethodGet, "/v3/order/%s"}, {http.MethodGet, "/v3/order/%s/result"},
		{http.MethodGet, "/v3/order/%s/result/metadata"},
		{http.MethodGet, "/v3/order/%s/abn_pdf"}, {http.MethodGet, "/v3/order/%s/collection_instruction_pdf"},
		{http.MethodGet, "/v3/order/%s/requisition/pdf"},
		{http.MethodGet, "/v3/order/%s/labels/pdf?collection_date=2026-03-04T15:30:00Z"},
		{http.MethodGet, "/v3/order/%s/result/pdf"}, {http.MethodPost, "/v3/order/%s/cancel"},
		{http.MethodPatch, "/v3/order/%s"},
	} {
		var body any
		if route.method == http.MethodPatch {
			body = map[string]any{"activate_by": nil}
		}
		foreign := f.sendWithKey(route.method, path(route.path, id), stranger, body)
		require.Equal(t, http.StatusNotFound, foreign.status, route.path)
		unknown := f.sendWithKey(route.method, path(route.path, newID()), f.key, body)
		require.Equal(t, http.StatusNotFound, unknown.status, route.path)
		require.Equal(t, string(unknown.body), string(foreign.body))

		invalid := f.sendWithKey(route.method, path(route.path, "42"), f.key, body)
		require.Equal(t, http.StatusUnprocessableEntity, invalid.status, route.path)
		requireProblem(t, invalid, []any{"path", "order_id"}, "uuid_parsing")
	}
	require.Equal(t, lifecycle.Ordered, f.order(id).Status)
	r := f.sendWithKey(http.MethodGet, "/v3/orders", stranger, nil)
	require.EqualValues(t, 0, r.json(t)["total"])
	require.Equal(t, []any{}, r.json(t)["orders"])
}

func TestListOrders(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var ids []any
	for range 3 {
		ids = append([]any{f.createOrder(nil)}, ids...) // newest first
	}
	page := func(query string) ([]any, map[string]any) {
		r := f.sendWithKey(http.MethodGet, "/v3/orders"+query, f.key, nil)
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		var got []any
		for _, o := range r.json(t)["orders"].([]any) {
			got = append(got, o.(map[string]any)["id"])
			require.NotNil(t, o.(map[string]any)["last_event"])
		}
		return got, r.json(t)
	}
	got, all := page("")
	require.Equal(t, ids, got)
	require.EqualValues(t, 3, all["total"])
	require.EqualValues(t, 1, all["page"])
	require.EqualValues(t, 50, all["size"])
	got, _ = page("?page=2&size=2")
	require.Equal(t, ids[2:], got)
	got, _ = page("?page=3&size=2")
	require.Empty(t, got)

	for query, kind := range map[string]string{
		"page=0": "greater_than_equal", "size=0": "greater_than_equal", "size=101": "less_than_equal",
		"size=many": "int_parsing",
	} {
		r := f.sendWithKey(http.MethodGet, "/v3/orders?"+query, f.key, nil)
		require.Equal(t, http.StatusUnprocessableEntity, r.status, query)
		name, _, _ := strings.Cut(query, "=")
		requireProblem(t, r, []any{"query", name}, kind)
	}
}

// completeOrder completes an order with a lab report.
func (f *fixture) completeOrder(id string, pdf []byte) order.ResultVersion {
	f.t.Helper()
	number := 31.0
	v, _, err := f.store.StoreLabReport(f.t.Context(), id, 1, order.LabReport{
		Status: "final", Interpretation: order.InterpretationCritical, ReportedAt: testTime,
		Results: []order.Result{{Name: "HDL", Slug: "hdl", Value: &number, Text: "31", Type: "numeric",
			Interpretation: order.InterpretationCritical}},
	}, "hash", []byte(`{}`), pdf)
	require.NoError(f.t, err)
	f.applyFact(id, order.Fact{Kind: order.FactReportReady})
	s, err := f.store.State(f.t.Context(), id)
	require.NoError(f.t, err)
	decision := order.Decision{Outcome: order.OutcomeApplied, From: s.Status, Next: s,
		Steps: []order.Step{{To: lifecycle.Completed, At: testTime}}}
	decision.Next.Status = lifecycle.Completed
	_, err = f.store.Record(f.t.Context(), order.Recording{
		OrderID: id, Revision: s.Revision, Cause: order.CauseCall(newID()), Decision: decision, ResultID: v.ID, At: testTime,
	})
	require.NoError(f.t, err)
	return v
}

func TestResults(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	for _, part := range []string{"", "/metadata", "/pdf"} {
		r := f.sendWithKey(http.MethodGet, "/v3/order/"+id+"/result"+part, f.key, nil)
		require.Equal(t, http.StatusNotFound, r.status, part)
		require.Equal(t, "Result not found", r.detail(t))
	}
	f.completeOrder(id, []byte("%PDF-1.7 report"))

	r := f.sendWithKey(http.MethodGet, "/v3/order/"+id+"/result", f.key, nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, "31", r.json(t)["results"].([]any)[0].(map[string]any)["result"])
	metadata := f.sendWithKey(http.MethodGet, "/v3/order/"+id+"/result/metadata", f.key, nil)
	require.Equal(t, r.json(t)["metadata"], metadata.json(t))
	require.Equal(t, "36", metadata.json(t)["age"])
	require.Equal(t, "Ann Lee", metadata.json(t)["patient"])

	pdf := f.sendWithKey(http.MethodGet, "/v3/order/"+id+"/result/pdf", f.key, nil, "Accept", "*/*")
	require.Equal(t, http.StatusOK, pdf.status)
	require.Equal(t, "application/pdf", pdf.header.Get("Content-Type"))
	require.Equal(t, "%PDF-1.7 report", string(pdf.body))
	require.Equal(t, []string{"order.create", "result.read", "result.read", "result.read_pdf"}, f.actions(id))

	shown := f.sendWithKey(http.MethodGet, "/v3/order/"+id, f.key, nil).json(t)
	require.Equal(t, "completed", shown["status"])
	require.Equal(t, "critical", shown["interpretation"])
}
