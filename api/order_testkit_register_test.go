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

// createRegistrableKit creates an order of a registrable kit that the lab has accepted with a sample id, and returns
// its id.
func (f *fixture) createRegistrableKit(sampleID string) string {
	f.t.Helper()
	r := f.sendWithKey(http.MethodPost, "/v3/order/testkit", f.key, f.testkitBody(nil))
	require.Equal(f.t, http.StatusOK, r.status, string(r.body))
	id := r.json(f.t)["order"].(map[string]any)["id"].(string)
	f.record(id, order.CauseCall(newID()),
		func(s order.State) order.Decision { return s.ApplyPlacementAccepted(sampleID, testTime) })
	require.Equal(f.t, lifecycle.AwaitingRegistration, f.order(id).Status)
	return id
}

// registration returns a valid request that registers a kit, changed by set.
func (f *fixture) registration(sampleID string, set map[string]any) map[string]any {
	body := f.orderBody(nil)
	out := map[string]any{
		"sample_id": sampleID, "patient_details": body["patient_details"], "patient_address": body["patient_address"],
		"consents": body["consents"], "physician": map[string]any{"first_name": "Jane", "last_name": "Smith",
			"npi": "1234567890"},
	}
	for path, value := range set {
		setPath(out, path, value)
	}
	return out
}

func TestRegisterTestkit(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCapabilities(labs.Capabilities{Registrable: true}))
	id := f.createRegistrableKit("KIT-1")
	r := f.sendWithKey(http.MethodPost, "/v3/order/testkit/register", f.key, f.registration("KIT-1", nil))
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, "success", r.json(t)["status"])
	shown := r.json(t)["order"].(map[string]any)
	require.Equal(t, id, shown["id"])
	require.Equal(t, "received.testkit.registered", shown["last_event"].(map[string]any)["status"])
	require.Equal(t, "Ann", shown["patient_details"].(map[string]any)["first_name"])
	require.Equal(t, f.user, shown["user_id"], "the order stays with its user")

	o := f.order(id)
	require.True(t, o.Registered)
	require.Equal(t, "Phoenix", o.Address.City)
	require.Equal(t, "Smith", o.Physician.LastName)
	require.Equal(t, "hipaa-authorization", o.Consents[0].Type)
	_, _, demands := f.orders.snapshot()
	require.Len(t, demands, 1)
	require.Equal(t, order.DemandRegister, demands[0].Kind)
	require.Equal(t, lifecycle.Client, demands[0].By)

	r = f.sendWithKey(http.MethodPost, "/v3/order/testkit/register", f.key, f.registration("KIT-1", nil))
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Equal(t, "The kit is registered already", r.detail(t))
}

func TestRegisterTestkitForAnotherUser(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCapabilities(labs.Capabilities{Registrable: true}))
	id, user := f.createRegistrableKit("KIT-1"), f.newUser(f.team)
	foreign := f.newUser(f.newTeam(store.Sandbox, ""))
	r := f.sendWithKey(http.MethodPost, "/v3/order/testkit/register", f.key,
		f.registration("KIT-1", map[string]any{"user_id": foreign}))
	require.Equal(t, http.StatusNotFound, r.status)
	require.Equal(t, "User not found", r.detail(t))

	r = f.sendWithKey(http.MethodPost, "/v3/order/testkit/register", f.key,
		f.registration("KIT-1", map[string]any{"user_id": user}))
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, user, r.json(t)["order"].(map[string]any)["user_id"])
	require.Equal(t, user, f.order(id).UserID)
	require.Equal(t, "patient-"+user, f.order(id).ClientUserID)
}

func TestRegisterTestkitRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCapabilities(labs.Capabilities{Registrable: true}))
	id := f.createRegistrableKit("KIT-1")
	register := func(key, sampleID string, set map[string]any) reply {
		return f.sendWithKey(http.MethodPost, "/v3/order/testkit/register", key, f.registration(sampleID, set))
	}
	other := f.newKey(f.newTeam(store.Sandbox, ""), store.RoleClient)
	for name, r := range map[string]reply{
		"unknown": register(f.key, "KIT-2", nil), "of another team": register(other, "KIT-1", nil),
		"no kit": register(f.key, id, nil),
	} {
		require.Equal(t, http.StatusNotFound, r.status, name)
		require.Equal(t, "Kit not found", r.detail(t), name)
	}
	r := register(f.key, "KIT-1", map[string]any{"patient_details.dob": "2010-01-01"})
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Contains(t, r.detail(t), "under 18")

	for name, tt := range map[string]struct {
		set  map[string]any
		loc  []any
		kind string
	}{
		"no sample":  {map[string]any{"sample_id": nil}, []any{"body", "sample_id"}, "missing"},
		"no patient": {map[string]any{"patient_details": nil}, []any{"body", "patient_details"}, "missing"},
		"phone is prose": {map[string]any{"patient_details.phone_number": "call me"},
			[]any{"body", "patient_details", "phone_number"}, "value_error"},
		"short zip": {map[string]any{"patient_address.zip": "8500"}, []any{"body", "patient_address", "zip"},
			"string_pattern_mismatch"},
		"physician": {map[string]any{"physician.npi": nil}, []any{"body", "physician", "npi"}, "missing"},
	} {
		t.Log(name) // shown when what follows fails
		r := register(f.key, "KIT-1", tt.set)
		require.Equal(t, http.StatusUnprocessableEntity, r.status, string(r.body))
		requireProblem(t, r, tt.loc, tt.kind)
	}
	require.False(t, f.order(id).Registered)

	// A kit that was ordered for a patient cannot be registered.
	bound := f.createOrder(nil)
	f.record(bound, order.CauseCall(newID()),
		func(s order.State) order.Decision { return s.ApplyPlacementAccepted("KIT-3", testTime) })
	r = register(f.key, "KIT-3", nil)
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Equal(t, "The order's collection method does not have this", r.detail(t))
}

// The number of a kit is typed from its label.
func TestKitsRegisterInOtherSpellings(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withCapabilities(labs.Capabilities{Registrable: true}))
	for printed, typed := range map[string]string{
		"KIT-4F7A": "kit-4f7a", "KIT-5B": " kit 5b ", "AB 12 CD": "ab12cd", "kit-6c": "KIT6C", "X-7": "x\u20117",
	} {
		id := f.createRegistrableKit(printed)
		r := f.sendWithKey(http.MethodPost, "/v3/order/testkit/register", f.key, f.registration(typed, nil))
		require.Equal(t, http.StatusOK, r.status, "%q: %s", typed, r.body)
		require.Equal(t, id, r.json(t)["order"].(map[string]any)["id"])
		require.Equal(t, printed, r.json(t)["order"].(map[string]any)["sample_id"])
	}
	f.createRegistrableKit("TWIN-1")
	f.createRegistrableKit("twin1")
	r := f.sendWithKey(http.MethodPost, "/v3/order/testkit/register", f.key, f.registration("Twin 1", nil))
	require.Equal(t, http.StatusNotFound, r.status, "either is meant")
	r = f.sendWithKey(http.MethodPost, "/v3/order/testkit/register", f.key, f.registration("twin1", nil))
	require.Equal(t, http.StatusOK, r.status, string(r.body))
}
