package sqldb

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStoredTimesCanBeWrittenAsJSON(t *testing.T) {
	t.Parallel()
	for us, want := range map[int64]string{
		0:                     "0001-01-01T00:00:00Z",
		1:                     "1970-01-01T00:00:00.000001Z",
		latestMicros:          "9999-12-31T23:59:59.999999Z",
		latestMicros + 1:      "9999-12-31T23:59:59.999999Z",
		math.MaxInt64:         "9999-12-31T23:59:59.999999Z",
		earliestMicros - 1e12: "0001-01-01T00:00:00.000001Z",
		math.MinInt64:         "0001-01-01T00:00:00.000001Z",
	} {
		text, err := json.Marshal(FromMicros(us))
		require.NoError(t, err, us)
		require.Equal(t, `"`+want+`"`, string(text), us)
		require.Equal(t, us == 0, FromMicros(us).IsZero(), us)
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	require.Equal(t, now, FromMicros(ToMicros(now)))
}
