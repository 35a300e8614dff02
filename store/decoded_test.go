package store

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
)

func TestATextIsDecodedOnce(t *testing.T) {
	t.Parallel()
	d := newDecoded[[]int]()
	first, err := d.of(`[1,2]`)
	require.NoError(t, err)
	require.Equal(t, []int{1, 2}, first)
	again, err := d.of(`[1,2]`)
	require.NoError(t, err)
	require.Same(t, &first[0], &again[0])

	for range 2 {
		_, err = d.of(`[1,`)
		require.Error(t, err, "what is no JSON is not remembered")
	}
	for i := range 2 * maxDecoded {
		v, err := d.of(`[` + strconv.Itoa(i) + `]`)
		require.NoError(t, err)
		require.Equal(t, []int{i}, v)
		require.LessOrEqual(t, len(d.byText), maxDecoded)
	}
}

func TestAStateIsDecodedWithItsPolicy(t *testing.T) {
	t.Parallel()
	s := openStore(t, engineURL(t, sqliteDB))
	want := order.State{OrderID: "o", Number: "n", Policy: order.DefaultPolicy(), Sequence: 3}
	for _, minors := range []bool{false, true, false} {
		want.Policy.Minors = minors
		text, err := encode(want)
		require.NoError(t, err)
		got, err := s.decodeState(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}
