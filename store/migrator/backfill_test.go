package migrator

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

const fillWeight = `UPDATE things SET weight = size + 1 WHERE id > $1 AND id <= $2 AND weight IS NULL`

func weights() Backfill { return Backfill{Name: "weights", Table: "things", Fill: FillBy(fillWeight)} }

// A back-fill that is stopped continues with the batch after the last one that it has committed.
func TestABackfillContinuesWhereItStopped(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			const rows = 4000
			w := newWorld(t, engine)
			require.NoError(t, w.migrator(t).Up(t.Context()))
			w.fill(t, rows)
			failed := errors.New("stopped")
			broken, calls := weights(), 0
			broken.Fill = func(ctx context.Context, tx *sql.Tx, after, through string) error {
				if calls++; calls == 3 {
					return errors.Join(failed, FillBy(fillWeight)(ctx, tx, after, through))
				}
				return FillBy(fillWeight)(ctx, tx, after, through)
			}
			require.ErrorIs(t, w.migrator(t, broken).Fill(t.Context()), failed)
			before := w.number(t, `SELECT count(*) FROM things WHERE weight IS NOT NULL`)
			require.Equal(t, before, w.number(t, `SELECT done FROM backfills`), "the failed batch is undone")
			require.Positive(t, before)
			require.Less(t, before, rows)

			walked := 0
			watched := weights()
			watched.Fill = func(ctx context.Context, tx *sql.Tx, after, through string) error {
				n, err := sqldb.QueryOne(ctx, tx, sqldb.ScanInt,
					`SELECT count(*) FROM things WHERE id > $1 AND id <= $2`, after, through)
				walked += n
				return errors.Join(err, FillBy(fillWeight)(ctx, tx, after, through))
			}
			m := w.migrator(t, watched)
			unfinished, err := m.Unfinished(t.Context())
			require.NoError(t, err)
			require.Equal(t, []string{"weights"}, unfinished)
			require.NoError(t, m.Fill(t.Context()))
			require.Equal(t, rows-before, walked)
			require.Equal(t, rows, w.number(t, `SELECT count(*) FROM things WHERE weight = size + 1`))
			require.Equal(t, rows, w.number(t, `SELECT done FROM backfills WHERE finished_at IS NOT NULL`))
			require.NoError(t, m.Fill(t.Context()))
			require.Equal(t, rows-before, walked, "a finished one does not run again")
		})
	}
}

// Several processes share the batches of a back-fill, while others write the same rows.
func TestABackfillInSeveralProcesses(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			const rows = 3000
			w := newWorld(t, engine)
			require.NoError(t, w.migrator(t).Up(t.Context()))
			w.fill(t, rows)
			var walked atomic.Int64
			b := weights()
			b.Fill = func(ctx context.Context, tx *sql.Tx, after, through string) error {
				result, err := tx.ExecContext(ctx, fillWeight, after, through)
				if err != nil {
					return err
				}
				n, err := result.RowsAffected()
				walked.Add(n)
				return err
			}
			var g errgroup.Group
			for range 3 {
				m := w.migrator(t, b)
				g.Go(func() error { return m.Fill(t.Context()) })
			}
			require.NoError(t, g.Wait())
			require.EqualValues(t, rows, walked.Load())
			require.Equal(t, rows, w.number(t, `SELECT count(*) FROM things WHERE weight = size + 1`))
		})
	}
}

// A batch does not wait long for a row that a writer holds, and is tried again.
func TestABackfillMakesWayForAWriter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqldb.Postgres)
	require.NoError(t, w.migrator(t).Up(t.Context()))
	w.fill(t, 10)
	tx, err := w.db.Writer.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), `UPDATE things SET weight = 99 WHERE size = 5`)
	require.NoError(t, err)
	var tries atomic.Int64
	b, done := weights(), make(chan error, 1)
	b.Fill = func(ctx context.Context, tx *sql.Tx, after, through string) error {
		tries.Add(1)
		return FillBy(fillWeight)(ctx, tx, after, through)
	}
	m := w.migrator(t, b)
	go func() { done <- m.Fill(t.Context()) }()
	await(t, func() bool { return tries.Load() >= 2 })
	require.NoError(t, tx.Commit())
	require.NoError(t, <-done)
	require.Equal(t, 1, w.number(t, `SELECT count(*) FROM things WHERE weight = 99`), "what the writer wrote stays")
	require.Equal(t, 9, w.number(t, `SELECT count(*) FROM things WHERE weight = size + 1`))
}

// A migration that needs a back-fill finishes it first.
func TestAMigrationFinishesTheBackfillThatItNeeds(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, engine)
			require.NoError(t, w.migrator(t).Up(t.Context()))
			w.fill(t, 10)
			m := w.migrator(t, weights())
			require.NoError(t, m.Up(t.Context()))
			require.Equal(t, 0, w.number(t, `SELECT count(weight) FROM things`), "nothing needs it yet")
			w.add("-- +aliquot needs-backfill weights\n" + addColumn)
			m = w.migrator(t, weights())
			require.NoError(t, m.Up(t.Context()))
			require.Equal(t, 10, w.number(t, `SELECT count(weight) FROM things`))
		})
	}
}

// A new database has no rows to fill.
func TestANewDatabaseNeedsNoBackfill(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			m := newWorld(t, engine).migrator(t, weights())
			require.NoError(t, m.Up(t.Context()))
			unfinished, err := m.Unfinished(t.Context())
			require.NoError(t, err)
			require.Empty(t, unfinished)
		})
	}
}
