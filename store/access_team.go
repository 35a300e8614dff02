package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// The environments of a team and of a lab account. Orders of a sandbox team go to the simulated lab only.
const (
	Production = "production"
	Sandbox    = "sandbox"
)

// Team is a client company, or one environment of it.
type Team struct {
	ID          string
	Name        string
	Environment string // Production or Sandbox
	TimeZone    string // IANA name; default: UTC
	Policy      []byte // JSON overlay of order.Policy; empty: the defaults
	CreatedAt   time.Time
}

const teamColumns = `id, name, environment, time_zone, policy, created_at`

// CreateTeam adds a team. A zero CreatedAt means now. The error is ErrConflict when the id is in use.
func (s *Store) CreateTeam(ctx context.Context, t Team) error {
	if t.TimeZone == "" {
		t.TimeZone = "UTC"
	}
	if t.CreatedAt.IsZero() {
		t.CreatedAt = s.now()
	}
	if err := t.validate(); err != nil {
		return fmt.Errorf("creating team %s: %w", t.ID, err)
	}
	_, err := s.db.Writer.ExecContext(ctx, `INSERT INTO teams (`+teamColumns+`) VALUES ($1, $2, $3, $4, $5, $6)`,
		t.ID, t.Name, t.Environment, t.TimeZone, string(t.Policy), sqldb.ToMicros(t.CreatedAt))
	if err != nil {
		return sqldb.WrapWriteError(err, "team", t.ID)
	}
	return nil
}

func (t Team) validate() error {
	if t.Environment != Production && t.Environment != Sandbox {
		return fmt.Errorf("environment is %q, not %s or %s", t.Environment, Production, Sandbox)
	}
	if err := sqldb.RequireIDs("the id", t.ID); err != nil {
		return err
	}
	if _, err := time.LoadLocation(t.TimeZone); err != nil {
		return fmt.Errorf("time zone: %w", err)
	}
	_, err := order.ResolvePolicy(t.Policy)
	return err
}

// Team reads one team. The error is ErrNotFound when there is none.
func (s *Store) Team(ctx context.Context, id string) (Team, error) {
	t, err := sqldb.QueryOne(ctx, s.db.Reader, scanTeam, `SELECT `+teamColumns+` FROM teams WHERE id = $1`, id)
	if err != nil {
		return Team{}, fmt.Errorf("reading team %s: %w", id, err)
	}
	return t, nil
}

// Teams lists every team, oldest first.
func (s *Store) Teams(ctx context.Context) ([]Team, error) {
	all, err := sqldb.QueryAll(ctx, s.db.Reader, scanTeam, `SELECT `+teamColumns+` FROM teams ORDER BY created_at, id`)
	if err != nil {
		return nil, fmt.Errorf("listing teams: %w", err)
	}
	return all, nil
}

// ChangeTeamPolicy replaces the team's policy overlay by what the function returns for the current one. An empty result
// removes the overlay. Existing orders keep the policy that they were created with.
func (s *Store) ChangeTeamPolicy(ctx context.Context, id string,
	change func(overlay []byte) ([]byte, error)) (Team, error) {
	var t Team
	err := s.db.InTx(ctx, func(tx *sql.Tx) (err error) {
		// The first statement locks the row, so that two concurrent changes do not overwrite each other.
		t, err = sqldb.QueryOne(ctx, tx, scanTeam, `UPDATE teams SET policy = policy WHERE id = $1
			RETURNING `+teamColumns, id)
		if err != nil {
			return err
		}
		if t.Policy, err = change(t.Policy); err != nil {
			return err
		}
		if _, err := order.ResolvePolicy(t.Policy); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE teams SET policy = $1 WHERE id = $2`, string(t.Policy), id)
		return err
	})
	if err != nil {
		return Team{}, fmt.Errorf("changing the policy of team %s: %w", id, err)
	}
	return t, nil
}

// teamScan holds the scan targets of a team's row.
type teamScan struct {
	read    Team
	policy  string
	created int64
}

func (x *teamScan) dest() []any {
	return []any{&x.read.ID, &x.read.Name, &x.read.Environment, &x.read.TimeZone, &x.policy, &x.created}
}

func (x *teamScan) team() Team {
	x.read.Policy, x.read.CreatedAt = policyOverlay(x.policy), sqldb.FromMicros(x.created)
	return x.read
}

func scanTeam(row sqldb.Scanner) (Team, error) {
	var x teamScan
	if err := row.Scan(x.dest()...); err != nil {
		return Team{}, err
	}
	return x.team(), nil
}

// policyOverlay returns a stored overlay, or nil when there is none.
func policyOverlay(text string) []byte {
	if text == "" {
		return nil
	}
	return []byte(text)
}
