package e2e

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An endpoint gets no more messages per second than it wants; others get theirs meanwhile.
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
	r := s.callAsOperations(http.MethodPost, "/ops/teams/"+s.teamID+"/endpoints", map[string]any{"url": slow.URL, "rate_limit": perSecond})
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)

	for range orders {
		s.placeOrder(nil)
	}
	s.await(func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(arrived) == messages
	}, "not every message came")
	mu.Lock()
	defer mu.Unlock()
	require.GreaterOrEqual(t, arrived[messages-1].Sub(arrived[0]), 3*time.Second/2, "two seconds, less what the first was late")
}
