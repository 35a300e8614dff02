package store

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// TestWebhooksFindTheirAccounts finds accounts by the user names that partners present. However many accounts there
// are, only those of the user name are opened, or one other for a name that nobody has.
func TestWebhooksFindTheirAccounts(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		found := func(partner, user string) []string {
			t.Helper()
			all, err := s.LabAccountsByWebhookUser(t.Context(), partner, user)
			require.NoError(t, err)
			ids := make([]string, len(all))
			for i, a := range all {
				ids[i] = a.ID
			}
			return ids
		}
		put := func(a LabAccount) LabAccount {
			t.Helper()
			if a.ID == "" {
				a.ID = sqldb.NewID()
			}
			a.LabSlug, a.Environment, a.Status = "lab", Sandbox, "active"
			require.NoError(t, s.PutLabAccount(t.Context(), a))
			return a
		}
		require.Empty(t, found("p", "nobody"))
		put(LabAccount{Partner: "p", User: "none"}) // without a secret it accepts no webhook
		require.Empty(t, found("p", "none"))
		var accounts []LabAccount
		for i := range 20 {
			accounts = append(accounts, put(LabAccount{Partner: "p", User: fmt.Sprint("user", i), Token: "t"}))
		}
		elsewhere := put(LabAccount{Partner: "q", User: "user3", Token: "t"})

		require.Equal(t, []string{accounts[3].ID}, found("p", "user3"))
		require.Equal(t, []string{elsewhere.ID}, found("q", "user3"))
		require.Len(t, found("p", "nobody"), 1, "one account of another user")
		require.Len(t, found("p", ""), 1)
		same := put(LabAccount{Partner: "p", User: "user3", Token: "another team's"})
		require.Equal(t, []string{accounts[3].ID, same.ID}, found("p", "user3"))

		changed := accounts[3] // both user names, until the rotation ends
		changed.PreviousUser, changed.PreviousToken, changed.User, changed.Token = "user3", "t", "new", "t2"
		put(changed)
		require.Equal(t, []string{changed.ID}, found("p", "new"))
		require.Equal(t, []string{changed.ID, same.ID}, found("p", "user3"))
		changed.PreviousUser, changed.PreviousToken = "", ""
		put(changed)
		require.Equal(t, []string{same.ID}, found("p", "user3"))
		stored, err := sqldb.QueryAll(t.Context(), s.db.Reader, sqldb.ScanText, `SELECT hash FROM lab_account_webhook_keys`)
		require.NoError(t, err)
		require.Len(t, stored, 22)
		require.NotContains(t, fmt.Sprint(stored), "user", "the names are hashed by a key")
	})
}

// TestWebhooksFindTheirAccountsAfterAKeyRotation: the hashes of an older key are found, until a rotation replaces them.
func TestWebhooksFindTheirAccountsAfterAKeyRotation(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		a := LabAccount{ID: sqldb.NewID(), Partner: "p", User: "user", Token: "t", PreviousUser: "old", PreviousToken: "t0",
			LabSlug: "lab", Environment: Sandbox, Status: "active"}
		require.NoError(t, s.PutLabAccount(t.Context(), a))
		requireFound := func(by *Store) {
			t.Helper()
			for _, user := range []string{"user", "old"} {
				found, err := by.LabAccountsByWebhookUser(t.Context(), "p", user)
				require.NoError(t, err)
				require.Len(t, found, 1)
				require.Equal(t, a.ID, found[0].ID)
				require.Equal(t, a.Token, found[0].Token)
			}
			hashed, err := sqldb.QueryOne(t.Context(), by.db.Reader, sqldb.ScanInt,
				`SELECT COUNT(*) FROM lab_account_webhook_keys WHERE hash = $1`,
				by.keys.SearchHash(searchWebhookUser, "p user"))
			require.NoError(t, err)
			require.LessOrEqual(t, hashed, 1)
		}
		requireFound(s)
		both := reopenWithKeys(t, s, newKeyring(t, newKeyText, oldKey))
		requireFound(both)
		done, err := both.RotateEncryptionKeys(t.Context(), func(ColumnRotation) {})
		require.NoError(t, err)
		require.Contains(t, done, ColumnRotation{Table: "lab_account_webhook_keys", Column: "hash", Replaced: 2})
		requireFound(reopenWithKeys(t, s, newKeyring(t, newKeyText)))
	})
}
