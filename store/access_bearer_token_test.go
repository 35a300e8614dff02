package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func TestTokensAreValidUntilTheyExpire(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		ctx, forward := t.Context(), stopClock(s)
		team := addTeam(t, s)
		key := APIKey{ID: sqldb.NewID(), TeamID: team.ID, Role: RoleAdministrator}
		require.NoError(t, s.CreateAPIKey(ctx, key, "secret"))
		made := func() (BearerToken, string) {
			secret := NewBearerTokenSecret()
			token := BearerToken{ID: sqldb.NewID(), TeamID: team.ID, APIKeyID: key.ID, CreatedAt: s.now(),
				ExpiresAt: s.now().Add(time.Minute)}
			require.NoError(t, s.CreateBearerToken(ctx, token, secret))
			return token, secret
		}
		want, secret := made()
		got, of, err := s.BearerTokenBySecret(ctx, secret)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, team.ID, of.ID)
		for _, wrong := range []string{"", "secret", secret + "x"} {
			_, _, err := s.BearerTokenBySecret(ctx, wrong)
			require.ErrorIs(t, err, ErrNotFound)
		}
		_, _, err = s.APIKeyBySecret(ctx, secret)
		require.ErrorIs(t, err, ErrNotFound, "a token is not an API key")
		require.ErrorIs(t, s.CreateBearerToken(ctx, BearerToken{ID: sqldb.NewID(), TeamID: team.ID, APIKeyID: key.ID},
			secret),
			ErrConflict)
		require.Error(t, s.CreateBearerToken(ctx, BearerToken{ID: sqldb.NewID(), TeamID: team.ID, APIKeyID: key.ID}, ""))

		forward(time.Minute)
		_, _, err = s.BearerTokenBySecret(ctx, secret)
		require.ErrorIs(t, err, ErrNotFound, "it has expired")
		_, second := made()
		n, err := s.PruneBearerTokens(ctx, 10)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		_, _, err = s.BearerTokenBySecret(ctx, second)
		require.NoError(t, err)
		require.NoError(t, s.RevokeAPIKey(ctx, key.ID))
		_, _, err = s.BearerTokenBySecret(ctx, second)
		require.ErrorIs(t, err, ErrNotFound, "the key that created it is revoked")
	})
}
