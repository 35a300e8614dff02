package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/internal/testids"
	"github.com/aliquot-labs/aliquot/store/sqldb"
	"github.com/aliquot-labs/aliquot/webhooks"
)

func TestEndpointsAreReadAsCreated(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team, other := addTeam(t, s).ID, addTeam(t, s).ID
		at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
		full := Endpoint{
			ID: sqldb.NewID(), TeamID: team, URL: "https://client.example/hook", Description: "main", Secret: "whsec_bmV3",
			PreviousSecret: "whsec_b2xk",
			PreviousUntil:  at.Add(24 * time.Hour), FilterTypes: []string{orderCreated},
			Headers: map[string]string{"X-Token": "t"}, RateLimit: 20,
			CreatedAt: at, UpdatedAt: at,
		}
		bare := Endpoint{ID: sqldb.NewID(), TeamID: other, URL: "http://localhost:1", Secret: "whsec_eA==",
			CreatedAt: at.Add(time.Second), UpdatedAt: at.Add(time.Second)}
		for _, want := range []Endpoint{full, bare} {
			require.NoError(t, s.CreateEndpoint(t.Context(), want))
			got, err := s.Endpoint(t.Context(), want.ID)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
		require.ErrorIs(t, s.CreateEndpoint(t.Context(), full), ErrConflict)
		for teamID, want := range map[string][]Endpoint{team: {full}, other: {bare}, "": {full, bare}} {
			all, err := s.Endpoints(t.Context(), teamID)
			require.NoError(t, err)
			require.Equal(t, want, all)
		}
		_, err := s.Endpoint(t.Context(), sqldb.NewID())
		require.ErrorIs(t, err, ErrNotFound)
	})
}

// recordAttemptsAt enqueues one message for each time and records one attempt of it.
func recordAttemptsAt(t *testing.T, s *Store, team, endpoint string, delivered bool, times ...time.Time) {
	t.Helper()
	for _, at := range times {
		message, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o")})
		require.NoError(t, recordAttempt(s, endpoint, AttemptRow{
			MessageID: message, Number: 1, At: at, Delivered: delivered, NextAt: at.Add(time.Hour),
		}))
	}
}

func TestFailingSinceIsTheFirstFailureAfterASuccess(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint, other := addEndpoint(t, s, team), addEndpoint(t, s, team)
		at := s.now()
		hours := func(n int) time.Time { return at.Add(time.Duration(n) * time.Hour) }
		check := func(since time.Time, health webhooks.EndpointHealth) {
			t.Helper()
			e, err := s.Endpoint(t.Context(), endpoint)
			require.NoError(t, err)
			require.Equal(t, since, e.FailingSince)
			require.Equal(t, health, e.Health)
		}
		check(time.Time{}, webhooks.EndpointHealth{})
		recordAttemptsAt(t, s, team, endpoint, false, hours(0), hours(1))
		check(hours(0), webhooks.EndpointHealth{FirstFailure: hours(0), LastFailure: hours(1)})
		recordAttemptsAt(t, s, team, endpoint, true, hours(2))
		check(time.Time{}, webhooks.EndpointHealth{})
		recordAttemptsAt(t, s, team, endpoint, false, hours(3), hours(16))
		check(hours(3), webhooks.EndpointHealth{FirstFailure: hours(3), LastFailure: hours(16), ClockStarted: hours(16)})
		e, err := s.Endpoint(t.Context(), other)
		require.NoError(t, err)
		require.True(t, e.FailingSince.IsZero(), "another endpoint is not affected")
	})
}

func TestAnEndpointThatFailsForFiveDaysIsDisabled(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint, other := addEndpoint(t, s, team), addEndpoint(t, s, team)
		at := s.now()
		clock := at.Add(12 * time.Hour)
		recordAttemptsAt(t, s, team, endpoint, false, at, clock, clock.Add(5*24*time.Hour-time.Second))
		e, err := s.Endpoint(t.Context(), endpoint)
		require.NoError(t, err)
		require.False(t, e.Disabled)

		recordAttemptsAt(t, s, team, endpoint, false, clock.Add(5*24*time.Hour))
		e, err = s.Endpoint(t.Context(), endpoint)
		require.NoError(t, err)
		require.True(t, e.Disabled)
		require.Equal(t, DisabledReasonFailing, e.DisabledReason)
		log, err := loadDeliveryLog(t.Context(), s.db.Reader, testids.Of("o"))
		require.NoError(t, err)
		for _, d := range log {
			if d.EndpointID == endpoint {
				require.Equal(t, DeliveryCancelled, d.State)
			} else {
				require.Equal(t, DeliveryPending, d.State)
			}
		}
		_, endpoints := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o2")})
		require.Equal(t, []string{other}, endpoints)
	})
}

// The messages of one batch fail together. Each failure counts, and there is no conflict about the endpoint's row.
func TestFailuresRecordedAtOnceAllCount(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		at := s.now()
		const n = 16
		var g errgroup.Group
		for i := range n {
			message, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o")})
			g.Go(func() error {
				return recordAttempt(s, endpoint, AttemptRow{MessageID: message, Number: 1,
					At: at.Add(time.Duration(i) * time.Second)})
			})
		}
		require.NoError(t, g.Wait())
		e, err := s.Endpoint(t.Context(), endpoint)
		require.NoError(t, err)
		require.Equal(t, at.Add((n-1)*time.Second), e.Health.LastFailure)
		log, err := loadDeliveryLog(t.Context(), s.db.Reader, testids.Of("o"))
		require.NoError(t, err)
		require.Len(t, log, n)
		for _, d := range log {
			require.Equal(t, DeliveryExhausted, d.State)
			require.Len(t, d.Attempts, 1)
		}
	})
}
