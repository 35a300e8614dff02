package store

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/internal/testids"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// urgentCall asks for the next start.
func urgentCall(account string, spacing time.Duration) CallStartRequest {
	return CallStartRequest{Account: testids.Of(account), Spacing: spacing, Lane: LaneUrgent}
}

// Several processes share one pair of credentials. The starts of their calls keep the spacing, without gaps.
func TestReserveCallSpacesStartsOverStores(t *testing.T) {
	t.Parallel()
	const (
		callers = 4
		calls   = 10
		spacing = 50 * time.Millisecond
	)
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			url := engineURL(t, engine)
			stores := []*Store{openStore(t, url), openStore(t, url)}
			require.NoError(t, stores[0].Migrate(t.Context()))

			began := time.Now()
			starts := make([]time.Time, callers*calls)
			var g errgroup.Group
			for c := range callers {
				g.Go(func() error {
					for i := range calls {
						turn, _, err := stores[c%2].ReserveCallStart(t.Context(), urgentCall("pair", spacing))
						if err != nil {
							return err
						}
						starts[c*calls+i] = turn.Start
					}
					return nil
				})
			}
			require.NoError(t, g.Wait())
			took := time.Since(began)

			slices.SortFunc(starts, time.Time.Compare)
			require.False(t, starts[0].Before(began.Truncate(time.Millisecond)), "the first start is not in the past")
			for i := 1; i < len(starts); i++ {
				require.GreaterOrEqual(t, starts[i].Sub(starts[i-1]), spacing, "start %d", i)
			}
			// The span can be longer than the spacing requires only by the time that passed between the calls.
			span := starts[len(starts)-1].Sub(starts[0])
			require.LessOrEqual(t, span, time.Duration(len(starts)-1)*spacing+took)
		})
	}
}

func TestReserveCallReservesPerPair(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		const spacing = time.Hour
		first, _, err := s.ReserveCallStart(t.Context(), urgentCall("one", spacing))
		require.NoError(t, err)
		second, _, err := s.ReserveCallStart(t.Context(), urgentCall("one", spacing))
		require.NoError(t, err)
		require.Equal(t, spacing, second.Start.Sub(first.Start))
		other, _, err := s.ReserveCallStart(t.Context(), urgentCall("two", spacing))
		require.NoError(t, err)
		require.Less(t, other.Start.Sub(first.Start), time.Minute, "another pair does not wait")
		free, _, err := s.ReserveCallStart(t.Context(), urgentCall("one", 0))
		require.NoError(t, err)
		require.Less(t, free.Start.Sub(first.Start), time.Minute, "no spacing, no waiting")
	})
}

// The clock of the database is used, not that of the process.
func TestReserveCallAsksTheDatabaseForTheTime(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		s.now = func() time.Time { return time.Now().Add(-24 * time.Hour) }
		before := time.Now().Truncate(time.Millisecond)
		turn, _, err := s.ReserveCallStart(t.Context(), urgentCall("pair", time.Millisecond))
		require.NoError(t, err)
		require.False(t, turn.Start.Before(before))
		require.False(t, turn.Start.After(time.Now()))

		// A row with a time in the past gives now.
		_, err = s.db.Writer.ExecContext(t.Context(), `UPDATE call_pacing SET next_start = 1000`)
		require.NoError(t, err)
		again, _, err := s.ReserveCallStart(t.Context(), urgentCall("pair", time.Millisecond))
		require.NoError(t, err)
		require.False(t, again.Start.Before(before))
	})
}

func TestTheNewestCallOutcomeOfAKind(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		c, err := s.CreateOrder(t.Context(), newOrder(s, addTeam(t, s).ID))
		require.NoError(t, err)
		o := c.Order
		for _, c := range []struct{ kind, outcome string }{
			{"book", "unanswered"}, {"book", "refused:not_cancellable"}, {"cancel_appointment", "done"}, {"book", ""},
		} {
			id := sqldb.NewID()
			_, err := s.RecordPartnerCallStart(t.Context(), PartnerCall{ID: id, OrderID: o.ID, Kind: c.kind})
			require.NoError(t, err)
			if c.outcome != "" {
				require.NoError(t, s.RecordPartnerCallEnd(t.Context(), id, c.outcome, nil))
			}
		}
		for kind, want := range map[string]string{"book": "refused:not_cancellable", "cancel_appointment": "done",
			"reschedule": ""} {
			got, err := s.NewestCallOutcome(t.Context(), o.ID, kind)
			require.NoError(t, err)
			require.Equal(t, want, got, kind)
		}
	})
}
