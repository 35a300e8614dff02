package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
	"github.com/aliquot-labs/aliquot/internal/testservers/sqlitetest"
	"github.com/aliquot-labs/aliquot/store/keyring"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := migratedPostgres.Drop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(code)
	}))
}

var engines = []sqldb.Dialect{sqldb.SQLite, sqldb.Postgres}

// forEachEngine runs a test with each engine, on a new, migrated store.
func forEachEngine(t *testing.T, test func(t *testing.T, s *Store)) {
	t.Helper()
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			s := openStore(t, migratedURL(t, engine))
			require.NoError(t, s.Migrate(t.Context()))
			test(t, s)
		})
	}
}

// forEachEngineShared is forEachEngine for tests of several processes: open opens another store on the same database.
func forEachEngineShared(t *testing.T, test func(t *testing.T, open func() *Store)) {
	t.Helper()
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			url := migratedURL(t, engine)
			open := func() *Store { return openStore(t, url) }
			require.NoError(t, open().Migrate(t.Context()))
			test(t, open)
		})
	}
}

// migratedURL returns a new, migrated database. It is a copy, because migrating takes seconds with the race detector.
func migratedURL(t testing.TB, engine sqldb.Dialect) string {
	t.Helper()
	if engine == sqldb.SQLite {
		return "sqlite:" + migratedSQLite.Copy(t)
	}
	return migratedPostgres.Copy(t)
}

var (
	migratedSQLite   = sqlitetest.NewTemplate(migrate)
	migratedPostgres = postgrestest.NewTemplate(migrate)
)

// migrate migrates an empty database.
func migrate(url string) error {
	keys, err := keyring.Parse(testKey)
	if err != nil {
		return err
	}
	s, err := Open(context.Background(), Options{URL: url, Keys: keys})
	if err != nil {
		return err
	}
	return errors.Join(s.Migrate(context.Background()), s.Close())
}

// engineURL returns a new, empty database. Opening it several times gives several stores on the same database.
func engineURL(t testing.TB, engine sqldb.Dialect) string {
	t.Helper()
	if engine == sqldb.SQLite {
		return "sqlite:" + filepath.Join(t.TempDir(), "store.db")
	}
	return postgrestest.NewDatabase(t)
}

// openStore opens a store and closes it at the end of the test. The changes modify its options.
func openStore(t testing.TB, url string, changes ...func(*Options)) *Store {
	t.Helper()
	o := Options{URL: url, Keys: testKeyring(t)}
	for _, change := range changes {
		change(&o)
	}
	s, err := Open(context.Background(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

const testKey = "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// testKeyring returns the same keyring in every test, so that several stores can use one database.
func testKeyring(t testing.TB) *keyring.Keyring {
	t.Helper()
	return newKeyring(t, testKey)
}

func newKeyring(t testing.TB, keys ...string) *keyring.Keyring {
	t.Helper()
	k, err := keyring.Parse(strings.Join(keys, ", "))
	require.NoError(t, err)
	return k
}
