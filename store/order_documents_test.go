package store

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func TestAJSONDocumentIsDecodedOnce(t *testing.T) {
	t.Parallel()
	d := newJSONCache[[]int]()
	first, err := d.decode(`[1,2]`)
	require.NoError(t, err)
	require.Equal(t, []int{1, 2}, first)
	again, err := d.decode(`[1,2]`)
	require.NoError(t, err)
	require.Same(t, &first[0], &again[0])

	for range 2 {
		_, err = d.decode(`[1,`)
		require.Error(t, err, "an invalid document is not cached")
	}
	for i := range 2 * maxCachedDocuments {
		v, err := d.decode(`[` + strconv.Itoa(i) + `]`)
		require.NoError(t, err)
		require.Equal(t, []int{i}, v)
		require.LessOrEqual(t, len(d.byText), maxCachedDocuments)
	}
}

func TestAStateIsDecodedWithItsPolicy(t *testing.T) {
	t.Parallel()
	s := openStore(t, engineURL(t, sqldb.SQLite))
	want := order.State{OrderID: "o", Number: "n", Policy: order.DefaultPolicy(), Sequence: 3}
	for _, minors := range []bool{false, true, false} {
		want.Policy.AllowMinors = minors
		text, err := encodeJSON(want)
		require.NoError(t, err)
		got, err := s.decodeState(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}
