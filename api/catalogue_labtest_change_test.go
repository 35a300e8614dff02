package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store"
)

// A team creates a lab test of markers, operations approve it, and the team deactivates and activates it.
func TestALabTestIsMadeApprovedAndArchived(t *testing.T) {
	t.Parallel()
	f := newDemo(t)
	ferritin, lead := f.marker("quest", "ferritin"), f.marker("quest", "lead-blood")
	r := f.sendWithKey(http.MethodPost, "/v3/lab_tests", f.key, map[string]any{
		"marker_ids": []any{lead, ferritin}, "name": "Iron & lead", "method": "walk_in_test", "description": "Both",
		"fasting": true,
	})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	made := r.json(t)
	id := made["id"].(string)
	require.Equal(t, id[:8]+"-iron-lead", made["slug"])
	require.Equal(t, []any{"pending_approval", true, "serum"}, []any{made["status"], made["fasting"], made["sample_type"]})
	order := map[string]any{
		"order_set.lab_test_ids": []any{id}, "aoe_answers": []any{aoe(lead, asksPurpose, "I"), aoe(lead, asksType, "V")},
	}
	status := func() string {
		return f.sendWithKey(http.MethodGet, "/v3/lab_tests/"+id, f.key, nil).json(t)["status"].(string)
	}
	patch := func(body map[string]any) reply {
		return f.sendWithKey(http.MethodPatch, "/v3/lab_tests/"+id, f.key, body)
	}
	require.Contains(t, f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(order)).detail(t), "not active")
	require.Contains(t, patch(map[string]any{"active": true}).detail(t), "awaits its approval")

	require.Equal(t, http.StatusOK, f.ops(http.MethodPost, "/ops/lab-tests/"+id+"/approve", nil).status)
	require.Equal(t, http.StatusBadRequest, f.ops(http.MethodPost, "/ops/lab-tests/"+id+"/approve", nil).status)
	require.Equal(t, http.StatusNotFound, f.ops(http.MethodPost, "/ops/lab-tests/"+newID()+"/approve", nil).status)
	placed := f.createOrder(order)

	require.Equal(t, http.StatusOK, patch(map[string]any{"active": false, "name": "Archived"}).status)
	require.Equal(t, "inactive", status())
	require.Equal(t, "Iron & lead", f.order(placed).LabTest.Name, "orders keep the test that they were placed with")
	require.Equal(t, http.StatusBadRequest, f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(order)).status)
	require.Equal(t, http.StatusOK, patch(map[string]any{"active": true}).status)
	require.Equal(t, "active", status())
	f.createOrder(order)

	stranger := f.newKey(f.newTeam(store.Sandbox, ""), store.RoleClient)
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodPatch, "/v3/lab_tests/"+id, stranger,
		map[string]any{"active": false}).status)
	require.Contains(t, f.sendWithKey(http.MethodPatch, "/v3/lab_tests/"+f.labTest, f.key,
		map[string]any{"name": "x"}).detail(t), "offered to all teams")
	log := string(f.ops(http.MethodGet, "/ops/audit", nil).body)
	for _, action := range []string{"lab_test.create", "lab_test.update", "lab_test.approve"} {
		require.Contains(t, log, action)
	}

	// A combined lab test of an order set cannot be changed.
	auto := f.order(f.createOrder(map[string]any{
		"order_set":         map[string]any{"add_on": map[string]any{"marker_ids": []any{ferritin}}},
		"collection_method": "walk_in_test",
	}))
	require.Contains(t, f.sendWithKey(http.MethodPatch, "/v3/lab_tests/"+auto.LabTest.ID, f.key,
		map[string]any{"active": false}).detail(t), "cannot be changed")
}

// A lab test that nobody needs any more can be archived before its approval. Restoring it does not approve it.
func TestAPendingLabTestIsArchived(t *testing.T) {
	t.Parallel()
	f := newDemo(t)
	made := f.sendWithKey(http.MethodPost, "/v3/lab_tests", f.key, map[string]any{
		"marker_ids": []any{f.marker("quest", "ferritin")}, "name": "Iron", "method": "walk_in_test", "description": "-",
	}).json(t)
	id := made["id"].(string)
	patch := func(body map[string]any) string {
		r := f.sendWithKey(http.MethodPatch, "/v3/lab_tests/"+id, f.key, body)
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		return r.json(t)["status"].(string)
	}
	approve := func() int { return f.ops(http.MethodPost, "/ops/lab-tests/"+id+"/approve", nil).status }
	for range 2 { // archived, and archived again
		require.Equal(t, "inactive", patch(map[string]any{"active": false}))
		require.Equal(t, "inactive", patch(map[string]any{"active": false, "name": "Iron, old"}))
		require.Equal(t, http.StatusBadRequest, approve(), "an archived test is not approved")
		require.Equal(t, "pending_approval", patch(map[string]any{"active": true}), "restored as it was")
	}
	require.Equal(t, "pending_approval", patch(map[string]any{"name": "Iron"}))
	order := f.orderBody(map[string]any{"order_set.lab_test_ids": []any{id}})
	require.Contains(t, f.sendWithKey(http.MethodPost, "/v3/order", f.key, order).detail(t), "not active")

	require.Equal(t, http.StatusOK, approve())
	require.Equal(t, "inactive", patch(map[string]any{"active": false}))
	require.Equal(t, "active", patch(map[string]any{"active": true}), "it has been approved")
}
