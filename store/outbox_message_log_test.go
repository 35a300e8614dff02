package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testids"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func TestTheMessageLogIsFiltered(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		began := s.now()
		team, otherTeam := addTeam(t, s).ID, addTeam(t, s).ID
		endpoint, failing := addEndpoint(t, s, team, orderUpdated), addEndpoint(t, s, team)
		send := func(m WebhookMessage) string {
			id, _ := enqueueMessage(t, s, m)
			forward(time.Minute)
			return id
		}
		created := send(WebhookMessage{TeamID: team, OrderID: testids.Of("a"), EventType: orderCreated})
		updated := send(WebhookMessage{TeamID: team, OrderID: testids.Of("a")})
		other := send(WebhookMessage{TeamID: team, OrderID: testids.Of("b")})
		foreign := send(WebhookMessage{TeamID: otherTeam, OrderID: testids.Of("c")})
		require.NoError(t, recordAttempt(s, endpoint, AttemptRow{MessageID: updated, Number: 1, At: s.now(), Delivered: true,
			StatusCode: 200, Excerpt: []byte("ok")}))
		require.NoError(t, recordAttempt(s, failing, AttemptRow{MessageID: updated, Number: 1, At: s.now(), StatusCode: 500,
			NextAt: s.now()}))

		for name, tt := range map[string]struct {
			by   WebhookMessageQuery
			want []string
		}{
			"all":               {WebhookMessageQuery{}, []string{foreign, other, updated, created}},
			"team":              {WebhookMessageQuery{TeamID: team}, []string{other, updated, created}},
			"order":             {WebhookMessageQuery{OrderID: testids.Of("a")}, []string{updated, created}},
			"type":              {WebhookMessageQuery{EventType: orderCreated}, []string{created}},
			"endpoint":          {WebhookMessageQuery{EndpointID: endpoint}, []string{other, updated}},
			"state":             {WebhookMessageQuery{State: DeliveryPending}, []string{other, updated, created}},
			"state at endpoint": {WebhookMessageQuery{State: DeliveryDelivered, EndpointID: endpoint}, []string{updated}},
			"not this state":    {WebhookMessageQuery{State: DeliveryDelivered, EndpointID: failing}, nil},
			"since":             {WebhookMessageQuery{Since: began.Add(2 * time.Minute)}, []string{foreign, other}},
			"until":             {WebhookMessageQuery{Until: began.Add(2 * time.Minute)}, []string{updated, created}},
		} {
			page, err := s.WebhookMessages(t.Context(), tt.by)
			require.NoError(t, err, name)
			var got []string
			for _, m := range page.Messages {
				got = append(got, m.ID)
				require.Empty(t, m.Body)
			}
			require.Equal(t, tt.want, got, name)
			require.Empty(t, page.Next, name)
		}

		page, err := s.WebhookMessages(t.Context(), WebhookMessageQuery{OrderID: testids.Of("a")})
		require.NoError(t, err)
		require.Len(t, page.Messages[0].Deliveries, 2)
		for _, d := range page.Messages[0].Deliveries {
			require.Len(t, d.Attempts, 1)
			require.Empty(t, d.Attempts[0].Excerpt)
		}
	})
}

func TestTheMessageLogIsPaged(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		stopClock(s) // all messages have the same time
		team := addTeam(t, s).ID
		var want []string
		for range 7 {
			id, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o")})
			want = append([]string{id}, want...)
		}
		var got []string
		by := WebhookMessageQuery{Limit: 3}
		for {
			page, err := s.WebhookMessages(t.Context(), by)
			require.NoError(t, err)
			for _, m := range page.Messages {
				got = append(got, m.ID)
			}
			if page.Next == "" {
				break
			}
			require.True(t, IsMessageCursor(page.Next))
			by.Cursor = page.Next
		}
		require.Equal(t, want, got)
		require.False(t, IsMessageCursor("x"))
	})
}

func TestAMessageIsReadWithItsAnswers(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		id, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o"), Sequence: 3,
			Body: []byte(`{"a":1}`)})
		next := s.now().Add(time.Minute)
		require.NoError(t, recordAttempt(s, endpoint, AttemptRow{
			MessageID: id, Number: 1, At: s.now(), Duration: time.Second, StatusCode: 503, Failure: "status",
			Excerpt: []byte("busy"), NextAt: next,
		}))
		_, err := s.ResendWebhookMessage(t.Context(), id, "")
		require.NoError(t, err)
		require.NoError(t, recordAttempt(s, endpoint, AttemptRow{
			MessageID: id, Round: 2, Number: 1, At: s.now(), StatusCode: 200, Delivered: true, Excerpt: []byte("fine"),
		}))
		m, err := s.WebhookMessage(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, []byte(`{"a":1}`), m.Body)
		require.EqualValues(t, 3, m.Sequence)
		require.Len(t, m.Deliveries, 1)
		require.Equal(t, DeliveryDelivered, m.Deliveries[0].State)
		attempts := m.Deliveries[0].Attempts
		require.Len(t, attempts, 2)
		require.Equal(t, []string{"busy", "fine"}, []string{string(attempts[0].Excerpt), string(attempts[1].Excerpt)})
		require.Equal(t, next, attempts[0].NextAt)
		require.Equal(t, time.Second, attempts[0].Duration)
		require.NotEqual(t, attempts[0].ID, attempts[1].ID)
		_, err = s.WebhookMessage(t.Context(), sqldb.NewID())
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestOldMessagesArePruned(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		done, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o")})
		pending, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o")})
		require.NoError(t, recordAttempt(s, endpoint, AttemptRow{MessageID: done, Number: 1, At: s.now(), Delivered: true}))
		require.NoError(t, recordAttempt(s, endpoint, AttemptRow{MessageID: pending, Number: 1, At: s.now(),
			NextAt: s.now().Add(time.Hour)}))
		forward(time.Minute)
		young, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o")})
		require.NoError(t, recordAttempt(s, endpoint, AttemptRow{MessageID: young, Number: 1, At: s.now(), Delivered: true}))

		n, err := s.PruneWebhookMessages(t.Context(), s.now(), 10)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		left, err := s.WebhookMessages(t.Context(), WebhookMessageQuery{})
		require.NoError(t, err)
		require.Len(t, left.Messages, 2)
		_, err = s.WebhookMessage(t.Context(), done)
		require.ErrorIs(t, err, ErrNotFound)
		forward(time.Minute)
		require.NoError(t, recordAttempt(s, endpoint, AttemptRow{MessageID: pending, Number: 2, At: s.now(),
			Delivered: true}))
		n, err = s.PruneWebhookMessages(t.Context(), s.now(), 1)
		require.NoError(t, err)
		require.Equal(t, 1, n, "no more than asked for")
		n, err = s.PruneWebhookMessages(t.Context(), s.now(), 10)
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}
