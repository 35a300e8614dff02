package api_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

func (f *fixture) ops(method, path string, body any) reply {
	f.t.Helper()
	return f.sendWithKey(method, path, f.opsKey, body)
}

// newBlockedOrder creates an order whose kit the lab has rejected for a reason that can be corrected.
func (f *fixture) newBlockedOrder() string {
	f.t.Helper()
	id := f.createOrder(nil)
	recoverable := true
	f.applyFact(id, order.Fact{Kind: order.FactKitRejected, Recoverable: &recoverable, Accession: "M000031828"})
	require.Equal(f.t, lifecycle.LabProcessingBlocked, f.order(id).Status)
	return id
}

func TestOpsOrder(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.newBlockedOrder()
	r := f.ops(http.MethodGet, "/ops/orders/"+id, nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	m := r.json(t)
	require.Equal(t, id, m["order"].(map[string]any)["id"])
	require.Equal(t, "sample_with_lab.testkit.lab_processing_blocked", m["full_status"])
	require.Equal(t, "M000031828", m["accession_number"])
	require.Equal(t, f.order(id).Number, m["order_number"])
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
	blocked, plain := f.newBlockedOrder(), f.createOrder(nil)
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
	requireProblem(t, f.ops(http.MethodGet, "/ops/orders?attention=No+Code", nil), []any{"query", "attention"},
		"enum")
}

func TestOpsRecover(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.newBlockedOrder()
	details := f.orderBody(map[string]any{"patient_details.dob": "1991-02-03"})["patient_details"]
	r := f.ops(http.MethodPost, "/ops/orders/"+id+"/recover",
		map[string]any{"patient_details": details, "note": "asked the patient"})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	o := f.order(id)
	require.Equal(t, "1991-02-03", o.Patient.DOB.String())
	require.Equal(t, "Phoenix", o.Address.City, "what is not supplied stays")
	require.True(t, o.State.HasMark(order.AttentionTellLab))
	_, _, demands := f.orders.snapshot()
	require.Equal(t, lifecycle.Operations, demands[0].By)

	r = f.ops(http.MethodPost, "/ops/orders/"+id+"/recover", map[string]any{"confirmed_by_lab": true})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, "sample_with_lab.testkit.delivered_to_lab", r.json(t)["order"].(map[string]any)["full_status"])

	r = f.ops(http.MethodPost, "/ops/orders/"+id+"/recover", map[string]any{})
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Equal(t, "The order is not blocked at the lab", r.detail(t))
}

// The order has moved on before the workflow decides. What it refuses for good keeps no body.
func TestOpsRecoverOvertaken(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.newBlockedOrder()
	f.orders.answerWith(func(ctx context.Context, d order.Demand) (order.DemandAnswer, error) {
		f.orders.answerWith(nil)
		f.record(id, order.CauseCall(newID()), func(s order.State) order.Decision {
			return s.ApplyDemand(order.Demand{ID: newID(), Kind: order.DemandRecover, By: lifecycle.Operations,
				Confirmed: true}, testTime)
		})
		return f.orders.Demand(ctx, id, d)
	})
	r := f.ops(http.MethodPost, "/ops/orders/"+id+"/recover", map[string]any{"note": "asked the patient"})
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Equal(t, "The order is not blocked at the lab", r.detail(t))
	_, _, demands := f.orders.snapshot()
	note, err := f.store.DemandBody(t.Context(), demands[0].ID)
	require.NoError(t, err)
	require.Empty(t, note)
}

func TestOpsRecoverInvalid(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.newBlockedOrder()
	details := f.orderBody(map[string]any{"patient_details.dob": "never"})["patient_details"]
	r := f.ops(http.MethodPost, "/ops/orders/"+id+"/recover", map[string]any{"patient_details": details})
	require.Equal(t, http.StatusUnprocessableEntity, r.status)
	requireProblem(t, r, []any{"body", "patient_details", "dob"}, "date_from_datetime_parsing")
	_, _, demands := f.orders.snapshot()
	require.Empty(t, demands)
}

func TestOpsDoNotProcess(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.newBlockedOrder()
	url := "/ops/orders/" + id + "/do-not-process"
	requireProblem(t, f.ops(http.MethodPost, url, map[string]any{}), []any{"body", "reason"}, "missing")
	requireProblem(t, f.ops(http.MethodPost, url, map[string]any{"reason": "The patient died"}), []any{"body", "reason"},
		"string_pattern_mismatch")

	r := f.ops(http.MethodPost, url, map[string]any{"reason": "patient_withdrew", "note": "Ann called"})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, lifecycle.DoNotProcess, f.order(id).Status)
	_, _, demands := f.orders.snapshot()
	require.Equal(t, "patient_withdrew", demands[0].Reason)
	note, err := f.store.DemandBody(t.Context(), demands[0].ID)
	require.NoError(t, err)
	require.JSONEq(t, `{"note": "Ann called"}`, string(note))
	require.NotContains(t, f.logs.String(), "Ann called")

	r = f.ops(http.MethodPost, url, map[string]any{"reason": "again"})
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Equal(t, "Transition from cancelled.testkit.do_not_process to cancelled.testkit.do_not_process is not allowed",
		r.detail(t))
}

func TestOpsReplace(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	url := "/ops/orders/" + id + "/replace"
	r := f.ops(http.MethodPost, url, nil)
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Contains(t, r.detail(t), "has not failed")

	final := false
	f.applyFact(id, order.Fact{Kind: order.FactKitRejected, Recoverable: &final})
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
	id := f.createOrder(nil)
	r := f.ops(http.MethodPost, "/ops/orders/"+id+"/place", nil)
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Contains(t, r.detail(t), "requisition")
	r = f.ops(http.MethodPost, "/ops/orders/"+id+"/attention/tell_lab/acknowledge", nil)
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Contains(t, r.detail(t), "no such open attention mark")
	requireProblem(t, f.ops(http.MethodPost, "/ops/orders/"+id+"/attention/Tell%20Lab/acknowledge", nil),
		[]any{"path", "reason"}, "string_pattern_mismatch")

	r = f.ops(http.MethodPost, "/ops/orders/"+id+"/cancel", nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, lifecycle.Cancelled, f.order(id).Status)
	marks := f.order(id).State.Agenda().MarkReasons()
	require.Equal(t, []string{"cancel_at_lab"}, marks)
	r = f.ops(http.MethodPost, "/ops/orders/"+id+"/attention/cancel_at_lab/acknowledge", nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Empty(t, f.order(id).State.Attention)

	for _, action := range []string{"place", "cancel", "replace"} {
		require.Equal(t, http.StatusNotFound, f.ops(http.MethodPost, "/ops/orders/"+newID()+"/"+action, nil).status)
	}
	f.orders.answerWith(func(context.Context, order.Demand) (order.DemandAnswer, error) {
		return order.DemandAnswer{}, unavailableError{}
	})
	r = f.ops(http.MethodPost, "/ops/orders/"+f.createOrder(nil)+"/cancel", nil)
	require.Equal(t, http.StatusServiceUnavailable, r.status)
	require.NotEmpty(t, r.header.Get("Retry-After"))
}

func TestOpsStory(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	endpoint := newID()
	require.NoError(t, f.store.CreateEndpoint(t.Context(),
		store.Endpoint{ID: endpoint, TeamID: f.team, URL: "http://r.test", Secret: "whsec_x"}))
	id := f.newShippedOrder()
	f.sendWithKey(http.MethodPost, "/v3/order/"+id+"/cancel", f.key, nil) // refused
	r := f.ops(http.MethodGet, "/ops/orders/"+id+"/story", nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	m := r.json(t)
	require.Equal(t, f.order(id).Number, m["order_number"])
	require.Equal(t, "M000031828", m["accession_number"])
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

// The story also has demands, calls to partners, and deliveries.
func TestOpsStoryOfACancelledOrder(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	endpoint := newID()
	require.NoError(t, f.store.CreateEndpoint(t.Context(),
		store.Endpoint{ID: endpoint, TeamID: f.team, URL: "http://r.test", Secret: "whsec_x"}))
	id := f.createOrder(nil)
	call := newID()
	_, err := f.store.RecordPartnerCallStart(t.Context(), store.PartnerCall{ID: call, OrderID: id, Kind: "place"})
	require.NoError(t, err)
	require.NoError(t, f.store.RecordPartnerCallEnd(t.Context(), call, "refused", []byte("the lab's words")))
	due, err := f.store.DueDeliveries(t.Context(), store.DueQuery{EndpointID: endpoint, Now: testTime, Limit: 10})
	require.NoError(t, err)
	_, err = f.store.RecordAttempts(t.Context(), endpoint, []store.AttemptRow{{
		MessageID: due[0].MessageID, Round: 1, Number: 1, At: testTime, Duration: 1500 * time.Millisecond,
		StatusCode: 503, Failure: "status", Excerpt: []byte("try later"), NextAt: testTime.Add(time.Minute),
	}})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, f.ops(http.MethodPost, "/ops/orders/"+id+"/cancel", nil).status)

	r := f.ops(http.MethodGet, "/ops/orders/"+id+"/story", nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	m := r.json(t)
	demand := m["demands"].([]any)[0].(map[string]any)
	require.Equal(t, "cancel", demand["kind"])
	require.Equal(t, "operations", demand["by"])
	require.Equal(t, "done", demand["state"])
	require.NotNil(t, demand["settled_at"])
	require.Equal(t, "refused", m["calls"].([]any)[0].(map[string]any)["outcome"])
	delivery := m["deliveries"].([]any)[0].(map[string]any)
	require.Equal(t, "labtest.order.created", delivery["event_type"])
	attempt := delivery["attempts"].([]any)[0].(map[string]any)
	require.EqualValues(t, 503, attempt["status_code"])
	require.EqualValues(t, 1500, attempt["duration_ms"])
	require.Nil(t, m["outbound"])
	require.NotContains(t, string(r.body), "words")
	require.NotContains(t, string(r.body), "try later")
}
