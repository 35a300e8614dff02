package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// A process of a build before the migration writes terms that lists do not use.
func TestTermsOfOlderProcessesAreCompleted(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		old, fresh := addOrderOf(t, s, team), addOrderOf(t, s, team)
		_, err := s.db.Writer.ExecContext(t.Context(), `DELETE FROM order_search WHERE order_id = $1 AND field = $2`, old.ID,
			searchNamePair)
		require.NoError(t, err)
		_, err = s.db.Writer.ExecContext(t.Context(),
			`UPDATE order_search SET team_id = '', created_at = 0 WHERE order_id = $1`,
			old.ID)
		require.NoError(t, err)
		found := func(by OrderQuery) (ids []string) {
			by.TeamID, by.Ascending = team, true
			orders, _, err := s.Orders(t.Context(), by)
			require.NoError(t, err)
			for _, o := range orders {
				ids = append(ids, o.ID)
			}
			return ids
		}
		require.Equal(t, []string{fresh.ID}, found(OrderQuery{PatientName: "ada"}))
		n, err := s.CompleteSearchTerms(t.Context(), 10)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		for _, by := range []OrderQuery{{PatientName: "ada"}, {PatientName: "lovelace ada"}, {Search: "Ada Lovelace"},
			{Search: "1990-03-01"}} {
			require.Equal(t, []string{old.ID, fresh.ID}, found(by), "%+v", by)
		}
		n, err = s.CompleteSearchTerms(t.Context(), 10)
		require.NoError(t, err)
		require.Zero(t, n)
	})
}

// An order that no key opens does not stop the completion.
func TestTermsOfUnreadableOrdersStay(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		spoilt := addOrder(t, s)
		_, err := s.db.Writer.ExecContext(t.Context(), `UPDATE orders SET patient = address WHERE id = $1`, spoilt.ID)
		require.NoError(t, err)
		_, err = s.db.Writer.ExecContext(t.Context(), `UPDATE order_search SET team_id = '', created_at = 0`)
		require.NoError(t, err)
		require.NoError(t, s.Migrate(t.Context()))
		require.Equal(t, []string{spoilt.ID}, ordersFoundBy(t, s, searchName, "ada"))
		n, err := countRows(t.Context(), s.db.Reader, "order_search", sqldb.Where{Terms: []string{"team_id = ''"}})
		require.NoError(t, err)
		require.Zero(t, n)
	})
}

func TestNamesOfManyWordsAreFoundByAnyOfThem(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		o := addOrderOf(t, s, team,
			func(o *order.Order) { o.Patient.FirstName, o.Patient.LastName = "Ada Byron", "King Lovelace" })
		addOrderOf(t, s, team, func(o *order.Order) { o.Patient.FirstName, o.Patient.LastName = "Ada", "King" })
		for text, want := range map[string]int{
			"king byron": 1, "ada": 2, "ada king": 2, "lovelace king byron": 1, "ada byron king lovelace": 1, "ada ada": 2,
			"ada noel king":   0,
			"byron king noel": 0,
		} {
			for _, by := range []OrderQuery{{TeamID: team, PatientName: text}, {TeamID: team, Search: text},
				{TeamID: team, Search: text, ByStatus: true}} {
				orders, total, err := s.Orders(t.Context(), by)
				require.NoError(t, err, text)
				require.Equal(t, new(want), total, text)
				if want == 1 {
					require.Equal(t, o.ID, orders[0].ID)
				}
			}
		}
	})
}
