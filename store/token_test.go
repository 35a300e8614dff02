package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTokensAreGoodForAWhile(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		ctx, forward := t.Context(), stop(s)
		team := addTeam(t, s)
		key := Key{ID: newID(), TeamID: team.ID, Role: RoleAdministrator}
		require.NoError(t, s.CreateKey(ctx, key, "secret"))
		made := func() (Token, string) {
			secret := NewTokenSecret()
			token := Token{ID: newID(), TeamID: team.ID, KeyID: key.ID, CreatedAt: s.now(), ExpiresAt: s.now().Add(time.Minute)}
			require.NoError(t, s.CreateToken(ctx, token, secret))
			return token, secret
		}
		want, secret := made()
		got, of, err := s.TokenBySecret(ctx, secret)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, team.ID, of.ID)
		for _, wrong := range []string{"", "secret", secret + "x"} {
			_, _, err := s.TokenBySecret(ctx, wrong)
			require.ErrorIs(t, err, ErrNotFound)
		}
		_, _, err = s.KeyBySecret(ctx, secret)
		require.ErrorIs(t, err, ErrNotFound, "a token is no key")
		require.ErrorIs(t, s.CreateToken(ctx, Token{ID: newID(), TeamID: team.ID, KeyID: key.ID}, secret), ErrConflict)
		require.Error(t, s.CreateToken(ctx, Token{ID: newID(), TeamID: team.ID, KeyID: key.ID}, ""))

		forward(time.Minute)
		_, _, err = s.TokenBySecret(ctx, secret)
		require.ErrorIs(t, err, ErrNotFound, "it is over")
		_, second := made()
		n, err := s.PruneTokens(ctx, 10)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		_, _, err = s.TokenBySecret(ctx, second)
		require.NoError(t, err)
		require.NoError(t, s.RevokeKey(ctx, key.ID))
		_, _, err = s.TokenBySecret(ctx, second)
		require.ErrorIs(t, err, ErrNotFound, "the key that made it is revoked")
	})
}
