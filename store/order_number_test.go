package store

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testids"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// addKit adds an order whose kit has that number.
func addKit(t *testing.T, s *Store, teamID, sampleID string) *order.Order {
	t.Helper()
	return addOrderOf(t, s, teamID, func(o *order.Order) { o.SampleID = sampleID })
}

func TestFoldNumber(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"KIT-001": "KIT001", "kit 001": "KIT001", " Kit\u00a0001\t": "KIT001", "KIT\u2013001": "KIT001",
		"\uff2b\uff29\uff34001": "KIT001", "KIT\u200b001": "KIT001", "24/001": "24/001", " - ": "", "": "",
	} {
		require.Equal(t, want, foldNumber(number), "%q", number)
	}
}

// A kit is found as its number is typed: exactly first, and in another spelling only if one number is meant.
func TestKitsAreFoundInOtherSpellings(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team, other := addTeam(t, s).ID, addTeam(t, s).ID
		kit := addKit(t, s, team, "KT-4F7A 22")
		again := addKit(t, s, team, "KT-4F7A 22")
		small := addKit(t, s, team, "ab-1")
		large := addKit(t, s, team, "AB-1")
		theirs := addKit(t, s, other, "kt4f7a22")
		addKit(t, s, team, "")
		for text, want := range map[string]string{
			"KT-4F7A 22": again.ID, "kt-4f7a 22": again.ID, "KT4F7A22": again.ID, " kt 4f7a 22 ": again.ID,
			"kt\u20114f7a\u00a022": again.ID,
			"ab-1":                 small.ID, "AB-1": large.ID,
			"ab1": "", "Ab-1": "", // either is meant
			"": "", " ": "", "-": "", "KT4F7A2": "", "%": "",
		} {
			id, err := s.OrderIDBySample(t.Context(), team, text)
			if want == "" {
				require.ErrorIs(t, err, ErrNotFound, "%q", text)
				continue
			}
			require.NoError(t, err, "%q", text)
			require.Equal(t, want, id, "%q", text)
		}
		require.NotEqual(t, kit.ID, again.ID)
		id, err := s.OrderIDBySample(t.Context(), other, "KT-4F7A-22")
		require.NoError(t, err)
		require.Equal(t, theirs.ID, id)
		_, err = s.OrderIDByExactSample(t.Context(), team, "kt-4f7a 22")
		require.ErrorIs(t, err, ErrNotFound)

		applyRequisitionTaken(t, s, kit.ID, "acc-77")
		number, err := sqldb.QueryOne(t.Context(), s.db.Reader, sqldb.ScanText,
			`SELECT sample_key FROM orders WHERE id = $1`, kit.ID)
		require.NoError(t, err)
		require.Equal(t, foldNumber(getOrder(t, s, kit.ID).SampleID), number, "the key follows the number")
	})
}

// A lab's message in another spelling of an order number is about that order, if it is one of the lab's account.
func TestOrderNumbersAreFoundInOtherSpellings(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		o := addOrderOf(t, s, team)
		imported := addOrderOf(t, s, team, func(i *order.Order) {
			i.Imported, i.Number, i.SampleID, i.LabAccountID = true, "req-9 x", "req-9 x", o.LabAccountID
		})
		for text, want := range map[string]string{
			o.Number: o.Number, strings.ToLower(o.Number): o.Number, o.Number[:4] + " " + o.Number[4:]: o.Number,
			"REQ9X": imported.Number, "req-9 x": imported.Number, "Req 9-X": imported.Number,
			"unknown": "unknown", "": "",
		} {
			number, err := s.StoredOrderNumber(t.Context(), text, []string{o.LabAccountID})
			require.NoError(t, err)
			require.Equal(t, want, number, "%q", text)
		}
		number, err := s.StoredOrderNumber(t.Context(), "REQ9X", []string{testids.Of("another account")})
		require.NoError(t, err)
		require.Equal(t, "REQ9X", number)
	})
}
