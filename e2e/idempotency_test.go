package e2e

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// orders counts the team's orders.
func (s *system) orders() int {
	s.t.Helper()
	return decodeSuccess[struct {
		Total int `json:"total"`
	}](s, s.callAsClient(http.MethodGet, "/v3/orders", nil)).Total
}

func TestARepeatedRequestIsAnsweredVerbatim(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		s := newSystem(t, o)
		post := func(body any, headers ...string) apiAnswer {
			return s.callAsClient(http.MethodPost, "/v3/order", body, headers...)
		}
		key := []string{"X-Idempotency-Key", uuid.NewString()}
		first := post(s.orderBody(nil), key...)
		require.Equal(t, http.StatusOK, first.Status, "%s", first.Body)
		again := post(s.orderBody(nil), key...)
		require.Equal(t, first.Status, again.Status)
		require.Equal(t, string(first.Body), string(again.Body))
		other := post(s.orderBody(map[string]any{"passthrough": "another"}), key...)
		require.Equal(t, string(first.Body), string(other.Body), "the key alone counts")
		require.Equal(t, 1, s.orders())
		post(s.orderBody(nil), "X-Idempotency-Key", uuid.NewString())
		require.Equal(t, 2, s.orders())

		// A refusal is replayed too, unless the client asked for the storage of successes only.
		refused := s.orderBody(map[string]any{"user_id": uuid.NewString()})
		key = []string{"X-Idempotency-Key", uuid.NewString()}
		require.Equal(t, http.StatusNotFound, post(refused, key...).Status)
		require.Equal(t, http.StatusNotFound, post(refused, key...).Status)
		require.Equal(t, http.StatusUnprocessableEntity, post(s.orderBody(nil), key...).Status, "another user")
		key = []string{"X-Idempotency-Key", uuid.NewString(), "X-Idempotency-Error", "no-cache"}
		require.Equal(t, http.StatusNotFound, post(refused, key...).Status)
		require.Equal(t, http.StatusOK, post(s.orderBody(nil), key...).Status)

		// A response to an invalid request is not stored.
		key = []string{"X-Idempotency-Key", uuid.NewString()}
		require.Equal(t, http.StatusUnprocessableEntity, post(map[string]any{}, key...).Status)
		require.Equal(t, http.StatusOK, post(s.orderBody(nil), key...).Status)
		require.Equal(t, 4, s.orders())
	})
}

func TestOneKeyAtOnceMakesOneOrder(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		s := newSystem(t, o)
		key := uuid.NewString()
		post := func() apiAnswer {
			return s.callAsClient(http.MethodPost, "/v3/order", s.orderBody(nil), "X-Idempotency-Key", key)
		}
		answers := map[string]bool{}
		for _, r := range callConcurrently(8, post) {
			if r.Status == http.StatusConflict { // the first request is still in progress
				continue
			}
			require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
			answers[string(r.Body)] = true
		}
		require.Len(t, answers, 1)
		require.True(t, answers[string(post().Body)])
		require.Equal(t, 1, s.orders())
	})
}
