package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// The roles of an API key. Package api decides what each role may do.
const (
	RoleClient         = "client"          // the orders of its own team, through the client API
	RoleOperationsRead = "operations_read" // reads the orders of all teams, and changes nothing
	RoleOperations     = "operations"      // the orders of all teams, through the operations API
	RoleAdministrator  = "administrator"   // as operations, and teams, API keys, lab accounts and the audit log
)

// Roles returns all roles, from the least privileged to the most privileged.
func Roles() []string {
	return []string{RoleClient, RoleOperationsRead, RoleOperations, RoleAdministrator}
}

// APIKey is an API key of a team. The store holds only a hash of its secret.
type APIKey struct {
	ID            string
	TeamID        string
	Name          string
	Role          string // one of Roles
	CreatedAt     time.Time
	ExpiresAt     time.Time  // the key is valid before this time; zero: it does not expire
	PreviousUntil time.Time  // the previous secret is valid before this time; zero: there is none
	LastUsedAt    time.Time  // up to apiKeyUseInterval too old; zero: never used
	RevokedAt     *time.Time // nil while the key is not revoked
}

//nolint:gosec // names of columns
const apiKeyColumns = `k.id, k.team_id, k.name, k.role, k.created_at, k.expires_at, k.previous_until, k.last_used_at,
	k.revoked_at`

// apiKeyUseInterval is the shortest time between two updates of a key's LastUsedAt.
const apiKeyUseInterval = time.Minute

// NewAPIKeySecret returns a new secret of an API key. Its prefix is that of client-api#1-transport: sk_us_ for a
// sandbox team, pk_us_ for a production team. 130 random bits follow, so a hash without salt protects it well.
func NewAPIKeySecret(environment string) (string, error) {
	switch environment {
	case Sandbox:
		return "sk_us_" + rand.Text(), nil
	case Production:
		return "pk_us_" + rand.Text(), nil
	}
	return "", fmt.Errorf("generating an API key: environment is %q, not %s or %s", environment, Production, Sandbox)
}

// CreateAPIKey adds an API key with its secret. A zero CreatedAt means now. The error is ErrConflict when the id or the
// secret is in use.
func (s *Store) CreateAPIKey(ctx context.Context, k APIKey, secret string) error {
	if !slices.Contains(Roles(), k.Role) {
		return fmt.Errorf("creating key %s: role is %q, not one of %s", k.ID, k.Role, strings.Join(Roles(), ", "))
	}
	if secret == "" {
		return fmt.Errorf("creating key %s: the secret is empty", k.ID)
	}
	if err := sqldb.RequireIDs("the id", k.ID, "the team", k.TeamID); err != nil {
		return fmt.Errorf("creating key %s: %w", k.ID, err)
	}
	if k.CreatedAt.IsZero() {
		k.CreatedAt = s.now()
	}
	_, err := s.db.Writer.ExecContext(ctx, `INSERT INTO api_keys (id, team_id, name, role, hash, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		k.ID, k.TeamID, k.Name, k.Role, sha256Hex(secret), sqldb.ToMicros(k.CreatedAt), sqldb.ToMicros(k.ExpiresAt))
	if err != nil {
		return sqldb.WrapWriteError(err, "key", k.ID)
	}
	return nil
}

// APIKeyBySecret returns the API key with this secret, and its team. The secret is the current one, or the previous one
// until PreviousUntil. Nothing is cached, so a revocation takes effect in all processes at once. The database compares
// hashes, so the time that a lookup takes reveals nothing about a secret. The error is ErrNotFound when there is no
// such key, or when it is revoked or expired.
func (s *Store) APIKeyBySecret(ctx context.Context, secret string) (APIKey, Team, error) {
	var team teamScan
	k, err := sqldb.QueryOne(ctx, s.db.Reader, func(row sqldb.Scanner) (APIKey, error) {
		return scanAPIKey(withExtraDest(row, team.dest()...))
	}, `SELECT `+apiKeyColumns+`, `+sqldb.QualifyColumns("t", teamColumns)+
		` FROM api_keys k JOIN teams t ON t.id = k.team_id
		WHERE (k.hash = $1 OR k.previous_hash = $1 AND k.previous_until > $2) AND k.revoked_at IS NULL
		AND (k.expires_at = 0 OR k.expires_at > $2)`, sha256Hex(secret), sqldb.ToMicros(s.now()))
	if err != nil {
		return APIKey{}, Team{}, fmt.Errorf("reading a key: %w", err)
	}
	return k, team.team(), nil
}

// EndedAPIKey finds the API key of a secret that is not valid any more: the key is revoked or has expired, or the
// secret was replaced. The error is ErrNotFound when no key has or had the secret. The key must not be used to allow
// anything.
func (s *Store) EndedAPIKey(ctx context.Context, secret string) (APIKey, error) {
	k, err := sqldb.QueryOne(ctx, s.db.Reader, scanAPIKey,
		`SELECT `+apiKeyColumns+` FROM api_keys k WHERE k.hash = $1 OR k.previous_hash = $1 ORDER BY k.id LIMIT 1`,
		sha256Hex(secret))
	if err != nil {
		return APIKey{}, fmt.Errorf("reading a key that has ended: %w", err)
	}
	return k, nil
}

// APIKey reads one API key, revoked or not. The error is ErrNotFound when there is none.
func (s *Store) APIKey(ctx context.Context, id string) (APIKey, error) {
	k, err := sqldb.QueryOne(ctx, s.db.Reader, scanAPIKey, `SELECT `+apiKeyColumns+` FROM api_keys k WHERE k.id = $1`, id)
	if err != nil {
		return APIKey{}, fmt.Errorf("reading key %s: %w", id, err)
	}
	return k, nil
}

// RecordAPIKeyUse sets LastUsedAt to now, unless it was set less than apiKeyUseInterval ago.
func (s *Store) RecordAPIKeyUse(ctx context.Context, k APIKey) error {
	now := s.now()
	if now.Sub(k.LastUsedAt) < apiKeyUseInterval {
		return nil
	}
	_, err := s.db.Writer.ExecContext(ctx, `UPDATE api_keys SET last_used_at = $1 WHERE id = $2 AND last_used_at <= $3`,
		sqldb.ToMicros(now), k.ID, sqldb.ToMicros(now.Add(-apiKeyUseInterval)))
	if err != nil {
		return fmt.Errorf("recording the use of API key %s: %w", k.ID, err)
	}
	return nil
}

// RotateAPIKey gives a valid API key a new secret. The current secret stays valid for the overlap; the previous one
// becomes invalid now. The error is ErrNotFound when there is no such key, or when it is revoked or expired.
func (s *Store) RotateAPIKey(ctx context.Context, id, secret string, overlap time.Duration) error {
	if secret == "" {
		return fmt.Errorf("rotating key %s: the secret is empty", id)
	}
	now := s.now()
	n, err := sqldb.ExecCount(ctx, s.db.Writer, `UPDATE api_keys SET previous_hash = hash, previous_until = $1, hash = $2
		WHERE id = $3 AND revoked_at IS NULL AND (expires_at = 0 OR expires_at > $4)`,
		sqldb.ToMicros(now.Add(overlap)), sha256Hex(secret), id, sqldb.ToMicros(now))
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("rotating key %s: %w", id, err)
	}
	return nil
}

// RevokeAPIKey revokes an API key. Revoking it again does not change the time. The error is ErrNotFound when there is
// none.
func (s *Store) RevokeAPIKey(ctx context.Context, id string) error {
	n, err := sqldb.ExecCount(ctx, s.db.Writer, `UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $1) WHERE id = $2`,
		sqldb.ToMicros(s.now()), id)
	if err != nil {
		return fmt.Errorf("revoking key %s: %w", id, err)
	}
	if n == 0 {
		return fmt.Errorf("revoking key %s: %w", id, ErrNotFound)
	}
	return nil
}

// APIKeys lists the API keys of a team, including revoked ones, oldest first. An empty teamID lists those of all teams.
func (s *Store) APIKeys(ctx context.Context, teamID string) ([]APIKey, error) {
	var where sqldb.Where
	where.AndIfSet("k.team_id = ?", teamID)
	all, err := sqldb.QueryAll(ctx, s.db.Reader, scanAPIKey,
		`SELECT `+apiKeyColumns+` FROM api_keys k`+where.String()+` ORDER BY k.created_at, k.id`, where.Args...)
	if err != nil {
		return nil, fmt.Errorf("listing keys: %w", err)
	}
	return all, nil
}

func scanAPIKey(row sqldb.Scanner) (APIKey, error) {
	var k APIKey
	var created, expires, previous, used int64
	var revoked sql.Null[int64]
	if err := row.Scan(&k.ID, &k.TeamID, &k.Name, &k.Role, &created, &expires, &previous, &used, &revoked); err != nil {
		return APIKey{}, err
	}
	k.CreatedAt, k.ExpiresAt, k.PreviousUntil, k.LastUsedAt = sqldb.FromMicros(created), sqldb.FromMicros(expires),
		sqldb.FromMicros(previous), sqldb.FromMicros(used)
	if revoked.Valid {
		at := sqldb.FromMicros(revoked.V)
		k.RevokedAt = &at
	}
	return k, nil
}

// BearerToken gives access to the client API for one team for a few minutes. The store holds only a hash of its secret.
type BearerToken struct {
	ID        string
	TeamID    string
	APIKeyID  string // of the key that created it; the token is valid only while that key is
	CreatedAt time.Time
	ExpiresAt time.Time
}

// NewBearerTokenSecret returns a new secret of a bearer token. It has 130 random bits, so a hash without salt protects
// it well.
func NewBearerTokenSecret() string { return "at_us_" + rand.Text() }

// CreateBearerToken adds a bearer token with its secret.
func (s *Store) CreateBearerToken(ctx context.Context, t BearerToken, secret string) error {
	if secret == "" {
		return fmt.Errorf("creating token %s: the secret is empty", t.ID)
	}
	if err := sqldb.RequireIDs("the id", t.ID); err != nil {
		return fmt.Errorf("creating token %s: %w", t.ID, err)
	}
	_, err := s.db.Writer.ExecContext(ctx,
		`INSERT INTO access_tokens (id, team_id, key_id, hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		t.ID, t.TeamID, t.APIKeyID, sha256Hex(secret), sqldb.ToMicros(t.CreatedAt), sqldb.ToMicros(t.ExpiresAt))
	if err != nil {
		return sqldb.WrapWriteError(err, "token", t.ID)
	}
	return nil
}

// BearerTokenBySecret returns the valid bearer token with this secret, and its team. The error is ErrNotFound when
// there is no such token, when it is expired, or when the API key that created it is revoked or expired.
func (s *Store) BearerTokenBySecret(ctx context.Context, secret string) (BearerToken, Team, error) {
	var team teamScan
	t, err := sqldb.QueryOne(ctx, s.db.Reader, func(row sqldb.Scanner) (BearerToken, error) {
		return scanBearerToken(withExtraDest(row, team.dest()...))
	}, `SELECT a.id, a.team_id, a.key_id, a.created_at, a.expires_at, `+sqldb.QualifyColumns("t", teamColumns)+`
		FROM access_tokens a JOIN api_keys k ON k.id = a.key_id JOIN teams t ON t.id = a.team_id
		WHERE a.hash = $1 AND a.expires_at > $2 AND k.revoked_at IS NULL AND (k.expires_at = 0 OR k.expires_at > $2)`,
		sha256Hex(secret), sqldb.ToMicros(s.now()))
	if err != nil {
		return BearerToken{}, Team{}, fmt.Errorf("reading a token: %w", err)
	}
	return t, team.team(), nil
}

// PruneBearerTokens deletes up to limit expired tokens and returns how many it deleted.
func (s *Store) PruneBearerTokens(ctx context.Context, limit int) (int, error) {
	n, err := sqldb.ExecCount(ctx, s.db.Writer, `DELETE FROM access_tokens WHERE id IN (
		SELECT id FROM access_tokens WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`, sqldb.ToMicros(s.now()), limit)
	if err != nil {
		return 0, fmt.Errorf("pruning tokens: %w", err)
	}
	return int(n), nil
}

func scanBearerToken(row sqldb.Scanner) (BearerToken, error) {
	var t BearerToken
	var created, expires int64
	err := row.Scan(&t.ID, &t.TeamID, &t.APIKeyID, &created, &expires)
	t.CreatedAt, t.ExpiresAt = sqldb.FromMicros(created), sqldb.FromMicros(expires)
	return t, err
}

// sha256Hex returns the SHA-256 of a text in hex. It is a sufficient hash for random texts only, such as the secret of
// an API key.
func sha256Hex(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
