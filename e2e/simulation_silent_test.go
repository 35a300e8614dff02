package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// TestSilentOrdersMoveWhenTheyAreSimulated makes accounts of both protocols as operations do, and shows that their
// orders stay in the first status until they are simulated, in every collection method.
func TestSilentOrdersMoveWhenTheyAreSimulated(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{playScripts: true})
	tests := s.seedEveryMethod()
	for _, account := range []map[string]any{
		{"lab_slug": "everything", "partner": "neutral", "base_url": s.labURL + "/neutral", "user": partnerAccount,
			"token": partnerSecret, "settings": map[string]any{"collection_methods": []string{"testkit", "walk_in_test",
				"at_home_phlebotomy", "on_site_collection"}, "schedule": true, "provider": "quest"}},
		{"lab_slug": "mtl", "partner": "molecular", "base_url": s.labURL, "user": labUser, "token": labToken,
			"settings": map[string]any{"default_physician": 5501, "endpoints": map[string]any{"results": "/Results"}}},
	} {
		account["team_id"], account["environment"] = s.teamID, "sandbox"
		id := uuid.NewString()
		r := s.callAsOperations(http.MethodPut, "/ops/lab-accounts/"+id, account)
		require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
		for _, m := range lifecycle.Modalities() {
			test := tests[m]
			if account["partner"] == "molecular" {
				test = s.labTestID
			}
			if account["partner"] == "molecular" && m != lifecycle.Testkit {
				continue
			}
			t.Run(account["partner"].(string)+" "+string(m), func(t *testing.T) {
				t.Parallel()
				s := s.forSubtest(t)
				requireSilentUntilSimulated(s, m, map[string]any{
					"order_set": map[string]any{"lab_test_ids": []string{test}}, "lab_account_id": id,
				})
			})
		}
	}
}

func requireSilentUntilSimulated(s *system, m lifecycle.Modality, order map[string]any) {
	s.t.Helper()
	first := string(lifecycle.MustFullStatus(m, lifecycle.Ordered))
	id := s.placeOrder(order)
	require.Never(s.t, func() bool { return len(s.order(id).statuses()) > 1 }, time.Second, 100*time.Millisecond)
	r := s.callAsClient(http.MethodPost, "/v3/order/"+id+"/test?final_status="+first, nil)
	require.Equal(s.t, http.StatusOK, r.Status, "%s", r.Body)
	require.Never(s.t, func() bool { return len(s.order(id).statuses()) > 1 }, time.Second, 100*time.Millisecond)

	placed := string(lifecycle.MustFullStatus(m, lifecycle.RequisitionCreated))
	r = s.callAsClient(http.MethodPost, "/v3/order/"+id+"/test?final_status="+placed, nil)
	require.Equal(s.t, http.StatusOK, r.Status, "%s", r.Body)
	s.awaitStatus(id, placed)
	require.Never(s.t, func() bool { return len(s.order(id).statuses()) > 2 }, time.Second, 100*time.Millisecond)
	r = s.callAsClient(http.MethodPost, "/v3/order/"+id+"/test", nil)
	require.Equal(s.t, http.StatusOK, r.Status, "%s", r.Body)
	s.awaitStatus(id, string(lifecycle.MustFullStatus(m, lifecycle.Completed)))

	order["passthrough"] = "sandbox:happy" // a script is played at once
	id = s.placeOrder(order)
	require.Eventually(s.t, func() bool { return len(s.order(id).statuses()) > 1 }, time.Minute, 50*time.Millisecond)
}
