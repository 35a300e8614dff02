package store

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNewKeySecretTellsTheEnvironment(t *testing.T) {
	t.Parallel()
	for environment, prefix := range map[string]string{Sandbox: "sk_us_", Production: "pk_us_"} {
		one, err := NewKeySecret(environment)
		require.NoError(t, err)
		another, err := NewKeySecret(environment)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(one, prefix), one)
		require.GreaterOrEqual(t, len(one), len(prefix)+26)
		require.NotEqual(t, one, another)
	}
	_, err := NewKeySecret("staging")
	require.Error(t, err)
}

func TestKeysAreFoundBySecretUntilRevoked(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s)
		secret, err := NewKeySecret(team.Environment)
		require.NoError(t, err)
		key := Key{ID: newID(), TeamID: team.ID, Name: "backend", Role: RoleClient, CreatedAt: s.now()}
		require.NoError(t, s.CreateKey(t.Context(), key, secret))

		gotKey, gotTeam, err := s.KeyBySecret(t.Context(), secret)
		require.NoError(t, err)
		require.Equal(t, key, gotKey)
		require.Equal(t, team, gotTeam)
		for _, wrong := range []string{"", secret + "x", secret[:len(secret)-1], digest(secret), strings.ToLower(secret)} {
			_, _, err = s.KeyBySecret(t.Context(), wrong)
			require.ErrorIs(t, err, ErrNotFound)
		}

		require.NoError(t, s.RevokeKey(t.Context(), key.ID))
		_, _, err = s.KeyBySecret(t.Context(), secret)
		require.ErrorIs(t, err, ErrNotFound)
		keys, err := s.Keys(t.Context(), team.ID)
		require.NoError(t, err)
		require.Len(t, keys, 1)
		require.NotNil(t, keys[0].RevokedAt)

		require.NoError(t, s.RevokeKey(t.Context(), key.ID))
		again, err := s.Keys(t.Context(), "")
		require.NoError(t, err)
		require.Equal(t, keys, again, "the first time of revoking is kept")
		require.ErrorIs(t, s.RevokeKey(t.Context(), newID()), ErrNotFound)
	})
}

func TestKeysAreChecked(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s)
		require.NoError(t, s.CreateKey(t.Context(), Key{ID: newID(), TeamID: team.ID, Role: RoleOperations}, "sk_us_1"))
		require.ErrorIs(t, s.CreateKey(t.Context(), Key{ID: newID(), TeamID: team.ID, Role: RoleClient}, "sk_us_1"), ErrConflict)
		require.Error(t, s.CreateKey(t.Context(), Key{ID: newID(), TeamID: team.ID, Role: "admin"}, "sk_us_2"))
		require.Error(t, s.CreateKey(t.Context(), Key{ID: newID(), TeamID: team.ID, Role: RoleClient}, ""))
		require.Error(t, s.CreateKey(t.Context(), Key{ID: newID(), TeamID: newID(), Role: RoleClient}, "sk_us_3"), "a key belongs to a team")

		none, err := s.Keys(t.Context(), addTeam(t, s).ID)
		require.NoError(t, err)
		require.Empty(t, none)
	})
}
