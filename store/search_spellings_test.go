package store

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
)

// spelledNames are names of patients, texts that find them, and texts that do not.
var spelledNames = []struct {
	first, last string
	found       []string
	missed      []string
}{
	{"Seán", "O'Brien", []string{"sean o’brien", "OBRIEN", "O Brien Sean", "o`brien", "O-Brien"},
		[]string{"O'Bryan", "brienne"}},
	{"Seán", "O’Brien", []string{"Sean O'Brien", "Sean OBrien", "brien"}, nil},
	{"Siobhan", "OBrien", []string{"Siobhan O'Brien", "Siobhan O’Brien"}, nil},
	{"José", "García-López", []string{"jose garcia lopez", "GARCIALOPEZ", "Jose Garcia", "lopez jose",
		"García‐López"}, nil},
	{"Ana", "Garcialopez", []string{"Ana Garcia-Lopez", "ana garcia lopez"}, []string{"ana garcia"}},
	{"Maria", "de la Cruz", []string{"Maria Delacruz", "maria cruz", "De La Cruz"}, []string{"maria cru"}},
	{"Maria", "Delacruz", []string{"Maria de la Cruz"}, nil},
	{"Robert", "Ewing", []string{"Robert J Ewing", "Robert J. Ewing Jr.", "Ewing, Robert", "Mr Robert Ewing III"},
		[]string{"Roberta Ewing"}},
	{"Robert J", "Ewing Jr", []string{"Robert Ewing", "robert j ewing", "ewing jr"}, nil},
	{"Jürgen", "Groß", []string{"Juergen Gross", "Jurgen Gross", "JÜRGEN GROẞ"}, nil},
	{"Juergen", "Weiss", []string{"Jürgen Weiß"}, nil},
	{"Łukasz", "Żółć", []string{"Lukasz Zolc"}, nil},
	{"Søren", "Kjær", []string{"Soren Kjaer", "Soeren Kjaer"}, nil},
	{"Zoe\u0308", "Nguyễn", []string{"zoe nguyen", "Zoë Nguyen"}, nil},
	{"明", "李", []string{"李", "李 明"}, []string{"王"}},
}

func TestSpellingsOfANameFindTheOrder(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		for _, c := range spelledNames {
			o := addOrderOf(t, s, team, func(o *order.Order) { o.Patient.FirstName, o.Patient.LastName = c.first, c.last })
			kit := addOrderOf(t, s, team, func(o *order.Order) {
				o.Patient, o.Registrable = nil, true
				o.Shipping = &order.ShippingAddress{ReceiverName: c.first + " " + c.last}
			})
			for text, want := range foundTexts(c.found, c.missed) {
				requireFound(t, s, OrderQuery{TeamID: team, PatientName: text}, o.ID, want, text)
				requireFound(t, s, OrderQuery{TeamID: team, Search: text}, o.ID, want, text)
				requireFound(t, s, OrderQuery{TeamID: team, Search: text, ByStatus: true}, kit.ID, want, text)
				requireFound(t, s, OrderQuery{TeamID: team, RecipientName: text}, kit.ID, want, text)
			}
		}
	})
}

func foundTexts(found, missed []string) map[string]bool {
	texts := map[string]bool{}
	for _, text := range found {
		texts[text] = true
	}
	for _, text := range missed {
		texts[text] = false
	}
	return texts
}

func requireFound(t *testing.T, s *Store, by OrderQuery, id string, want bool, text string) {
	t.Helper()
	found, _, err := s.Orders(t.Context(), by)
	require.NoError(t, err)
	var ids []string
	for _, o := range found {
		ids = append(ids, o.ID)
	}
	if want {
		require.Contains(t, ids, id, text)
		return
	}
	require.NotContains(t, ids, id, text)
}

// Spellings of one name make the order a candidate of a review. Another name, or another date of birth, does not.
func TestSpellingsOfANameMakeCandidates(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s, func(o *order.Order) { o.Patient.FirstName, o.Patient.LastName = "José", "O’Brien-García" })
		account := o.LabAccountID
		match := func(first, last, born string) (m order.Match) {
			r := reviewedReport{teamID: o.TeamID, accountID: account,
				report: reportOn("1", &order.TestedPatient{FirstName: first, LastName: last, DOB: born})}
			require.NoError(t, s.db.InTx(t.Context(), func(tx *sql.Tx) (err error) {
				m, err = s.matchLabReport(t.Context(), tx, r, []string{"unknown"})
				return err
			}))
			return m
		}
		born := o.Patient.DOB.String()
		for _, name := range [][2]string{{"JOSE", "OBRIEN GARCIA"}, {"Jose", "O'Brien"}, {"J", "O'Brien-Garcia"},
			{"José M", "O’Brien-García Jr"}, {"O BRIEN", "JOSE"}} {
			require.Len(t, match(name[0], name[1], born).Candidates, 1, "%q", name)
		}
		require.Equal(t, order.ConfidenceLow, match("Jose", "O'Brien", born).Candidates[0].Confidence)
		require.Empty(t, match("Jose", "Smith", born).Candidates)
		require.Empty(t, match("Jose", "O'Brien", "1922-12-12").Candidates)
	})
}

// The back-fill gives orders and reviews of earlier releases the spellings of their names.
func TestNamesOfEarlierReleasesAreFilled(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		o := addOrder(t, s, func(o *order.Order) { o.Patient.FirstName, o.Patient.LastName = "Seán", "O’Brien" })
		_, err := s.db.Writer.ExecContext(ctx, `UPDATE order_search SET hash = $1 WHERE field = $2 AND hash = $3`,
			s.keys.SearchHash(searchName, "o’brien"), searchName, s.keys.SearchHash(searchName, "obrien"))
		require.NoError(t, err)
		by := OrderQuery{TeamID: o.TeamID, PatientName: "OBrien"}
		requireFound(t, s, by, o.ID, false, "before the back-fill")
		owner := asOwner(t, s)
		_, err = owner.db.Writer.ExecContext(ctx, `DELETE FROM backfills`)
		require.NoError(t, err)
		require.NoError(t, owner.Backfill(ctx))
		requireFound(t, s, by, o.ID, true, "after the back-fill")
		require.Empty(t, ordersFoundBy(t, s, searchName, "o’brien"))
		left, err := s.UnfinishedBackfills(ctx)
		require.NoError(t, err)
		require.Empty(t, left)
	})
}
