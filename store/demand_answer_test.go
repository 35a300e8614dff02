package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

func TestDemandsThatNobodyGotAnAnswerTo(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		var ids []string
		for range 3 {
			d := DemandRow{ID: newID(), OrderID: o.ID, Kind: order.DemandCancel, By: lifecycle.Client}
			require.NoError(t, s.AddDemand(t.Context(), d))
			ids = append(ids, d.ID)
		}
		require.NoError(t, s.AnswerDemand(t.Context(), ids[1]))
		require.NoError(t, s.AnswerDemand(t.Context(), ids[1]), "again")
		unanswered := func(before time.Time, limit int) []string {
			found, err := s.UnansweredDemands(t.Context(), before, limit)
			require.NoError(t, err)
			var out []string
			for _, d := range found {
				require.Equal(t, o.ID, d.OrderID)
				out = append(out, d.ID)
			}
			return out
		}
		later := time.Now().Add(24 * time.Hour)
		require.Equal(t, []string{ids[0], ids[2]}, unanswered(later, 10))
		require.Equal(t, ids[:1], unanswered(later, 1))
		require.Empty(t, unanswered(time.Time{}.Add(time.Hour), 10))
	})
}
