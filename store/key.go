package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"time"
)

// The roles of a key.
const (
	RoleClient     = "client"     // its team's own orders, through the client API
	RoleOperations = "operations" // all teams, through the operations API
)

// Key is an API key of a team. Its secret is kept nowhere: only a hash of it is stored.
type Key struct {
	ID        string
	TeamID    string
	Name      string
	Role      string // RoleClient or RoleOperations
	CreatedAt time.Time
	RevokedAt *time.Time // nil while the key is good
}

const keyColumns = `k.id, k.team_id, k.name, k.role, k.created_at, k.revoked_at`

// NewKeySecret makes the secret of a key, which is shown once. Its prefix is the client API contract's: sk_us_ for a sandbox
// team, pk_us_ for a production one; 130 random bits follow, so that a plain hash protects it well.
func NewKeySecret(environment string) (string, error) {
	switch environment {
	case Sandbox:
		return "sk_us_" + rand.Text(), nil
	case Production:
		return "pk_us_" + rand.Text(), nil
	}
	return "", fmt.Errorf("making a key: environment is %q, not %s or %s", environment, Production, Sandbox)
}

// CreateKey adds a key with its secret. A zero CreatedAt means now. The error is ErrConflict when the id or the secret is taken.
func (s *Store) CreateKey(ctx context.Context, k Key, secret string) error {
	if k.Role != RoleClient && k.Role != RoleOperations {
		return fmt.Errorf("creating key %s: role is %q, not %s or %s", k.ID, k.Role, RoleClient, RoleOperations)
	}
	if secret == "" {
		return fmt.Errorf("creating key %s: the secret is empty", k.ID)
	}
	if k.CreatedAt.IsZero() {
		k.CreatedAt = s.now()
	}
	_, err := s.write.ExecContext(ctx, `INSERT INTO api_keys (id, team_id, name, role, hash, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		k.ID, k.TeamID, k.Name, k.Role, digest(secret), micros(k.CreatedAt))
	if err != nil {
		return exists(err, "key", k.ID)
	}
	return nil
}

// KeyBySecret finds a key that is not revoked, and its team, by the secret that a caller showed. The error is ErrNotFound when
// there is none.
func (s *Store) KeyBySecret(ctx context.Context, secret string) (Key, Team, error) {
	k, err := one(ctx, s.read, scanKey, `SELECT `+keyColumns+` FROM api_keys k WHERE k.hash = $1 AND k.revoked_at IS NULL`, digest(secret))
	if err != nil {
		return Key{}, Team{}, fmt.Errorf("reading a key: %w", err)
	}
	t, err := s.Team(ctx, k.TeamID)
	if err != nil {
		return Key{}, Team{}, err
	}
	return k, t, nil
}

// RevokeKey ends a key for good. Revoking it again keeps the first time. The error is ErrNotFound when there is none.
func (s *Store) RevokeKey(ctx context.Context, id string) error {
	n, err := change(ctx, s.write, `UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $1) WHERE id = $2`, micros(s.now()), id)
	if err != nil {
		return fmt.Errorf("revoking key %s: %w", id, err)
	}
	if n == 0 {
		return fmt.Errorf("revoking key %s: %w", id, ErrNotFound)
	}
	return nil
}

// Keys lists a team's keys, revoked ones too, oldest first; those of all teams when teamID is empty.
func (s *Store) Keys(ctx context.Context, teamID string) ([]Key, error) {
	all, err := collect(ctx, s.read, scanKey,
		`SELECT `+keyColumns+` FROM api_keys k WHERE $1 = '' OR k.team_id = $1 ORDER BY k.created_at, k.id`, teamID)
	if err != nil {
		return nil, fmt.Errorf("listing keys: %w", err)
	}
	return all, nil
}

func scanKey(row scanner) (Key, error) {
	var k Key
	var created int64
	var revoked sql.Null[int64]
	if err := row.Scan(&k.ID, &k.TeamID, &k.Name, &k.Role, &created, &revoked); err != nil {
		return Key{}, err
	}
	k.CreatedAt = instant(created)
	if revoked.Valid {
		at := instant(revoked.V)
		k.RevokedAt = &at
	}
	return k, nil
}
