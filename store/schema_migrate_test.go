package store

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
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
			p, err := s.migrator()
			require.NoError(t, err)
			sources := p.ListSources()
			require.NotEmpty(t, sources)
			require.Equal(t, sources[len(sources)-1].Version, schemaVersion(t, s))
		})
	}
}

func TestMigrateReportsABrokenDatabase(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			s := openStore(t, engineURL(t, engine))
			_, err := s.write.ExecContext(t.Context(), `CREATE TABLE orders (id TEXT)`)
			require.NoError(t, err)
			require.ErrorContains(t, s.Migrate(t.Context()), "migrating")
		})
	}
}

// Every step can be taken back, and forward again. What it made is gone in between, and what was there before is not.
func TestMigrationsCanBeTakenBack(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		addOrder(t, s)
		before, newest := tableNames(t, s), schemaVersion(t, s)
		p, err := s.migrator()
		require.NoError(t, err)
		_, err = p.DownTo(t.Context(), 2)
		require.NoError(t, err)
		require.NotContains(t, tableNames(t, s), "appointments")
		n, err := countRows(t.Context(), s.read, "orders", Where{})
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.NoError(t, s.Migrate(t.Context()))
		require.Equal(t, before, tableNames(t, s))
		require.Equal(t, newest, schemaVersion(t, s))
		addOrder(t, s)
	})
}

func schemaVersion(t *testing.T, s *Store) int64 {
	t.Helper()
	p, err := s.migrator()
	require.NoError(t, err)
	v, err := p.GetDBVersion(t.Context())
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
			require.True(t, IsMissingSchema(err), err)
			require.NoError(t, s.Migrate(t.Context()))
			_, err = s.APIKeys(t.Context(), "")
			require.NoError(t, err)
			_, err = s.User(t.Context(), "team", "user")
			require.False(t, IsMissingSchema(err), "the control: nothing is found")
			require.False(t, IsMissingSchema(errors.New("no such table")))
		})
	}
}
