package simlab_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/simlab"
)

// TestTheNextReportWaitsUntilOneIsFetched shows that a script can publish a version that somebody has seen, and then
// the next one.
func TestTheNextReportWaitsUntilOneIsFetched(t *testing.T) {
	t.Parallel()
	const script = `{"steps":[{"kind":"results"},{"kind":"report_ready"},` +
		`{"kind":"results","awaits":"fetched"},{"kind":"report_ready"}]}`
	type versioned struct {
		Version int `json:"version"`
	}
	for name, tt := range map[string]struct {
		open  func(testing.TB, ...func(*simlab.Config)) *testLab
		place func(*testLab)
		fetch func(*testLab) versioned
	}{
		"Molecular": {newTestLab, func(w *testLab) { w.place("N1", "happy") }, func(w *testLab) versioned {
			return call[versioned](w, http.StatusOK, http.MethodGet, "/Results?order_number=N1", "")
		}},
		"neutral": {newNeutralLab, func(w *testLab) { w.placeOnSite("on_site_collection", "silent") },
			func(w *testLab) versioned {
				return neutralCall[versioned](w, http.StatusOK, http.MethodGet, "/orders/N1/results", "")
			}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := tt.open(t, withManual)
			tt.place(w)
			call[map[string]string](w, http.StatusOK, http.MethodPut, "/sandbox/orders/N1/script", script)
			w.await(func() bool { return len(w.webhooks()) == 1 })
			require.True(t, w.order("N1").Running)
			require.Equal(t, 1, tt.fetch(w).Version)
			w.await(func() bool { return len(w.webhooks()) == 2 })
			require.Equal(t, 2, tt.fetch(w).Version)
		})
	}
}
