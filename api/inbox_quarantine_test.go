package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store"
)

// TestAFullQuarantineAnswers503 sends more unreadable messages through one lab account than its quarantine holds.
func TestAFullQuarantineAnswers503(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	other := f.newAccount(store.LabAccount{User: "practice-8", Token: "other-token"})
	const quota = 1000
	for i := range quota - 1 {
		_, err := f.store.StoreInboxItem(t.Context(), store.NewInboxItem{Partner: "molecular", LabAccountID: f.account,
			DedupKey: fmt.Sprint(i), BodyHash: "h", State: store.InboxQuarantined, Body: []byte("?")})
		require.NoError(t, err)
	}
	last := f.sendLabWebhookAs(labUser, labToken, `the last that is stored`)
	require.Equal(t, http.StatusBadRequest, last.status, string(last.body))
	beyond := f.sendLabWebhookAs(labUser, labToken, `beyond the quota`)
	require.Equal(t, http.StatusServiceUnavailable, beyond.status, string(beyond.body))
	require.Equal(t, "3600", beyond.header.Get("Retry-After"))
	require.InDelta(t, 1, f.countOf("molecular", "quarantine_full"), 0)

	// The other account, and messages that can be read, are not affected. What was stored is there.
	require.Equal(t, http.StatusBadRequest, f.sendLabWebhookAs("practice-8", "other-token", `of the other`).status)
	require.NotEqual(t, f.account, other)
	readable := f.sendLabWebhookAs(labUser, labToken, labWebhookSample(t, "kit_received", "NOBODY"))
	require.Equal(t, http.StatusAccepted, readable.status, string(readable.body))
	_, total, err := f.store.InboxItems(t.Context(), store.InboxQuery{State: store.InboxQuarantined})
	require.NoError(t, err)
	require.Equal(t, quota+1, total)

	id := last.json(t)["id"].(string)
	released := f.sendWithKey(http.MethodPost, "/ops/inbox/"+id+"/release", f.opsKey, nil)
	require.Equal(t, http.StatusOK, released.status, string(released.body))
	require.Equal(t, store.InboxReleased, released.json(t)["state"])
	again := f.sendWithKey(http.MethodPost, "/ops/inbox/"+id+"/release", f.opsKey, nil)
	require.Equal(t, http.StatusBadRequest, again.status, string(again.body))
	kept := f.sendWithKey(http.MethodGet, "/ops/inbox/"+id, f.opsKey, nil).json(t)
	require.Equal(t, `the last that is stored`, kept["body"])
	require.Equal(t, http.StatusBadRequest, f.sendLabWebhookAs(labUser, labToken, `beyond the quota`).status)
}

// countOf returns a partner's requests with an outcome, as the metric counts them.
func (f *fixture) countOf(partner, outcome string) float64 {
	f.t.Helper()
	families, err := f.metrics.Gather()
	require.NoError(f.t, err)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if family.GetName() == "aliquot_partner_reports_total" && labels["partner"] == partner &&
				labels["outcome"] == outcome {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}
