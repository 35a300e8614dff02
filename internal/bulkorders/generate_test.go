package bulkorders

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/store/keyring"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

var until = time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)

// TestGeneratedHistoriesFollowTheLifecycle checks that the lifecycle allows the histories, and that the order's columns
// agree with its last event.
func TestGeneratedHistoriesFollowTheLifecycle(t *testing.T) {
	t.Parallel()
	w := newGenerator(Options{Orders: 3000, Seed: 1, NewestAt: until})
	seen := map[lifecycle.LowStatus]bool{}
	for _, o := range w.newOrders(0, 3000) {
		machine := lifecycle.MachineFor(o.Modality, o.Registrable, o.Registered)
		for i, e := range o.Events {
			require.Equal(t, int64(i+1), e.Sequence)
			require.False(t, e.RecordedAt.After(until), "%s of %s", e.Status, o.ID)
			if i > 0 {
				require.True(t, machine.Allows(o.Events[i-1].Status.Low(), e.Status.Low(), o.State.Conditions()), "%s after %s",
					e.Status, o.Events[i-1].Status)
			}
		}
		last := o.Events[len(o.Events)-1]
		require.Equal(t, last.Status.Low(), o.Status)
		require.Equal(t, o.Status, o.State.Status)
		require.Equal(t, last.Sequence, o.State.Sequence)
		require.Equal(t, last.RecordedAt, o.UpdatedAt)
		seen[o.Status] = true
	}
	require.Greater(t, len(seen), 15, "they are in most statuses")
}

func TestTheSameSeedMakesTheSameOrders(t *testing.T) {
	t.Parallel()
	generate := func(seed uint64) any {
		return newGenerator(Options{Orders: 50, Seed: seed, NewestAt: until}).newOrders(10, 20)
	}
	first := generate(1)
	require.Equal(t, first, generate(1))
	require.NotEqual(t, first, generate(2))
}

func TestOnlyAnEmptyDatabaseIsFilled(t *testing.T) {
	t.Parallel()
	for engine, url := range map[string]string{"postgres": postgrestest.NewDatabase(t),
		"sqlite": "sqlite:" + filepath.Join(t.TempDir(), "store.db")} {
		key, err := keyring.NewEncryptionKey("k1")
		require.NoError(t, err)
		keys, err := keyring.Parse(key)
		require.NoError(t, err)
		db, err := store.Open(t.Context(), store.Options{URL: url, Keys: keys})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		require.NoError(t, db.Migrate(t.Context()))

		o := Options{Orders: 40, Seed: 7, NewestAt: until}
		filled, err := GenerateOrders(t.Context(), db, o)
		require.NoError(t, err, engine)
		want := newGenerator(o).newOrder(39)
		got, err := db.Order(t.Context(), "", want.ID)
		require.NoError(t, err)
		require.Equal(t, want.Patient, got.Patient)
		require.Equal(t, want.Events, got.Events)
		require.Equal(t, want.State, got.State)
		users, total, err := db.Users(t.Context(), filled[0].ID, 0, 100)
		require.NoError(t, err)
		require.Len(t, users, total)
		_, err = GenerateOrders(t.Context(), db, o)
		require.ErrorIs(t, err, ErrNotEmpty)
	}
}
