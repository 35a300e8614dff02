package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

var (
	marker = order.Result{Name: "HDL Cholesterol", Slug: "hdl", Text: "31", Type: "numeric",
		Interpretation: order.InterpretationAbnormal}
	ann = &order.TestedPatient{FirstName: "Ann", LastName: "Lee", DOB: "1990-01-01"}
)

// newHeldReview stores results of a cancelled order, and returns the ids of the order and of the match review.
func (f *fixture) newHeldReview() (orderID, id string) {
	f.t.Helper()
	orderID = f.createOrder(nil)
	f.record(orderID, order.CauseCall("place"),
		func(s order.State) order.Decision { return s.ApplyPlacementAccepted("A-1", testTime) })
	require.Equal(f.t, http.StatusOK, f.sendWithKey(http.MethodPost, path("/v3/order/%s/cancel", orderID), f.key,
		nil).status)
	r := order.LabReport{Status: "final", Interpretation: order.InterpretationAbnormal, ReportedAt: testTime,
		Results: []order.Result{marker}, Patient: ann}
	v, _, err := f.store.StoreLabReport(f.t.Context(), orderID, 1, r, "hash-"+orderID, []byte("raw"), []byte("%PDF"))
	require.NoError(f.t, err)
	s, err := f.store.State(f.t.Context(), orderID)
	require.NoError(f.t, err)
	d, _ := s.ApplyFetchedResults(order.FetchOutcome{ResultID: v.ID, Changed: true}, testTime)
	_, err = f.store.Record(f.t.Context(), order.Recording{
		OrderID: orderID, Revision: s.Revision, Cause: order.CauseCall("fetch"), Decision: d, HeldResultID: v.ID,
		At: testTime,
	})
	require.NoError(f.t, err)
	return orderID, f.newestReview("")["id"].(string)
}

// newUnmatchedReview stores an announcement of results of an unknown order, through an account, and the results.
func (f *fixture) newUnmatchedReview(user, token, number string, r order.LabReport) string {
	f.t.Helper()
	answered := f.sendLabWebhookAs(user, token, labWebhookSample(f.t, "report_ready", number))
	require.Equal(f.t, "unmatched", answered.json(f.t)["status"], string(answered.body))
	_, err := f.store.OpenUnmatchedReportReview(f.t.Context(), store.FetchedUnmatchedReport{
		InboxID: answered.json(f.t)["id"].(string), Report: r, Hash: "hash-" + number, Raw: []byte("raw"),
	})
	require.NoError(f.t, err)
	return f.sendWithKey(http.MethodGet, "/ops/reviews", f.opsKey,
		nil).json(f.t)["data"].([]any)[0].(map[string]any)["id"].(string)
}

func (f *fixture) reviews(query string) []any {
	f.t.Helper()
	r := f.sendWithKey(http.MethodGet, "/v3/unmatched_result"+query, f.key, nil)
	require.Equal(f.t, http.StatusOK, r.status, string(r.body))
	return r.json(f.t)["data"].([]any)
}

func (f *fixture) newestReview(query string) map[string]any {
	f.t.Helper()
	all := f.reviews(query)
	require.NotEmpty(f.t, all)
	return all[0].(map[string]any)
}

func (f *fixture) decide(id, verb string, body any) reply {
	f.t.Helper()
	return f.sendWithKey(http.MethodPost, path("/v3/unmatched_result/%s/%s", id, verb), f.key, body)
}

func TestUnmatchedResultIsShownAndAccepted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	orderID, id := f.newHeldReview()
	o := f.order(orderID)
	r := f.sendWithKey(http.MethodGet, "/v3/unmatched_result/"+id, f.key, nil)
	require.Equal(t, http.StatusOK, r.status)
	shown := r.json(t)
	require.Equal(t, "pending_customer_review", shown["status"])
	require.Equal(t, "match_cancelled", shown["decision_code"])
	require.Equal(t, map[string]any{"id": 27.0, "name": "Molecular", "slug": "mtl"}, shown["lab"])
	require.Equal(t, "1990-01-01T00:00:00Z", shown["patient"].(map[string]any)["dob"])
	require.Equal(t, []any{"accept", "reject", "unsure"}, shown["allowed_actions"])
	group := shown["candidate_groups"].([]any)[0].(map[string]any)
	require.Equal(t, o.UserID, group["user_id"])
	candidate := group["candidates"].([]any)[0].(map[string]any)
	require.Equal(t, orderID, candidate["order_id"])
	require.Equal(t, "cancelled", candidate["last_status"])
	require.Equal(t, "provenance_order", candidate["candidate_type"])
	require.Equal(t, []any{"sample_id_match", "demographic_match", "same_lab", "matched_cancelled_order"},
		candidate["reasons"])

	accepted := f.decide(id, "accept", map[string]any{"note": "sampled before the cancellation"})
	require.Equal(t, http.StatusOK, accepted.status, string(accepted.body))
	require.Equal(t, orderID, accepted.json(t)["id"])
	require.Equal(t, "abnormal", accepted.json(t)["interpretation"])
	require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodGet, path("/v3/order/%s/result", orderID), f.key, nil).status)
	require.Empty(t, f.reviews(""))
	resolved := f.newestReview("?status=resolved")
	require.Equal(t, "accept", resolved["resolution_action"])
	require.Equal(t, orderID, resolved["resolved_order_id"])
	require.Equal(t, o.UserID, resolved["resolved_user_id"])
	require.Equal(t, "sampled before the cancellation", resolved["note"])
	require.Empty(t, resolved["allowed_actions"])
	require.Equal(t, http.StatusNotFound, f.decide(id, "accept", map[string]any{}).status, "once")
	require.Equal(t, http.StatusNotFound, f.decide(id, "resolve", map[string]any{"action": "reject"}).status)
	require.Subset(t, f.actions(orderID), []string{"review.read", "order.accept", "review.accept"})
	require.NotContains(t, f.logs.String(), "Ann")
}

func TestUnmatchedResultIsResolved(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	orderID, id := f.newHeldReview()
	require.Equal(t, http.StatusUnprocessableEntity, f.decide(id, "resolve", map[string]any{"action": "accept"}).status)
	r := f.decide(id, "resolve", map[string]any{"action": "unsure", "note": "who is it?"})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, "pending_ops_review", r.json(t)["status"])
	require.Empty(t, r.json(t)["allowed_actions"])
	require.Equal(t, "unsure", r.json(t)["resolution_action"])
	require.Equal(t, http.StatusNotFound, f.decide(id, "resolve", map[string]any{"action": "reject"}).status)
	require.Equal(t, http.StatusNotFound, f.decide(id, "accept", map[string]any{}).status)

	listed := f.sendWithKey(http.MethodGet, "/ops/reviews?status=pending_ops_review", f.opsKey, nil).json(t)
	require.InDelta(t, 1, listed["total"], 0)
	seen := listed["data"].([]any)[0].(map[string]any)
	require.Equal(t, f.team, seen["team_id"])
	require.Equal(t, []any{"accept", "reject"}, seen["allowed_actions"])
	r = f.sendWithKey(http.MethodPost, path("/ops/reviews/%s/resolve", id), f.opsKey, map[string]any{"action": "reject"})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, "resolved", r.json(t)["status"])
	require.Equal(t, "who is it?", r.json(t)["note"])
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodGet, path("/v3/order/%s/result", orderID), f.key,
		nil).status)
	require.Equal(t, http.StatusForbidden, f.sendWithKey(http.MethodGet, "/ops/reviews", f.key, nil).status)
	require.Subset(t, f.actions(orderID), []string{"review.unsure", "review.reject"})
}

func TestUnmatchedResultIsNotAcceptedOntoWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.newAccount(store.LabAccount{TeamID: f.team, User: "practice-8", Token: labToken})
	waiting := f.createOrder(nil)
	f.record(waiting, order.CauseCall("place"),
		func(s order.State) order.Decision { return s.ApplyPlacementAccepted("A-1", testTime) })
	unplaced := f.createOrder(map[string]any{"activate_by": "2026-04-01"})
	other := newFixture(t)
	id := f.newUnmatchedReview("practice-8", labToken, "NOBODY",
		order.LabReport{Status: "final", ReportedAt: testTime, Results: []order.Result{marker}})
	require.Equal(t, "no_match", f.newestReview("")["decision_code"])
	refused := func(status int, body map[string]any) {
		t.Helper()
		r := f.decide(id, "accept", body)
		require.Equal(t, status, r.status, "%v: %s", body, r.body)
	}
	refused(422, map[string]any{})
	refused(422, map[string]any{"user_id": f.user})
	refused(422, map[string]any{"order_id": newID()})
	refused(422, map[string]any{"order_id": "7"})
	refused(422, map[string]any{"order_id": waiting, "user_id": newID()})
	refused(422, map[string]any{"order_id": unplaced})
	require.Equal(t, http.StatusNotFound, f.decide(newID(), "accept", map[string]any{}).status)
	require.Equal(t, http.StatusNotFound, other.decide(id, "accept", map[string]any{}).status)

	f.orders.fail(unavailableError{})
	refused(503, map[string]any{"order_id": waiting})
	refused(422, map[string]any{"order_id": unplaced}) // the other one may still take it
	require.Equal(t, 422, f.decide(id, "resolve", map[string]any{"action": "reject"}).status)
	f.orders.fail(nil)
	r := f.decide(id, "accept", map[string]any{"order_id": waiting, "user_id": f.user})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, "completed", r.json(t)["status"])
	_, _, demands := f.orders.snapshot()
	require.Len(t, demands, 2)
	require.Equal(t, demands[0].ID, demands[1].ID, "asked again by the same demand")
}

// Results that came through a shared account are decided by operations, who can accept them for an order of any team.
func TestUnmatchedResultOfNobodysTeam(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	waiting := f.createOrder(nil)
	f.record(waiting, order.CauseCall("place"),
		func(s order.State) order.Decision { return s.ApplyPlacementAccepted("A-1", testTime) })
	id := f.newUnmatchedReview(labUser, labToken, "NOBODY",
		order.LabReport{Status: "final", ReportedAt: testTime, Results: []order.Result{marker}, Patient: ann})
	require.Empty(t, f.reviews(""))
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodGet, "/v3/unmatched_result/"+id, f.key, nil).status)
	seen := f.sendWithKey(http.MethodGet, "/ops/reviews/"+id, f.opsKey, nil).json(t)
	require.Equal(t, "match_demo", seen["decision_code"])
	require.Equal(t, "NOBODY", seen["order_number"])
	require.Equal(t, f.account, seen["lab_account_id"])
	r := f.sendWithKey(http.MethodPost, path("/ops/reviews/%s/accept", id), f.opsKey, map[string]any{})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, waiting, r.json(t)["order"].(map[string]any)["id"])
	require.Equal(t, waiting, f.newestReview("?status=resolved")["resolved_order_id"])
}

func TestUnmatchedResultsAreSelected(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, first := f.newHeldReview()
	_, second := f.newHeldReview()
	for query, want := range map[string][]string{
		"": {second, first}, "?search_input=lee": {second, first}, "?search_input=1990-01-01": {second, first},
		"?search_input=le": nil, "?lab_slug=mtl": {second, first}, "?lab_slug=crl": nil,
		"?decision_code=match_cancelled": {second, first},
		"?decision_code=no_match":        nil, "?status=pending_customer_review": {second, first},
		"?status=pending_ops_review":                             nil,
		"?created_at_start=2026-03-04&created_at_end=2026-03-04": {second, first}, "?created_at_end=2026-03-03": nil,
		"?created_at_start=2026-03-05": nil, "?limit=1": {second}, "?limit=1&next_cursor=" + second: {first},
		"?limit=1000": {second, first},
	} {
		var got []string
		for _, r := range f.reviews(query) {
			got = append(got, r.(map[string]any)["id"].(string))
		}
		require.Equal(t, want, got, query)
	}
	page := f.sendWithKey(http.MethodGet, "/v3/unmatched_result?limit=1", f.key, nil).json(t)
	require.Equal(t, second, page["next_cursor"])
	require.InDelta(t, 2, page["total"], 0)
	last := f.sendWithKey(http.MethodGet, "/v3/unmatched_result?limit=1&next_cursor="+second, f.key, nil).json(t)
	require.Nil(t, last["next_cursor"])
	for _, bad := range []string{"limit=0", "next_cursor=x", "status=matched", "decision_code=x",
		"created_at_start=yesterday"} {
		require.Equal(t, 422, f.sendWithKey(http.MethodGet, "/v3/unmatched_result?"+bad, f.key, nil).status, bad)
	}
}

func TestUnmatchedReportIsAssigned(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	received := f.sendLabWebhook(labWebhookSample(t, "kit_received", "NOBODY"))
	require.Equal(t, http.StatusAccepted, received.status)
	assign := func(item any, body map[string]any) reply {
		return f.sendWithKey(http.MethodPost, path("/ops/inbox/%s/assign", item), f.opsKey, body)
	}
	item := received.json(t)["id"]
	require.Equal(t, 404, assign(newID(), map[string]any{"order_id": id}).status)
	require.Equal(t, 404, assign(item, map[string]any{"order_id": newID()}).status)
	r := assign(item, map[string]any{"order_id": id})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, id, r.json(t)["order_id"])
	require.Equal(t, "received", r.json(t)["state"], "the order's workflow settles it")
	require.Equal(t, order.FactKitReceived, f.orders.woken(id)[0].Kind)
	require.Contains(t, f.actions(id), "ops.inbox.assign")
	require.Equal(t, 400, assign(item, map[string]any{"order_id": id}).status, "once")

	f.newUnmatchedReview(labUser, labToken, "NOBODY-2",
		order.LabReport{Status: "final", ReportedAt: testTime, Results: []order.Result{marker}})
	rows := f.inbox()
	require.Equal(t, f.account, rows[0].LabAccountID)
	reviewed := rows[0].ID
	for _, row := range rows {
		if row.OrderNumber == "NOBODY-2" {
			reviewed = row.ID
		}
	}
	require.Equal(t, 400, assign(reviewed, map[string]any{"order_id": id}).status, "its results are decided about")
}
