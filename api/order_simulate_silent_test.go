package api_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// silentAPI returns an API with a silent account at the simulated lab.
func silentAPI(t *testing.T) *simulationAPI {
	t.Helper()
	s := newSimulationAPI(t, "neutral")
	s.account.Policy = []byte(`{"silent": true}`)
	require.NoError(t, s.store.PutLabAccount(t.Context(), s.account))
	return s
}

func (s *simulationAPI) placement(id string) order.PlacementState {
	s.t.Helper()
	state, err := s.store.State(s.t.Context(), id)
	require.NoError(s.t, err)
	return state.Placement.State
}

func TestASilentOrderStaysUntilItIsSimulated(t *testing.T) {
	t.Parallel()
	s := silentAPI(t)
	id := s.onlyPlaced()
	require.Equal(t, order.PlacementHeld, s.placement(id))
	r := s.simulate(id, "?final_status=received.testkit.ordered", nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, order.PlacementHeld, s.placement(id), "it is left there")
	require.Zero(t, s.count())

	r = s.simulate(id, "?final_status=collecting_sample.testkit.with_customer", nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, order.PlacementStarted, s.placement(id))
	require.Equal(t, []string{"kit_shipped", "transit out_for_delivery", "transit with_customer"}, s.script(id))

	// A demand that ends the order sends nothing to the lab.
	id = s.onlyPlaced()
	r = s.simulate(id, "?final_status=cancelled.testkit.cancelled", nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, lifecycle.Cancelled, s.order(id).Status)
	require.Equal(t, order.PlacementHeld, s.placement(id))
}

// A plan that waits for the requisition starts the placement first.
func TestSimulatingTheRequisitionOfASilentOrder(t *testing.T) {
	t.Parallel()
	s := silentAPI(t)
	s.labTest = s.labTestAt("stage", lifecycle.OnSite)
	id := s.onlyPlaced()
	var once sync.Once
	s.then = func() {
		once.Do(func() {
			s.record(id, order.CauseCall(newID()), func(st order.State) order.Decision {
				return st.ApplyDemand(order.Demand{Kind: order.DemandPlace, By: lifecycle.Operations}, testTime)
			})
			s.record(id, order.CauseCall(newID()),
				func(st order.State) order.Decision { return st.ApplyPlacementAccepted("A-1", testTime) })
		})
	}
	r := s.simulate(id, "?final_status=sample_with_lab.on_site_collection.draw_completed", nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, lifecycle.DrawCompleted, s.order(id).Status)
}

func TestOrdersThatNameAScriptAreNotHeld(t *testing.T) {
	t.Parallel()
	s := silentAPI(t)
	id := s.createOrder(map[string]any{"passthrough": "sandbox:happy"})
	require.Equal(t, order.PlacementStarted, s.placement(id))
	id = s.createOrder(map[string]any{"passthrough": "note to self"})
	require.Equal(t, order.PlacementHeld, s.placement(id))
	r := s.sendWithKey(http.MethodPost, "/v3/order/import", s.key, s.importBody(nil))
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	state, err := s.store.State(t.Context(), r.json(t)["order"].(map[string]any)["id"].(string))
	require.NoError(t, err)
	require.Empty(t, state.Deadlines, "an imported order raises no mark for waiting either")
}

func TestNewAccountsOfTheSandboxAreSilent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := newID()
	put := func(id, environment string, policy any) reply {
		body := map[string]any{
			"lab_slug": "stage", "partner": "neutral", "environment": environment, "base_url": "https://partner.example/v1",
			"user": "us", "token": secretOf("a"), "settings": map[string]any{"collection_methods": []string{"testkit"}},
		}
		if policy != nil {
			body["policy"] = policy
		}
		return f.ops(http.MethodPut, "/ops/lab-accounts/"+id, body)
	}
	silent := func(r reply) any {
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		return r.json(t)["policy"].(map[string]any)["silent"]
	}
	loud := map[string]any{"silent": false}
	other := map[string]any{"replacement": "auto"}
	require.Equal(t, true, silent(put(id, "sandbox", nil)))
	require.Equal(t, true, silent(put(id, "sandbox", other)), "it stays as it was")
	require.Equal(t, false, silent(put(id, "sandbox", loud)))
	require.Equal(t, false, silent(put(id, "sandbox", other)), "it stays as it was")
	require.Equal(t, false, silent(put(newID(), "sandbox", loud)))
	require.Equal(t, true, silent(put(newID(), "sandbox", map[string]any{"replacement": "auto"})))
	require.Nil(t, silent(put(newID(), "production", other)))
	require.Nil(t, silent(put(newID(), "production", nil)))
	r := put(newID(), "production", map[string]any{"silent": true})
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Contains(t, string(r.body), "sandbox")
	require.Equal(t, http.StatusBadRequest, put(newID(), "sandbox", map[string]any{"silent": "yes"}).status)
}
