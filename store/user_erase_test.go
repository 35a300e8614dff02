package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// sealedOf counts the sealed values of an order, by table.
func sealedOf(t *testing.T, s *Store, orderID string) map[string]int {
	t.Helper()
	left := map[string]int{}
	for _, table := range sealedTables {
		if table.orderCondition == "" {
			continue
		}
		for _, column := range table.sealedColumns() {
			n, err := sqldb.QueryOne(t.Context(), s.db.Reader, sqldb.ScanInt,
				fmt.Sprintf(`SELECT count(*) FROM %s WHERE length(%s) > 0 AND %s`, table.name, column, table.orderCondition),
				orderID)
			require.NoError(t, err)
			if n > 0 {
				left[table.name] += n
			}
		}
	}
	return left
}

// setOrdersFinished marks orders as finished, and setOrdersUnfinished as unfinished.
func setOrdersFinished(t *testing.T, s *Store, ids ...string)   { setUnfinished(t, s, false, ids) }
func setOrdersUnfinished(t *testing.T, s *Store, ids ...string) { setUnfinished(t, s, true, ids) }

func setUnfinished(t *testing.T, s *Store, unfinished bool, ids []string) {
	t.Helper()
	for _, id := range ids {
		execUnchecked(t, s, `UPDATE order_progress SET unfinished = $1 WHERE order_id = $2`, unfinished, id)
		if !unfinished {
			setNextDeadline(t, s, id, time.Time{})
		}
	}
}

func eraseDue(t *testing.T, s *Store) (users, orders int) {
	t.Helper()
	users, err := s.EraseUsers(t.Context(), 10)
	require.NoError(t, err)
	orders, err = s.EraseOrders(t.Context(), 10)
	require.NoError(t, err)
	return users, orders
}

// setOwner makes a user the user of all orders of the store.
func setOwner(t *testing.T, s *Store, userID string) (ids []string) {
	t.Helper()
	execUnchecked(t, s, `UPDATE orders SET user_id = $1`, userID)
	execUnchecked(t, s, `UPDATE order_progress SET user_id = $1`, userID)
	ids, err := sqldb.QueryAll(t.Context(), s.db.Reader, sqldb.ScanText, `SELECT id FROM orders ORDER BY id`)
	require.NoError(t, err)
	return ids
}

func TestADeletedUsersDataIsErased(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		forward := stopClock(s)
		main := fillEverySealedColumn(t, s)
		_, err := s.db.Writer.ExecContext(ctx, `UPDATE idempotency SET order_id = $1`, main.ID)
		require.NoError(t, err)
		user, err := sqldb.QueryOne(ctx, s.db.Reader, s.scanUser, `SELECT `+userColumns+` FROM users LIMIT 1`)
		require.NoError(t, err)
		ids := setOwner(t, s, user.ID)
		require.Len(t, ids, 3)
		setOrdersUnfinished(t, s, ids...)
		var before []string
		for _, id := range ids {
			for table := range sealedOf(t, s, id) {
				before = append(before, table)
			}
		}
		for _, table := range sealedTables {
			require.Equal(t, table.orderCondition != "", slices.Contains(before, table.name), "%s has nothing to be erased",
				table.name)
		}
		kept := func() (rows []string) {
			for _, table := range []string{"events", "decisions", "audit", "order_attention", "appointment_events"} {
				n, err := countRows(ctx, s.db.Reader, table, sqldb.Where{})
				require.NoError(t, err)
				rows = append(rows, fmt.Sprintf("%s %d", table, n))
			}
			return rows
		}
		records := kept()

		require.NoError(t, s.DeleteUser(ctx, user.TeamID, user.ID))
		users, orders := eraseDue(t, s)
		require.Equal(t, []int{0, 0}, []int{users, orders}, "not before the grace is over")
		forward(undeleteGrace - time.Second)
		users, orders = eraseDue(t, s)
		require.Equal(t, []int{0, 0}, []int{users, orders})
		forward(time.Second)
		users, orders = eraseDue(t, s)
		require.Equal(t, []int{1, 0}, []int{users, orders}, "unfinished orders stay")
		require.NotEmpty(t, sealedOf(t, s, main.ID), "control: the count finds sealed values")

		setOrdersFinished(t, s, ids...)
		_, orders = eraseDue(t, s)
		require.Equal(t, 3, orders)
		for _, id := range ids {
			require.Empty(t, sealedOf(t, s, id))
		}
		for table, of := range map[string]string{
			"order_search": "1 = 1", "review_search": "1 = 1", "results": "1 = 1", "reviews": "1 = 1",
			"messages": "order_id IS NOT NULL",
		} {
			n, err := countRows(ctx, s.db.Reader, table, sqldb.Where{Terms: []string{of}})
			require.NoError(t, err)
			require.Zero(t, n, table)
		}
		require.Equal(t, records, kept(), "events and decisions stay")
		o := getOrder(t, s, main.ID)
		require.Nil(t, o.Patient)
		require.Nil(t, o.Results)
		require.Empty(t, o.ClientUserID)
		require.NotEmpty(t, o.Events)
		_, err = s.Story(ctx, main.ID)
		require.NoError(t, err, "the story does not need the patient")
		users, orders = eraseDue(t, s)
		require.Equal(t, []int{0, 0}, []int{users, orders}, "once")
	})
}

// Data that a lab sends about an erased order is stored for an hour and then erased too.
func TestLateDataOfAnErasedOrderIsErased(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		team := addTeam(t, s).ID
		u := User{ID: sqldb.NewID(), TeamID: team, ClientUserID: "u"}
		require.NoError(t, s.CreateUser(t.Context(), u))
		o := addOrderOf(t, s, team)
		setOwner(t, s, u.ID)
		setOrdersFinished(t, s, o.ID)
		require.NoError(t, s.DeleteUser(t.Context(), team, u.ID))
		forward(undeleteGrace)
		_, orders := eraseDue(t, s)
		require.Equal(t, 1, orders)

		_, err := s.StoreInboxItem(t.Context(), labReport(o.Number, order.Fact{Kind: order.FactReportReady}))
		require.NoError(t, err)
		require.NotEmpty(t, sealedOf(t, s, o.ID))
		_, orders = eraseDue(t, s)
		require.Zero(t, orders)
		forward(lateDataRetention)
		_, orders = eraseDue(t, s)
		require.Equal(t, 1, orders)
		require.Empty(t, sealedOf(t, s, o.ID))

		// An order that was created after the user was erased, such as a replacement, is erased too.
		late := addOrderOf(t, s, team)
		setOwner(t, s, u.ID)
		_, err = s.StoreInboxItem(t.Context(), labReport(o.Number, order.Fact{Kind: order.FactKitReceived}))
		require.NoError(t, err)
		setOrdersFinished(t, s, late.ID)
		forward(lateDataRetention)
		eraseDue(t, s)
		eraseDue(t, s)
		require.Empty(t, sealedOf(t, s, late.ID))
	})
}

func TestADeletedUserCanBeRestored(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		forward := stopClock(s)
		team := addTeam(t, s).ID
		u := User{ID: sqldb.NewID(), TeamID: team, ClientUserID: "u", FallbackBirthDate: new("1990-01-01")}
		require.NoError(t, s.CreateUser(ctx, u))
		undo := func(id, clientID string) error { _, err := s.UndeleteUser(ctx, team, id, clientID); return err }
		require.ErrorIs(t, undo(u.ID, ""), ErrNotFound, "not deleted")
		require.ErrorIs(t, s.DeleteUser(ctx, sqldb.NewID(), u.ID), ErrNotFound, "another team's")
		require.NoError(t, s.DeleteUser(ctx, team, u.ID))
		require.ErrorIs(t, s.DeleteUser(ctx, team, u.ID), ErrNotFound, "again")
		_, err := s.User(ctx, team, u.ID)
		require.ErrorIs(t, err, ErrNotFound)
		_, err = s.UserByClientUserID(ctx, team, "u")
		require.ErrorIs(t, err, ErrNotFound)

		other := User{ID: sqldb.NewID(), TeamID: team, ClientUserID: "u"}
		require.NoError(t, s.CreateUser(ctx, other), "the client's id is free")
		require.ErrorIs(t, undo("", "u"), ErrConflict)
		require.ErrorIs(t, undo(u.ID, ""), ErrConflict)
		_, err = s.UndeleteUser(ctx, sqldb.NewID(), u.ID, "")
		require.ErrorIs(t, err, ErrNotFound, "another team's")
		require.NoError(t, s.DeleteUser(ctx, team, other.ID))
		require.NoError(t, undo(u.ID, ""))
		back, err := s.UserByClientUserID(ctx, team, "u")
		require.NoError(t, err)
		require.Equal(t, u.ID, back.ID)
		require.Equal(t, u.FallbackBirthDate, back.FallbackBirthDate)

		forward(undeleteGrace)
		require.ErrorIs(t, undo(other.ID, ""), ErrNotFound, "the grace is over")
		users, _ := eraseDue(t, s)
		require.Equal(t, 1, users)
		require.NoError(t, s.DeleteUser(ctx, team, u.ID))
		require.NoError(t, undo("", "u"))
	})
}
