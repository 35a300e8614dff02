package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// importBody returns a valid request for an import, changed by set.
func (f *fixture) importBody(set map[string]any) map[string]any {
	body := f.orderBody(nil)
	out := map[string]any{
		"user_id": f.user, "order_set": body["order_set"], "billing_type": "client_bill", "collection_method": "testkit",
		"patient_details": body["patient_details"], "sample_id": "REQ-77",
		"patient_address": map[string]any{
			"receiver_name": "", "first_line": "1 Main St", "city": "Phoenix", "state": "AZ", "zip": "none", "country": "US",
			"phone_number": "x",
		},
	}
	for path, value := range set {
		setPath(out, path, value)
	}
	return out
}

func TestImportOrder(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.sendWithKey(http.MethodPost, "/v3/order/import", f.key, f.importBody(nil))
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, "success", r.json(t)["status"])
	shown := r.json(t)["order"].(map[string]any)
	var statuses []any
	for _, e := range shown["events"].([]any) {
		statuses = append(statuses, e.(map[string]any)["status"])
	}
	require.Equal(t, []any{"received.testkit.ordered", "received.testkit.requisition_bypassed"}, statuses)
	require.Equal(t, "REQ-77", shown["sample_id"])

	o := f.order(shown["id"].(string))
	require.True(t, o.Imported)
	require.Equal(t, "REQ-77", o.Number)
	require.Equal(t, lifecycle.RequisitionBypassed, o.Status)
	require.Equal(t, "none", o.Address.Zip)
	require.Equal(t, order.PlacementDone, o.State.Placement.State)
	started, _, _ := f.orders.snapshot()
	require.Equal(t, []string{o.ID}, started)

	r = f.sendWithKey(http.MethodPost, "/v3/order/import", f.key, f.importBody(nil))
	require.Equal(t, http.StatusUnprocessableEntity, r.status)
	requireProblem(t, r, []any{"body", "sample_id"}, "value_error")
	require.Equal(t, 1, f.countOrders())
}

func TestImportThroughAPendingAccount(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	pending := f.newAccount(store.LabAccount{TeamID: f.team, Status: "pending"})
	suspended := f.newAccount(store.LabAccount{TeamID: f.team, Status: "suspended"})
	r := f.sendWithKey(http.MethodPost, "/v3/order/import", f.key, f.importBody(map[string]any{"lab_account_id": pending}))
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, pending, f.order(r.json(t)["order"].(map[string]any)["id"].(string)).LabAccountID)
	r = f.sendWithKey(http.MethodPost, "/v3/order/import", f.key,
		f.importBody(map[string]any{"lab_account_id": suspended, "sample_id": "x"}))
	require.Equal(t, http.StatusBadRequest, r.status)
	r = f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(map[string]any{"lab_account_id": pending}))
	require.Equal(t, http.StatusBadRequest, r.status, "orders of our own go through active accounts only")
}

func TestImportRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, tt := range map[string]struct {
		set    map[string]any
		status int
		text   string
	}{
		"unknown user": {map[string]any{"user_id": newID()}, http.StatusNotFound, "User not found"},
		"other method": {map[string]any{"collection_method": "walk_in_test"}, http.StatusBadRequest, "walk_in_test"},
		"insurance": {map[string]any{"billing_type": "commercial_insurance"}, http.StatusBadRequest,
			"commercial_insurance"},
		"minor":   {map[string]any{"patient_details.dob": "2010-01-01"}, http.StatusBadRequest, "under 18"},
		"no test": {map[string]any{"order_set": map[string]any{}}, http.StatusBadRequest, "A lab test is required"},
	} {
		t.Log(name) // shown when what follows fails
		r := f.sendWithKey(http.MethodPost, "/v3/order/import", f.key, f.importBody(tt.set))
		require.Equal(t, tt.status, r.status, string(r.body))
		require.Contains(t, r.detail(t), tt.text)
	}
	for _, key := range []string{"user_id", "billing_type", "order_set", "collection_method", "patient_details",
		"patient_address", "sample_id"} {
		r := f.sendWithKey(http.MethodPost, "/v3/order/import", f.key, f.importBody(map[string]any{key: nil}))
		require.Equal(t, http.StatusUnprocessableEntity, r.status, key)
		requireProblem(t, r, []any{"body", key}, "missing")
	}
	require.Zero(t, f.countOrders())
}

func TestImportedNumbersThatALabCanBeAskedAbout(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, number := range []string{"24/001234", "A#1?x", "100%", "24 001", "a..b", "...", "\ufeffM-1"} {
		r := f.sendWithKey(http.MethodPost, "/v3/order/import", f.key, f.importBody(map[string]any{"sample_id": number}))
		require.Equal(t, http.StatusOK, r.status, number+" "+string(r.body))
	}
	for _, number := range []string{".", "..", " .. ", "a/../b", "../x", `a\..`, "./x", "\u200b", "\u200b..", "a\tb"} {
		r := f.sendWithKey(http.MethodPost, "/v3/order/import", f.key, f.importBody(map[string]any{"sample_id": number}))
		requireProblem(t, r, []any{"body", "sample_id"}, "value_error")
	}
}

// createOnSiteOrder creates an order whose sample the client draws, with its requisition.
func (f *fixture) createOnSiteOrder() string {
	f.t.Helper()
	f.labTest = f.newLabTest(order.LabTest{Method: lifecycle.OnSite})
	id := f.createOrder(nil)
	f.record(id, order.CauseCall(newID()),
		func(s order.State) order.Decision { return s.ApplyPlacementAccepted("A-"+id, testTime) })
	return id
}

func TestDrawCompleted(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCapabilities(labs.Capabilities{}))
	kit, id := f.createOrder(nil), f.createOnSiteOrder()
	r := f.sendWithKey(http.MethodPatch, "/v3/order/"+id+"/draw_completed", f.key, nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, "sample_with_lab.on_site_collection.draw_completed",
		r.json(t)["order"].(map[string]any)["last_event"].(map[string]any)["status"])
	require.Equal(t, lifecycle.DrawCompleted, f.order(id).Status)

	r = f.sendWithKey(http.MethodPatch, "/v3/order/"+id+"/draw_completed", f.key, nil)
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Equal(t, "Transition from sample_with_lab.on_site_collection.draw_completed to "+
		"sample_with_lab.on_site_collection.draw_completed is not allowed", r.detail(t))
	r = f.sendWithKey(http.MethodPatch, "/v3/order/"+kit+"/draw_completed", f.key, nil)
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Equal(t, "The order's collection method does not have this", r.detail(t))

	other := f.newKey(f.newTeam(store.Sandbox, ""), store.RoleClient)
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodPatch, "/v3/order/"+id+"/draw_completed", other,
		nil).status)
}

// The lab decides which collection methods are available.
func TestCreateOrderByEveryMethod(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCapabilities(labs.Capabilities{}))
	for _, method := range lifecycle.Modalities() {
		f.labTest = f.newLabTest(order.LabTest{Method: method})
		o := f.order(f.createOrder(map[string]any{"collection_method": string(method)}))
		require.Equal(t, method, o.Modality)
		require.Equal(t, lifecycle.MustFullStatus(method, lifecycle.Ordered), o.Events[0].Status)
	}
	f.team = f.newTeam(store.Sandbox, `{"minors": true}`)
	f.key, f.user = f.newKey(f.team, store.RoleClient), f.newUser(f.team)
	f.labTest = f.newLabTest(order.LabTest{Method: lifecycle.AtHomePhlebotomy})
	r := f.sendWithKey(http.MethodPost, "/v3/order", f.key,
		f.orderBody(map[string]any{"patient_details.dob": "2010-01-01"}))
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Contains(t, r.detail(t), "phlebotomy is not available for patients under 18")
}
