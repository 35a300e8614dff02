package store

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func TestMigrateAgainChangesNothing(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		before := schemaVersion(t, s)
		require.NoError(t, s.Migrate(t.Context()))
		require.Equal(t, before, schemaVersion(t, s))
	})
}

// Every process of a deployment migrates when it starts, and they start together.
func TestMigrateFromSeveralStoresAtOnce(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			url, keys := engineURL(t, engine), testKeyring(t)
			var g errgroup.Group
			for range 5 {
				g.Go(func() error {
					s, err := Open(t.Context(), Options{URL: url, Keys: keys})
					if err != nil {
						return err
					}
					return errors.Join(s.Migrate(t.Context()), s.Close())
				})
			}
			require.NoError(t, g.Wait())

			s := openStore(t, url)
			m, err := s.migrator()
			require.NoError(t, err)
			require.Equal(t, m.Newest(), schemaVersion(t, s))
		})
	}
}

func TestMigrateReportsABrokenDatabase(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			s := openStore(t, engineURL(t, engine))
			_, err := s.db.Writer.ExecContext(t.Context(), `CREATE TABLE orders (id TEXT)`)
			require.NoError(t, err)
			require.ErrorContains(t, s.Migrate(t.Context()), "migrating")
		})
	}
}

// Every migration can be reverted and applied again. Only what it made is gone in between.
func TestMigrationsCanBeReverted(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		addOrder(t, s)
		s = asOwner(t, s)
		before, newest := tableNames(t, s), schemaVersion(t, s)
		m, err := s.migrator()
		require.NoError(t, err)
		require.NoError(t, m.DownTo(t.Context(), 1))
		n, err := countRows(t.Context(), s.db.Reader, "orders", sqldb.Where{})
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.NoError(t, s.Migrate(t.Context()))
		require.Equal(t, before, tableNames(t, s))
		require.NoError(t, m.DownTo(t.Context(), 0))
		for _, table := range before {
			if !strings.HasPrefix(table, "goose_") && !strings.HasPrefix(table, "sqlite_") {
				_, err := countRows(t.Context(), s.db.Reader, table, sqldb.Where{})
				require.True(t, sqldb.IsMissingSchema(err), table)
			}
		}
		require.NoError(t, s.Migrate(t.Context()))
		require.Equal(t, before, tableNames(t, s))
		require.Equal(t, newest, schemaVersion(t, s))
		addOrder(t, s)
	})
}

func schemaVersion(t *testing.T, s *Store) int64 {
	t.Helper()
	m, err := s.migrator()
	require.NoError(t, err)
	v, err := m.Version(t.Context())
	require.NoError(t, err)
	return v
}

func TestADatabaseWithoutASchemaIsRecognised(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			s := openStore(t, engineURL(t, engine))
			_, err := s.APIKeys(t.Context(), "")
			require.True(t, sqldb.IsMissingSchema(err), err)
			require.NoError(t, s.Migrate(t.Context()))
			_, err = s.APIKeys(t.Context(), "")
			require.NoError(t, err)
			_, err = s.User(t.Context(), "team", "user")
			require.False(t, sqldb.IsMissingSchema(err), "the control: nothing is found")
			require.False(t, sqldb.IsMissingSchema(errors.New("no such table")))
		})
	}
}

// A database of an unreleased build is refused at every version that those builds had, before anything is changed.
func TestADatabaseOfAnUnreleasedBuildIsRefused(t *testing.T) {
	t.Parallel()
	numbers := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 16, 17, 21}
	forEachEngine(t, func(t *testing.T, s *Store) {
		reopen := func() error {
			return s.refuseUnreleasedSchema(t.Context())
		}
		setVersions := func(versions ...int) {
			execUnchecked(t, s, `DELETE FROM goose_db_version WHERE version_id > 0`)
			for _, version := range versions {
				execUnchecked(t, s, `INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, TRUE)`, version)
			}
		}
		require.NoError(t, reopen())
		setVersions(1, 2, 3)
		require.NoError(t, reopen(), "the control: a newer release")
		setVersions(1, 2, 99)
		require.ErrorIs(t, reopen(), ErrUnreleasedSchema)
		setVersions(numbers...)
		require.ErrorIs(t, reopen(), ErrUnreleasedSchema)
		require.EqualError(t, reopen(), "the schema has migration 21: the database was made by an unreleased build: "+
			"create a new database")
		_, err := asOwner(t, s).db.Writer.ExecContext(t.Context(), `DROP TABLE order_counts`) // which came with the last one
		require.NoError(t, err)
		for i := range numbers[:len(numbers)-1] {
			setVersions(numbers[:i+1]...)
			require.ErrorIs(t, reopen(), ErrUnreleasedSchema, numbers[i])
		}
	})
}

func TestOpenRefusesADatabaseOfAnUnreleasedBuild(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			url := migratedURL(t, engine)
			s := openStore(t, url)
			execUnchecked(t, s, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (21, TRUE)`)
			before := rowCounts(t, s)
			_, err := Open(t.Context(), Options{URL: url, Keys: testKeyring(t)})
			require.ErrorIs(t, err, ErrUnreleasedSchema)
			require.Equal(t, before, rowCounts(t, s))
		})
	}
}
