package sqldb

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func TestIDsSortByTheirTimes(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, time.March, 1, 9, 0, 0, 999_999_000, time.UTC)
	var ids []string
	for i := range 1000 {
		moment := at.Add(time.Duration(i/10) * time.Microsecond)
		id := NewIDAt(moment)
		ids = append(ids, id)
		parsed := uuid.MustParse(id)
		require.EqualValues(t, 7, parsed.Version())
		require.Equal(t, uuid.RFC4122, parsed.Variant())
		require.Greater(t, id, FirstIDAt(moment))
		require.Less(t, id, FirstIDAt(moment.Add(time.Millisecond)))
		back, ok := TimeOfID(id)
		require.True(t, ok)
		require.Equal(t, moment.Truncate(time.Millisecond), back)
	}
	require.True(t, slices.IsSorted(ids))
	require.Len(t, slices.Compact(ids), len(ids))
}

func TestAnIDOfNowIsBetweenItsTimes(t *testing.T) {
	t.Parallel()
	before := time.Now()
	id := NewID()
	require.Greater(t, id, FirstIDAt(before))
	require.Less(t, id, FirstIDAt(time.Now().Add(time.Millisecond)))
	_, ok := TimeOfID("no id")
	require.False(t, ok)
	require.Equal(t, NilID, FirstIDAt(time.Unix(-1, 0)), "before 1970")
}
