package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/molecular"
	"github.com/aliquot-labs/aliquot/order"
)

// reviewView is the part of a match review that the tests read.
type reviewView struct {
	ID              string   `json:"id"`
	Status          string   `json:"status"`
	DecisionCode    string   `json:"decision_code"`
	AllowedActions  []string `json:"allowed_actions"`
	ResolvedOrderID *string  `json:"resolved_order_id"`
	CandidateGroups []struct {
		Candidates []struct {
			OrderID string `json:"order_id"`
		} `json:"candidates"`
	} `json:"candidate_groups"`
}

// reviews lists the client's match reviews.
func (s *system) reviews(query string) []reviewView {
	s.t.Helper()
	return decodeSuccess[struct {
		Data []reviewView `json:"data"`
	}](s, s.callAsClient(http.MethodGet, "/v3/unmatched_result"+query, nil)).Data
}

// awaitReview waits for the only open review and returns it.
func (s *system) awaitReview() reviewView {
	s.t.Helper()
	var all []reviewView
	s.await(func() bool { all = s.reviews(""); return len(all) > 0 }, "no review was opened")
	require.Len(s.t, all, 1)
	return all[0]
}

// awaitReviewWebhooks waits for the client's webhooks about reviews, by kind.
func (s *system) awaitReviewWebhooks(kinds ...string) {
	s.t.Helper()
	var webhooks []string
	s.await(func() bool {
		webhooks = s.receiver.reviewWebhooks()
		return len(webhooks) >= len(kinds)
	}, "webhooks about reviews are missing")
	slices.Sort(webhooks) // they arrive in any order
	require.Equal(s.t, kinds, webhooks)
	require.Empty(s.t, s.receiver.failures())
}

// reviewWebhooks lists the kind and status of all webhooks about reviews.
func (r *receiver) reviewWebhooks() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, d := range r.deliveries {
		var in struct {
			EventType string `json:"event_type"`
			Data      struct {
				Status string `json:"status"`
			} `json:"data"`
		}
		if json.Unmarshal(d.Body, &in) != nil {
			continue // counted by another check
		}
		if event, ok := strings.CutPrefix(in.EventType, "labtest.match_review."); ok {
			out = append(out, event+" "+in.Data.Status)
		}
	}
	return out
}

func TestResultsOfACancelledOrderAreAccepted(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		o.gate = newGate()
		s := newSystem(t, o)
		id := s.placeAndAwait()
		require.Equal(t, http.StatusOK, s.cancel(id).Status)
		s.publishReport(id)
		r := s.awaitReview()
		require.Equal(t, "pending_customer_review", r.Status)
		require.Equal(t, "match_cancelled", r.DecisionCode)
		require.Equal(t, id, r.CandidateGroups[0].Candidates[0].OrderID)
		require.Equal(t, http.StatusNotFound, s.callAsClient(http.MethodGet, "/v3/order/"+id+"/result", nil).Status)
		s.awaitFetches(id, 1)

		// The lab announces the same report again: nothing changes. Then it publishes a correction.
		s.sendLabFact(id, map[string]any{"type": "report_ready"})
		s.requireInboxResolved(id)
		s.awaitFetches(id, 2)
		s.publishReport(id)
		s.awaitFetches(id, 3)
		s.await(func() bool { return len(s.receiver.reviewWebhooks()) > 1 }, "the correction has no webhook")
		s.awaitAttention(id, "cancel_at_lab", "result_after_end")

		// The lab announces the correction again, and the review is accepted before the results are fetched again.
		o.gate.close()
		s.sendLabFact(id, map[string]any{"type": "report_ready"})
		<-o.gate.waiting
		accepted := s.callAsClient(http.MethodPost, "/v3/unmatched_result/"+r.ID+"/accept",
			map[string]any{"note": "drawn before"})
		require.Equal(t, http.StatusOK, accepted.Status, "%s", accepted.Body)
		s.awaitReviewWebhooks("created pending_customer_review", "updated pending_customer_review", "updated resolved")
		require.NotEmpty(t, s.result(id).Results)
		require.Empty(t, s.reviews(""))
		require.Equal(t, id, *s.reviews("?status=resolved")[0].ResolvedOrderID)
		s.awaitEvents(id, placedEvents+" cancelled")
		s.awaitAttention(id, "cancel_at_lab")
		again := s.callAsClient(http.MethodPost, "/v3/unmatched_result/"+r.ID+"/accept", map[string]any{})
		require.Equal(t, http.StatusNotFound, again.Status)
		o.gate.open()
		s.awaitFetches(id, 4)
		s.requireDecided(id, "cancel_at_lab")

		// The lab announces it again after the acceptance.
		s.sendLabFact(id, map[string]any{"type": "report_ready"})
		s.awaitFetches(id, 5)
		s.requireDecided(id, "cancel_at_lab")
		s.requireInboxResolved(id)
		require.Len(t, s.receiver.reviewWebhooks(), 3)

		// Another correction is new and is held back too.
		s.publishReport(id)
		s.awaitFetches(id, 6)
		s.awaitAttention(id, "cancel_at_lab", "result_after_end")
		require.Equal(t, r.ID, s.awaitReview().ID)
		s.awaitReviewWebhooks("created pending_customer_review",
			"updated pending_customer_review", "updated pending_customer_review", "updated resolved")
	})
}

// awaitFetches waits until the results of that many announcements have been fetched and recorded.
func (s *system) awaitFetches(id string, announcements int) {
	s.t.Helper()
	s.await(func() bool {
		f := s.storedOrder(id).State.Fetch
		return f.Generation == announcements && !f.Pending
	}, "the results of announcement %d were not fetched", announcements)
}

// requireDecided checks that no review about the order's results is open, and that the order has exactly these
// attention marks.
func (s *system) requireDecided(id string, marks ...string) {
	s.t.Helper()
	require.Equal(s.t, marks, s.opsOrder(id).attention())
	require.Empty(s.t, s.reviews(""))
}

// TestResultsOfAnOrderThatNobodyKnowsAreAcceptedOntoOne has the lab report a sample under a number that Aliquot did not
// create, and accepts the report for an order.
func TestResultsOfAnOrderThatNobodyKnowsAreAcceptedOntoOne(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		o.workerClockAhead = 10 * time.Minute // the sweep runs without a wait
		s := newSystem(t, o)
		id := s.placeAndAwait()
		number := order.NewNumber()
		s.placeAtLab(number, id)
		s.callLab(http.MethodPut, "/sandbox/orders/"+number+"/results", map[string]any{})
		s.callLab(http.MethodPost, "/sandbox/orders/"+number+"/facts", map[string]any{"type": "report_ready"})
		require.Len(t, s.inboxByState("unmatched"), 1)

		s.reconcile()
		r := s.awaitReview()
		require.Equal(t, "no_match", r.DecisionCode)
		require.Equal(t, []string{"accept", "reject", "unsure"}, r.AllowedActions)
		s.reconcile()
		require.Len(t, s.reviews(""), 1)

		refused := s.callAsClient(http.MethodPost, "/v3/unmatched_result/"+r.ID+"/accept", map[string]any{})
		require.Equal(t, http.StatusUnprocessableEntity, refused.Status, "%s", refused.Body)
		accepted := s.callAsClient(http.MethodPost, "/v3/unmatched_result/"+r.ID+"/accept", map[string]any{"order_id": id})
		require.Equal(t, http.StatusOK, accepted.Status, "%s", accepted.Body)
		require.Contains(t, string(accepted.Body), `"status":"completed"`)
		s.awaitEvents(id, placedEvents+" delivered_to_lab completed")
		s.awaitReviewWebhooks("created pending_customer_review", "updated resolved")
		require.Equal(t, "final", s.result(id).Metadata.Status)
	})
}

// TestOperationsDecideWhatTheClientIsNotSureOf shows that operations decide about a review that the client leaves open,
// and that results that the lab does not have yet are fetched again later.
func TestOperationsDecideWhatTheClientIsNotSureOf(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{workerClockAhead: 10 * time.Minute})
	id := s.placeAndAwait()
	number := order.NewNumber()
	s.placeAtLab(number, id)
	s.callLab(http.MethodPost, "/sandbox/orders/"+number+"/facts", map[string]any{"type": "report_ready"})
	require.Zero(t, s.reconcile().ReviewsOpened, "the lab has no results yet")
	require.Empty(t, s.reviews(""))

	second := order.NewNumber()
	s.placeAtLab(second, id)
	s.callLab(http.MethodPut, "/sandbox/orders/"+second+"/results", map[string]any{})
	s.callLab(http.MethodPost, "/sandbox/orders/"+second+"/facts", map[string]any{"type": "report_ready"})
	s.reconcile()
	r := s.awaitReview()
	unsure := s.callAsClient(http.MethodPost, "/v3/unmatched_result/"+r.ID+"/resolve", map[string]any{"action": "unsure"})
	require.Equal(t, "pending_ops_review", decodeSuccess[reviewView](s, unsure).Status)
	s.mustCallAsOperations(http.MethodPost, "/ops/reviews/"+r.ID+"/resolve", map[string]any{"action": "reject"})
	s.awaitReviewWebhooks("created pending_customer_review", "updated pending_ops_review", "updated resolved")
	require.Len(t, s.inboxByState("unmatched"), 2, "both are in the inbox")
}

// placeAtLab has the lab accept a copy of an order's requisition under another number.
func (s *system) placeAtLab(number, like string) {
	s.t.Helper()
	lab, err := molecular.New(labs.Account{
		ID: s.accountID, Partner: molecular.Partner, BaseURL: s.labURL, User: labUser, Token: labToken,
		Settings: []byte(s.accountSettings()), Environment: labs.Sandbox,
	}, labs.Options{HTTPClient: apiClient})
	require.NoError(s.t, err)
	_, err = lab.Place(s.t.Context(), labs.Requisition{OrderNumber: number, Order: s.storedOrder(like)})
	require.NoError(s.t, err)
}
