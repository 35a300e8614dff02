package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
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

// forEachEngine runs a test with each engine, on a new, migrated store. On PostgreSQL the store has the application's
// role.
func forEachEngine(t *testing.T, test func(t *testing.T, s *Store)) {
	t.Helper()
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			test(t, openStore(t, migratedURL(t, engine)))
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
			test(t, func() *Store { return openStore(t, url) })
		})
	}
}

// migratedURL returns a new, migrated database, with the application's role. It is a copy, because migrating takes
// seconds with the race detector.
func migratedURL(t testing.TB, engine sqldb.Dialect) string {
	t.Helper()
	if engine == sqldb.SQLite {
		return "sqlite:" + migratedSQLite.Copy(t)
	}
	return postgrestest.AsRole(migratedPostgres.Copy(t), postgrestest.ApplicationRole)
}

var (
	migratedSQLite   = sqlitetest.NewTemplate(migrate)
	migratedPostgres = postgrestest.NewTemplate(migrate)
)

// testRoles are the roles of the test servers.
var testRoles = DatabaseRoles{Application: postgrestest.ApplicationRole, Reading: postgrestest.ReadingRole}

// migrate migrates an empty database and grants the roles.
func migrate(url string) error {
	keys, err := keyring.Parse(testKey)
	if err != nil {
		return err
	}
	s, err := Open(context.Background(), Options{URL: url, Keys: keys})
	if err != nil {
		return err
	}
	err = s.Migrate(context.Background())
	if err == nil && s.db.Dialect == sqldb.Postgres {
		err = s.GrantRoles(context.Background(), testRoles)
	}
	return errors.Join(err, s.Close())
}

// asOwner returns a store on the same database with the role that owns the schema. On SQLite it is the same store.
func asOwner(t testing.TB, s *Store) *Store {
	t.Helper()
	if s.db.Dialect == sqldb.SQLite {
		return s
	}
	opened, ok := ownerURLs.Load(s)
	require.True(t, ok, "the store was not opened by openStore")
	url := opened.(string)
	if url == "" {
		return s
	}
	if owner, ok := owners.Load(s); ok {
		return owner.(*Store)
	}
	db, err := sqldb.Open(url, 2)
	require.NoError(t, err)
	owner := *s
	owner.db = db
	ownerURLs.Store(&owner, "")
	owners.Store(s, &owner)
	t.Cleanup(func() {
		owners.Delete(s)
		ownerURLs.Delete(&owner)
		require.NoError(t, db.Close())
	})
	return &owner
}

// ownerURLs has the URL of the owner for each store that openStore has opened on PostgreSQL; empty for the owner's own
// store. owners has the stores that asOwner has opened.
var ownerURLs, owners sync.Map

// engineURL returns a new, empty database, on PostgreSQL with the role that owns it. Opening it several times gives
// several stores on the same database.
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
	if s.db.Dialect == sqldb.Postgres {
		ownerURLs.Store(s, postgrestest.AsRole(url, postgrestest.OwnerRole))
	}
	t.Cleanup(func() {
		ownerURLs.Delete(s)
		require.NoError(t, s.Close())
	})
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
