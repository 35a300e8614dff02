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

func TestEndpointsAreChanged(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		team := addTeam(t, s).ID
		id := addEndpoint(t, s, team, orderCreated)
		before, err := s.Endpoint(t.Context(), id)
		require.NoError(t, err)
		forward(time.Minute)
		changed, err := s.ChangeEndpoint(t.Context(), id, func(e *Endpoint) {
			e.URL, e.Description, e.RateLimit, e.FilterTypes = "https://new.example", "new", 7, nil
			e.Headers = map[string]string{"X-Token": "t"}
		})
		require.NoError(t, err)
		want := before
		want.URL, want.Description, want.RateLimit, want.FilterTypes = "https://new.example", "new", 7, nil
		want.Headers, want.UpdatedAt = map[string]string{"X-Token": "t"}, s.now()
		require.Equal(t, want, changed)
		read, err := s.Endpoint(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, want, read)
		_, err = s.ChangeEndpoint(t.Context(), sqldb.NewID(), func(*Endpoint) {})
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestConcurrentEndpointChangesAreAllApplied(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		id := addEndpoint(t, s, addTeam(t, s).ID)
		const n = 16
		var g errgroup.Group
		for range n {
			g.Go(func() error {
				_, err := s.ChangeEndpoint(t.Context(), id, func(e *Endpoint) { e.RateLimit++ })
				return err
			})
		}
		require.NoError(t, g.Wait())
		e, err := s.Endpoint(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, n, e.RateLimit)
	})
}

func TestThePreviousSecretSignsDuringTheOverlap(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		id := addEndpoint(t, s, addTeam(t, s).ID)
		check := func(secret, previous string, until time.Time) {
			t.Helper()
			e, err := s.Endpoint(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, []string{secret, previous}, []string{e.Secret, e.PreviousSecret})
			require.Equal(t, until, e.PreviousUntil)
		}
		require.NoError(t, s.RotateSecret(t.Context(), id, "whsec_bmV3"))
		until := s.now().Add(webhooks.SecretOverlap)
		check("whsec_bmV3", "whsec_c2VjcmV0", until)
		forward(time.Hour)
		require.NoError(t, s.RotateSecret(t.Context(), id, "whsec_bmV3"))
		check("whsec_bmV3", "whsec_c2VjcmV0", until)
		require.NoError(t, s.RotateSecret(t.Context(), id, "whsec_bmV3ZXI="))
		check("whsec_bmV3ZXI=", "whsec_bmV3", s.now().Add(webhooks.SecretOverlap))
		require.ErrorIs(t, s.RotateSecret(t.Context(), sqldb.NewID(), "whsec_bmV3"), ErrNotFound)
	})
}

func TestADeletedEndpointLeavesItsLog(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		id, other := addEndpoint(t, s, team), addEndpoint(t, s, team)
		message, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o")})
		require.NoError(t, recordAttempt(s, id, AttemptRow{MessageID: message, Number: 1, At: s.now(), NextAt: s.now()}))
		require.NoError(t, s.DeleteEndpoint(t.Context(), id))

		_, err := s.Endpoint(t.Context(), id)
		require.ErrorIs(t, err, ErrNotFound)
		all, err := s.Endpoints(t.Context(), team)
		require.NoError(t, err)
		require.Len(t, all, 1)
		require.Equal(t, other, all[0].ID)
		require.Equal(t, DeliveryCancelled, deliveryState(t, s, id))
		require.Empty(t, dueMessages(t, s, id))
		_, endpoints := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o2")})
		require.Equal(t, []string{other}, endpoints)
		require.ErrorIs(t, s.DeleteEndpoint(t.Context(), id), ErrNotFound)
		require.ErrorIs(t, s.SetEndpointDisabled(t.Context(), id, false, ""), ErrNotFound)
		var secret, previous, headers []byte
		require.NoError(t, s.db.Reader.QueryRowContext(t.Context(),
			`SELECT secret, previous_secret, headers FROM endpoints WHERE id = $1`, id).
			Scan(&secret, &previous, &headers))
		require.Empty(t, append(append(secret, previous...), headers...), "its secrets are erased")

		// An attempt that was in progress when the endpoint was removed is still recorded.
		require.NoError(t, recordAttempt(s, id, AttemptRow{MessageID: message, Number: 2, At: s.now(), Failure: "status"}))
		require.Equal(t, DeliveryCancelled, deliveryState(t, s, id))
	})
}

func TestEndpointsArePaged(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		var ids []string
		for range 5 {
			ids = append(ids, addEndpoint(t, s, team))
		}
		addEndpoint(t, s, addTeam(t, s).ID)
		var got []string
		for after := ""; ; {
			page, err := s.EndpointsAfter(t.Context(), team, after, 2)
			require.NoError(t, err)
			if len(page) == 0 {
				break
			}
			for _, e := range page {
				got = append(got, e.ID)
			}
			after = page[len(page)-1].ID
		}
		require.Equal(t, ids, got)
	})
}
