package e2e

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// day returns the date n days from today in the API's format.
func day(n int) string { return time.Now().UTC().AddDate(0, 0, n).Format(time.DateOnly) }

// cancelRefusal is the body of a refused cancellation. It has two shapes for clients.
type cancelRefusal struct {
	Detail     string `json:"detail"`
	Error      string `json:"error"`
	Message    string `json:"message"`
	StatusCode int    `json:"status_code"`
}

func (s *system) cancel(id string) apiAnswer {
	s.t.Helper()
	return s.callAsClient(http.MethodPost, "/v3/order/"+id+"/cancel", nil)
}

func (s *system) requireRefusedCancel(r apiAnswer, text string) {
	s.t.Helper()
	require.Equal(s.t, http.StatusBadRequest, r.Status, "%s", r.Body)
	var body cancelRefusal
	r.decode(s, &body)
	require.Equal(s.t, cancelRefusal{Detail: text, Error: "Bad Request", Message: text, StatusCode: 400}, body)
}

// refusalDetail returns the text of a refusal.
func (s *system) refusalDetail(r apiAnswer) string {
	s.t.Helper()
	require.Equal(s.t, http.StatusBadRequest, r.Status, "%s", r.Body)
	var body struct {
		Detail string `json:"detail"`
	}
	r.decode(s, &body)
	return body.Detail
}

func TestAClientCancels(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		s := newSystem(t, o)
		s.cancelBeforeRequisition()
		s.cancelAfterRequisition()
		s.refuseCancelAfterShipping()
	})
}

func (s *system) cancelBeforeRequisition() {
	id := s.placeOrder(map[string]any{"activate_by": day(3)})
	r := s.cancel(id)
	require.Equal(s.t, http.StatusOK, r.Status, "%s", r.Body)
	require.Contains(s.t, string(r.Body), `"status":"success"`)
	s.awaitEvents(id, "ordered cancelled")
	s.awaitAttention(id)
	require.Empty(s.t, s.lab.Traffic().CallsFor(s.labOrderNumber(id)), "the lab never heard of it")
}

func (s *system) cancelAfterRequisition() {
	id := s.placeAndAwait()
	require.Equal(s.t, http.StatusOK, s.cancel(id).Status)
	s.awaitEvents(id, placedEvents+" cancelled")
	s.awaitAttention(id, "cancel_at_lab") // Molecular has not confirmed a cancel call

	// The mark stays until operations acknowledge that they have informed the lab.
	s.sendOperationsDemand(id, "attention/cancel_at_lab/acknowledge", nil)
	s.awaitAttention(id)
	r := s.callAsOperations(http.MethodPost, "/ops/orders/"+id+"/attention/cancel_at_lab/acknowledge", nil)
	require.Equal(s.t, "The order has no such open attention mark", s.refusalDetail(r))
	s.requireRefusedCancel(s.cancel(id),
		"Transition from cancelled.testkit.cancelled to cancelled.testkit.cancelled is not allowed")
}

func (s *system) refuseCancelAfterShipping() {
	id := s.placeAndAwait()
	s.sendFact(id, "kit_shipped")
	s.awaitStatus(id, "collecting_sample.testkit.transit_customer")
	s.requireRefusedCancel(s.cancel(id),
		"Transition from collecting_sample.testkit.transit_customer to cancelled.testkit.cancelled is not allowed")
	s.awaitEvents(id, shippedEvents)
}

func TestALabWithACancelCallConfirms(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{cancelCall: true})
	id := s.placeAndAwait()
	require.Equal(t, http.StatusOK, s.cancel(id).Status)
	s.awaitEvents(id, placedEvents+" cancelled")
	s.awaitAttention(id)
	require.Equal(t, []string{"done"}, s.story(id).outcomes("cancel"))

	// The kit has been shipped, and the lab's fact has not arrived yet.
	shipped := s.placeAndAwait()
	s.putScript(shipped, map[string]any{"steps": []map[string]any{{"kind": "happens", "fact": "kit_shipped"}}})
	s.requireRefusedCancel(s.cancel(shipped), "The lab does not do this any more")
	s.awaitEvents(shipped, placedEvents)
	s.sendFact(shipped, "kit_shipped")
	s.awaitEvents(shipped, shippedEvents)
}

// TestACancellationWaitsForThePlacementUnderWay cancels an order that the lab has accepted without a response. Before
// the response is known, Aliquot cannot know what to cancel.
func TestACancellationWaitsForThePlacementUnderWay(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	id := s.placeOrder(map[string]any{"passthrough": "sandbox:timeout-after-accept-1"})
	s.await(func() bool { return len(s.lab.Traffic().CallsFor(s.labOrderNumber(id))) > 0 }, "the lab was not called")
	r := s.cancel(id)
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	s.awaitEvents(id, placedEvents+" cancelled")
	s.awaitAttention(id, "cancel_at_lab")
	require.Equal(t, []string{"unanswered", "done"}, s.story(id).outcomes("place"))

	// The lab ships the kit nevertheless. This costs money, so operations get an attention mark.
	s.sendFact(id, "kit_shipped")
	s.awaitAttention(id, "cancel_at_lab", "contradictory_fact")
	s.requireInboxResolved(id)
	s.awaitEvents(id, placedEvents+" cancelled")
}

func TestOfTwoCancellationsAtOnceOneIsDone(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		s := newSystem(t, o)
		for range 5 {
			id := s.placeAndAwait()
			replies := callConcurrently(2, func() apiAnswer { return s.cancel(id) })
			slices.SortFunc(replies, func(a, b apiAnswer) int { return a.Status - b.Status })
			require.Equal(t, http.StatusOK, replies[0].Status, "%s", replies[0].Body)
			s.requireRefusedCancel(replies[1],
				"Transition from cancelled.testkit.cancelled to cancelled.testkit.cancelled is not allowed")
			s.awaitEvents(id, placedEvents+" cancelled")
		}
	})
}

// callConcurrently makes n calls at the same time and returns their responses.
func callConcurrently(n int, call func() apiAnswer) []apiAnswer {
	replies := make([]apiAnswer, n)
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range replies {
		done.Go(func() {
			start.Wait()
			replies[i] = call()
		})
	}
	start.Done()
	done.Wait()
	return replies
}

func TestActivationDateIsMovedAndCleared(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		s := newSystem(t, o)
		id := s.placeOrder(map[string]any{"activate_by": day(30)})
		patch := func(body any) apiAnswer { return s.callAsClient(http.MethodPatch, "/v3/order/"+id, body) }
		require.Equal(t, http.StatusUnprocessableEntity, patch(map[string]any{}).Status)
		require.Equal(t, "activate_by is in the past", s.refusalDetail(patch(map[string]any{"activate_by": day(-1)})))

		r := patch(map[string]any{"activate_by": day(40)})
		require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
		require.Contains(t, string(r.Body), `"activate_by":"`+day(40)+`"`)
		require.Equal(t, "ordered", s.order(id).lowStatuses())
		require.Empty(t, s.lab.Traffic().CallsFor(s.labOrderNumber(id)))

		require.Equal(t, http.StatusOK, patch(map[string]any{"activate_by": nil}).Status)
		s.awaitEvents(id, placedEvents)
		require.Contains(t, string(s.callAsClient(http.MethodGet, "/v3/order/"+id, nil).Body), `"activate_by":null`)
		require.Equal(t, http.StatusBadRequest, patch(map[string]any{"activate_by": day(2)}).Status)
	})
}

func TestAnOrderThatWasNeverScheduledCannotBe(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	id := s.placeOrder(map[string]any{"passthrough": "sandbox:refuse-place"})
	s.awaitAttention(id, "placement_refused")
	r := s.callAsClient(http.MethodPatch, "/v3/order/"+id, map[string]any{"activate_by": day(2)})
	require.Equal(t, "The order was created without activate_by", s.refusalDetail(r))
}

func TestOperationsRecoverAKit(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		s := newSystem(t, o)
		id := s.placeAndAwait()
		r := s.callAsOperations(http.MethodPost, "/ops/orders/"+id+"/recover", map[string]any{})
		require.Equal(t, "The order is not blocked at the lab", s.refusalDetail(r))
		s.sendFact(id, "kit_rejected", "recoverable", true, "reason", "Patient identifier does not match electronic order")
		blocked := s.awaitEvents(id, placedEvents+" delivered_to_lab lab_processing_blocked")
		require.Equal(t, "demographic_information_mismatch", blocked.Events[3].Detail)
		s.awaitAttention(id, "recovery_needed")

		// Molecular has no call for corrected patient data: the order stays, and an attention mark asks operations to tell
		// the lab.
		corrected := s.orderBody(nil)["patient_details"].(map[string]any)
		corrected["last_name"] = "Okafor-Diaz"
		s.sendOperationsDemand(id, "recover", map[string]any{"patient_details": corrected, "note": "as on the passport"})
		require.Equal(t, "sample_with_lab.testkit.lab_processing_blocked", s.awaitAttention(id, "tell_lab").FullStatus)
		require.Contains(t, string(s.callAsClient(http.MethodGet, "/v3/order/"+id, nil).Body), "Okafor-Diaz")

		s.sendOperationsDemand(id, "recover", map[string]any{"confirmed_by_lab": true})
		s.awaitAttention(id)
		s.awaitEvents(id, placedEvents+" delivered_to_lab lab_processing_blocked delivered_to_lab")
	})
}

func TestOperationsStopAnOrder(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	id := s.placeAndAwait()
	s.sendFact(id, "kit_shipped")
	s.awaitStatus(id, "collecting_sample.testkit.transit_customer")
	path := "/ops/orders/" + id + "/do-not-process"
	require.Equal(t, http.StatusForbidden, s.callAsClient(http.MethodPost, path,
		map[string]any{"reason": "patient_withdrew"}).Status)
	require.Equal(t, http.StatusUnprocessableEntity, s.callAsOperations(http.MethodPost, path, map[string]any{}).Status)
	s.sendOperationsDemand(id, "do-not-process", map[string]any{"reason": "patient_withdrew"})
	s.awaitEvents(id, shippedEvents+" do_not_process")
	r := s.callAsOperations(http.MethodPost, path, map[string]any{"reason": "patient_withdrew"})
	require.Equal(t, "Transition from cancelled.testkit.do_not_process to cancelled.testkit.do_not_process is not allowed",
		s.refusalDetail(r))
	r = s.callAsOperations(http.MethodPost, "/ops/orders/"+id+"/place", nil)
	require.Equal(t, "The order's requisition has not been refused and is not waiting for an answer", s.refusalDetail(r))
}

func TestOperationsReplaceAFailedKit(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		s := newSystem(t, o)
		id := s.placeAndAwait()
		r := s.callAsOperations(http.MethodPost, "/ops/orders/"+id+"/replace", nil)
		require.Equal(t, "The order has not failed, so there is nothing to replace", s.refusalDetail(r))
		s.sendFact(id, "kit_rejected", "recoverable", false, "reason", "Hemolyzation")
		s.awaitAttention(id, "replacement_needed")
		require.Equal(t, "completed", s.story(id).Transaction.Status, "nothing in it is open")
		_, child := s.sendOperationsDemand(id, "replace", nil)
		s.requireReplacement(id, child)
		r = s.callAsOperations(http.MethodPost, "/ops/orders/"+id+"/replace", nil)
		require.Equal(t, "The order has been replaced already", s.refusalDetail(r))
	})
}

func TestAFailedKitIsReplacedAtOnceWhereThePolicySaysSo(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{policy: `{"replacement":"auto"}`})
	id := s.placeAndAwait()
	s.sendFact(id, "kit_rejected", "recoverable", false, "reason", "Hemolyzation")
	s.awaitEvents(id, placedEvents+" delivered_to_lab sample_error")
	s.awaitAttention(id)
	members := s.story(id).Transaction.Orders
	require.Len(t, members, 2)
	s.requireReplacement(id, members[1].ID)
}

// requireReplacement checks that the child is placed at the lab under its own number and belongs to the transaction of
// its parent.
func (s *system) requireReplacement(parent, child string) {
	s.t.Helper()
	s.awaitEvents(child, placedEvents)
	require.NotEqual(s.t, s.labOrderNumber(parent), s.labOrderNumber(child))
	for _, id := range []string{parent, child} {
		tx := s.story(id).Transaction
		require.Equal(s.t, "active", tx.Status)
		require.Len(s.t, tx.Orders, 2)
		require.Equal(s.t, []string{parent, "initial", ""},
			[]string{tx.Orders[0].ID, tx.Orders[0].Origin, tx.Orders[0].ParentID})
		require.Equal(s.t, []string{child, "recreation", parent},
			[]string{tx.Orders[1].ID, tx.Orders[1].Origin, tx.Orders[1].ParentID})
	}
	body := string(s.callAsClient(http.MethodGet, "/v3/order/"+child, nil).Body)
	require.Contains(s.t, body, `"origin":"recreation"`)
	require.Contains(s.t, body, `"activate_by":null`)
	require.Contains(s.t, body, parent, "the client sees both in the order's transaction")
}
