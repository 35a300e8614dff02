package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// testkitBody returns a valid request for a kit that is registered later, changed by set.
func (f *fixture) testkitBody(set map[string]any) map[string]any {
	body := map[string]any{
		"user_id": f.user, "lab_test_id": f.labTest, "passthrough": "stock-7",
		"shipping_details": map[string]any{
			"receiver_name": "Front desk", "first_line": "1 Main St", "city": "Phoenix", "state": "az", "zip": "85004",
			"country":      "US",
			"phone_number": "602 555-0123",
		},
	}
	for path, value := range set {
		setPath(body, path, value)
	}
	return body
}

// withCapabilities gives every lab the capabilities, with all collection methods.
func withCapabilities(can labs.Capabilities) func(*api.Deps) {
	can.Methods = lifecycle.Modalities()
	return func(d *api.Deps) {
		d.OpenLab = func(store.LabAccount) (labs.Lab, error) { return &lab{can: can}, nil }
	}
}

func TestCreateTestkit(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCapabilities(labs.Capabilities{Registrable: true}))
	r := f.sendWithKey(http.MethodPost, "/v3/order/testkit", f.key, f.testkitBody(nil))
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, "success", r.json(t)["status"])
	shown := r.json(t)["order"].(map[string]any)
	require.Equal(t, "received.testkit.ordered", shown["last_event"].(map[string]any)["status"])
	require.Nil(t, shown["patient_details"])
	require.Nil(t, shown["patient_address"])
	require.Equal(t, "stock-7", shown["passthrough"])
	require.Equal(t, map[string]any{
		"receiver_name": "Front desk", "first_line": "1 Main St", "second_line": nil, "city": "Phoenix", "state": "AZ",
		"zip":     "85004",
		"country": "US", "phone_number": "+16025550123",
	}, shown["shipping_details"])

	o := f.order(shown["id"].(string))
	require.True(t, o.Registrable)
	require.False(t, o.Registered)
	require.True(t, o.State.Registrable)
	require.Equal(t, order.PlacementStarted, o.State.Placement.State)
	started, _, _ := f.orders.snapshot()
	require.Equal(t, []string{o.ID}, started)
	require.Equal(t, []string{"order.create"}, f.actions(o.ID))
}

func TestCreateTestkitRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCapabilities(labs.Capabilities{Registrable: true}))
	walkIn := f.newLabTest(order.LabTest{Method: lifecycle.WalkIn})
	for name, tt := range map[string]struct {
		set    map[string]any
		status int
		text   string
	}{
		"unknown user": {map[string]any{"user_id": newID()}, http.StatusNotFound, "User not found"},
		"foreign user": {map[string]any{"user_id": f.newUser(f.newTeam(store.Sandbox, ""))}, http.StatusNotFound,
			"User not found"},
		"unknown test":    {map[string]any{"lab_test_id": newID()}, http.StatusBadRequest, "Lab test does not exist"},
		"no testkit":      {map[string]any{"lab_test_id": walkIn}, http.StatusBadRequest, "collection method testkit"},
		"unknown account": {map[string]any{"lab_account_id": newID()}, http.StatusBadRequest, "Lab account does not exist"},
	} {
		t.Log(name) // shown when what follows fails
		r := f.sendWithKey(http.MethodPost, "/v3/order/testkit", f.key, f.testkitBody(tt.set))
		require.Equal(t, tt.status, r.status, string(r.body))
		require.Contains(t, r.detail(t), tt.text)
	}
	for name, tt := range map[string]struct {
		set  map[string]any
		loc  []any
		kind string
	}{
		"no address": {map[string]any{"shipping_details": nil}, []any{"body", "shipping_details"}, "missing"},
		"no phone": {map[string]any{"shipping_details.phone_number": nil},
			[]any{"body", "shipping_details", "phone_number"}, "missing"},
		"phone is prose": {map[string]any{"shipping_details.phone_number": "call me"},
			[]any{"body", "shipping_details", "phone_number"}, "value_error"},
		"short zip": {map[string]any{"shipping_details.zip": "8500"}, []any{"body", "shipping_details", "zip"},
			"string_pattern_mismatch"},
		"test is no uuid": {map[string]any{"lab_test_id": "x"}, []any{"body", "lab_test_id"}, "uuid_parsing"},
	} {
		t.Log(name) // shown when what follows fails
		r := f.sendWithKey(http.MethodPost, "/v3/order/testkit", f.key, f.testkitBody(tt.set))
		require.Equal(t, http.StatusUnprocessableEntity, r.status, string(r.body))
		requireProblem(t, r, tt.loc, tt.kind)
	}
	require.Zero(t, f.countOrders())
}

// A lab need not have registrable kits. Molecular, the partner of the second fixture, has none.
func TestCreateTestkitOfALabThatShipsNone(t *testing.T) {
	t.Parallel()
	for _, f := range []*fixture{newFixture(t, withCapabilities(labs.Capabilities{})), newFixture(t)} {
		r := f.sendWithKey(http.MethodPost, "/v3/order/testkit", f.key, f.testkitBody(nil))
		require.Equal(t, http.StatusBadRequest, r.status)
		require.Contains(t, r.detail(t), "registered later")
		require.Zero(t, f.countOrders())
	}
}

func TestCreateOrderThroughAnAccountOutOfService(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(d *api.Deps) {
		d.OpenLab = func(store.LabAccount) (labs.Lab, error) { return nil, errNoClient }
	})
	r := f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(nil))
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Equal(t, "The lab account is not in service", r.detail(t))
	require.Contains(t, f.logs.String(), errNoClient.Error())
}
