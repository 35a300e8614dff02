package migrator

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func TestWrongMigrations(t *testing.T) {
	t.Parallel()
	concurrent := func(up string) string { return "-- +goose NO TRANSACTION\n-- +goose Up\n" + up + "\n-- +goose Down\n" }
	for name, test := range map[string]struct {
		text      string
		backfills []Backfill
		want      string
	}{
		"an unknown marker":    {"-- +aliquot unused\n" + addColumn, nil, `unknown marker "unused"`},
		"an unknown back-fill": {"-- +aliquot needs-backfill x\n" + addColumn, nil, `unknown back-fill "x"`},
		"no part Down":         {"-- +goose NO TRANSACTION\n-- +goose Up\n", nil, "no part Down"},
		"not concurrent":       {concurrent("CREATE INDEX a ON things (size);"), nil, "not: CREATE INDEX a"},
		"without a name":       {concurrent("CREATE INDEX CONCURRENTLY ON things (size);"), nil, "not: CREATE"},
		"another statement": {concurrent("CREATE INDEX CONCURRENTLY a ON things (size); UPDATE things SET size = 1;"), nil,
			"not: UPDATE things"},
		"two of a name":         {addColumn, []Backfill{weights(), weights()}, `"weights" needs a name of its own`},
		"without a function":    {addColumn, []Backfill{{Name: "x", Table: "things"}}, `"x" needs`},
		"the control, a column": {addColumn, []Backfill{weights()}, ""},
		"the control, an index": {addIndex, nil, ""},
	} {
		w := newWorld(t, sqldb.Postgres, test.text)
		_, err := New(w.db, Options{Files: w.files, Backfills: test.backfills})
		if test.want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, test.want, name)
	}
	for name, want := range map[string]string{
		"2_x.sql": "NNNNN_subject", "00003_x.sql": "the next number is 00002", "00001_x.sql": "the next number is 00002",
	} {
		w := newWorld(t, sqldb.Postgres)
		w.files[name] = w.files["00001_test.sql"]
		_, err := New(w.db, Options{Files: w.files})
		require.ErrorContains(t, err, want, name)
	}
}

func TestNamesOfIndexesOfPartitions(t *testing.T) {
	t.Parallel()
	require.Equal(t, "days_a_days_by_size", partitionIndexName("days_a", "days_by_size"))
	long := partitionIndexName(strings.Repeat("p", 60), "one")
	require.Len(t, long, 63)
	require.NotEqual(t, long, partitionIndexName(strings.Repeat("p", 60), "two"))
}
