package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// LabAccount is a team's account at a lab, or an account for all teams when TeamID is empty.
type LabAccount struct {
	ID          string
	TeamID      string
	LabSlug     string
	Partner     string // the lab's protocol, such as molecular
	Environment string // Production or Sandbox
	BaseURL     string
	// The credentials with which Aliquot calls the lab and the lab calls the webhook. Sealed.
	User, Token string
	// The credentials before a rotation, which the webhook still accepts while they are not empty. Sealed.
	PreviousUser, PreviousToken string
	Spacing                     time.Duration // between the starts of two calls; 0: no pacing
	Settings                    []byte        // JSON object of the partner's own settings; default: {}
	Policy                      []byte        // JSON overlay of order.Policy; empty: none
	Profile                     AccountProfile
	Status                      string
	CreatedAt                   time.Time
}

// labCredentials is the sealed part of a lab account.
type labCredentials struct{ User, Token, PreviousUser, PreviousToken string }

const labAccountColumns = `id, team_id, lab_slug, partner, environment, base_url, credentials, spacing, settings,
	policy, profile, status, created_at`

// PutLabAccount adds an account, or replaces the one with the same id, including its credentials. A zero CreatedAt
// means now. The error is ErrConflict when the id belongs to another team.
func (s *Store) PutLabAccount(ctx context.Context, a LabAccount) error {
	if len(a.Settings) == 0 {
		a.Settings = []byte("{}")
	}
	if a.CreatedAt.IsZero() {
		a.CreatedAt = s.now()
	}
	if err := a.validate(); err != nil {
		return fmt.Errorf("putting lab account %s: %w", a.ID, err)
	}
	sealed, err := s.keys.SealJSON(sealContext("lab_accounts", a.ID, "credentials"),
		labCredentials{a.User, a.Token, a.PreviousUser, a.PreviousToken})
	if err != nil {
		return fmt.Errorf("sealing the credentials of lab account %s: %w", a.ID, err)
	}
	profile, err := encodeJSON(a.Profile)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(tx *sql.Tx) error {
		if err := putLabAccountRow(ctx, tx, a, sealed, profile); err != nil {
			return err
		}
		return s.putWebhookKeys(ctx, tx, a)
	})
}

func putLabAccountRow(ctx context.Context, tx *sql.Tx, a LabAccount, sealed []byte, profile string) error {
	n, err := sqldb.ExecCount(ctx, tx, `INSERT INTO lab_accounts (`+labAccountColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (id) DO UPDATE SET lab_slug = excluded.lab_slug, partner = excluded.partner,
			environment = excluded.environment, base_url = excluded.base_url,
			credentials = excluded.credentials, spacing = excluded.spacing,
			settings = excluded.settings, policy = excluded.policy, profile = excluded.profile, status = excluded.status
		WHERE lab_accounts.team_id IS NOT DISTINCT FROM excluded.team_id`,
		a.ID, sqldb.IDOrNull(a.TeamID), a.LabSlug, a.Partner, a.Environment, a.BaseURL, sealed, a.Spacing.Microseconds(),
		string(a.Settings), string(a.Policy), profile, a.Status, sqldb.ToMicros(a.CreatedAt))
	if err != nil {
		return fmt.Errorf("writing lab account %s: %w", a.ID, err)
	}
	if n == 0 {
		return fmt.Errorf("writing lab account %s of another team: %w", a.ID, ErrConflict)
	}
	return nil
}

func (a LabAccount) validate() error {
	if a.Environment != Production && a.Environment != Sandbox {
		return fmt.Errorf("environment is %q, not %s or %s", a.Environment, Production, Sandbox)
	}
	if err := sqldb.RequireIDs("the id", a.ID); err != nil {
		return err
	}
	if a.Spacing < 0 {
		return fmt.Errorf("spacing is %s", a.Spacing)
	}
	var settings map[string]json.RawMessage
	if err := json.Unmarshal(a.Settings, &settings); err != nil {
		return fmt.Errorf("settings are not a JSON object: %w", err)
	}
	if _, err := order.ResolvePolicy(a.Policy); err != nil {
		return err
	}
	return a.Profile.validate()
}

// LabAccount reads one account. The error is ErrNotFound when there is none.
func (s *Store) LabAccount(ctx context.Context, id string) (LabAccount, error) {
	a, err := sqldb.QueryOne(ctx, s.db.Reader, s.scanLabAccount,
		`SELECT `+labAccountColumns+` FROM lab_accounts WHERE id = $1`, id)
	if err != nil {
		return LabAccount{}, fmt.Errorf("reading lab account %s: %w", id, err)
	}
	return a, nil
}

// LabAccounts lists the accounts that a team may order through, its own and those for all teams, oldest first. An empty
// teamID lists all accounts.
func (s *Store) LabAccounts(ctx context.Context, teamID string) ([]LabAccount, error) {
	var where sqldb.Where
	where.AndIfSet("(team_id IS NULL OR team_id = ?)", teamID)
	all, err := sqldb.QueryAll(ctx, s.db.Reader, s.scanLabAccount,
		`SELECT `+labAccountColumns+` FROM lab_accounts`+where.String()+` ORDER BY created_at, id`, where.Args...)
	if err != nil {
		return nil, fmt.Errorf("listing lab accounts: %w", err)
	}
	return all, nil
}

// LabAccountsByPartner lists the accounts at a partner, oldest first. The partner's webhook accepts their credentials.
// LabAccountsByWebhookUser finds those of one user name without opening the credentials of all.
func (s *Store) LabAccountsByPartner(ctx context.Context, partner string) ([]LabAccount, error) {
	all, err := sqldb.QueryAll(ctx, s.db.Reader, s.scanLabAccount,
		`SELECT `+labAccountColumns+` FROM lab_accounts WHERE partner = $1 ORDER BY created_at, id`, partner)
	if err != nil {
		return nil, fmt.Errorf("listing lab accounts with %s: %w", partner, err)
	}
	return all, nil
}

func (s *Store) scanLabAccount(row sqldb.Scanner) (LabAccount, error) {
	var a LabAccount
	var sealed []byte
	var settings, policy, profile string
	var spacing, created int64
	err := row.Scan(&a.ID, sqldb.EmptyIfNull(&a.TeamID), &a.LabSlug, &a.Partner, &a.Environment, &a.BaseURL,
		&sealed, &spacing, &settings, &policy, &profile, &a.Status, &created)
	if err != nil {
		return LabAccount{}, err
	}
	var c labCredentials
	if err := s.keys.OpenJSON(sealContext("lab_accounts", a.ID, "credentials"), sealed, &c); err != nil {
		return LabAccount{}, err
	}
	if err := decodeJSON(profile, &a.Profile); err != nil {
		return LabAccount{}, err
	}
	a.User, a.Token, a.PreviousUser, a.PreviousToken = c.User, c.Token, c.PreviousUser, c.PreviousToken
	a.Spacing = time.Duration(spacing) * time.Microsecond
	a.Settings, a.Policy, a.CreatedAt = []byte(settings), policyOverlay(policy), sqldb.FromMicros(created)
	return a, nil
}
