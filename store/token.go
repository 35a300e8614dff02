package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"
)

// BearerToken is a bearer token: it opens the client API for one team for a few minutes. Its secret is kept nowhere, only a hash of it.
type BearerToken struct {
	ID        string
	TeamID    string
	APIKeyID  string // of the key that made it; the token is good only while that is
	CreatedAt time.Time
	ExpiresAt time.Time
}

// NewBearerTokenSecret makes the text of a bearer token, which is shown once: 130 random bits, so that a plain hash protects it well.
func NewBearerTokenSecret() string { return "at_us_" + rand.Text() }

// CreateBearerToken adds a token with its secret.
func (s *Store) CreateBearerToken(ctx context.Context, t BearerToken, secret string) error {
	if secret == "" {
		return fmt.Errorf("creating token %s: the secret is empty", t.ID)
	}
	_, err := s.write.ExecContext(ctx, `INSERT INTO access_tokens (id, team_id, key_id, hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		t.ID, t.TeamID, t.APIKeyID, sha256Hex(secret), ToMicros(t.CreatedAt), ToMicros(t.ExpiresAt))
	if err != nil {
		return WrapWriteError(err, "token", t.ID)
	}
	return nil
}

// BearerTokenBySecret finds a token that is good, and its team, by the secret that a caller showed: it is not over, and the key that made it
// is neither revoked nor expired. The error is ErrNotFound when there is none.
func (s *Store) BearerTokenBySecret(ctx context.Context, secret string) (BearerToken, Team, error) {
	var team teamScan
	t, err := QueryOne(ctx, s.read, func(row Scanner) (BearerToken, error) {
		return scanBearerToken(withExtraDest(row, team.dest()...))
	}, `SELECT a.id, a.team_id, a.key_id, a.created_at, a.expires_at, `+QualifyColumns("t", teamColumns)+`
		FROM access_tokens a JOIN api_keys k ON k.id = a.key_id JOIN teams t ON t.id = a.team_id
		WHERE a.hash = $1 AND a.expires_at > $2 AND k.revoked_at IS NULL AND (k.expires_at = 0 OR k.expires_at > $2)`,
		sha256Hex(secret), ToMicros(s.now()))
	if err != nil {
		return BearerToken{}, Team{}, fmt.Errorf("reading a token: %w", err)
	}
	return t, team.team(), nil
}

// PruneBearerTokens forgets up to limit tokens that are over, and counts them.
func (s *Store) PruneBearerTokens(ctx context.Context, limit int) (int, error) {
	n, err := ExecCount(ctx, s.write, `DELETE FROM access_tokens WHERE id IN (
		SELECT id FROM access_tokens WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`, ToMicros(s.now()), limit)
	if err != nil {
		return 0, fmt.Errorf("pruning tokens: %w", err)
	}
	return int(n), nil
}

func scanBearerToken(row Scanner) (BearerToken, error) {
	var t BearerToken
	var created, expires int64
	err := row.Scan(&t.ID, &t.TeamID, &t.APIKeyID, &created, &expires)
	t.CreatedAt, t.ExpiresAt = FromMicros(created), FromMicros(expires)
	return t, err
}
