package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheMessageLogIsFiltered(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		forward := stop(s)
		began := s.now()
		team, otherTeam := addTeam(t, s).ID, addTeam(t, s).ID
		endpoint, failing := addEndpoint(t, s, team, orderUpdated), addEndpoint(t, s, team)
		send := func(m Message) string {
			id, _ := enqueue(t, s, m)
			forward(time.Minute)
			return id
		}
		created := send(Message{TeamID: team, OrderID: "a", EventType: orderCreated})
		updated := send(Message{TeamID: team, OrderID: "a"})
		other := send(Message{TeamID: team, OrderID: "b"})
		foreign := send(Message{TeamID: otherTeam, OrderID: "c"})
		require.NoError(t, recordAttempt(s, endpoint, AttemptRow{MessageID: updated, Number: 1, At: s.now(), Delivered: true, StatusCode: 200, Excerpt: []byte("ok")}))
		require.NoError(t, recordAttempt(s, failing, AttemptRow{MessageID: updated, Number: 1, At: s.now(), StatusCode: 500, Next: s.now()}))

		for name, tt := range map[string]struct {
			by   MessageQuery
			want []string
		}{
			"all":               {MessageQuery{}, []string{foreign, other, updated, created}},
			"team":              {MessageQuery{TeamID: team}, []string{other, updated, created}},
			"order":             {MessageQuery{OrderID: "a"}, []string{updated, created}},
			"type":              {MessageQuery{EventType: orderCreated}, []string{created}},
			"endpoint":          {MessageQuery{EndpointID: endpoint}, []string{other, updated}},
			"state":             {MessageQuery{State: DeliveryPending}, []string{other, updated, created}},
			"state at endpoint": {MessageQuery{State: DeliveryDelivered, EndpointID: endpoint}, []string{updated}},
			"not this state":    {MessageQuery{State: DeliveryDelivered, EndpointID: failing}, nil},
			"since":             {MessageQuery{Since: began.Add(2 * time.Minute)}, []string{foreign, other}},
			"until":             {MessageQuery{Until: began.Add(2 * time.Minute)}, []string{updated, created}},
		} {
			page, err := s.Messages(t.Context(), tt.by)
			require.NoError(t, err, name)
			var got []string
			for _, m := range page.Messages {
				got = append(got, m.ID)
				require.Empty(t, m.Body)
			}
			require.Equal(t, tt.want, got, name)
			require.Empty(t, page.Next, name)
		}

		page, err := s.Messages(t.Context(), MessageQuery{OrderID: "a"})
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
	forEach(t, func(t *testing.T, s *Store) {
		stop(s) // many messages of one microsecond
		team := addTeam(t, s).ID
		var want []string
		for range 7 {
			id, _ := enqueue(t, s, Message{TeamID: team, OrderID: "o"})
			want = append([]string{id}, want...)
		}
		var got []string
		by := MessageQuery{Limit: 3}
		for {
			page, err := s.Messages(t.Context(), by)
			require.NoError(t, err)
			for _, m := range page.Messages {
				got = append(got, m.ID)
			}
			if page.Next == "" {
				break
			}
			require.True(t, CheckCursor(page.Next))
			by.Cursor = page.Next
		}
		require.Equal(t, want, got)
		require.False(t, CheckCursor("x"))
	})
}

func TestAMessageIsReadWithItsAnswers(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		id, _ := enqueue(t, s, Message{TeamID: team, OrderID: "o", Sequence: 3, Body: []byte(`{"a":1}`)})
		next := s.now().Add(time.Minute)
		require.NoError(t, recordAttempt(s, endpoint, AttemptRow{
			MessageID: id, Number: 1, At: s.now(), Duration: time.Second, StatusCode: 503, Failure: "status", Excerpt: []byte("busy"), Next: next,
		}))
		_, err := s.ResendMessage(t.Context(), id, "")
		require.NoError(t, err)
		require.NoError(t, recordAttempt(s, endpoint, AttemptRow{
			MessageID: id, Round: 2, Number: 1, At: s.now(), StatusCode: 200, Delivered: true, Excerpt: []byte("fine"),
		}))
		m, err := s.MessageByID(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, []byte(`{"a":1}`), m.Body)
		require.EqualValues(t, 3, m.Sequence)
		require.Len(t, m.Deliveries, 1)
		require.Equal(t, DeliveryDelivered, m.Deliveries[0].State)
		attempts := m.Deliveries[0].Attempts
		require.Len(t, attempts, 2)
		require.Equal(t, []string{"busy", "fine"}, []string{string(attempts[0].Excerpt), string(attempts[1].Excerpt)})
		require.Equal(t, next, attempts[0].Next)
		require.Equal(t, time.Second, attempts[0].Duration)
		require.NotEqual(t, attempts[0].ID, attempts[1].ID)
		_, err = s.MessageByID(t.Context(), newID())
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestOldMessagesArePruned(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		forward := stop(s)
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		done, _ := enqueue(t, s, Message{TeamID: team, OrderID: "o"})
		pending, _ := enqueue(t, s, Message{TeamID: team, OrderID: "o"})
		require.NoError(t, recordAttempt(s, endpoint, AttemptRow{MessageID: done, Number: 1, At: s.now(), Delivered: true}))
		require.NoError(t, recordAttempt(s, endpoint, AttemptRow{MessageID: pending, Number: 1, At: s.now(), Next: s.now().Add(time.Hour)}))
		forward(time.Minute)
		young, _ := enqueue(t, s, Message{TeamID: team, OrderID: "o"})
		require.NoError(t, recordAttempt(s, endpoint, AttemptRow{MessageID: young, Number: 1, At: s.now(), Delivered: true}))

		n, err := s.PruneMessages(t.Context(), s.now(), 10)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		left, err := s.Messages(t.Context(), MessageQuery{})
		require.NoError(t, err)
		require.Len(t, left.Messages, 2)
		_, err = s.MessageByID(t.Context(), done)
		require.ErrorIs(t, err, ErrNotFound)
		forward(time.Minute)
		require.NoError(t, recordAttempt(s, endpoint, AttemptRow{MessageID: pending, Number: 2, At: s.now(), Delivered: true}))
		n, err = s.PruneMessages(t.Context(), s.now(), 1)
		require.NoError(t, err)
		require.Equal(t, 1, n, "no more than asked for")
		n, err = s.PruneMessages(t.Context(), s.now(), 10)
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}
