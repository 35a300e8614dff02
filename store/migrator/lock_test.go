package migrator

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// A migration that waits for a reader makes way for other readers again and again, and says for whom it waits.
func TestAMigrationMakesWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqldb.Postgres)
	require.NoError(t, w.migrator(t).Up(t.Context()))
	w.add(addColumn)

	tx, err := w.db.Writer.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	var holder int
	require.NoError(t, tx.QueryRowContext(t.Context(), `SELECT pg_backend_pid() FROM (SELECT count(*) FROM things
		WHERE size = 4711) AS one`).Scan(&holder))
	done := make(chan error, 1)
	m := w.migrator(t)
	go func() { done <- m.Up(t.Context()) }()

	await(t, func() bool { return strings.Contains(w.log.String(), "try=3") })
	var longest time.Duration
	for range 30 { // readers pass meanwhile, each after one wait at the most
		began := time.Now()
		w.number(t, `SELECT count(*) FROM things`)
		longest = max(longest, time.Since(began))
	}
	require.Less(t, longest, 5*time.Second)
	require.NoError(t, tx.Rollback())
	require.NoError(t, <-done)
	require.Equal(t, 0, w.number(t, `SELECT count(*) FROM things WHERE color IS NOT NULL`))
	require.Contains(t, w.log.String(), fmt.Sprintf("AccessExclusiveLock on things %d (%s, ", holder, w.user(t)))
	require.Contains(t, w.log.String(), "idle in transaction")
	require.NotContains(t, w.log.String(), "4711", "no text of a statement")
}

// The settings of the session end with it: the connection goes back to the pool.
func TestTheSessionLeavesTheConnectionAsItWas(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqldb.Postgres, addColumn, addIndex)
	m := w.migrator(t)
	m.db.Writer.SetMaxOpenConns(2)
	settings := func() (all []string) {
		for _, name := range append(sessionSettings, "client_connection_check_interval") {
			value, err := sqldb.QueryOne(t.Context(), m.db.Writer, sqldb.ScanText, `SELECT current_setting($1)`, name)
			require.NoError(t, err)
			all = append(all, name+"="+value)
		}
		return all
	}
	before := settings()
	require.NoError(t, m.Up(t.Context()))
	require.Equal(t, before, settings())
	require.Zero(t, w.number(t, `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`))
}

// Two processes do not migrate at once. When the connection of the first is cut, PostgreSQL ends its work together with
// its lock, and the second begins.
func TestAMigratorWhoseConnectionIsCutIsSucceeded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqldb.Postgres)
	require.NoError(t, w.migrator(t).Up(t.Context()))
	w.fill(t, 10)
	w.add("-- +goose Up\n-- +goose StatementBegin\nDO $$ BEGIN PERFORM pg_advisory_lock(1, 1); END $$;\n"+
		"-- +goose StatementEnd\n-- +goose Down\n", addIndex)
	gate, err := w.db.Writer.Conn(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, gate.Close()) }()
	_, err = gate.ExecContext(t.Context(), `SELECT pg_advisory_lock(1, 1)`)
	require.NoError(t, err)

	first, second := w.migrator(t), w.migrator(t)
	first.session.lockTimeout, second.session.lockTimeout = time.Hour, time.Hour // they wait for the gate
	firstDone, secondDone := make(chan error, 1), make(chan error, 1)
	go func() { firstDone <- first.Up(t.Context()) }()
	await(t, func() bool { return first.session.pid.Load() != 0 })
	go func() { secondDone <- second.Up(t.Context()) }()
	await(t, func() bool { return strings.Contains(w.log.String(), "another process migrates") })
	require.Contains(t, w.log.String(), fmt.Sprintf("[%d (%s, aliquot migrate", first.session.pid.Load(), w.user(t)))
	require.Zero(t, second.session.pid.Load(), "it waits")

	w.exec(t, `SELECT pg_terminate_backend($1)`, first.session.pid.Load())
	require.Error(t, <-firstDone)
	await(t, func() bool { return second.session.pid.Load() != 0 })
	_, err = gate.ExecContext(t.Context(), `SELECT pg_advisory_unlock(1, 1)`)
	require.NoError(t, err)
	require.NoError(t, <-secondDone)
	version, err := second.Version(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 3, version)
}

// A pooler by transaction gives the statements of a session to several connections, so the lock holds nothing.
func TestALostLockIsReported(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqldb.Postgres)
	m := w.migrator(t)
	conn, err := m.db.Writer.Conn(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	require.NoError(t, m.session.SessionLock(t.Context(), conn))
	other, err := m.db.Writer.Conn(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, other.Close()) }()
	require.ErrorContains(t, m.session.SessionUnlock(t.Context(), other), "pooler")
	require.NoError(t, m.session.SessionUnlock(t.Context(), conn), "the control")
}

// A migration that is stopped while it waits ends at once.
func TestAMigrationIsStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sqldb.Postgres)
	require.NoError(t, w.migrator(t).Up(t.Context()))
	w.add(addColumn)
	tx, err := w.db.Writer.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), `LOCK TABLE things`)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	m := w.migrator(t)
	go func() { done <- m.Up(ctx) }()
	await(t, func() bool { return strings.Contains(w.log.String(), "tried again") })
	cancel()
	require.Error(t, <-done)
	require.NoError(t, tx.Rollback())
	require.NoError(t, w.migrator(t).Up(t.Context()))
}
