package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

const testKey = "X-Idempotency-Key"

// startUnmatchedResultTest starts a test of unmatched results and returns the id of its run.
func (f *fixture) startUnmatchedResultTest(body map[string]any) string {
	f.t.Helper()
	r := f.sendWithKey(http.MethodPost, "/v3/unmatched_result_test", f.key, body, testKey, newID())
	require.Equal(f.t, http.StatusAccepted, r.status, string(r.body))
	return r.json(f.t)["run_id"].(string)
}

func (f *fixture) testRun(id string) map[string]any {
	f.t.Helper()
	r := f.sendWithKey(http.MethodGet, "/v3/unmatched_result_test/"+id, f.key, nil)
	require.Equal(f.t, http.StatusOK, r.status, string(r.body))
	return r.json(f.t)
}

// Every case creates a result with its decision code, up to the match review that clients see.
func TestUnmatchedResultTests(t *testing.T) {
	t.Parallel()
	for _, test := range order.ReviewTestCases() {
		if test.Case == order.MatchCompleted || test.Case == order.MatchCancelled {
			continue // these take workflows and a simulated lab: e2e
		}
		t.Run(string(test.Case), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			body := map[string]any{"case": test.Case, "order_source": "managed", "interpretation": "abnormal",
				"result_status": "partial"}
			if test.Case == order.MatchWrongLab {
				body["lab_test_id"], body["wrong_lab_test_id"] = f.labTest, f.testOfAnotherLab()
			}
			id := f.startUnmatchedResultTest(body)
			run := f.testRun(id)
			orders := run["orders"].(map[string]any)
			require.Len(t, orders, len(test.Roles))
			for _, role := range test.Roles {
				artifact := orders[role].(map[string]any)
				o := f.order(artifact["order_id"].(string))
				require.Equal(t, o.UserID, artifact["user_id"])
				require.Equal(t, o.TransactionID, artifact["order_transaction_id"])
				if test.RequiredStatuses[role] == lifecycle.RequisitionCreated {
					require.Equal(t, "running", run["status"], "the lab has not been asked yet")
					require.Equal(t, "transitioning_orders", run["stage"])
					f.record(o.ID, order.CauseCall(newID()),
						func(s order.State) order.Decision { return s.ApplyPlacementAccepted("KIT-"+role, testTime) })
				}
			}
			run = f.testRun(id)
			require.Equal(t, []any{"succeeded", "succeeded", nil}, []any{run["status"], run["stage"], run["error"]}, run)
			require.NotNil(t, run["completed_at"])
			review := f.sendWithKey(http.MethodGet, "/v3/unmatched_result/"+run["raw_result_id"].(string), f.key, nil).json(t)
			require.Equal(t, string(test.Case), review["decision_code"])
			require.Equal(t, "pending_customer_review", review["status"])
			require.Equal(t, "abnormal", review["interpretation"])
			require.Equal(t, "partial", review["result_status"])
			groups := review["candidate_groups"].([]any)
			require.Equal(t, len(test.Roles) > 0, len(groups) > 0)
			require.Equal(t, run, f.testRun(id), "it has ended")
			resolved := f.sendWithKey(http.MethodPost, "/v3/unmatched_result/"+run["raw_result_id"].(string)+"/resolve", f.key,
				map[string]any{"action": "reject"})
			require.Equal(t, http.StatusOK, resolved.status, "it is a review like any other")
		})
	}
}

func (f *fixture) testOfAnotherLab() string {
	f.t.Helper()
	test := order.LabTest{
		ID: newID(), Slug: newID(), Name: "Elsewhere", Status: "active", Method: lifecycle.Testkit, SampleType: "saliva",
		Lab: &order.Lab{ID: 6, Slug: "quest", Name: "Quest"},
	}
	require.NoError(f.t, f.store.PutLabTest(f.t.Context(), "", test))
	require.NoError(f.t, f.store.PutLabAccount(f.t.Context(), store.LabAccount{
		ID: newID(), LabSlug: "quest", Partner: "molecular", BaseURL: "http://lab.test", Environment: store.Sandbox,
		Status: "active", User: "q", Token: "q",
	}))
	return test.ID
}

func TestUnmatchedResultTestsWithOrdersOfTheCaller(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	body := map[string]any{"case": "match_sample_id_mismatch_demo", "order_source": "provided",
		"orders": map[string]any{"order": id}}
	failed := f.testRun(f.startUnmatchedResultTest(body))
	require.Equal(t, "failed", failed["status"])
	require.Contains(t, failed["error"].(map[string]any)["message"], "is not requisition_created")
	f.record(id, order.CauseCall(newID()),
		func(s order.State) order.Decision { return s.ApplyPlacementAccepted("KIT-1", testTime) })
	run := f.testRun(f.startUnmatchedResultTest(body))
	require.Equal(t, "succeeded", run["status"], run)
	require.Equal(t, id, run["orders"].(map[string]any)["order"].(map[string]any)["order_id"])

	body["orders"] = map[string]any{"order": newID()}
	failed = f.testRun(f.startUnmatchedResultTest(body))
	require.Contains(t, failed["error"].(map[string]any)["message"], "no such order")

	// With a second open order of the patient the decision code is not match_demo, so the test fails.
	f.record(f.createOrder(nil), order.CauseCall(newID()),
		func(s order.State) order.Decision { return s.ApplyPlacementAccepted("KIT-2", testTime) })
	failed = f.testRun(f.startUnmatchedResultTest(map[string]any{"case": "match_demo", "order_source": "provided",
		"orders": map[string]any{"order": id}}))
	require.Equal(t, "unexpected_decision", failed["error"].(map[string]any)["code"])
	require.Nil(t, failed["raw_result_id"])
}

func TestUnmatchedResultTestsAreIdempotent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	body := map[string]any{"case": "no_match", "order_source": "managed"}
	post := func(body any, headers ...string) reply {
		return f.sendWithKey(http.MethodPost, "/v3/unmatched_result_test", f.key, body, headers...)
	}
	first := post(body, testKey, "one")
	require.Equal(t, http.StatusAccepted, first.status, string(first.body))
	again := post(body, testKey, "one")
	require.Equal(t, first.json(t)["run_id"], again.json(t)["run_id"])
	other := post(map[string]any{"case": "no_match", "order_source": "managed", "result_status": "partial"}, testKey,
		"one")
	require.Equal(t, http.StatusConflict, other.status)
	require.NotEqual(t, first.json(t)["run_id"], post(body, testKey, "two").json(t)["run_id"])

	requireProblem(t, post(body), []any{"header", testKey}, "missing")
	extra := map[string]any{"case": "no_match", "order_source": "managed", "delay": 3}
	requireProblem(t, post(extra, testKey, "three"), []any{"body", "delay"}, "extra_forbidden")
	for name, c := range map[string]struct {
		body map[string]any
		loc  []any
		kind string
	}{
		"no order": {map[string]any{"case": "match_demo", "order_source": "provided"},
			[]any{"body", "orders", "order"}, "missing"},
		"another role": {map[string]any{"case": "no_match", "order_source": "provided",
			"orders": map[string]any{"x": newID()}}, []any{"body", "orders", "x"}, "value_error"},
		"orders as well": {map[string]any{"case": "match_demo", "order_source": "managed",
			"orders": map[string]any{"order": newID()}}, []any{"body", "orders"}, "value_error"},
		"no lab test": {map[string]any{"case": "wrong_lab", "order_source": "provided",
			"orders": map[string]any{"order": newID()}}, []any{"body", "lab_test_id"}, "missing"},
		"no such case": {map[string]any{"case": "match_sample_id", "order_source": "managed"}, []any{"body", "case"},
			"enum"},
		"a broken test id": {map[string]any{"case": "no_match", "order_source": "managed", "lab_test_id": "x"},
			[]any{"body", "lab_test_id"}, "uuid_parsing"},
	} {
		requireProblem(t, post(c.body, testKey, name), c.loc, c.kind)
	}
	failed := f.testRun(f.startUnmatchedResultTest(map[string]any{"case": "wrong_lab", "order_source": "managed"}))
	require.Contains(t, failed["error"].(map[string]any)["message"], "No lab test can be ordered", "there is one lab only")
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodGet, "/v3/unmatched_result_test/"+newID(), f.key,
		nil).status)
	stranger := f.newKey(f.newTeam(store.Sandbox, ""), store.RoleClient)
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodGet,
		"/v3/unmatched_result_test/"+first.json(t)["run_id"].(string), stranger, nil).status)
	require.Len(t, f.sendWithKey(http.MethodGet, "/v3/unmatched_result_test/case", f.key, nil).json(t)["data"], 8)
}

func TestUnmatchedResultsAreTestedInTheSandboxOnly(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key := f.newKey(f.newTeam(store.Production, ""), store.RoleClient)
	body := map[string]any{"case": "no_match", "order_source": "managed"}
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodPost, "/v3/unmatched_result_test", key, body, testKey,
		"one").status)
	for _, at := range []string{"case", newID()} {
		require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodGet, "/v3/unmatched_result_test/"+at, key, nil).status)
	}
}

// A test whose process ended during the request fails after its lease.
func TestAnInterruptedTestEnds(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for stage, lease := range map[string]time.Time{"running": testTime.Add(time.Second), "failed": testTime} {
		run, begun, err := f.store.CreateUnmatchedResultTestRun(t.Context(), store.UnmatchedResultTestRun{
			ID: newID(), TeamID: f.team, CreatedAt: testTime.Add(-time.Minute), LeaseUntil: lease,
			Request: store.UnmatchedResultTestRequest{Case: order.MatchNone},
		}, stage)
		require.NoError(t, err)
		require.True(t, begun)
		run.Status, run.Stage = store.UnmatchedResultTestRunning, store.UnmatchedResultTestStageCreating
		require.NoError(t, f.store.UpdateUnmatchedResultTestRun(t.Context(), run))
		require.Equal(t, stage, f.testRun(run.ID)["status"])
	}
}
