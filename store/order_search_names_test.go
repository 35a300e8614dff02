package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
)

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
