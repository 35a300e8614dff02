package store

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/internal/testids"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// leaseOf is a lease of an endpoint that an owner wants.
func leaseOf(endpoint, owner string) DeliveryLease {
	return DeliveryLease{EndpointID: endpoint, Owner: testids.Of(owner), Duration: time.Minute}
}

// mustTake takes a lease that is free, has expired, or is the owner's.
func mustTake(t *testing.T, s *Store, lease DeliveryLease) DeliveryLease {
	t.Helper()
	taken, wait, err := s.TakeDeliveryLease(t.Context(), lease)
	require.NoError(t, err)
	require.Zero(t, wait)
	require.Positive(t, taken.Fence)
	return taken
}

// requireHeld requires that another batch holds the lease, and returns how long it still has it.
func requireHeld(t *testing.T, s *Store, lease DeliveryLease) time.Duration {
	t.Helper()
	taken, wait, err := s.TakeDeliveryLease(t.Context(), lease)
	require.NoError(t, err)
	require.Zero(t, taken.Fence)
	require.Positive(t, wait)
	return wait
}

// expireLease lets the lease of an endpoint expire.
func expireLease(t *testing.T, s *Store, endpoint string) {
	t.Helper()
	_, err := s.db.Writer.ExecContext(t.Context(), `UPDATE delivery_leases SET expires_at = 1 WHERE endpoint_id = $1`,
		endpoint)
	require.NoError(t, err)
}

func TestOneBatchHoldsTheLease(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint, other := addEndpoint(t, s, team), addEndpoint(t, s, team)
		first := mustTake(t, s, leaseOf(endpoint, "first"))
		require.Equal(t, int64(1), first.Fence)
		wait := requireHeld(t, s, leaseOf(endpoint, "second"))
		require.LessOrEqual(t, wait, time.Minute)
		require.Greater(t, wait, 30*time.Second)
		mustTake(t, s, leaseOf(other, "second")) // every endpoint has a lease of its own

		// The owner may take its lease again, because the answer to a call may be lost.
		again := mustTake(t, s, leaseOf(endpoint, "first"))
		require.Equal(t, int64(2), again.Fence)
		require.NoError(t, s.RenewDeliveryLease(t.Context(), again))

		require.NoError(t, s.ReleaseDeliveryLease(t.Context(), again))
		second := mustTake(t, s, leaseOf(endpoint, "second"))
		require.Equal(t, int64(3), second.Fence)
		require.NoError(t, s.ReleaseDeliveryLease(t.Context(), again)) // too late, and changes nothing
		requireHeld(t, s, leaseOf(endpoint, "third"))
	})
}

func TestALeaseExpiresAndIsLostOnlyWhenItIsTaken(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		endpoint := addEndpoint(t, s, addTeam(t, s).ID)
		brief := leaseOf(endpoint, "first")
		brief.Duration = time.Millisecond
		first := mustTake(t, s, brief)
		var second DeliveryLease
		require.Eventually(t, func() bool { // the database's clock goes on by itself
			var err error
			second, _, err = s.TakeDeliveryLease(t.Context(), leaseOf(endpoint, "second"))
			require.NoError(t, err)
			return second.Fence > 0
		}, 10*time.Second, time.Millisecond)
		require.Equal(t, first.Fence+1, second.Fence)
		require.ErrorIs(t, s.RenewDeliveryLease(t.Context(), first), ErrLeaseLost)

		expireLease(t, s, endpoint)
		require.NoError(t, s.RenewDeliveryLease(t.Context(), second), "nobody has taken it since")
		requireHeld(t, s, leaseOf(endpoint, "third"))
	})
}

// TestConcurrentBatchesTakeALeaseInTurn has batches of several processes take, renew and release one lease. At no time
// do two hold it, and no fence is given twice.
func TestConcurrentBatchesTakeALeaseInTurn(t *testing.T) {
	t.Parallel()
	forEachEngineShared(t, func(t *testing.T, open func() *Store) {
		endpoint := addEndpoint(t, open(), addTeam(t, open()).ID)
		const batches, turns = 4, 5
		var mu sync.Mutex
		var holders, most int
		fences := map[int64]bool{}
		note := func(change int, fence int64) {
			mu.Lock()
			defer mu.Unlock()
			holders += change
			most = max(most, holders)
			fences[fence] = true
		}
		var g errgroup.Group
		for range batches {
			s := open()
			g.Go(func() error {
				for turn := 0; turn < turns; {
					lease, _, err := s.TakeDeliveryLease(context.Background(), leaseOf(endpoint, sqldb.NewID()))
					if err != nil {
						return err
					}
					if lease.Fence == 0 {
						continue
					}
					turn++
					note(1, lease.Fence)
					err = s.RenewDeliveryLease(context.Background(), lease)
					note(-1, lease.Fence)
					if err != nil {
						return err
					}
					if err := s.ReleaseDeliveryLease(context.Background(), lease); err != nil {
						return err
					}
				}
				return nil
			})
		}
		require.NoError(t, g.Wait())
		require.Equal(t, 1, most)
		require.Len(t, fences, batches*turns)
	})
}

// TestOneOfManyTakesAnExpiredLease: batches that wait for the same expired lease do not both get it.
func TestOneOfManyTakesAnExpiredLease(t *testing.T) {
	t.Parallel()
	forEachEngineShared(t, func(t *testing.T, open func() *Store) {
		s := open()
		endpoint := addEndpoint(t, s, addTeam(t, s).ID)
		lost := mustTake(t, s, leaseOf(endpoint, "lost"))
		for round := range 5 {
			expireLease(t, s, endpoint)
			var g errgroup.Group
			taken := make(chan DeliveryLease, 4)
			for range cap(taken) {
				at := open()
				g.Go(func() error {
					lease, _, err := at.TakeDeliveryLease(context.Background(), leaseOf(endpoint, sqldb.NewID()))
					if lease.Fence > 0 {
						taken <- lease
					}
					return err
				})
			}
			require.NoError(t, g.Wait())
			require.Len(t, taken, 1)
			require.Equal(t, int64(round)+2, (<-taken).Fence)
		}
		require.ErrorIs(t, s.RenewDeliveryLease(t.Context(), lost), ErrLeaseLost)
	})
}

// TestAttemptsOfALostLease: an attempt that was made is recorded, unless the batch that has the lease now has made the
// same one. Then it is dropped and counted, and the delivery stays as it is.
func TestAttemptsOfALostLease(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		unmoved, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o")})
		moved, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o2")})
		old := mustTake(t, s, leaseOf(endpoint, "old"))
		success := func(message string) AttemptRow {
			return AttemptRow{MessageID: message, Round: 1, Number: 1, At: s.now(), StatusCode: 204, Delivered: true}
		}
		late := []AttemptRow{success(unmoved), success(moved)}
		expireLease(t, s, endpoint)
		forward(time.Second)
		now := mustTake(t, s, leaseOf(endpoint, "new"))
		record := func(lease DeliveryLease, rows ...AttemptRow) AttemptsResult {
			t.Helper()
			out, err := s.RecordAttemptsUnderLease(t.Context(), lease, rows)
			require.NoError(t, err)
			return out
		}
		failure := AttemptRow{MessageID: moved, Round: 1, Number: 1, At: s.now(), StatusCode: 500, Failure: "status",
			NextAt: s.now().Add(time.Hour)}
		require.Equal(t, AttemptsResult{}, record(now, failure))
		require.Equal(t, AttemptsResult{}, record(now, failure), "recorded again, and not dropped")

		require.Equal(t, AttemptsResult{DroppedAttempts: 1, LeaseLost: true}, record(old, late...))
		require.Equal(t, AttemptsResult{DroppedAttempts: 1, LeaseLost: true}, record(old, late...))
		require.Equal(t, DeliveryDelivered, deliveryState(t, s, endpoint))
		log, err := loadDeliveryLog(t.Context(), s.db.Reader, testids.Of("o"))
		require.NoError(t, err)
		require.Len(t, log[0].Attempts, 1)
		log, err = loadDeliveryLog(t.Context(), s.db.Reader, testids.Of("o2"))
		require.NoError(t, err)
		require.Equal(t, DeliveryPending, log[0].State)
		require.Len(t, log[0].Attempts, 1)
		require.Equal(t, 500, log[0].Attempts[0].StatusCode)
		requireHeld(t, s, leaseOf(endpoint, "third"))
	})
}

// TestRecordingRenewsTheLease, also when some attempts belong to no delivery.
func TestRecordingRenewsTheLease(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		message, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o")})
		lease := mustTake(t, s, leaseOf(endpoint, "batch"))
		for _, rows := range [][]AttemptRow{
			{{MessageID: message, Round: 1, Number: 1, At: s.now(), Failure: "timeout", NextAt: s.now()}},
			{{MessageID: message, Round: 1, Number: 2, At: s.now(), Failure: "timeout", NextAt: s.now()},
				{MessageID: sqldb.NewID(), Round: 1, Number: 1, At: s.now(), Delivered: true}},
		} {
			expireLease(t, s, endpoint)
			out, err := s.RecordAttemptsUnderLease(t.Context(), lease, rows)
			require.NoError(t, err)
			require.False(t, out.LeaseLost)
			require.Greater(t, requireHeld(t, s, leaseOf(endpoint, "other")), 30*time.Second)
		}
	})
}

// TestALeaseDoesNotHinderChangesOfItsEndpoint: an endpoint is changed, disabled and removed while a batch has its
// lease.
func TestALeaseDoesNotHinderChangesOfItsEndpoint(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		endpoint := addEndpoint(t, s, addTeam(t, s).ID)
		lease := mustTake(t, s, leaseOf(endpoint, "batch"))
		require.NoError(t, s.RotateSecret(t.Context(), endpoint, "whsec_bmV3"))
		require.NoError(t, s.SetEndpointDisabled(t.Context(), endpoint, true, "by hand"))
		require.NoError(t, s.RenewDeliveryLease(t.Context(), lease))
		require.NoError(t, s.DeleteEndpoint(t.Context(), endpoint))
		require.NoError(t, s.RenewDeliveryLease(t.Context(), lease))
		require.NoError(t, s.ReleaseDeliveryLease(t.Context(), lease))
	})
}
