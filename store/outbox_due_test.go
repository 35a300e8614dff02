package store

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/internal/testids"
	"github.com/aliquot-labs/aliquot/store/sqldb"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// recordAttempt records one attempt. Its round is 1 if it has none.
func recordAttempt(s *Store, endpoint string, a AttemptRow) error {
	if a.Round == 0 {
		a.Round = 1
	}
	_, err := s.RecordAttempts(context.Background(), endpoint, []AttemptRow{a})
	return err
}

// nextDue returns the time at which the endpoint's next attempt is due.
func nextDue(t *testing.T, s *Store, endpoint string) time.Time {
	t.Helper()
	b, err := s.EndpointBacklog(t.Context(), endpoint)
	require.NoError(t, err)
	return b.NextAttemptAt
}

// postponeDelivery records a failed attempt, so that the delivery is due later.
func postponeDelivery(t *testing.T, s *Store, message, endpoint string, number int, next time.Time) {
	t.Helper()
	require.NoError(t, recordAttempt(s, endpoint, AttemptRow{
		MessageID: message, Number: number, At: s.now(), StatusCode: 500, Failure: "status", NextAt: next,
	}))
}

func TestDueDeliveriesComeOldestFirst(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		team := addTeam(t, s).ID
		endpoint, other := addEndpoint(t, s, team), addEndpoint(t, s, team)
		first, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o"), Sequence: 1})
		second, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o"), Sequence: 2})
		third, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o"), Sequence: 3})
		soon, later := s.now().Add(5*time.Second), s.now().Add(5*time.Minute)
		postponeDelivery(t, s, first, endpoint, 1, soon)
		postponeDelivery(t, s, second, endpoint, 1, later)

		all, err := s.DueDeliveries(t.Context(), DueQuery{EndpointID: endpoint, Now: s.now(), Limit: 10})
		require.NoError(t, err)
		require.Len(t, all, 1)
		require.Equal(t, third, all[0].MessageID)
		require.Equal(t, s.now(), nextDue(t, s, endpoint))
		require.NoError(t,
			recordAttempt(s, endpoint, AttemptRow{MessageID: third, Number: 1, At: s.now(), NextAt: soon.Add(-time.Second)}))
		require.Equal(t, soon.Add(-time.Second), nextDue(t, s, endpoint))

		forward(5 * time.Second)
		all, err = s.DueDeliveries(t.Context(), DueQuery{EndpointID: endpoint, Now: s.now(), Limit: 10})
		require.NoError(t, err)
		require.Len(t, all, 2)
		require.Equal(t, []string{third, first}, []string{all[0].MessageID, all[1].MessageID}, "the longest due comes first")
		require.Equal(t, []int{1, 1}, []int{all[0].Attempts, all[1].Attempts})
		limited, err := s.DueDeliveries(t.Context(), DueQuery{EndpointID: endpoint, Now: s.now(), Limit: 1})
		require.NoError(t, err)
		require.Equal(t, all[:1], limited)
		after, err := s.DueDeliveries(t.Context(), DueQuery{EndpointID: endpoint, Now: s.now(), After: limited[0], Limit: 10})
		require.NoError(t, err)
		require.Equal(t, all[1:], after)
		backlog, err := s.EndpointBacklog(t.Context(), endpoint)
		require.NoError(t, err)
		require.Equal(t, EndpointBacklog{Pending: 3, NextAttemptAt: soon.Add(-time.Second),
			FailingSince: soon.Add(-5 * time.Second)}, backlog)
		overdue, err := s.DeliveryLag(t.Context(), s.now())
		require.NoError(t, err)
		require.Equal(t, DeliveryLag{Pending: 6, OldestDueAt: soon.Add(-5 * time.Second)}, overdue)

		require.Equal(t, []string{first, second, third}, dueMessages(t, s, other), "every endpoint has a schedule of its own")
		ids, err := s.EndpointsWithDue(t.Context(), s.now(), 10)
		require.NoError(t, err)
		require.ElementsMatch(t, []string{endpoint, other}, ids)
		ids, err = s.EndpointsWithDue(t.Context(), s.now(), 1)
		require.NoError(t, err)
		require.Len(t, ids, 1)
	})
}

func TestAttemptsMoveTheDelivery(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		delivered, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o"),
			EventType: orderCreated, Sequence: 1})
		exhausted, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o"), Sequence: 2})
		at := s.now()
		next := at.Add(5 * time.Second)
		postponeDelivery(t, s, delivered, endpoint, 1, next)
		forward(5 * time.Second)
		success := AttemptRow{
			MessageID: delivered, Number: 2, At: s.now(), Duration: 120 * time.Millisecond, StatusCode: 204,
			Excerpt: []byte("ok"), Delivered: true,
		}
		require.NoError(t, recordAttempt(s, endpoint, success))
		postponeDelivery(t, s, exhausted, endpoint, 1, time.Time{})
		require.Empty(t, dueMessages(t, s, endpoint))
		ids, err := s.EndpointsWithDue(t.Context(), s.now(), 10)
		require.NoError(t, err)
		require.Empty(t, ids)

		log, err := loadDeliveryLog(t.Context(), s.db.Reader, testids.Of("o"))
		require.NoError(t, err)
		require.Equal(t, []DeliveryLog{
			{
				MessageID: delivered, EventType: orderCreated, Sequence: 1, EndpointID: endpoint, State: DeliveryDelivered,
				CreatedAt: at,
				Attempts: []AttemptLog{
					{ID: attemptID(delivered, endpoint, 1, 1), Round: 1, Number: 1, At: at, StatusCode: 500, Failure: "status",
						NextAt: next},
					{ID: attemptID(delivered, endpoint, 1, 2), Round: 1, Number: 2, At: s.now(), Duration: 120 * time.Millisecond,
						StatusCode: 204},
				},
			},
			{
				MessageID: exhausted, EventType: orderUpdated, Sequence: 2, EndpointID: endpoint, State: DeliveryExhausted,
				CreatedAt: at,
				Attempts: []AttemptLog{{ID: attemptID(exhausted, endpoint, 1, 1), Round: 1, Number: 1, At: s.now(), StatusCode: 500,
					Failure: "status"}},
			},
		}, log)

		require.NoError(t, recordAttempt(s, sqldb.NewID(), AttemptRow{MessageID: delivered, Number: 1}),
			"attempts without a delivery are left out")
	})
}

func TestAMessageWithoutEndpointsIsLogged(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		at := s.now()
		s.now = func() time.Time { return at }
		id, _ := enqueueMessage(t, s, WebhookMessage{TeamID: testids.Of("team"), OrderID: testids.Of("o"), Sequence: 1})
		log, err := loadDeliveryLog(t.Context(), s.db.Reader, testids.Of("o"))
		require.NoError(t, err)
		require.Equal(t, []DeliveryLog{{MessageID: id, EventType: orderUpdated, Sequence: 1, CreatedAt: at}}, log)
	})
}

// The result of a call was lost, so the attempt is recorded again. Nothing changes, even if both calls are concurrent.
func TestRecordingAnAttemptAgainChangesNothing(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		stopClock(s)
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		message, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o")})
		postponeDelivery(t, s, message, endpoint, 1, s.now())
		before, err := loadDeliveryLog(t.Context(), s.db.Reader, testids.Of("o"))
		require.NoError(t, err)
		postponeDelivery(t, s, message, endpoint, 1, s.now().Add(time.Hour))
		after, err := loadDeliveryLog(t.Context(), s.db.Reader, testids.Of("o"))
		require.NoError(t, err)
		require.Equal(t, before, after)

		var g errgroup.Group
		for range 8 {
			g.Go(func() error {
				return recordAttempt(s, endpoint, AttemptRow{MessageID: message, Number: 2, At: s.now(), Delivered: true})
			})
		}
		require.NoError(t, g.Wait())
		after, err = loadDeliveryLog(t.Context(), s.db.Reader, testids.Of("o"))
		require.NoError(t, err)
		require.Len(t, after[0].Attempts, 2)

		// A failure that is recorded after the success, for example by a batch that was assumed lost, does not change the
		// delivery.
		postponeDelivery(t, s, message, endpoint, 3, s.now())
		require.Empty(t, dueMessages(t, s, endpoint))
	})
}

func TestDisablingAnEndpointCancelsItsDeliveries(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint, other := addEndpoint(t, s, team), addEndpoint(t, s, team)
		message, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o")})
		require.NoError(t, s.SetEndpointDisabled(t.Context(), endpoint, true, "failing"))
		require.Empty(t, dueMessages(t, s, endpoint))
		require.Equal(t, []string{message}, dueMessages(t, s, other))
		e, err := s.Endpoint(t.Context(), endpoint)
		require.NoError(t, err)
		require.True(t, e.Disabled)
		require.Equal(t, "failing", e.DisabledReason)

		// An attempt in progress fails: the delivery stays cancelled. If it had succeeded, the delivery would be delivered.
		postponeDelivery(t, s, message, endpoint, 1, s.now())
		require.Equal(t, DeliveryCancelled, deliveryState(t, s, endpoint))
		require.NoError(t, recordAttempt(s, endpoint, AttemptRow{MessageID: message, Number: 2, At: s.now(),
			Delivered: true}))
		require.Equal(t, DeliveryDelivered, deliveryState(t, s, endpoint))

		postponeDelivery(t, s, message, endpoint, 3, s.now())
		require.NoError(t, s.SetEndpointDisabled(t.Context(), endpoint, false, ""))
		e, err = s.Endpoint(t.Context(), endpoint)
		require.NoError(t, err)
		require.False(t, e.Disabled)
		require.Empty(t, e.DisabledReason)
		require.True(t, e.FailingSince.IsZero())
		require.Equal(t, webhooks.EndpointHealth{}, e.Health)
		_, endpoints := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o2")})
		require.ElementsMatch(t, []string{endpoint, other}, endpoints)
		require.ErrorIs(t, s.SetEndpointDisabled(t.Context(), sqldb.NewID(), true, ""), ErrNotFound)
		require.ErrorIs(t, s.SetEndpointDisabled(t.Context(), sqldb.NewID(), false, ""), ErrNotFound)
	})
}

// A recording that read the endpoint before it was disabled can still insert a delivery.
func TestADisabledEndpointHasNothingDue(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o")})
		later, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o")})
		postponeDelivery(t, s, later, endpoint, 1, s.now().Add(time.Hour))
		check := func(due int, next bool, endpoints []string) {
			t.Helper()
			all, err := s.DueDeliveries(t.Context(), DueQuery{EndpointID: endpoint, Now: s.now(), Limit: 10})
			require.NoError(t, err)
			require.Len(t, all, due)
			require.Equal(t, next, !nextDue(t, s, endpoint).IsZero())
			ids, err := s.EndpointsWithDue(t.Context(), s.now(), 10)
			require.NoError(t, err)
			require.Equal(t, endpoints, ids)
		}
		check(1, true, []string{endpoint})
		_, err := s.db.Writer.ExecContext(t.Context(), `UPDATE endpoints SET disabled = TRUE`)
		require.NoError(t, err)
		check(0, false, nil)
	})
}

// deliveryState returns the state of the delivery of order o's message to an endpoint.
func deliveryState(t *testing.T, s *Store, endpoint string) string {
	t.Helper()
	log, err := loadDeliveryLog(t.Context(), s.db.Reader, testids.Of("o"))
	require.NoError(t, err)
	for _, d := range log {
		if d.EndpointID == endpoint {
			return d.State
		}
	}
	return ""
}
