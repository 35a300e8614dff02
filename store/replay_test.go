package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAMessageIsSentAgainToOneEndpoint(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		one, other := addEndpoint(t, s, team, orderCreated), addEndpoint(t, s, team)
		foreign := addEndpoint(t, s, addTeam(t, s).ID)
		message, _ := enqueue(t, s, Message{TeamID: team, OrderID: "o", EventType: orderUpdated})
		require.Empty(t, due(t, s, one))
		endpoints, err := s.ResendMessage(t.Context(), message, one)
		require.NoError(t, err)
		require.Equal(t, []string{one}, endpoints)
		require.Equal(t, []string{message}, due(t, s, one), "whatever its filter takes")

		_, err = s.ResendMessage(t.Context(), message, foreign)
		require.ErrorIs(t, err, ErrNotFound)
		require.NoError(t, s.SetEndpointDisabled(t.Context(), other, true, "client"))
		_, err = s.ResendMessage(t.Context(), message, other)
		require.ErrorIs(t, err, ErrDisabled)
	})
}

func TestLatestMessagesAreSelected(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		forward := stop(s)
		began := s.now()
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team, orderUpdated)
		newest := map[string]string{}
		for _, order := range []string{"a", "b", "c"} {
			enqueue(t, s, Message{TeamID: team, OrderID: order, Sequence: 1})
			newest[order], _ = enqueue(t, s, Message{TeamID: team, OrderID: order, Sequence: 2})
			forward(time.Hour)
		}
		newest["a"], _ = enqueue(t, s, Message{TeamID: team, OrderID: "a", Sequence: 3}) // at 3 h
		enqueue(t, s, Message{TeamID: team, OrderID: "", Sequence: 0})
		enqueue(t, s, Message{TeamID: team, OrderID: "created", EventType: orderCreated})
		enqueue(t, s, Message{TeamID: addTeam(t, s).ID, OrderID: "foreign"})
		for name, tt := range map[string]struct {
			of   Latest
			want []string
		}{
			"by id":               {Latest{OrderIDs: []string{"b", "a", "foreign", "none"}}, []string{"a", "b"}},
			"by time":             {Latest{Since: began.Add(time.Hour), Until: began.Add(3 * time.Hour)}, []string{"b", "c"}},
			"a bound is outside":  {Latest{Since: began, Until: began.Add(time.Hour)}, []string{"a"}},
			"both":                {Latest{OrderIDs: []string{"a", "b"}, Since: began.Add(time.Hour), Until: began.Add(4 * time.Hour)}, []string{"a", "b"}},
			"nobody takes it":     {Latest{OrderIDs: []string{"created"}}, nil},
			"nothing in the time": {Latest{Since: began.Add(9 * time.Hour), Until: began.Add(10 * time.Hour)}, nil},
		} {
			for _, d := range due(t, s, endpoint) {
				require.NoError(t, recordAttempt(s, endpoint, AttemptRow{MessageID: d, Round: roundOf(t, s, d, endpoint), Number: 1, At: s.now(), Delivered: true}))
			}
			tt.of.TeamID = team
			orders, endpoints, err := s.ResendLatest(t.Context(), tt.of)
			require.NoError(t, err, name)
			require.Equal(t, tt.want, orders, name)
			var want []string
			for _, order := range tt.want {
				want = append(want, newest[order])
			}
			require.ElementsMatch(t, want, due(t, s, endpoint), name)
			if len(want) > 0 {
				require.Equal(t, []string{endpoint}, endpoints, name)
			}
		}
	})
}

// roundOf is the present round of a delivery.
func roundOf(t *testing.T, s *Store, message, endpoint string) int {
	t.Helper()
	n, err := one(t.Context(), s.read, scanInt, `SELECT round FROM deliveries WHERE message_id = $1 AND endpoint_id = $2`, message, endpoint)
	require.NoError(t, err)
	return n
}

func TestManyOrdersAreSentAgain(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		began := s.now()
		for range resendPage + 5 {
			enqueue(t, s, Message{TeamID: team, OrderID: newID()})
		}
		orders, endpoints, err := s.ResendLatest(t.Context(), Latest{TeamID: team, Since: began, Until: s.now().Add(time.Hour)})
		require.NoError(t, err)
		require.Len(t, orders, resendPage+5)
		require.Equal(t, []string{endpoint}, endpoints)
	})
}

func TestWhatFailedIsReplayed(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		forward := stop(s)
		began := s.now()
		team := addTeam(t, s).ID
		endpoint, other := addEndpoint(t, s, team, orderUpdated), addEndpoint(t, s, team)
		send := func() string {
			id, _ := enqueue(t, s, Message{TeamID: team, OrderID: "o"})
			forward(time.Minute)
			return id
		}
		early, exhausted, delivered, cancelled := send(), send(), send(), send()
		for _, id := range []string{early, exhausted} {
			require.NoError(t, recordAttempt(s, endpoint, AttemptRow{MessageID: id, Number: 8, At: s.now()}))
			require.NoError(t, recordAttempt(s, other, AttemptRow{MessageID: id, Number: 8, At: s.now()}))
		}
		require.NoError(t, recordAttempt(s, endpoint, AttemptRow{MessageID: delivered, Number: 1, At: s.now(), Delivered: true}))
		require.NoError(t, s.SetEndpointDisabled(t.Context(), endpoint, true, "client"))
		missed := send()
		unwanted, _ := enqueue(t, s, Message{TeamID: team, OrderID: "o", EventType: orderCreated})
		_, err := s.ReplayFailed(t.Context(), Replay{EndpointID: endpoint, Since: began})
		require.ErrorIs(t, err, ErrDisabled)
		require.NoError(t, s.SetEndpointDisabled(t.Context(), endpoint, false, ""))
		require.Empty(t, due(t, s, endpoint), "to be enabled again brings nothing back by itself")

		n, err := s.ReplayFailed(t.Context(), Replay{EndpointID: endpoint, Since: began.Add(time.Second)})
		require.NoError(t, err)
		require.Equal(t, 2, n)
		require.Equal(t, []string{exhausted, cancelled}, due(t, s, endpoint))
		n, err = s.ReplayFailed(t.Context(), Replay{EndpointID: endpoint, Until: began.Add(time.Minute), Missed: true})
		require.NoError(t, err)
		require.Equal(t, 1, n)
		n, err = s.ReplayFailed(t.Context(), Replay{EndpointID: endpoint, Missed: true})
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, []string{early, exhausted, cancelled, missed}, due(t, s, endpoint), "the oldest first")
		require.NotContains(t, due(t, s, endpoint), unwanted)
		_, err = s.ReplayFailed(t.Context(), Replay{EndpointID: newID()})
		require.ErrorIs(t, err, ErrNotFound)
	})
}
