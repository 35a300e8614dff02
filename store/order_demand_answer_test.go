package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func TestOrdersWithUnansweredDemandsAreListed(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		ask := func(orderID string) string {
			d := DemandRow{ID: sqldb.NewID(), OrderID: orderID, Kind: order.DemandCancel, By: lifecycle.Client}
			require.NoError(t, s.AddDemand(t.Context(), d))
			return d.ID
		}
		later := time.Now().Add(24 * time.Hour)
		without := func(before time.Time, limit int) []string {
			ids, err := s.OrdersWithUnansweredDemands(t.Context(), before, limit)
			require.NoError(t, err)
			return ids
		}
		first, second, answered := addOrder(t, s).ID, addOrder(t, s).ID, addOrder(t, s).ID
		for _, id := range []string{first, first, second} {
			ask(id)
		}
		id := ask(answered)
		require.NoError(t, s.RecordDemandAnswer(t.Context(), id))
		require.NoError(t, s.RecordDemandAnswer(t.Context(), id), "again")

		require.Equal(t, []string{first, second}, without(later, 10))
		require.Equal(t, []string{first}, without(later, 1))
		require.Empty(t, without(time.Now().Add(-time.Hour*24*365*30), 10))
		require.NoError(t, s.RecordDemandAnswersBefore(t.Context(), first, later))
		require.Equal(t, []string{second}, without(later, 10))
	})
}
