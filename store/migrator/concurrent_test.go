package migrator

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// indexState returns the object id of an index, 0 for none, and whether it is valid.
func (w *world) indexState(t *testing.T, name string) (id int, valid bool) {
	t.Helper()
	id = w.number(t, `SELECT COALESCE(to_regclass($1)::oid::bigint, 0)`, name)
	return id, w.number(t, `SELECT count(*) FROM pg_index WHERE indexrelid = $1 AND indisvalid`, id) == 1
}

// An index whose build was interrupted is built again, and one that is complete is not.
func TestAnInterruptedIndexIsBuiltAgain(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]func(t *testing.T, w *world, m *Migrator, cancel func()){
		"the process is stopped": func(_ *testing.T, _ *world, _ *Migrator, cancel func()) { cancel() },
		"the connection is cut": func(t *testing.T, w *world, m *Migrator, _ func()) {
			t.Helper()
			w.exec(t, `SELECT pg_terminate_backend($1)`, m.session.pid.Load())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sqldb.Postgres)
			require.NoError(t, w.migrator(t).Up(t.Context()))
			w.fill(t, 100)
			w.add(addIndex, `-- +goose NO TRANSACTION
-- +goose Up
CREATE UNIQUE INDEX CONCURRENTLY things_once ON things (size) WHERE size >= 0;
CREATE INDEX CONCURRENTLY things_by_weight ON things (weight);
-- +goose Down
DROP INDEX CONCURRENTLY things_once;
DROP INDEX CONCURRENTLY things_by_weight;
`)
			// A build waits for the transactions that have begun before it.
			older, err := w.db.Writer.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			_, err = older.ExecContext(t.Context(), `UPDATE things SET weight = 1 WHERE size = 1`)
			require.NoError(t, err)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			m, done := w.migrator(t), make(chan error, 1)
			go func() { done <- m.Up(ctx) }()
			await(t, func() bool { id, _ := w.indexState(t, "things_by_size"); return id != 0 })
			w.exec(t, `UPDATE things SET weight = 2 WHERE size = 2`) // writers do not wait
			server := m.session.pid.Load()
			cut(t, w, m, cancel)
			require.Error(t, <-done)
			// PostgreSQL notices that its client is gone.
			await(t, func() bool { return w.number(t, `SELECT count(*) FROM pg_stat_activity WHERE pid = $1`, server) == 0 })
			broken, valid := w.indexState(t, "things_by_size")
			require.NotZero(t, broken)
			require.False(t, valid)
			require.NoError(t, older.Rollback())

			// The next file fails in the middle: a valid index of it is not built again.
			w.exec(t, `INSERT INTO things (id, size) VALUES (gen_random_uuid(), 7)`)
			require.ErrorContains(t, w.migrator(t).Up(t.Context()), "could not create unique index")
			built, valid := w.indexState(t, "things_by_size")
			require.True(t, valid)
			require.NotEqual(t, broken, built)
			_, valid = w.indexState(t, "things_once")
			require.False(t, valid)
			w.exec(t, `DELETE FROM things WHERE id = (SELECT id FROM things WHERE size = 7 LIMIT 1)`)
			w.exec(t, `CREATE INDEX things_by_weight ON things (weight)`)
			kept, _ := w.indexState(t, "things_by_weight")
			m = w.migrator(t)
			require.NoError(t, m.Up(t.Context()))
			for index, id := range map[string]int{"things_by_size": built, "things_by_weight": kept} {
				now, valid := w.indexState(t, index)
				require.True(t, valid, index)
				require.Equal(t, id, now, index)
			}
			_, valid = w.indexState(t, "things_once")
			require.True(t, valid)

			require.NoError(t, m.DownTo(t.Context(), 1))
			id, _ := w.indexState(t, "things_once")
			require.Zero(t, id)
			require.NoError(t, m.Up(t.Context()))
		})
	}
}

// PostgreSQL does not build an index of a partitioned table concurrently. The migrator does, partition by partition.
func TestAnIndexOfAPartitionedTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqldb.Postgres, `-- +goose Up
CREATE TABLE days (id BIGINT, size BIGINT) PARTITION BY RANGE (id);
CREATE TABLE days_a PARTITION OF days FOR VALUES FROM (0) TO (10);
CREATE TABLE days_with_a_name_that_is_as_long_as_a_name_of_a_table_may_be PARTITION OF days
	FOR VALUES FROM (10) TO (20);
-- +goose Down
DROP TABLE days;
`)
	require.NoError(t, w.migrator(t).Up(t.Context()))
	w.exec(t, `INSERT INTO days SELECT n, n FROM generate_series(0, 19) n`)
	w.add(`-- +goose NO TRANSACTION
-- +goose Up
CREATE INDEX CONCURRENTLY days_by_size ON days (size);
-- +goose Down
DROP INDEX CONCURRENTLY days_by_size;
`)
	// The remains of an interrupted run: the index of the whole, and of one partition.
	w.exec(t, `CREATE INDEX days_by_size ON ONLY days (size)`)
	w.exec(t, `CREATE INDEX days_a_days_by_size ON days_a (size)`)
	kept, _ := w.indexState(t, "days_a_days_by_size")
	m := w.migrator(t)
	require.NoError(t, m.Up(t.Context()))
	_, valid := w.indexState(t, "days_by_size")
	require.True(t, valid)
	now, _ := w.indexState(t, "days_a_days_by_size")
	require.Equal(t, kept, now)
	require.NoError(t, m.Up(t.Context()))
	require.NoError(t, m.DownTo(t.Context(), 2))
	require.Equal(t, 0, w.number(t, `SELECT count(*) FROM pg_indexes WHERE indexname LIKE '%by_size%'`))
	require.NoError(t, m.Up(t.Context()))
}

func TestSQLiteBuildsAnIndexInItsTransaction(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqldb.SQLite, addColumn, sqliteIndex)
	m := w.migrator(t)
	require.NoError(t, m.Up(t.Context()))
	require.NoError(t, m.DownTo(t.Context(), 1))
	require.NoError(t, m.Up(t.Context()))
	require.Equal(t, 1, w.number(t, `SELECT count(*) FROM sqlite_master WHERE name = 'things_by_size'`))
}
