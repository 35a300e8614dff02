package e2e

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// result is the part of an order's results that the tests read.
type result struct {
	Metadata struct {
		Status string `json:"status"`
	} `json:"metadata"`
	Results []struct {
		Name string `json:"name"`
	} `json:"results"`
}

func (s *system) result(id string) result {
	s.t.Helper()
	return decodeSuccess[result](s, s.callAsClient(http.MethodGet, "/v3/order/"+id+"/result", nil))
}

func TestResultsOfACancelledOrderAreKeptAndNotShown(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		s := newSystem(t, o)
		id := s.placeAndAwait()
		require.Equal(t, http.StatusOK, s.cancel(id).Status)
		s.publishReport(id)
		s.awaitAttention(id, "cancel_at_lab", "result_after_end")
		s.await(func() bool { return len(s.story(id).outcomes("results")) > 0 }, "the results were not fetched")
		s.requireInboxResolved(id)
		require.Equal(t, http.StatusNotFound, s.callAsClient(http.MethodGet, "/v3/order/"+id+"/result", nil).Status)
		require.Equal(t, http.StatusNotFound, s.callAsClient(http.MethodGet, "/v3/order/"+id+"/result/pdf", nil).Status)
		require.Contains(t, string(s.callAsClient(http.MethodGet, "/v3/order/"+id, nil).Body), `"interpretation":null`)
		s.awaitEvents(id, placedEvents+" cancelled")
	})
}

// TestAnAmendedRejectionEndsTheOrder has the lab replace a recoverable rejection by a final one with the same time and
// other content.
func TestAnAmendedRejectionEndsTheOrder(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	id := s.placeAndAwait()
	body := documentedWebhook(t, "kit_rejected", s.labOrderNumber(id))
	require.Equal(t, http.StatusOK, s.labWebhook(body).Status)
	s.awaitStatus(id, "sample_with_lab.testkit.lab_processing_blocked")
	reworded := bytes.Replace(body, []byte("listed on"), []byte("found on"), 1)
	require.Equal(t, http.StatusOK, s.labWebhook(reworded).Status)
	s.await(func() bool { return len(s.story(id).Facts) == 2 }, "the amendment is not stored")
	final := bytes.Replace(body, []byte(`"recoverable": true`), []byte(`"recoverable": false`), 1)
	require.Equal(t, http.StatusOK, s.labWebhook(final).Status)
	s.awaitEvents(id, placedEvents+" delivered_to_lab lab_processing_blocked sample_error")
	s.requireInboxCodes(id, map[string]int{"": 2, "amendment": 1})
}

// requireInboxCodes checks how many of the order's inbox items have each outcome code. The code "" stands for all other
// outcomes.
func (s *system) requireInboxCodes(id string, codes map[string]int) {
	s.t.Helper()
	counted := map[string]int{}
	for _, f := range s.story(id).Facts {
		require.Equal(s.t, "applied", f.State)
		code := f.Code
		if _, asked := codes[code]; !asked {
			code = ""
		}
		counted[code]++
	}
	require.Equal(s.t, codes, counted)
}

func TestPartialResultsOfAKitAreShownWithoutAnEvent(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	id := s.placeAndAwait()
	s.sendFact(id, "kit_received")
	s.awaitStatus(id, "sample_with_lab.testkit.delivered_to_lab")
	s.putResults(id, map[string]any{"status": "partial"})
	s.sendFact(id, "report_ready")
	s.await(func() bool {
		return s.callAsClient(http.MethodGet, "/v3/order/"+id+"/result", nil).Status == http.StatusOK
	}, "no results")
	require.Equal(t, "partial", s.result(id).Metadata.Status)
	s.awaitEvents(id, placedEvents+" delivered_to_lab")

	s.publishReport(id)
	s.awaitEvents(id, placedEvents+" delivered_to_lab completed")
	require.Equal(t, "final", s.result(id).Metadata.Status)
	require.NotEmpty(t, s.result(id).Results)
}

// TestALabReportsItsOwnOrdersOnly shows that the credentials of a lab account do not allow facts about orders of
// another account.
func TestALabReportsItsOwnOrdersOnly(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	id := s.placeAndAwait()
	before := s.order(id)
	a, err := s.store.LabAccount(t.Context(), s.accountID)
	require.NoError(t, err)
	a.ID, a.User, a.Token = uuid.NewString(), "practice-8", "another-token"
	require.NoError(t, s.store.PutLabAccount(t.Context(), a))
	r := s.webhookAs("practice-8", "another-token", documentedWebhook(t, "kit_received", s.labOrderNumber(id)))
	require.Equal(t, http.StatusAccepted, r.Status, "%s", r.Body)
	require.Len(t, s.inboxByState("quarantined"), 1)
	require.Equal(t, before, s.order(id))

	s.labWebhook(documentedWebhook(t, "kit_received", s.labOrderNumber(id)))
	s.awaitStatus(id, "sample_with_lab.testkit.delivered_to_lab")
}
