package postgrestest_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func TestNewDatabaseIsEmpty(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"first", "second"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := connect(t, postgrestest.NewDatabase(t))
			// Both subtests create the same table. This would fail in one database.
			_, err := conn.Exec(t.Context(), `CREATE TABLE orders (id text PRIMARY KEY)`)
			require.NoError(t, err)
		})
	}
}

func TestNewDatabaseIsDroppedWhenTheTestEnds(t *testing.T) { //nolint:tparallel // the subtest has to end first
	t.Parallel()
	var dsn string
	t.Run("leaves a connection open", func(inner *testing.T) {
		dsn = postgrestest.NewDatabase(inner)
		connect(t, dsn)
	})

	_, err := pgx.Connect(t.Context(), dsn)
	require.ErrorContains(t, err, "does not exist")
}

func TestCopiesOfATemplateAreApart(t *testing.T) { //nolint:tparallel // the subtests have to end first
	t.Parallel()
	made := 0
	template := postgrestest.NewTemplate(func(url string) error {
		made++
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			return err
		}
		if _, err := conn.Exec(t.Context(), `CREATE TABLE orders (id text PRIMARY KEY)`); err != nil {
			return err
		}
		return conn.Close(t.Context())
	})
	t.Run("copies", func(t *testing.T) {
		for _, name := range []string{"first", "second"} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				// Both subtests insert the same row. This would fail in one database.
				_, err := connect(t, template.Copy(t)).Exec(t.Context(), `INSERT INTO orders VALUES ('a')`)
				require.NoError(t, err)
			})
		}
	})
	require.Equal(t, 1, made)
	require.NoError(t, template.Drop())
	require.NoError(t, template.Drop(), "dropping it twice")
}

func TestATemplateThatCannotBeCreatedIsNotCopied(t *testing.T) {
	t.Parallel()
	failing := postgrestest.NewTemplate(func(string) error { return errors.New("no such migration") })
	copying := &copier{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		failing.Copy(copying)
	}()
	<-done
	require.Contains(t, copying.fatal, "no such migration")
}

// copier is a test that records its failure.
type copier struct {
	testing.TB
	fatal string
}

func (c *copier) Fatalf(format string, args ...any) {
	c.fatal = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestDumpHoldsEverything(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	_, err := connect(t, dsn).Exec(t.Context(), `CREATE TABLE orders (id text); INSERT INTO orders VALUES ('in the dump')`)
	require.NoError(t, err)
	require.Contains(t, string(postgrestest.Dump(t, dsn)), "in the dump")
}

func TestADatabaseIsItsOwners(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	_, err := connect(t, dsn).Exec(t.Context(), `CREATE TABLE orders (id text)`)
	require.NoError(t, err)
	for _, role := range []string{postgrestest.ApplicationRole, postgrestest.ReadingRole} {
		var user string
		conn := connect(t, postgrestest.AsRole(dsn, role))
		require.NoError(t, conn.QueryRow(t.Context(), `SELECT current_user`).Scan(&user))
		require.Equal(t, role, user)
		_, err := conn.Exec(t.Context(), `SELECT id FROM orders`)
		require.ErrorContains(t, err, "permission denied", "nothing is granted")
	}
}

func TestStartAndStop(t *testing.T) {
	t.Parallel()
	server, err := postgrestest.Start(t.Context())
	require.NoError(t, err)

	conn := connect(t, server.URL)
	var directory string
	require.NoError(t, conn.QueryRow(t.Context(), `SHOW data_directory`).Scan(&directory))
	require.DirExists(t, directory)
	require.NoError(t, conn.Close(t.Context()))

	require.NoError(t, server.Stop())
	require.NoDirExists(t, directory)
	_, err = pgx.Connect(t.Context(), server.URL)
	require.Error(t, err)
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func TestPersistentServerKeepsItsDataAfterAKill(t *testing.T) {
	t.Parallel()
	server, err := postgrestest.StartPersistent(t.Context())
	require.NoError(t, err)
	dsn, err := server.CreateDatabase("kept")
	require.NoError(t, err)
	conn := connect(t, dsn)
	_, err = conn.Exec(t.Context(), `CREATE TABLE orders (id text); INSERT INTO orders VALUES ('committed')`)
	require.NoError(t, err)

	require.NoError(t, server.Kill())
	_, err = pgx.Connect(t.Context(), dsn)
	require.Error(t, err)

	require.NoError(t, server.Start(t.Context()))
	var directory, id string
	again := connect(t, dsn)
	require.NoError(t, again.QueryRow(t.Context(), `SELECT id FROM orders`).Scan(&id))
	require.Equal(t, "committed", id)
	superuser := connect(t, server.URL)
	require.NoError(t, superuser.QueryRow(t.Context(), `SHOW data_directory`).Scan(&directory))

	require.NoError(t, server.DropDatabase("kept"))
	require.NoError(t, server.Remove())
	require.NoDirExists(t, directory)
}
