package workflows_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAnOrderAtABusyLabIsNotBehind: a lab that is busy may ask for long pauses between calls. Nothing is recorded
// meanwhile, and the order is not behind.
func TestAnOrderAtABusyLabIsNotBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	busy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Retry-After", "3600")
		rw.WriteHeader(http.StatusTooManyRequests)
	}))
	t.Cleanup(busy.Close)
	account := w.account
	account.BaseURL = busy.URL
	require.NoError(t, w.store.PutLabAccount(t.Context(), account))
	behind := func(due time.Time) []string {
		ids, err := w.store.OrdersBehind(context.Background(), due, due, 10)
		require.NoError(t, err)
		return ids
	}
	w.runUntil(hour + hour/2)
	require.Len(t, w.story().Calls, 2)
	require.Empty(t, behind(w.now()), "the run calls the lab in half an hour")
	require.Equal(t, []string{w.orderID}, behind(w.now().Add(hour)), "the control: a run that makes no further call")
}
