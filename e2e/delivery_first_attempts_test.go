package e2e

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/sdk/v1"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/store"
)

// TestTheFirstAttemptsInRealTime shows that the first attempt is made immediately and the second five seconds after a
// failure, that a slow endpoint does not delay others, and that the details of the workflow describe the state of the
// endpoint.
func TestTheFirstAttemptsInRealTime(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		s := newSystem(t, o)
		var mu sync.Mutex
		var asked []time.Time
		failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if asked = append(asked, time.Now()); len(asked) < 2 {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}))
		t.Cleanup(failing.Close)
		stuck, _ := responsesAlways(neverAnswer).serve(t)
		endpoint := s.addEndpoints(failing.URL, 1)[0]
		s.addEndpoints(stuck, 1)

		began := time.Now()
		id := s.placeOrder(nil)
		s.await(func() bool { return len(s.receiver.forOrder(id)) == 2 }, "the endpoint that is well waits")
		require.Less(t, time.Since(began), 10*time.Second, "the stuck endpoint has 15 s")
		s.await(func() bool {
			page, err := s.store.WebhookMessages(t.Context(), store.WebhookMessageQuery{OrderID: id, EndpointID: endpoint,
				State: store.DeliveryDelivered})
			require.NoError(t, err)
			return len(page.Messages) == 2
		}, "the second attempt did not come")
		mu.Lock()
		defer mu.Unlock()
		page, err := s.store.WebhookMessages(t.Context(), store.WebhookMessageQuery{OrderID: id, EndpointID: endpoint})
		require.NoError(t, err)
		first := page.Messages[len(page.Messages)-1]
		for _, d := range first.Deliveries {
			if d.EndpointID == endpoint {
				require.Len(t, d.Attempts, 2)
				require.Empty(t, attemptsOffSchedule(d.Attempts))
			}
		}
		s.await(func() bool {
			return strings.Contains(s.currentDetails(dispatch.DeliveriesWorkflowID(endpoint)), "backlog: 0")
		}, "the details are old")
	})
}

// currentDetails returns what the Temporal UI shows as a workflow's current details.
func (s *system) currentDetails(workflowID string) string {
	s.t.Helper()
	value, err := s.client.QueryWorkflow(s.t.Context(), workflowID, "", "__temporal_workflow_metadata")
	require.NoError(s.t, err)
	var metadata sdk.WorkflowMetadata
	require.NoError(s.t, value.Get(&metadata))
	return metadata.GetCurrentDetails()
}

// TestARotatedSecretSignsBoth shows that webhooks carry signatures of the old and of the new secret during the
// rotation.
func TestARotatedSecretSignsBoth(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	endpoints, err := s.store.Endpoints(t.Context(), s.teamID)
	require.NoError(t, err)
	id := s.placeOrder(nil)
	s.await(func() bool { return len(s.receiver.forOrder(id)) > 0 }, "no webhook arrived")
	// the receiver has the old secret only
	require.NoError(t, s.store.RotateSecret(t.Context(), endpoints[0].ID, mustSecret(t)))
	s.awaitStatus(id, "received.testkit.requisition_created")
	s.sendFact(id, "kit_shipped")
	s.await(func() bool { return s.receiver.forOrder(id)[3].ID != "" }, "no webhook arrived after the rotation")
	require.Empty(t, s.receiver.failures())
}

// TestAnEndpointHasARateLimit shows that an endpoint gets at most its configured number of messages per second, and
// that others get theirs meanwhile.
func TestAnEndpointHasARateLimit(t *testing.T) {
	t.Parallel()
	const perSecond, orders, messages = 4, 6, 12 // two of each order
	s := newSystem(t, options{})
	var mu sync.Mutex
	var arrived []time.Time
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		arrived = append(arrived, time.Now())
	}))
	t.Cleanup(slow.Close)
	r := s.callAsOperations(http.MethodPost, "/ops/teams/"+s.teamID+"/endpoints",
		map[string]any{"url": slow.URL, "rate_limit": perSecond})
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)

	for range orders {
		s.placeOrder(nil)
	}
	s.await(func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(arrived) == messages
	}, "not every message arrived")
	mu.Lock()
	defer mu.Unlock()
	require.GreaterOrEqual(t, arrived[messages-1].Sub(arrived[0]), 3*time.Second/2,
		"two seconds, less what the first was late")
}
