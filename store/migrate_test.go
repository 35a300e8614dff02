package store

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

func TestMigrateAgainChangesNothing(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
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
			url := engineURL(t, engine)
			var g errgroup.Group
			stores := make([]*Store, 5)
			for i := range stores {
				stores[i] = openStore(t, url)
			}
			for _, s := range stores {
				g.Go(func() error { return s.Migrate(t.Context()) })
			}
			require.NoError(t, g.Wait())

			p, err := stores[0].migrator()
			require.NoError(t, err)
			sources := p.ListSources()
			require.NotEmpty(t, sources)
			require.Equal(t, sources[len(sources)-1].Version, schemaVersion(t, stores[0]))
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

func schemaVersion(t *testing.T, s *Store) int64 {
	t.Helper()
	p, err := s.migrator()
	require.NoError(t, err)
	v, err := p.GetDBVersion(t.Context())
	require.NoError(t, err)
	return v
}
