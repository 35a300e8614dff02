package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// Orders are counted up to a limit, and fewer are sorted by name, because names have to be decrypted. The test uses
// PostgreSQL only: with the race detector, SQLite in the same process would need ten minutes.
func TestOrderListLimits(t *testing.T) {
	t.Parallel()
	s := openStore(t, engineURL(t, sqldb.Postgres))
	require.NoError(t, s.Migrate(t.Context()))
	team, user := addTeam(t, s).ID, sqldb.NewID()
	orders := make([]order.Order, orderCountLimit+1)
	for i := range orders {
		orders[i] = newOrder(s, team, func(o *order.Order) {
			o.CreatedAt = o.CreatedAt.Add(time.Duration(i) * time.Second)
			o.UpdatedAt, o.UserID = o.CreatedAt, user
			if i < MaxOrdersSortedByPatient {
				o.UserID = team
			}
		}).Order
	}
	require.NoError(t, s.BulkInsertOrders(t.Context(), orders))

	got, total, err := s.Orders(t.Context(), OrderQuery{TeamID: team})
	require.NoError(t, err)
	require.Nil(t, total)
	require.Equal(t, orders[orderCountLimit].ID, got[0].ID)
	_, total, err = s.Orders(t.Context(), OrderQuery{TeamID: team, CreatedSince: orders[1].CreatedAt})
	require.NoError(t, err)
	require.Equal(t, new(orderCountLimit), total)
	got, total, err = s.Orders(t.Context(), OrderQuery{TeamID: team, Page: 101, Size: 100})
	require.NoError(t, err)
	require.Len(t, got, 1, "the last page of all")
	require.Nil(t, total)

	_, _, err = s.Orders(t.Context(), OrderQuery{TeamID: team, UserID: user, ByPatient: true})
	require.ErrorIs(t, err, ErrTooManyToSort)
	got, total, err = s.Orders(t.Context(), OrderQuery{TeamID: team, UserID: team, ByPatient: true, Page: 50, Size: 100})
	require.NoError(t, err)
	require.Len(t, got, 100)
	require.Equal(t, new(MaxOrdersSortedByPatient), total)
	require.ErrorIs(t, s.BulkInsertOrders(t.Context(), orders[:1]), ErrConflict)
}
