package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// ordersFoundBy lists the orders that a term finds.
func ordersFoundBy(t *testing.T, s *Store, field, term string) []string {
	t.Helper()
	ids, err := sqldb.QueryAll(t.Context(), s.db.Reader, sqldb.ScanText,
		`SELECT order_id FROM order_search WHERE field = $1 AND hash = $2 ORDER BY order_id`, field,
		s.keys.SearchHash(field, term))
	require.NoError(t, err)
	return ids
}

func TestNormalise(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Ada":                  "ada",
		"  Ada \t King\u00a0 ": "ada king",
		"O'Brien":              "obrien",
		"O\u2019Brien":         "obrien",
		"Anne-Marie":           "anne marie",
		"Anne\u2010Marie":      "anne marie",
		"Lovelace, Jr.":        "lovelace jr",
		"(Ada)":                "ada",
		"Zoe\u0308":            "zoe",
		"Ａｄａ":                  "ada",
		"ﬁona":                 "fiona",
		"José":                 "jose",
		"- . -":                "",
		"":                     "",
		"ÅSA":                  "asa",
	} {
		require.Equal(t, want, normaliseName(name), "%q", name)
	}
}

func TestOrdersAreFoundByKeyedHash(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s,
			func(o *order.Order) { o.Patient.FirstName, o.Patient.LastName = "Ada  Ada", "LOVELACE-King, Jr." })
		anonymous := addOrder(t, s, func(o *order.Order) { o.Patient, o.Registrable = nil, true })
		for term, field := range map[string]string{
			"ada": searchName, "lovelace": searchName, "king": searchName, "lovelaceking": searchName, "jr": searchName,
			"ada ada lovelace king jr": searchFullName, "1990-03-01": searchBirthDate,
		} {
			require.Equal(t, []string{o.ID}, ordersFoundBy(t, s, field, term), term)
		}
		require.Empty(t, ordersFoundBy(t, s, searchName, "ad"))
		require.Empty(t, ordersFoundBy(t, s, searchFullName, "ada"))
		n, err := countRows(t.Context(), s.db.Reader, "order_search",
			sqldb.Where{Terms: []string{"order_id = $1"}, Args: []any{anonymous.ID}})
		require.NoError(t, err)
		require.Zero(t, n)
	})
}
