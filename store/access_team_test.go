package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// addTeam creates a sandbox team with an id of its own.
func addTeam(t *testing.T, s *Store) Team {
	t.Helper()
	team := Team{ID: sqldb.NewID(), Name: "Acme", Environment: Sandbox}
	require.NoError(t, s.CreateTeam(t.Context(), team))
	team, err := s.Team(t.Context(), team.ID)
	require.NoError(t, err)
	return team
}

func TestTeamsAreReadAsCreated(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		want := Team{
			ID: sqldb.NewID(), Name: "Acme", Environment: Production, TimeZone: "America/Phoenix",
			Policy: []byte(`{"minors":true}`), CreatedAt: time.Date(2026, 3, 1, 9, 0, 0, 1000, time.UTC),
		}
		require.NoError(t, s.CreateTeam(t.Context(), want))
		got, err := s.Team(t.Context(), want.ID)
		require.NoError(t, err)
		require.Equal(t, want, got)

		other := addTeam(t, s)
		require.Equal(t, "UTC", other.TimeZone)
		require.False(t, other.CreatedAt.IsZero())
		all, err := s.Teams(t.Context())
		require.NoError(t, err)
		require.Equal(t, []Team{want, other}, all)

		require.ErrorIs(t, s.CreateTeam(t.Context(), want), ErrConflict)
		_, err = s.Team(t.Context(), sqldb.NewID())
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestTeamsAreChecked(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		for name, team := range map[string]Team{
			"environment": {ID: sqldb.NewID(), Environment: "staging"},
			"time zone":   {ID: sqldb.NewID(), Environment: Sandbox, TimeZone: "Mars/Olympus"},
			"policy":      {ID: sqldb.NewID(), Environment: Sandbox, Policy: []byte(`{"no_such_setting":1}`)},
		} {
			require.Error(t, s.CreateTeam(t.Context(), team), name)
		}
		all, err := s.Teams(t.Context())
		require.NoError(t, err)
		require.Empty(t, all)
	})
}

func TestATeamsPolicyTakesOnlyValidOverlays(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s)
		overlay := []byte(`{"replacement":"auto","deadlines":{"shipment":"48h"}}`)
		set := func(id string, overlay []byte) error {
			_, err := s.ChangeTeamPolicy(t.Context(), id, func([]byte) ([]byte, error) { return overlay, nil })
			return err
		}
		require.NoError(t, set(team.ID, overlay))
		for _, bad := range []string{`{`, `{"replacment":"auto"}`, `{"replacement":"perhaps"}`,
			`{"deadlines":{"shipment":"-1h"}}`} {
			require.Error(t, set(team.ID, []byte(bad)), bad)
		}
		got, err := s.Team(t.Context(), team.ID)
		require.NoError(t, err)
		require.Equal(t, overlay, got.Policy)
		policy, err := order.ResolvePolicy(got.Policy)
		require.NoError(t, err)
		require.Equal(t, order.ReplaceAuto, policy.Replacement)

		require.NoError(t, set(team.ID, nil))
		got, err = s.Team(t.Context(), team.ID)
		require.NoError(t, err)
		require.Empty(t, got.Policy)
		require.ErrorIs(t, set(sqldb.NewID(), overlay), ErrNotFound)
	})
}
