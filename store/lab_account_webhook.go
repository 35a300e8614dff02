package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// searchWebhookUser is the field of the search hashes by which a partner's webhook finds its lab accounts.
const searchWebhookUser = "webhook_user"

// webhookTerms lists what the partner of an account can present in its webhooks: the present user name and the one
// before a rotation. An account without a secret accepts no webhook, so it has none.
func (a LabAccount) webhookTerms() []searchTerm {
	var terms []searchTerm
	for _, c := range []struct{ user, token string }{{a.User, a.Token}, {a.PreviousUser, a.PreviousToken}} {
		if c.token != "" {
			terms = append(terms, webhookTerm(a.Partner, c.user))
		}
	}
	return terms
}

func webhookTerm(partner, user string) searchTerm {
	return searchTerm{searchWebhookUser, partner + " " + user}
}

// putWebhookKeys replaces the hashes of an account. The caller has locked the account's row.
func (s *Store) putWebhookKeys(ctx context.Context, tx *sql.Tx, a LabAccount) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM lab_account_webhook_keys WHERE account_id = $1`, a.ID); err != nil {
		return fmt.Errorf("removing the webhook keys of lab account %s: %w", a.ID, err)
	}
	for _, t := range a.webhookTerms() {
		_, err := tx.ExecContext(ctx, `INSERT INTO lab_account_webhook_keys (account_id, field, hash, partner)
			VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, a.ID, t.field, s.keys.SearchHash(t.field, t.value), a.Partner)
		if err != nil {
			return fmt.Errorf("writing a webhook key of lab account %s: %w", a.ID, err)
		}
	}
	return nil
}

func (s *Store) loadWebhookTerms(ctx context.Context, tx *sql.Tx, id string) ([]searchTerm, error) {
	a, err := sqldb.QueryOne(ctx, tx, s.scanLabAccount, `SELECT `+labAccountColumns+` FROM lab_accounts WHERE id = $1`, id)
	if err != nil {
		return nil, err
	}
	return a.webhookTerms(), nil
}

// LabAccountsByWebhookUser lists the accounts at a partner, oldest first, whose present or previous user name is user.
// If there is none, it returns one account of another user: to check its credentials takes as long as to check a wrong
// password. The list is empty when no account at the partner has a secret.
func (s *Store) LabAccountsByWebhookUser(ctx context.Context, partner, user string) ([]LabAccount, error) {
	statement, args := s.selectAccountsByWebhookUser(partner, user)
	found, err := sqldb.QueryAll(ctx, s.db.Reader, s.scanLabAccount, statement, args...)
	if err != nil {
		return nil, fmt.Errorf("finding lab accounts with %s: %w", partner, err)
	}
	return found, nil
}

func (s *Store) selectAccountsByWebhookUser(partner, user string) (statement string, args []any) {
	args = []any{partner}
	term := webhookTerm(partner, user)
	for _, hash := range s.keys.SearchHashes(term.field, term.value) {
		args = append(args, hash)
	}
	hashes := sqldb.Placeholders(2, len(args)-1)
	return `SELECT ` + labAccountColumns + ` FROM lab_accounts WHERE id IN (
			SELECT account_id FROM lab_account_webhook_keys WHERE hash IN (` + hashes + `)
			UNION ALL SELECT other.account_id FROM (
				SELECT account_id FROM lab_account_webhook_keys WHERE partner = $1 ORDER BY account_id LIMIT 1) AS other
			WHERE NOT EXISTS (SELECT 1 FROM lab_account_webhook_keys WHERE hash IN (` + hashes + `)))
		ORDER BY created_at, id`, args
}
