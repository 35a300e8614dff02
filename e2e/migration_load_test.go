package e2e

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
	"github.com/aliquot-labs/aliquot/store/migrator"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// migrateVariable names the environment variable with the database of TestMigrateInAProcess, and migrateTimeout that
// with its time limit for locks.
const (
	migrateVariable = "ALIQUOT_TEST_MIGRATE"
	migrateTimeout  = "ALIQUOT_TEST_MIGRATE_LOCK_TIMEOUT"
)

// fillGate is the number of the advisory lock that a test takes to stop the back-fill after its first batch. firstOrder
// is below every order's id.
const (
	fillGate   = "4711"
	firstOrder = "00000000-0000-0000-0000-000000000001"
)

// trialMigrator returns a migrator of the first release's schema and of the migrations of testdata.
func trialMigrator(t testing.TB, db *sqldb.DB, lockTimeout time.Duration) *migrator.Migrator {
	t.Helper()
	files := fstest.MapFS{}
	for _, dir := range []string{"../store/migrations/", "testdata/migrations/"} {
		dir += string(db.Dialect)
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, entry := range entries {
			text, err := os.ReadFile(dir + "/" + entry.Name())
			require.NoError(t, err)
			if entry.Name()[:5] == "00001" || strings.HasPrefix(dir, "testdata") {
				files[entry.Name()] = &fstest.MapFile{Data: text}
			}
		}
	}
	fill := migrator.FillBy(`UPDATE orders SET trial = created_at WHERE id > $1 AND id <= $2 AND trial IS NULL`)
	m, err := migrator.New(db, migrator.Options{Files: files, LockTimeout: lockTimeout, Backfills: []migrator.Backfill{{
		Name: "trial", Table: "orders",
		Fill: func(ctx context.Context, tx *sql.Tx, after, through string) error {
			if err := fill(ctx, tx, after, through); err != nil {
				return err
			}
			if after < firstOrder {
				return nil
			}
			_, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock_shared(`+fillGate+`)`)
			return err
		},
	}}})
	require.NoError(t, err)
	return m
}

// TestMigrateInAProcess is the process that TestMigrationsUnderLoad kills.
func TestMigrateInAProcess(t *testing.T) { //nolint:paralleltest // it is alone in its process
	url := os.Getenv(migrateVariable)
	if url == "" {
		t.Skip("only as a process of TestMigrationsUnderLoad")
	}
	timeout, err := time.ParseDuration(os.Getenv(migrateTimeout))
	require.NoError(t, err)
	db, err := sqldb.Open(url, 4)
	require.NoError(t, err)
	require.NoError(t, trialMigrator(t, db, timeout).Up(t.Context()))
	require.NoError(t, db.Close())
}

// migrationLoad is a database under load during a migration.
type migrationLoad struct {
	t           testing.TB
	url         string
	db          *sql.DB
	ids         []string
	lockTimeout time.Duration // of the migrator
	report      time.Duration // how long the transaction of a report reads orders

	reader, writer, reads, writes atomic.Int64 // longest pause in nanoseconds, and the number of statements
}

// run loads the database until the function has returned.
func (l *migrationLoad) run(during func()) {
	l.t.Helper()
	ctx, stop := context.WithCancel(l.t.Context())
	var ended sync.WaitGroup
	var mu sync.Mutex
	var failed []string
	loop := func(longest, count *atomic.Int64, statement func(n int) error) {
		ended.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				began := time.Now()
				if err := statement(n); err != nil && ctx.Err() == nil {
					mu.Lock()
					defer mu.Unlock()
					failed = append(failed, err.Error())
					return
				}
				count.Add(1)
				longest.Store(max(longest.Load(), int64(time.Since(began))))
				waitFor(ctx, time.Millisecond)
			}
		})
	}
	id := func(n int) string { return l.ids[n*7919%len(l.ids)] }
	loop(&l.reader, &l.reads, func(n int) error {
		var at int64
		return l.db.QueryRowContext(ctx, `SELECT created_at FROM orders WHERE id = $1`, id(n)).Scan(&at)
	})
	loop(&l.writer, &l.writes, func(n int) error {
		_, err := l.db.ExecContext(ctx, `UPDATE orders SET created_at = created_at WHERE id = $1`, id(n))
		return err
	})
	loop(new(atomic.Int64), new(atomic.Int64), func(int) error {
		return inTx(ctx, l.db, `SELECT count(*) FROM (SELECT 1 FROM orders LIMIT 10) AS few`, func() {
			waitFor(ctx, l.report)
		})
	})
	during()
	stop()
	ended.Wait()
	require.Empty(l.t, failed)
}

// inTx runs a statement, and the function in its transaction, which keeps its snapshot.
func inTx(ctx context.Context, db *sql.DB, statement string, do func()) error {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, statement); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	do()
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the end of the load has rolled it back
	}
	return tx.Commit()
}

// waitFor waits for a time that is part of the load.
func waitFor(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// start starts a process that migrates.
func (l *migrationLoad) start() (cmd *exec.Cmd, output *strings.Builder) {
	l.t.Helper()
	cmd, output = exec.CommandContext(l.t.Context(), os.Args[0], "-test.run=^TestMigrateInAProcess$", "-test.timeout=0"),
		&strings.Builder{}
	cmd.Env = append(os.Environ(), migrateVariable+"="+l.url, migrateTimeout+"="+l.lockTimeout.String())
	cmd.Stdout, cmd.Stderr = output, output
	require.NoError(l.t, cmd.Start())
	return cmd, output
}

// killWhen kills a process that migrates when the query finds something.
func (l *migrationLoad) killWhen(found string) {
	l.t.Helper()
	cmd, output := l.start()
	require.Eventually(l.t, func() bool {
		var n int
		err := l.db.QueryRowContext(l.t.Context(), found).Scan(&n)
		return err == nil && n > 0
	}, 20*time.Minute, 20*time.Millisecond)
	require.NoError(l.t, cmd.Process.Kill())
	require.Error(l.t, cmd.Wait(), "%s", output)
}

// migrateUnderLoad applies the migrations of testdata to a database with orders, in processes of which two are killed:
// one in the middle of the index, and one in the middle of the back-fill.
func migrateUnderLoad(l *migrationLoad) {
	l.t.Helper()
	var err error
	l.ids, err = sqldb.QueryAll(l.t.Context(), l.db, sqldb.ScanText, `SELECT CAST(id AS TEXT) FROM orders ORDER BY id`)
	require.NoError(l.t, err)
	l.run(func() {
		// A build waits for transactions with an older snapshot.
		require.NoError(l.t, inTx(l.t.Context(), l.db, `SELECT count(*) FROM teams`, func() {
			l.killWhen(`SELECT count(*) FROM pg_index
				WHERE indexrelid = to_regclass('orders_by_trial') AND NOT indisvalid`)
		}))
		gate, err := l.db.Conn(l.t.Context())
		require.NoError(l.t, err)
		_, err = gate.ExecContext(l.t.Context(), `SELECT pg_advisory_lock(`+fillGate+`)`)
		require.NoError(l.t, err)
		l.killWhen(`SELECT done FROM backfills WHERE name = 'trial' AND finished_at IS NULL`)
		_, err = gate.ExecContext(l.t.Context(), `SELECT pg_advisory_unlock(`+fillGate+`)`)
		require.NoError(l.t, errors.Join(err, gate.Close()))
		var done int
		require.NoError(l.t, l.db.QueryRowContext(l.t.Context(),
			`SELECT done FROM backfills WHERE name = 'trial'`).Scan(&done))
		require.Less(l.t, done, len(l.ids), "it is in the middle")
		cmd, output := l.start()
		require.NoError(l.t, cmd.Wait(), "%s", output)
	})
	var filled, valid int
	require.NoError(l.t, l.db.QueryRowContext(l.t.Context(), `SELECT
		(SELECT count(*) FROM orders WHERE trial = created_at),
		(SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('orders_by_trial') AND indisvalid)`).
		Scan(&filled, &valid))
	require.Equal(l.t, []int{len(l.ids), 1}, []int{filled, valid})
	l.t.Logf("%d orders: longest pause of %d reads %s, of %d writes %s", len(l.ids), l.reads.Load(),
		time.Duration(l.reader.Load()).Round(time.Millisecond), l.writes.Load(),
		time.Duration(l.writer.Load()).Round(time.Millisecond))
}

func newMigrationLoad(t testing.TB, orders int) *migrationLoad {
	t.Helper()
	url := postgrestest.NewDatabase(t)
	newSearchStore(t, url, orders)
	db, err := sql.Open("pgx", url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return &migrationLoad{t: t, url: url, db: db}
}

// TestMigrationsUnderLoad migrates while orders are read and written, and a report is always reading. A reader never
// waits for longer than the migrator may wait for its locks. BenchmarkMigrationsUnderLoad does the same with a million
// orders.
func TestMigrationsUnderLoad(t *testing.T) {
	t.Parallel()
	l := newMigrationLoad(t, 4000)
	l.lockTimeout, l.report = 200*time.Millisecond, 300*time.Millisecond
	migrateUnderLoad(l)
	const slowMachine = 5 * time.Second
	require.Less(t, time.Duration(l.reader.Load()), slowMachine)
	require.Less(t, time.Duration(l.writer.Load()), slowMachine)

	// The control: an ALTER TABLE that waits for a report without a limit stops all readers.
	altered := make(chan error, 1)
	require.NoError(t, inTx(t.Context(), l.db, `SELECT count(*) FROM orders`, func() {
		go func() {
			_, err := l.db.ExecContext(t.Context(), `ALTER TABLE orders ADD COLUMN control BIGINT`)
			altered <- err
		}()
		require.Eventually(t, func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			var one int
			err := l.db.QueryRowContext(ctx, `SELECT 1 FROM orders LIMIT 1`).Scan(&one)
			return err != nil && ctx.Err() != nil
		}, 30*time.Second, 20*time.Millisecond)
	}))
	require.NoError(t, <-altered)
}
