package e2e

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

// newReplica returns the same system behind another API with its own store and Temporal connection.
func (s *system) newReplica() *system {
	s.t.Helper()
	other := *s
	other.store, other.client, other.metrics = s.openStore(), s.dial(), prometheus.NewRegistry()
	other.openAPI()
	return &other
}

// TestReplicasShareIdempotencyKeys shows that requests with one idempotency key create one order and get the same
// response at all replicas.
func TestReplicasShareIdempotencyKeys(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		s := newSystem(t, o)
		replicas := []*system{s, s.newReplica()}
		key := uuid.NewString()
		var turn atomic.Int64
		post := func() apiAnswer {
			at := replicas[turn.Add(1)%2]
			return at.callAsClient(http.MethodPost, "/v3/order", at.orderBody(nil), "X-Idempotency-Key", key)
		}
		answers := map[string]bool{}
		for _, r := range append(callConcurrently(8, post), post(), post()) {
			if r.Status == http.StatusConflict { // the first request is still in progress
				continue
			}
			require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
			answers[string(r.Body)] = true
		}
		require.Len(t, answers, 1)
		require.Equal(t, 1, s.orders())
	})
}

// TestABookingKeyIsGoodAtEveryReplica gets a booking key at one replica, books with it at another, and reads the
// appointment at both.
func TestABookingKeyIsGoodAtEveryReplica(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{neutral: true})
	other := s.newReplica()
	order, err := s.scenarioSystem().PlaceOrder(t.Context(), "walk_in_test", "", nil)
	require.NoError(t, err)
	_, err = order.AwaitStatuses(t.Context(), 2)
	require.NoError(t, err)
	r := s.callAsClient(http.MethodPost, "/v3/order/psc/appointment/availability?lab=quest&zip_code=85004",
		map[string]any{})
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	var free struct {
		Slots []struct {
			Slots []struct {
				BookingKey string `json:"booking_key"`
			} `json:"slots"`
		} `json:"slots"`
	}
	r.decode(s, &free)
	booking := free.Slots[len(free.Slots)-1].Slots[0].BookingKey
	r = other.callAsClient(http.MethodPost, "/v3/order/"+order.ID+"/psc/appointment/book",
		map[string]any{"booking_key": booking})
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
}

// TestTaskQueuesWithSeparateWorkers shows that each task queue can have its own workers, which do no work of other
// queues.
func TestTaskQueuesWithSeparateWorkers(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{workers: noWorkers, playScripts: true})
	binary := buildAliquot(t)
	s.startProcess(binary, "--queues", "orders")
	id := s.placeOrder(map[string]any{"passthrough": "sandbox:happy"})
	s.await(func() bool { return len(s.story(id).outcomes("place")) == 0 && s.openOrdersOf("") == 1 },
		"the order's workflow does not run")
	require.Empty(t, s.receiver.forOrder(id), "no worker delivers")
	require.Empty(t, s.lab.Traffic().CallsFor(s.labOrderNumber(id)), "no worker calls the lab")

	s.startProcess(binary, "--queues", "labs")
	s.awaitStatus(id, "completed.testkit.completed")
	require.Empty(t, s.receiver.forOrder(id), "no worker delivers")

	s.startProcess(binary, "ALIQUOT_QUEUES=deliveries")
	s.awaitEvents(id, completedEvents)
}
