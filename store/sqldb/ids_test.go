package sqldb

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func TestOnlyTheStoredFormIsAnID(t *testing.T) {
	t.Parallel()
	id := NewID()
	for text, want := range map[string]bool{
		id: true, strings.Repeat("f", 8) + "-ffff-ffff-ffff-ffffffffffff": true,
		"": false, "o1": false, strings.ToUpper("ab" + id[2:]): false, "{" + id + "}": false, "urn:uuid:" + id: false,
		strings.ReplaceAll(id, "-", ""): false, id + " ": false, id[:35]: false, id[:35] + "g": false,
	} {
		require.Equal(t, want, IsID(text), text)
		if want {
			require.NoError(t, RequireIDs("the first", id, "the second", text))
			continue
		}
		require.ErrorIs(t, RequireIDs("the first", id, "the second", text), ErrInvalidID, text)
	}
	require.Equal(t, NilID, uuid.Nil.String())
	require.True(t, IsID(NilID), "it may be looked for")
	require.ErrorIs(t, RequireIDs("it", NilID), ErrInvalidID)
}

func TestIDsThatMayBeNull(t *testing.T) {
	t.Parallel()
	id := NewID()
	written, err := IDOrNull(id).Value()
	require.NoError(t, err)
	require.Equal(t, id, written)
	written, err = IDOrNull("").Value()
	require.NoError(t, err)
	require.Nil(t, written)
	_, err = IDOrNull("o1").Value()
	require.ErrorIs(t, err, ErrInvalidID)
	require.True(t, IsRejected(err), "the same statement fails again")

	for value, want := range map[any]string{nil: "", "": "", id: id} {
		read := "before"
		require.NoError(t, EmptyIfNull(&read).Scan(value))
		require.Equal(t, want, read)
	}
}

func TestTheRangeOfAPrefix(t *testing.T) {
	t.Parallel()
	whole := "019a1100-0000-7000-8000-000000000901"
	for prefix, want := range map[string][2]string{
		"0":                                {"00000000-0000-0000-0000-000000000000", "0fffffff-ffff-ffff-ffff-ffffffffffff"},
		"019a1100":                         {"019a1100-0000-0000-0000-000000000000", "019a1100-ffff-ffff-ffff-ffffffffffff"},
		"019a1100-":                        {"019a1100-0000-0000-0000-000000000000", "019a1100-ffff-ffff-ffff-ffffffffffff"},
		"019A11007":                        {"019a1100-7000-0000-0000-000000000000", "019a1100-7fff-ffff-ffff-ffffffffffff"},
		whole[:35]:                         {"019a1100-0000-7000-8000-000000000900", "019a1100-0000-7000-8000-00000000090f"},
		whole:                              {whole, whole},
		strings.ReplaceAll(whole, "-", ""): {whole, whole},
	} {
		low, high, ok := UUIDRange(prefix)
		require.True(t, ok, prefix)
		require.Equal(t, want, [2]string{low, high}, prefix)
		require.True(t, IsID(low) && IsID(high), prefix)
	}
	for _, prefix := range []string{"", "-", "g", "019a 1100", whole + "0", "ALQ-17", "%"} {
		_, _, ok := UUIDRange(prefix)
		require.False(t, ok, prefix)
	}
}
