package store

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testids"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func TestAMessageIsSentAgainToOneEndpoint(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		one, other := addEndpoint(t, s, team, orderCreated), addEndpoint(t, s, team)
		foreign := addEndpoint(t, s, addTeam(t, s).ID)
		message, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o"), EventType: orderUpdated})
		require.Empty(t, dueMessages(t, s, one))
		endpoints, err := s.ResendWebhookMessage(t.Context(), message, one)
		require.NoError(t, err)
		require.Equal(t, []string{one}, endpoints)
		require.Equal(t, []string{message}, dueMessages(t, s, one), "its filter does not matter")

		_, err = s.ResendWebhookMessage(t.Context(), message, foreign)
		require.ErrorIs(t, err, ErrNotFound)
		require.NoError(t, s.SetEndpointDisabled(t.Context(), other, true, "client"))
		_, err = s.ResendWebhookMessage(t.Context(), message, other)
		require.ErrorIs(t, err, ErrEndpointDisabled)
	})
}

func TestLatestMessagesAreSelected(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		began := s.now()
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team, orderUpdated)
		a, b, c := testids.Of("a"), testids.Of("b"), testids.Of("c")
		newest := map[string]string{}
		for _, order := range []string{a, b, c} {
			enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: order, Sequence: 1})
			newest[order], _ = enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: order, Sequence: 2})
			forward(time.Hour)
		}
		newest[a], _ = enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: a, Sequence: 3}) // at 3 h
		enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: "", Sequence: 0})
		enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("created"), EventType: orderCreated})
		enqueueMessage(t, s, WebhookMessage{TeamID: addTeam(t, s).ID, OrderID: testids.Of("foreign")})
		for name, tt := range map[string]struct {
			of   LatestWebhooksQuery
			want []string
		}{
			"by id": {LatestWebhooksQuery{OrderIDs: []string{b, a, testids.Of("foreign"), testids.Of("none")}}, []string{a, b}},
			"by time": {LatestWebhooksQuery{Since: began.Add(time.Hour), Until: began.Add(3 * time.Hour)},
				[]string{b, c}},
			"a bound is outside": {LatestWebhooksQuery{Since: began, Until: began.Add(time.Hour)}, []string{a}},
			"both": {LatestWebhooksQuery{OrderIDs: []string{a, b}, Since: began.Add(time.Hour),
				Until: began.Add(4 * time.Hour)}, []string{a, b}},
			"nobody takes it":     {LatestWebhooksQuery{OrderIDs: []string{testids.Of("created")}}, nil},
			"nothing in the time": {LatestWebhooksQuery{Since: began.Add(9 * time.Hour), Until: began.Add(10 * time.Hour)}, nil},
		} {
			for _, d := range dueMessages(t, s, endpoint) {
				require.NoError(t, recordAttempt(s, endpoint, AttemptRow{MessageID: d, Round: deliveryRound(t, s, d, endpoint),
					Number: 1, At: s.now(), Delivered: true}))
			}
			tt.of.TeamID = team
			orders, endpoints, err := s.ResendLatestWebhooks(t.Context(), tt.of)
			require.NoError(t, err, name)
			require.Equal(t, slices.Sorted(slices.Values(tt.want)), orders, name)
			var want []string
			for _, order := range tt.want {
				want = append(want, newest[order])
			}
			require.ElementsMatch(t, want, dueMessages(t, s, endpoint), name)
			if len(want) > 0 {
				require.Equal(t, []string{endpoint}, endpoints, name)
			}
		}
	})
}

// deliveryRound returns the current round of a delivery.
func deliveryRound(t *testing.T, s *Store, message, endpoint string) int {
	t.Helper()
	n, err := sqldb.QueryOne(t.Context(), s.db.Reader, sqldb.ScanInt,
		`SELECT round FROM deliveries WHERE message_id = $1 AND endpoint_id = $2`, message, endpoint)
	require.NoError(t, err)
	return n
}

func TestManyOrdersAreSentAgain(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		began := s.now()
		for range resendBatch + 5 {
			enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: sqldb.NewID()})
		}
		orders, endpoints, err := s.ResendLatestWebhooks(t.Context(),
			LatestWebhooksQuery{TeamID: team, Since: began, Until: s.now().Add(time.Hour)})
		require.NoError(t, err)
		require.Len(t, orders, resendBatch+5)
		require.Equal(t, []string{endpoint}, endpoints)
	})
}

func TestFailedDeliveriesAreReplayed(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		began := s.now()
		team := addTeam(t, s).ID
		endpoint, other := addEndpoint(t, s, team, orderUpdated), addEndpoint(t, s, team)
		send := func() string {
			id, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o")})
			forward(time.Minute)
			return id
		}
		early, exhausted, delivered, cancelled := send(), send(), send(), send()
		for _, id := range []string{early, exhausted} {
			require.NoError(t, recordAttempt(s, endpoint, AttemptRow{MessageID: id, Number: 8, At: s.now()}))
			require.NoError(t, recordAttempt(s, other, AttemptRow{MessageID: id, Number: 8, At: s.now()}))
		}
		require.NoError(t, recordAttempt(s, endpoint, AttemptRow{MessageID: delivered, Number: 1, At: s.now(),
			Delivered: true}))
		require.NoError(t, s.SetEndpointDisabled(t.Context(), endpoint, true, "client"))
		missed := send()
		unwanted, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o"), EventType: orderCreated})
		_, err := s.ReplayFailedDeliveries(t.Context(), ReplayQuery{EndpointID: endpoint, Since: began})
		require.ErrorIs(t, err, ErrEndpointDisabled)
		require.NoError(t, s.SetEndpointDisabled(t.Context(), endpoint, false, ""))
		require.Empty(t, dueMessages(t, s, endpoint), "enabling the endpoint again makes nothing due")

		n, err := s.ReplayFailedDeliveries(t.Context(), ReplayQuery{EndpointID: endpoint, Since: began.Add(time.Second)})
		require.NoError(t, err)
		require.Equal(t, 2, n)
		require.Equal(t, []string{exhausted, cancelled}, dueMessages(t, s, endpoint))
		n, err = s.ReplayFailedDeliveries(t.Context(), ReplayQuery{EndpointID: endpoint, Until: began.Add(time.Minute),
			Missed: true})
		require.NoError(t, err)
		require.Equal(t, 1, n)
		n, err = s.ReplayFailedDeliveries(t.Context(), ReplayQuery{EndpointID: endpoint, Missed: true})
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, []string{early, exhausted, cancelled, missed}, dueMessages(t, s, endpoint), "the oldest first")
		require.NotContains(t, dueMessages(t, s, endpoint), unwanted)
		_, err = s.ReplayFailedDeliveries(t.Context(), ReplayQuery{EndpointID: sqldb.NewID()})
		require.ErrorIs(t, err, ErrNotFound)
	})
}
