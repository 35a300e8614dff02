package api_test

import (
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

const keyHeader = "X-Idempotency-Key"

func (f *fixture) createOrderWithKey(idempotencyKey string, set map[string]any, headers ...string) reply {
	f.t.Helper()
	return f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(set),
		append(headers, keyHeader, idempotencyKey)...)
}

func TestIdempotentReplay(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first := f.createOrderWithKey("key-1", nil)
	require.Equal(t, http.StatusOK, first.status, string(first.body))
	again := f.createOrderWithKey("key-1", map[string]any{"passthrough": "another"})
	require.Equal(t, http.StatusOK, again.status)
	require.Equal(t, string(first.body), string(again.body), "verbatim, whatever the second request says")
	require.Equal(t, "application/json", again.header.Get("Content-Type"))
	require.Equal(t, 1, f.countOrders())
	started, _, _ := f.orders.snapshot()
	require.Len(t, started, 1)

	f.createOrderWithKey("key-2", nil)
	require.Equal(t, 2, f.countOrders())
}

func TestIdempotencyKeysAreApartPerTeam(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	mine := f.createOrderWithKey("key-1", nil)
	f.team = f.newTeam(store.Sandbox, "")
	f.key, f.user = f.newKey(f.team, store.RoleClient), f.newUser(f.team)
	theirs := f.createOrderWithKey("key-1", nil)
	require.Equal(t, http.StatusOK, theirs.status)
	require.NotEqual(t, string(mine.body), string(theirs.body))
	require.Equal(t, 2, f.countOrders())
}

func TestIdempotentFailureIsReplayed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	unknown := map[string]any{"user_id": newID()}
	first := f.createOrderWithKey("key-1", unknown)
	require.Equal(t, http.StatusNotFound, first.status)
	unknown["passthrough"] = "another"
	again := f.createOrderWithKey("key-1", unknown)
	require.Equal(t, http.StatusNotFound, again.status)
	require.Equal(t, string(first.body), string(again.body))
	require.Zero(t, f.countOrders())
}

func TestIdempotentFailureIsNotStoredWithNoCache(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first := f.createOrderWithKey("key-1", map[string]any{"user_id": newID()}, "X-Idempotency-Error", "no-cache")
	require.Equal(t, http.StatusNotFound, first.status)
	again := f.createOrderWithKey("key-1", nil, "X-Idempotency-Error", "no-cache")
	require.Equal(t, http.StatusOK, again.status, string(again.body))
	replayed := f.createOrderWithKey("key-1", map[string]any{"passthrough": "another"}, "X-Idempotency-Error", "no-cache")
	require.Equal(t, string(again.body), string(replayed.body), "successes are stored")
	other := f.createOrderWithKey("key-1", map[string]any{"user_id": newID()}, "X-Idempotency-Error", "no-cache")
	require.Equal(t, http.StatusUnprocessableEntity, other.status)
}

func TestIdempotencyStoresNothingOnInvalidRequests(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	require.Equal(t, http.StatusUnprocessableEntity, f.createOrderWithKey("key-1", map[string]any{"user_id": nil}).status)
	require.Equal(t, http.StatusOK, f.createOrderWithKey("key-1", nil).status)
}

// A request for a scheduled order that is repeated after midnight, because its answer was lost, returns the same order.
func TestIdempotentReplayAfterActivation(t *testing.T) {
	t.Parallel()
	var days atomic.Int32
	f := newFixture(t, func(d *api.Deps) { d.Now = func() time.Time { return testTime.AddDate(0, 0, int(days.Load())) } })
	today := map[string]any{"activate_by": "2026-03-04"}
	first := f.createOrderWithKey("key-1", today)
	require.Equal(t, http.StatusOK, first.status, string(first.body))
	days.Store(1)
	again := f.createOrderWithKey("key-1", today)
	require.Equal(t, http.StatusOK, again.status, string(again.body))
	require.Equal(t, string(first.body), string(again.body))

	requireProblem(t, f.createOrderWithKey("key-2", today), []any{"body", "activate_by"}, "value_error")
	require.Equal(t, http.StatusOK, f.createOrderWithKey("key-2", nil).status, "what was not valid is not stored")
	require.Equal(t, 2, f.countOrders())
}

func TestIdempotencyHeadersAreValidated(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	long := make([]byte, 256)
	for i := range long {
		long[i] = 'k'
	}
	r := f.createOrderWithKey(string(long), nil)
	require.Equal(t, http.StatusUnprocessableEntity, r.status)
	requireProblem(t, r, []any{"header", keyHeader}, "string_too_long")
	r = f.createOrderWithKey("key-1", nil, "X-Idempotency-Error", "cache")
	require.Equal(t, http.StatusUnprocessableEntity, r.status)
	requireProblem(t, r, []any{"header", "X-Idempotency-Error"}, "enum")
	require.Equal(t, http.StatusOK, f.createOrderWithKey(string(long[:255]), nil).status)
}

func TestIdempotencyKeyInUse(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	claim, err := f.store.ClaimIdempotencyKey(t.Context(), f.team, "POST /v3/order", "key-1", "", 60e9)
	require.NoError(t, err)
	require.NotNil(t, claim.Claimed)
	r := f.createOrderWithKey("key-1", nil)
	require.Equal(t, http.StatusConflict, r.status)
	require.Contains(t, r.detail(t), "still executing")
	require.Zero(t, f.countOrders())
	require.NoError(t, f.store.ReleaseIdempotencyKey(t.Context(), *claim.Claimed))
	require.Equal(t, http.StatusOK, f.createOrderWithKey("key-1", nil).status)
}

// Concurrent requests with one key create one order. Each answer is that order or 409.
func TestIdempotencyUnderConcurrency(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const callers = 12
	replies := make([]reply, callers)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			<-start
			replies[i] = f.createOrderWithKey("key-1", nil)
		})
	}
	close(start)
	wg.Wait()
	var bodies []string
	for _, r := range replies {
		if r.status == http.StatusConflict {
			continue
		}
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		bodies = append(bodies, string(r.body))
	}
	require.NotEmpty(t, bodies)
	for _, b := range bodies {
		require.Equal(t, bodies[0], b)
	}
	require.Equal(t, 1, f.countOrders())
}

// After a failure of ours the same key can be used again.
func TestIdempotencyReleasesAfterOurFailure(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	// Each policy overlay is valid alone. Merged, a reminder is outside the window.
	f.account = f.newAccount(store.LabAccount{TeamID: f.team,
		Policy: []byte(`{"recovery": {"window": "168h", "reminders": ["72h"]}}`)})
	clash := f.newLabTest(order.LabTest{Policy: []byte(`{"recovery": {"reminders": ["240h"]}}`)})
	r := f.createOrderWithKey("key-1", map[string]any{"order_set.lab_test_ids": []any{clash}})
	require.Equal(t, http.StatusInternalServerError, r.status, string(r.body))
	require.Equal(t, "Internal server error", r.detail(t))
	require.Equal(t, http.StatusOK, f.createOrderWithKey("key-1", nil).status)
}

// A key belongs to whom and what its first request was about. Other differences replay the answer.
func TestAnIdempotencyKeyOfSomebodyElseIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first := f.createOrderWithKey("key-1", nil)
	require.Equal(t, http.StatusOK, first.status, string(first.body))
	details := func(set map[string]any) map[string]any {
		patient := maps.Clone(f.orderBody(nil)["patient_details"].(map[string]any))
		maps.Copy(patient, set)
		return map[string]any{"patient_details": patient}
	}
	patient := f.orderBody(nil)["patient_details"].(map[string]any)
	for name, set := range map[string]map[string]any{
		"user":          {"user_id": f.newUser(f.team)},
		"first name":    details(map[string]any{"first_name": "Boris"}),
		"last name":     details(map[string]any{"last_name": "Otherman"}),
		"date of birth": details(map[string]any{"dob": "1922-12-12"}),
		"lab test":      {"lab_test_id": newID()},
		"markers":       {"order_set": map[string]any{"add_on": map[string]any{"marker_ids": []int{1}}}},
		"account":       {"lab_account_id": newID()},
		"method":        {"collection_method": "on_site_collection"},
	} {
		r := f.createOrderWithKey("key-1", set)
		require.Equal(t, http.StatusUnprocessableEntity, r.status, "%s: %s", name, r.body)
		requireProblem(t, r, []any{"header", keyHeader}, "value_error")
	}
	for name, set := range map[string]map[string]any{
		"nothing":        nil,
		"case of a name": details(map[string]any{"first_name": strings.ToUpper(patient["first_name"].(string))}),
		"case of an id":  {"user_id": strings.ToUpper(f.user)},
		"e-mail":         details(map[string]any{"email": "other@example.com"}),
		"passthrough":    {"passthrough": "another"},
		"activation":     {"activate_by": "2099-01-01"},
	} {
		r := f.createOrderWithKey("key-1", set)
		require.Equal(t, http.StatusOK, r.status, "%s: %s", name, r.body)
		require.Equal(t, string(first.body), string(r.body), name)
	}
	require.Equal(t, 1, f.countOrders())
}
