package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/e2e/scenario"
)

// onSiteDifferences are the keys of the documented on-site order that have another JSON type in Aliquot's response, and
// the reason.
var onSiteDifferences = map[string]string{
	".notes": "no notes: null, as in client-api#clientfacingorder",
}

func TestAnOnSiteOrderEndsAsTheDocumentedOne(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		o.neutral = true
		s := newSystem(t, o)
		ctx := context.Background()
		address := s.orderBody(nil)["patient_address"].(map[string]any)
		address["phone_number"] = "+12535550142"
		placed, err := s.scenarioSystem().PlaceOrder(ctx, scenario.OnSite, "", map[string]any{"patient_address": address})
		require.NoError(t, err)
		s.awaitStatus(placed.ID, "received.on_site_collection.requisition_created")
		require.NoError(t, placed.DrawCompleted(ctx))
		require.NoError(t, placed.PublishReport(ctx, scenario.Partial, "normal", ""))
		s.awaitStatus(placed.ID, "sample_with_lab.on_site_collection.partial_results")
		require.NoError(t, placed.PublishReport(ctx, scenario.Final, "normal", ""))
		ended := s.awaitStatus(placed.ID, "completed.on_site_collection.completed")

		seed, err := os.ReadFile(filepath.Join("..", "internal", "junction", "testdata", "seed_000_on_site.json"))
		require.NoError(t, err)
		var documented orderView
		require.NoError(t, json.Unmarshal(seed, &documented))
		require.Equal(t, documented.statuses(), ended.statuses())
		require.Equal(t, documented.Status, ended.Status)
		for i, e := range ended.Events {
			require.Equal(t, int64(i+1), e.ID, "event ids rise")
		}
		s.requireSameJSONTypes(seed, s.callAsClient(http.MethodGet, "/v3/order/"+placed.ID, nil).Body, onSiteDifferences)

		// The client gets webhooks for all events except partial results, which its policy does not include.
		hooks := map[int64]delivery{}
		s.await(func() bool { hooks = s.receiver.forOrder(placed.ID); return len(hooks) == len(ended.Events)-1 }, "webhooks")
		for _, e := range ended.Events {
			require.Equal(t, !strings.HasSuffix(e.Status, "partial_results"), hooks[e.ID].Status == e.Status, "%s", e.Status)
		}
	})
}

// requireSameJSONTypes checks that a document has every key of the documented one with a value of the same JSON type,
// except for the listed differences.
func (s *system) requireSameJSONTypes(documented, ours []byte, differences map[string]string) {
	s.t.Helper()
	want, got := jsonTypes(s.t, documented), jsonTypes(s.t, ours)
	for key, kind := range want {
		if why, differs := differences[key]; differs {
			require.NotEqual(s.t, kind, got[key], "%s is the same now, but is listed as different: %s", key, why)
			continue
		}
		require.Equal(s.t, kind, got[key], "%s", key)
	}
	for key := range differences {
		require.Contains(s.t, want, key)
	}
}
