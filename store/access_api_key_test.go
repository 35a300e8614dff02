package store

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func TestAPIKeySecretsHaveThePrefixOfTheEnvironment(t *testing.T) {
	t.Parallel()
	for environment, prefix := range map[string]string{Sandbox: "sk_us_", Production: "pk_us_"} {
		one, err := NewAPIKeySecret(environment)
		require.NoError(t, err)
		another, err := NewAPIKeySecret(environment)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(one, prefix), one)
		require.GreaterOrEqual(t, len(one), len(prefix)+26)
		require.NotEqual(t, one, another)
	}
	_, err := NewAPIKeySecret("staging")
	require.Error(t, err)
}

func TestKeysAreFoundBySecretUntilRevoked(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s)
		secret, err := NewAPIKeySecret(team.Environment)
		require.NoError(t, err)
		key := APIKey{ID: sqldb.NewID(), TeamID: team.ID, Name: "backend", Role: RoleClient, CreatedAt: s.now()}
		require.NoError(t, s.CreateAPIKey(t.Context(), key, secret))

		gotKey, gotTeam, err := s.APIKeyBySecret(t.Context(), secret)
		require.NoError(t, err)
		require.Equal(t, key, gotKey)
		require.Equal(t, team, gotTeam)
		for _, wrong := range []string{"", secret + "x", secret[:len(secret)-1], sha256Hex(secret), strings.ToLower(secret)} {
			_, _, err = s.APIKeyBySecret(t.Context(), wrong)
			require.ErrorIs(t, err, ErrNotFound)
		}

		require.NoError(t, s.RevokeAPIKey(t.Context(), key.ID))
		_, _, err = s.APIKeyBySecret(t.Context(), secret)
		require.ErrorIs(t, err, ErrNotFound)
		keys, err := s.APIKeys(t.Context(), team.ID)
		require.NoError(t, err)
		require.Len(t, keys, 1)
		require.NotNil(t, keys[0].RevokedAt)

		require.NoError(t, s.RevokeAPIKey(t.Context(), key.ID))
		again, err := s.APIKeys(t.Context(), "")
		require.NoError(t, err)
		require.Equal(t, keys, again, "the time of the first revocation stays")
		require.ErrorIs(t, s.RevokeAPIKey(t.Context(), sqldb.NewID()), ErrNotFound)
	})
}

func TestKeysAreChecked(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s)
		require.NoError(t, s.CreateAPIKey(t.Context(), APIKey{ID: sqldb.NewID(), TeamID: team.ID, Role: RoleOperations},
			"sk_us_1"))
		require.ErrorIs(t, s.CreateAPIKey(t.Context(), APIKey{ID: sqldb.NewID(), TeamID: team.ID, Role: RoleClient},
			"sk_us_1"),
			ErrConflict)
		require.Error(t, s.CreateAPIKey(t.Context(), APIKey{ID: sqldb.NewID(), TeamID: team.ID, Role: "root"}, "sk_us_2"))
		require.Error(t, s.CreateAPIKey(t.Context(), APIKey{ID: sqldb.NewID(), TeamID: team.ID, Role: RoleClient}, ""))
		require.Error(t, s.CreateAPIKey(t.Context(), APIKey{ID: sqldb.NewID(), TeamID: sqldb.NewID(), Role: RoleClient},
			"sk_us_3"),
			"a key belongs to a team")

		none, err := s.APIKeys(t.Context(), addTeam(t, s).ID)
		require.NoError(t, err)
		require.Empty(t, none)
	})
}

func TestKeysExpire(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		team := addTeam(t, s)
		key := APIKey{ID: sqldb.NewID(), TeamID: team.ID, Role: RoleClient, CreatedAt: s.now(),
			ExpiresAt: s.now().Add(time.Hour)}
		require.NoError(t, s.CreateAPIKey(t.Context(), key, "sk_us_1"))
		got, _, err := s.APIKeyBySecret(t.Context(), "sk_us_1")
		require.NoError(t, err)
		require.Equal(t, key, got)
		forward(time.Hour)
		_, _, err = s.APIKeyBySecret(t.Context(), "sk_us_1")
		require.ErrorIs(t, err, ErrNotFound)
		require.ErrorIs(t, s.RotateAPIKey(t.Context(), key.ID, "sk_us_2", time.Hour), ErrNotFound,
			"a new secret does not make it good again")
	})
}

func TestBothSecretsOfAKeyAreValidDuringTheOverlap(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		key := APIKey{ID: sqldb.NewID(), TeamID: addTeam(t, s).ID, Role: RoleClient}
		require.NoError(t, s.CreateAPIKey(t.Context(), key, "sk_us_1"))
		good := func(want ...string) {
			t.Helper()
			var found []string
			for _, secret := range []string{"sk_us_1", "sk_us_2", "sk_us_3"} {
				k, _, err := s.APIKeyBySecret(t.Context(), secret)
				if err == nil {
					require.Equal(t, key.ID, k.ID)
					found = append(found, secret)
					continue
				}
				require.ErrorIs(t, err, ErrNotFound)
			}
			require.Equal(t, want, found)
		}
		require.NoError(t, s.RotateAPIKey(t.Context(), key.ID, "sk_us_2", time.Hour))
		good("sk_us_1", "sk_us_2")
		forward(time.Hour)
		good("sk_us_2")
		require.NoError(t, s.RotateAPIKey(t.Context(), key.ID, "sk_us_3", time.Hour))
		good("sk_us_2", "sk_us_3")
		require.NoError(t, s.RotateAPIKey(t.Context(), key.ID, "sk_us_1", 0))
		good("sk_us_1")
		require.NoError(t, s.RotateAPIKey(t.Context(), key.ID, "sk_us_3", time.Hour))
		require.NoError(t, s.RevokeAPIKey(t.Context(), key.ID))
		good()
		require.ErrorIs(t, s.RotateAPIKey(t.Context(), key.ID, "sk_us_4", time.Hour), ErrNotFound)
		require.ErrorIs(t, s.RotateAPIKey(t.Context(), sqldb.NewID(), "sk_us_4", time.Hour), ErrNotFound)
		require.Error(t, s.RotateAPIKey(t.Context(), key.ID, "", time.Hour))
	})
}

func TestRevokingWorksAtOnceInEveryProcess(t *testing.T) {
	t.Parallel()
	forEachEngineShared(t, func(t *testing.T, open func() *Store) {
		one, another := open(), open()
		key := APIKey{ID: sqldb.NewID(), TeamID: addTeam(t, one).ID, Role: RoleClient}
		require.NoError(t, one.CreateAPIKey(t.Context(), key, "sk_us_1"))
		_, _, err := another.APIKeyBySecret(t.Context(), "sk_us_1")
		require.NoError(t, err)
		require.NoError(t, one.RevokeAPIKey(t.Context(), key.ID))
		_, _, err = another.APIKeyBySecret(t.Context(), "sk_us_1")
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestUseOfAKeyIsRecordedOnceAMinute(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		key := APIKey{ID: sqldb.NewID(), TeamID: addTeam(t, s).ID, Role: RoleClient}
		require.NoError(t, s.CreateAPIKey(t.Context(), key, "sk_us_1"))
		use := func() time.Time {
			k, _, err := s.APIKeyBySecret(t.Context(), "sk_us_1")
			require.NoError(t, err)
			require.NoError(t, s.RecordAPIKeyUse(t.Context(), k))
			k, err = s.APIKey(t.Context(), key.ID)
			require.NoError(t, err)
			return k.LastUsedAt
		}
		first := s.now()
		require.Equal(t, first, use())
		forward(apiKeyUseInterval - time.Second)
		require.Equal(t, first, use())
		require.NoError(t, s.RecordAPIKeyUse(t.Context(), key), "another process has recorded it")
		k, err := s.APIKey(t.Context(), key.ID)
		require.NoError(t, err)
		require.Equal(t, first, k.LastUsedAt)
		forward(time.Second)
		require.Equal(t, s.now(), use())
	})
}
