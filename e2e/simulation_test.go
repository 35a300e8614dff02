package e2e

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// seedEveryMethod adds a lab with the neutral protocol and returns its lab tests by collection method.
func (s *system) seedEveryMethod() map[lifecycle.Modality]string {
	s.t.Helper()
	ctx := context.Background()
	lab := order.Lab{ID: 28, Slug: "everything", Name: "Everything Labs", FirstLineAddress: "2 Lab Way", City: "Phoenix",
		Zipcode:           "85004",
		CollectionMethods: []string{}, SampleTypes: []string{"serum"}}
	require.NoError(s.t, s.store.PutLab(ctx, lab))
	require.NoError(s.t, s.store.PutLabAccount(ctx, store.LabAccount{
		ID: uuid.NewString(), TeamID: s.teamID, LabSlug: lab.Slug, Partner: "neutral", Environment: store.Sandbox,
		BaseURL: s.labURL + "/neutral", User: partnerAccount, Token: partnerSecret, Status: "active",
		Settings: []byte(`{"collection_methods": ["testkit", "walk_in_test", "at_home_phlebotomy", "on_site_collection"],
			"registrable": true, "cancel": true, "schedule": true, "provider": "quest"}`),
	}))
	tests := map[lifecycle.Modality]string{}
	for _, m := range lifecycle.Modalities() {
		tests[m] = uuid.NewString()
		require.NoError(s.t, s.store.PutLabTest(ctx, "", order.LabTest{
			ID: tests[m], Slug: "lipids-" + string(m), Name: "Lipids", SampleType: "serum", Method: m, Status: "active",
			Lab:     &lab,
			Markers: []order.Marker{{ID: 1, Name: "Lipids", Slug: "lipids"}},
		}))
	}
	return tests
}

// notSimulated are the statuses that an order for a known patient cannot be simulated to.
var notSimulated = map[lifecycle.LowStatus]bool{
	lifecycle.RequisitionBypassed: true, lifecycle.AwaitingRegistration: true, lifecycle.Registered: true,
}

// TestEveryStatusIsSimulated shows that clients can simulate an order to every status that it can have, and that the
// order then keeps the status.
func TestEveryStatusIsSimulated(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{playScripts: true})
	tests := s.seedEveryMethod()
	for _, final := range lifecycle.Statuses() {
		if notSimulated[final.Low()] || final.Low() == lifecycle.Ordered {
			continue
		}
		t.Run(string(final), func(t *testing.T) {
			t.Parallel()
			s := s.forSubtest(t)
			id := s.placeOrder(map[string]any{
				"order_set":   map[string]any{"lab_test_ids": []string{tests[final.Modality()]}},
				"passthrough": "sandbox:silent",
			})
			r := s.callAsClient(http.MethodPost, "/v3/order/"+id+"/test?delay=1&final_status="+string(final), nil)
			require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
			defer func() {
				if t.Failed() {
					t.Logf("%s", s.callAsOperations(http.MethodGet, "/ops/orders/"+id+"/story", nil).Body)
				}
			}()
			o := s.awaitStatus(id, string(final))
			require.Equal(t, string(lifecycle.MustFullStatus(final.Modality(), lifecycle.Ordered)), o.Events[0].Status)
		})
	}
}

// TestSimulationContinues simulates an order from one simulated status to another, with the results that the client
// requests.
func TestSimulationContinues(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{playScripts: true})
	tests := s.seedEveryMethod()
	id := s.placeOrder(map[string]any{
		"order_set":   map[string]any{"lab_test_ids": []string{tests[lifecycle.AtHomePhlebotomy]}},
		"passthrough": "sandbox:silent",
	})
	simulate := func(status string, flags any) {
		r := s.callAsClient(http.MethodPost, "/v3/order/"+id+"/test?final_status="+status, flags)
		require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
		s.awaitStatus(id, status)
	}
	simulate("collecting_sample.at_home_phlebotomy.appointment_cancelled", nil)
	simulate("collecting_sample.at_home_phlebotomy.draw_completed", nil)
	simulate("sample_with_lab.at_home_phlebotomy.partial_results", nil)
	r := s.callAsClient(http.MethodGet, "/v3/order/"+id+"/result/metadata", nil)
	require.Equal(t, http.StatusOK, r.Status)
	require.Contains(t, string(r.Body), `"status":"partial"`)
	simulate("completed.at_home_phlebotomy.completed", map[string]any{
		"interpretation": "critical", "result_types": []string{"comment"}, "has_missing_results": true,
	})
	results := decodeSuccess[struct {
		Metadata struct{ Status, Interpretation string }
		Results  []struct{ Type, Interpretation string }
		Missing  []struct {
			Failure string `json:"inferred_failure_type"`
		} `json:"missing_results"`
	}](s, s.callAsClient(http.MethodGet, "/v3/order/"+id+"/result", nil))
	require.Equal(t, "final", results.Metadata.Status)
	require.Equal(t, "critical", results.Metadata.Interpretation)
	require.Equal(t, "comment", results.Results[0].Type)
	require.Equal(t, "critical", results.Results[0].Interpretation)
	require.Equal(t, "quantity_not_sufficient_failure", results.Missing[0].Failure)

	var lows []string
	for _, status := range s.order(id).statuses() {
		lows = append(lows, string(lifecycle.Status(status).Low()))
	}
	require.Equal(t,
		"ordered requisition_created appointment_pending appointment_scheduled appointment_cancelled appointment_pending "+
			"appointment_scheduled draw_completed partial_results completed", strings.Join(lows, " "))
}
