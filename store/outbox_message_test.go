package store

import (
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testids"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

const (
	orderCreated = "labtest.order.created"
	orderUpdated = "labtest.order.updated"
)

// addEndpoint creates an endpoint that takes the given event types; without any: all except the operational ones.
func addEndpoint(t *testing.T, s *Store, teamID string, types ...string) string {
	t.Helper()
	e := Endpoint{ID: sqldb.NewID(), TeamID: teamID, URL: "https://client.example/hook", Secret: "whsec_c2VjcmV0",
		FilterTypes: types}
	require.NoError(t, s.CreateEndpoint(t.Context(), e))
	return e.ID
}

// enqueueMessage enqueues a webhook message in its own transaction.
func enqueueMessage(t *testing.T, s *Store, m WebhookMessage) (id string, endpoints []string) {
	t.Helper()
	if m.ID == "" {
		m.ID = sqldb.NewIDAt(s.now())
	}
	if m.EventType == "" {
		m.EventType = orderUpdated
	}
	require.NoError(t, s.db.InTx(t.Context(), func(tx *sql.Tx) (err error) {
		endpoints, err = s.enqueueWebhookMessage(t.Context(), tx, m)
		return err
	}))
	return m.ID, endpoints
}

// dueMessages returns the ids of the messages that are due at an endpoint.
func dueMessages(t *testing.T, s *Store, endpointID string) []string {
	t.Helper()
	all, err := s.DueDeliveries(t.Context(), DueQuery{EndpointID: endpointID, Now: s.now(), Limit: 100})
	require.NoError(t, err)
	var ids []string
	for _, d := range all {
		require.Equal(t, endpointID, d.EndpointID)
		ids = append(ids, d.MessageID)
	}
	return ids
}

func TestMessagesGoToTheTeamsEndpointsThatTakeThem(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team, other := addTeam(t, s).ID, addTeam(t, s).ID
		all := addEndpoint(t, s, team)
		created := addEndpoint(t, s, team, orderCreated)
		updated := addEndpoint(t, s, team, orderUpdated, "labtest.result.critical")
		disabled := addEndpoint(t, s, team)
		require.NoError(t, s.SetEndpointDisabled(t.Context(), disabled, true, "client"))
		foreign := addEndpoint(t, s, other)
		silent := Endpoint{ID: sqldb.NewID(), TeamID: team, FilterTypes: []string{}}
		require.NoError(t, s.CreateEndpoint(t.Context(), silent))

		m, endpoints := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o1"),
			EventType: orderUpdated, Sequence: 2,
			Body: []byte(`{"a":1}`)})
		require.ElementsMatch(t, []string{all, updated}, endpoints)
		require.Equal(t, []string{m}, dueMessages(t, s, all))
		require.Equal(t, []string{m}, dueMessages(t, s, updated))
		for _, id := range []string{created, disabled, foreign, silent.ID} {
			require.Empty(t, dueMessages(t, s, id))
		}

		got, err := s.DueDeliveries(t.Context(), DueQuery{EndpointID: all, Now: s.now(), Limit: 10})
		require.NoError(t, err)
		e, err := s.Endpoint(t.Context(), all)
		require.NoError(t, err)
		require.Equal(t, []DueDelivery{{
			MessageID: m, EndpointID: all, Round: 1, Body: []byte(`{"a":1}`), EventType: orderUpdated, DueAt: got[0].DueAt,
			ChangedAt: e.UpdatedAt,
		}}, got)

		_, endpoints = enqueueMessage(t, s, WebhookMessage{TeamID: sqldb.NewID(), OrderID: testids.Of("o2")})
		require.Empty(t, endpoints, "a team without endpoints")
	})
}

func TestMessagesRollBackWithTheirTransaction(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		boom := errors.New("boom")
		err := s.db.InTx(t.Context(), func(tx *sql.Tx) error {
			endpoints, err := s.enqueueWebhookMessage(t.Context(), tx,
				WebhookMessage{ID: sqldb.NewID(), TeamID: team, OrderID: testids.Of("o"), EventType: orderCreated})
			require.NoError(t, err)
			require.Equal(t, []string{endpoint}, endpoints)
			return boom
		})
		require.ErrorIs(t, err, boom)
		require.Empty(t, dueMessages(t, s, endpoint))
		log, err := loadDeliveryLog(t.Context(), s.db.Reader, testids.Of("o"))
		require.NoError(t, err)
		require.Empty(t, log)
	})
}

func TestResendingBeginsANewRound(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		older, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o"), Sequence: 1})
		newest, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o"), Sequence: 2})
		late := addEndpoint(t, s, team)
		require.NoError(t, recordAttempt(s, endpoint, AttemptRow{MessageID: older, Number: 1, At: s.now(), Delivered: true}))
		require.NoError(t, recordAttempt(s, endpoint, AttemptRow{MessageID: newest, Number: 1, At: s.now(),
			Failure: "refused"}))
		require.Empty(t, dueMessages(t, s, endpoint))
		forward(time.Second)

		orders, endpoints, err := s.ResendLatestWebhooks(t.Context(),
			LatestWebhooksQuery{TeamID: team, OrderIDs: []string{testids.Of("o")}})
		require.NoError(t, err)
		require.Equal(t, []string{testids.Of("o")}, orders)
		require.ElementsMatch(t, []string{endpoint, late}, endpoints)
		require.Equal(t, []string{newest}, dueMessages(t, s, endpoint))
		require.Equal(t, []string{newest}, dueMessages(t, s, late), "a later endpoint gets it too")
		again, err := s.DueDeliveries(t.Context(), DueQuery{EndpointID: endpoint, Now: s.now(), Limit: 10})
		require.NoError(t, err)
		require.Zero(t, again[0].Attempts)

		// The first attempt of the second round is not the same as the first attempt of the first round.
		require.NoError(t, recordAttempt(s, endpoint, AttemptRow{MessageID: newest, Round: 2, Number: 1, At: s.now(),
			Delivered: true}))
		require.Empty(t, dueMessages(t, s, endpoint))
		log, err := loadDeliveryLog(t.Context(), s.db.Reader, testids.Of("o"))
		require.NoError(t, err)
		require.Len(t, log, 3)
		rounds := map[string]int{}
		for _, d := range log {
			rounds[d.MessageID+d.EndpointID] = len(d.Attempts)
		}
		require.Equal(t, map[string]int{older + endpoint: 1, newest + endpoint: 2, newest + late: 0}, rounds)

		_, err = s.ResendWebhookMessage(t.Context(), older, "")
		require.NoError(t, err)
		require.Equal(t, []string{older}, dueMessages(t, s, endpoint))
		_, err = s.ResendWebhookMessage(t.Context(), sqldb.NewID(), "")
		require.ErrorIs(t, err, ErrNotFound)
		orders, _, err = s.ResendLatestWebhooks(t.Context(),
			LatestWebhooksQuery{TeamID: addTeam(t, s).ID, OrderIDs: []string{testids.Of("o")}})
		require.NoError(t, err)
		require.Empty(t, orders, "another team's order")
	})
}
