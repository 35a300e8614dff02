package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The roles of a key. What each may do is api's to say.
const (
	RoleClient         = "client"          // its team's own orders, through the client API
	RoleOperationsRead = "operations_read" // sees all teams' orders, and changes nothing
	RoleOperations     = "operations"      // all teams' orders, through the operations API
	RoleAdministrator  = "administrator"   // that, and teams, keys, lab accounts and the audit
)

// Roles are all roles, the least first.
func Roles() []string {
	return []string{RoleClient, RoleOperationsRead, RoleOperations, RoleAdministrator}
}

// Key is an API key of a team. Its secret is kept nowhere: only a hash of it is stored.
type Key struct {
	ID            string
	TeamID        string
	Name          string
	Role          string // one of Roles
	CreatedAt     time.Time
	ExpiresAt     time.Time  // the key is good before this; zero: for good
	PreviousUntil time.Time  // the secret before the present one is good before this; zero: there is none
	LastUsedAt    time.Time  // at most useGrain old; zero: never
	RevokedAt     *time.Time // nil while the key is good
}

const keyColumns = `k.id, k.team_id, k.name, k.role, k.created_at, k.expires_at, k.previous_until, k.last_used_at, k.revoked_at`

// useGrain is how often the use of a key is written down at most.
const useGrain = time.Minute

// NewKeySecret makes the secret of a key, which is shown once. Its prefix is that of client-api#1-transport: sk_us_ for
// a sandbox team, pk_us_ for a production one; 130 random bits follow, so that a plain hash protects it well.
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
	if !slices.Contains(Roles(), k.Role) {
		return fmt.Errorf("creating key %s: role is %q, not one of %s", k.ID, k.Role, strings.Join(Roles(), ", "))
	}
	if secret == "" {
		return fmt.Errorf("creating key %s: the secret is empty", k.ID)
	}
	if k.CreatedAt.IsZero() {
		k.CreatedAt = s.now()
	}
	_, err := s.write.ExecContext(ctx, `INSERT INTO api_keys (id, team_id, name, role, hash, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, k.ID, k.TeamID, k.Name, k.Role, digest(secret), micros(k.CreatedAt), micros(k.ExpiresAt))
	if err != nil {
		return exists(err, "key", k.ID)
	}
	return nil
}

// KeyBySecret finds a key that is neither revoked nor expired, and its team, by the secret that a caller showed, or by the secret
// before that while it is good. Nothing is remembered from call to call, so that revoking works at once in every process. What the
// database compares is a hash, so the time that takes tells nothing of a secret. The error is ErrNotFound when there is no such key.
func (s *Store) KeyBySecret(ctx context.Context, secret string) (Key, Team, error) {
	var team teamScan
	k, err := one(ctx, s.read, func(row scanner) (Key, error) {
		return scanKey(alsoInto(row, team.dest()...))
	}, `SELECT `+keyColumns+`, `+qualified("t", teamColumns)+` FROM api_keys k JOIN teams t ON t.id = k.team_id
		WHERE (k.hash = $1 OR k.previous_hash = $1 AND k.previous_until > $2) AND k.revoked_at IS NULL
		AND (k.expires_at = 0 OR k.expires_at > $2)`, digest(secret), micros(s.now()))
	if err != nil {
		return Key{}, Team{}, fmt.Errorf("reading a key: %w", err)
	}
	return k, team.team(), nil
}

// Key reads one key, a revoked one too. The error is ErrNotFound when there is none.
func (s *Store) Key(ctx context.Context, id string) (Key, error) {
	k, err := one(ctx, s.read, scanKey, `SELECT `+keyColumns+` FROM api_keys k WHERE k.id = $1`, id)
	if err != nil {
		return Key{}, fmt.Errorf("reading key %s: %w", id, err)
	}
	return k, nil
}

// UsedKey notes that a key was used now, unless that was noted less than useGrain ago.
func (s *Store) UsedKey(ctx context.Context, k Key) error {
	now := s.now()
	if now.Sub(k.LastUsedAt) < useGrain {
		return nil
	}
	_, err := s.write.ExecContext(ctx, `UPDATE api_keys SET last_used_at = $1 WHERE id = $2 AND last_used_at <= $3`,
		micros(now), k.ID, micros(now.Add(-useGrain)))
	if err != nil {
		return fmt.Errorf("noting the use of key %s: %w", k.ID, err)
	}
	return nil
}

// RotateKey gives a key that is good a new secret. The present secret stays good for the overlap; the one before it ends now. The
// error is ErrNotFound when there is no such key, or when it is revoked or expired.
func (s *Store) RotateKey(ctx context.Context, id, secret string, overlap time.Duration) error {
	if secret == "" {
		return fmt.Errorf("rotating key %s: the secret is empty", id)
	}
	now := s.now()
	n, err := change(ctx, s.write, `UPDATE api_keys SET previous_hash = hash, previous_until = $1, hash = $2
		WHERE id = $3 AND revoked_at IS NULL AND (expires_at = 0 OR expires_at > $4)`,
		micros(now.Add(overlap)), digest(secret), id, micros(now))
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("rotating key %s: %w", id, err)
	}
	return nil
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
	var created, expires, previous, used int64
	var revoked sql.Null[int64]
	if err := row.Scan(&k.ID, &k.TeamID, &k.Name, &k.Role, &created, &expires, &previous, &used, &revoked); err != nil {
		return Key{}, err
	}
	k.CreatedAt, k.ExpiresAt, k.PreviousUntil, k.LastUsedAt = instant(created), instant(expires), instant(previous), instant(used)
	if revoked.Valid {
		at := instant(revoked.V)
		k.RevokedAt = &at
	}
	return k, nil
}
