package store

import (
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/internal/testids"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

const (
	lease = time.Minute
	route = "POST /v3/order"
)

func claimKey(t *testing.T, s *Store, key string) IdempotencyClaim {
	t.Helper()
	c, err := s.ClaimIdempotencyKey(t.Context(), testids.Of("team"), route, key, "", lease)
	require.NoError(t, err)
	return c
}

// mustClaim claims a key and requires that this succeeds.
func mustClaim(t *testing.T, s *Store, key string) IdempotencyKey {
	t.Helper()
	c := claimKey(t, s, key)
	require.NotNil(t, c.Claimed)
	require.Nil(t, c.StoredAnswer)
	require.False(t, c.InProgress)
	return *c.Claimed
}

// stopClock stops the store's clock, and returns a function that moves it forward.
func stopClock(s *Store) (forward func(time.Duration)) {
	now := s.now()
	s.now = func() time.Time { return now }
	return func(d time.Duration) { now = now.Add(d) }
}

func TestIdempotentAnswersAreReplayedVerbatim(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		body := []byte("{\"detail\": \"né\x00\"}\n")
		key := mustClaim(t, s, "k")
		require.Equal(t, IdempotencyClaim{InProgress: true}, claimKey(t, s, "k"))
		require.NoError(t, s.StoreIdempotentAnswer(t.Context(), key, 422, body))
		for range 2 {
			require.Equal(t, IdempotencyClaim{StoredAnswer: &StoredAnswer{Status: 422, Body: body}}, claimKey(t, s, "k"))
		}
		require.ErrorIs(t, s.StoreIdempotentAnswer(t.Context(), key, 200, nil), ErrClaimLost, "the first answer stays")
		require.NoError(t, s.ReleaseIdempotencyKey(t.Context(), key))
		require.NotNil(t, claimKey(t, s, "k").StoredAnswer, "an answer is not released")

		// The same key for another team or route is a different key.
		for _, other := range [][2]string{{testids.Of("team"), "POST /elsewhere"}, {testids.Of("team 2"), route}} {
			c, err := s.ClaimIdempotencyKey(t.Context(), other[0], other[1], "k", "", lease)
			require.NoError(t, err)
			require.NotNil(t, c.Claimed)
		}
	})
}

func TestReleasedKeysCanBeClaimedAgain(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		first := mustClaim(t, s, "k")
		require.NoError(t, s.ReleaseIdempotencyKey(t.Context(), first))
		second := mustClaim(t, s, "k")
		require.NotEqual(t, first.ClaimToken, second.ClaimToken)
		require.NoError(t, s.ReleaseIdempotencyKey(t.Context(), first))
		require.True(t, claimKey(t, s, "k").InProgress, "a late release does not change the next claim")
	})
}

func TestExpiredClaimsAreTakenOver(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		late := mustClaim(t, s, "k")
		forward(lease - time.Microsecond)
		require.True(t, claimKey(t, s, "k").InProgress)
		forward(time.Microsecond)
		next := mustClaim(t, s, "k")

		err := s.StoreIdempotentAnswer(t.Context(), late, 200, []byte("late"))
		require.ErrorIs(t, err, ErrClaimLost)
		require.ErrorIs(t, err, ErrStale)
		require.NoError(t, s.StoreIdempotentAnswer(t.Context(), next, 200, []byte("next")))
		require.Equal(t, "next", string(claimKey(t, s, "k").StoredAnswer.Body))
	})
}

// When a claim was taken over, the transaction of the earlier holder is rolled back with its answer.
func TestALostIdempotencyClaimCommitsNothing(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		work := func(key IdempotencyKey, orderID string) error {
			return s.db.InTx(t.Context(), func(tx *sql.Tx) error {
				if _, err := tx.ExecContext(t.Context(), `INSERT INTO call_pacing (pair, next_start) VALUES ($1, 0)`,
					orderID); err != nil {
					return err
				}
				return s.storeAnswerTx(t.Context(), tx, key, orderID, 200, []byte(orderID))
			})
		}
		late := mustClaim(t, s, "k")
		forward(lease)
		next := mustClaim(t, s, "k")
		require.ErrorIs(t, work(late, testids.Of("late order")), ErrClaimLost)
		require.NoError(t, work(next, testids.Of("order")))

		written, err := sqldb.QueryAll(t.Context(), s.db.Reader, sqldb.ScanText, `SELECT pair FROM call_pacing`)
		require.NoError(t, err)
		require.Equal(t, []string{testids.Of("order")}, written)
		require.Equal(t, testids.Of("order"), string(claimKey(t, s, "k").StoredAnswer.Body))

		// An answer that was committed after its lease had expired stays, because nobody had taken the claim over.
		slow := mustClaim(t, s, "slow")
		forward(2 * lease)
		require.NoError(t, work(slow, testids.Of("slow order")))
		require.Equal(t, testids.Of("slow order"), string(claimKey(t, s, "slow").StoredAnswer.Body))
	})
}

// Of concurrent callers in several processes exactly one gets the claim, for a new key and for an expired claim.
func TestOneOfManyClaimsWins(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			url := engineURL(t, engine)
			stores := []*Store{openStore(t, url), openStore(t, url)}
			require.NoError(t, stores[0].Migrate(t.Context()))
			start := time.Now().UTC()
			for _, now := range []time.Time{start, start.Add(lease)} {
				for _, s := range stores {
					s.now = func() time.Time { return now }
				}
				claims := make([]IdempotencyClaim, 16)
				var g errgroup.Group
				for i := range claims {
					g.Go(func() (err error) {
						claims[i], err = stores[i%2].ClaimIdempotencyKey(t.Context(), testids.Of("team"), route, "k", "", lease)
						return err
					})
				}
				require.NoError(t, g.Wait())
				won, busy := 0, 0
				for _, c := range claims {
					if c.Claimed != nil {
						won++
					}
					if c.InProgress {
						busy++
					}
				}
				require.Equal(t, 1, won)
				require.Equal(t, len(claims)-1, busy)
			}
		})
	}
}

func TestOldAnswersArePruned(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		prune := func(want int64) {
			t.Helper()
			n, err := s.PruneIdempotencyKeys(t.Context())
			require.NoError(t, err)
			require.Equal(t, want, n)
		}
		booking := func() IdempotencyClaim {
			c, err := s.ClaimIdempotencyKey(t.Context(), testids.Of("team"), RouteBookPSC, "old", "", lease)
			require.NoError(t, err)
			return c
		}
		require.NoError(t, s.StoreIdempotentAnswer(t.Context(), mustClaim(t, s, "old"), 200, nil))
		require.NoError(t, s.StoreIdempotentAnswer(t.Context(), *booking().Claimed, 200, nil))
		mustClaim(t, s, "abandoned")
		forward(24 * time.Hour)
		prune(0)
		forward(time.Second)
		require.NoError(t, s.StoreIdempotentAnswer(t.Context(), mustClaim(t, s, "young"), 200, nil))
		held, err := s.ClaimIdempotencyKey(t.Context(), testids.Of("team"), route, "executing", "", 365*24*time.Hour)
		require.NoError(t, err)
		require.NotNil(t, held.Claimed)
		prune(2)
		mustClaim(t, s, "old")
		require.NotNil(t, claimKey(t, s, "young").StoredAnswer)
		require.NotNil(t, booking().StoredAnswer, "the answers of bookings are stored longer")

		forward(13 * 24 * time.Hour)
		prune(3)
		require.True(t, claimKey(t, s, "executing").InProgress, "a claim that is held is never pruned")
		require.NotNil(t, booking().Claimed)
	})
}

// The fingerprint of a request is keyed, outlives a rotation only as long as its key, and goes with the answer.
func TestAKeyBelongsToWhatItsRequestIsAbout(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		claim := func(key, about string) IdempotencyClaim {
			c, err := s.ClaimIdempotencyKey(t.Context(), testids.Of("team"), route, key, about, lease)
			require.NoError(t, err)
			return c
		}
		first := claim("k", "ada")
		require.NotNil(t, first.Claimed)
		require.True(t, claim("k", "boris").OtherRequest, "also while the request is executing")
		require.True(t, claim("k", "ada").InProgress)
		require.NoError(t, s.StoreIdempotentAnswer(t.Context(), *first.Claimed, 200, []byte("{}")))
		require.True(t, claim("k", "boris").OtherRequest)
		require.NotNil(t, claim("k", "ada").StoredAnswer)
		require.NotNil(t, claim("k", "").StoredAnswer, "not compared")
		require.NotNil(t, claim("k2", "boris").Claimed)

		stored, err := sqldb.QueryAll(t.Context(), s.db.Reader, sqldb.ScanText, `SELECT fingerprint FROM idempotency`)
		require.NoError(t, err)
		require.Len(t, stored, 2)
		for _, fingerprint := range stored {
			require.NotContains(t, fingerprint, sha256Hex("ada"))
		}
		_, err = s.db.Writer.ExecContext(t.Context(), `UPDATE idempotency SET fingerprint = $1`,
			"00000000 of a key that is gone")
		require.NoError(t, err)
		require.NotNil(t, claim("k", "boris").StoredAnswer)
	})
}
