package store

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// maxNameTerms is the most search terms that one name has: its words and their pairs.
const maxNameTerms = maxNameWords + maxNameWords*(maxNameWords-1)/2

// maxNameWords is the bound of order.NameRuns.
const maxNameWords = 20

// manyWords returns a text of n different words.
func manyWords(prefix string, n int) string {
	words := make([]string, n)
	for i := range words {
		words[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	return strings.Join(words, " ")
}

func countTerms(t *testing.T, s *Store, table, subject, id string) int {
	t.Helper()
	n, err := countRows(t.Context(), s.db.Reader, table, sqldb.Where{Terms: []string{subject + " = $1"}, Args: []any{id}})
	require.NoError(t, err)
	return n
}

func TestNamesOfThousandsOfWordsHaveFewTerms(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		long := manyWords("w", 20_000)
		kit := addOrderOf(t, s, team, func(o *order.Order) {
			o.Patient, o.Registrable = nil, true
			o.Shipping = &order.ShippingAddress{ReceiverName: long}
		})
		patient := addOrderOf(t, s, team, func(o *order.Order) { o.Patient.FirstName, o.Patient.LastName = long, "Roe" })
		require.LessOrEqual(t, countTerms(t, s, "order_search", "order_id", kit.ID), maxNameTerms)
		require.LessOrEqual(t, countTerms(t, s, "order_search", "order_id", patient.ID), maxNameTerms+2)
		require.Greater(t, countTerms(t, s, "order_search", "order_id", kit.ID), 20, "the name is found")

		for text, want := range map[string]int{"w3": 2, "w3 w19": 2, "w19 w3 w4": 2, long: 2, "w3 nobody": 0} {
			_, total, err := s.Orders(t.Context(), OrderQuery{TeamID: team, Search: text})
			require.NoError(t, err)
			require.Equal(t, new(want), total, "%.40q", text)
		}
		stored, err := s.Order(t.Context(), team, kit.ID)
		require.NoError(t, err)
		require.Equal(t, long, stored.Shipping.ReceiverName, "the name is kept whole")
	})
}

func TestReviewsOfLongNamesHaveFewTerms(t *testing.T) {
	t.Parallel()
	terms := testedPatientTerms(&order.TestedPatient{FirstName: manyWords("w", 20_000), LastName: "Roe",
		DOB: "1990-03-01"})
	require.Len(t, terms, 20+2)
}

// Orders of older releases have a pair for any two words. Rotation leaves as many as there are now.
func TestRotationDropsPairsOfOlderReleases(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, old *Store) {
		kit := addOrder(t, old, func(o *order.Order) {
			o.Patient, o.Registrable = nil, true
			o.Shipping = &order.ShippingAddress{ReceiverName: manyWords("w", 60)}
		})
		few := countTerms(t, old, "order_search", "order_id", kit.ID)
		for i := range 500 {
			execUnchecked(t, old, `INSERT INTO order_search (order_id, field, hash, team_id, created_at)
				SELECT id, $2, $3, team_id, created_at FROM orders WHERE id = $1`, kit.ID, searchRecipientPair,
				old.keys.SearchHash(searchRecipientPair, fmt.Sprintf("w%d x", i)))
		}
		require.Equal(t, few+500, countTerms(t, old, "order_search", "order_id", kit.ID))
		both := reopenWithKeys(t, old, newKeyring(t, newKeyText, oldKey))
		done, err := both.RotateEncryptionKeys(t.Context(), ignoreProgress)
		require.NoError(t, err)
		for _, r := range done {
			require.Zero(t, r.Unreadable, "%s of %s", r.Column, r.Table)
		}
		require.Equal(t, few, countTerms(t, both, "order_search", "order_id", kit.ID))
		uses, err := both.EncryptionKeyUses(t.Context())
		require.NoError(t, err)
		require.True(t, uses[1].Unused(), "the old key can be removed: %+v", uses[1])
	})
}
