package devsystem

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/catalogue"
	"github.com/aliquot-labs/aliquot/labs/molecular"
	"github.com/aliquot-labs/aliquot/labs/neutral"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/store/keyring"
)

func openStore(t *testing.T, secrets Secrets) *store.Store {
	t.Helper()
	keys, err := keyring.Parse(secrets.EncryptionKeys)
	require.NoError(t, err)
	db, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "a.db"), Keys: keys})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.Migrate(t.Context()))
	return db
}

// openSeeded fills a new store with the demonstration, whose simulated lab is at http://127.0.0.1:1.
func openSeeded(t *testing.T) (*store.Store, Secrets) {
	t.Helper()
	secrets, err := loadSecrets(newFolder(t))
	require.NoError(t, err)
	db := openStore(t, secrets)
	require.NoError(t, seedDemonstration(t.Context(), db, secrets, "http://127.0.0.1:1"))
	return db, secrets
}

func TestSeedingAgainChangesNothingButTheLabsAddress(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	secrets, err := loadSecrets(newFolder(t))
	require.NoError(t, err)
	db := openStore(t, secrets)
	offered, err := catalogue.DemoCatalogue()
	require.NoError(t, err)
	for _, lab := range []string{"http://127.0.0.1:1", "http://127.0.0.1:2"} {
		require.NoError(t, seedDemonstration(ctx, db, secrets, lab))

		teams, err := db.Teams(ctx)
		require.NoError(t, err)
		require.Len(t, teams, 1)
		require.Equal(t, store.Sandbox, teams[0].Environment)
		keys, err := db.APIKeys(ctx, TeamID)
		require.NoError(t, err)
		require.Len(t, keys, 2)
		tests, err := db.LabTests(ctx, TeamID, store.LabTestsByCreation)
		require.NoError(t, err)
		require.Len(t, tests, len(offered.LabTests))
		_, err = db.User(ctx, TeamID, UserID)
		require.NoError(t, err)
		accounts, err := db.LabAccounts(ctx, TeamID)
		require.NoError(t, err)
		require.Len(t, accounts, 6)
		for _, account := range accounts {
			require.True(t, strings.HasPrefix(account.BaseURL, lab))
		}
	}
}

func TestSeedContents(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, secrets := openSeeded(t)

	key, team, err := db.APIKeyBySecret(ctx, secrets.ClientKey)
	require.NoError(t, err)
	require.Equal(t, store.RoleClient, key.Role)
	require.Equal(t, TeamID, team.ID)
	key, _, err = db.APIKeyBySecret(ctx, secrets.OperationsKey)
	require.NoError(t, err)
	require.Equal(t, store.RoleAdministrator, key.Role)

	account, err := db.LabAccount(ctx, AccountID)
	require.NoError(t, err)
	require.Equal(t, []string{secrets.LabUser, secrets.LabToken}, []string{account.User, account.Token})
	require.Zero(t, account.Spacing)
	set, err := molecular.ParseSettings(account.Settings)
	require.NoError(t, err)
	require.Equal(t, molecular.Endpoints{Results: "/Results", OrderInfo: "/OrderInfo", Notifications: "/Notifications"},
		set.Endpoints)
	policy, err := order.ResolvePolicy(account.Policy)
	require.NoError(t, err)
	require.Equal(t, 7*order.Day, policy.Recovery.Window.Std())
	require.Equal(t, []order.Duration{order.Duration(72 * time.Hour), order.Duration(120 * time.Hour)},
		policy.Recovery.Reminders)

	lipids, err := db.LabTest(ctx, TeamID, LipidsTestID)
	require.NoError(t, err)
	require.Equal(t, []int{101}, lipids.PanelIDs)
	require.Len(t, lipids.Markers, 4)
	require.Equal(t, "hdl-cholesterol", lipids.Markers[1].Slug)
	require.Equal(t, account.LabSlug, lipids.Lab.Slug)
	require.NotNil(t, lipids.WorstCaseTATDays)
}

func TestTheReceiversEndpoint(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, secrets := openSeeded(t)
	enabled := func() map[string]bool {
		all, err := db.Endpoints(ctx, TeamID)
		require.NoError(t, err)
		states := map[string]bool{}
		for _, e := range all {
			states[e.URL] = !e.Disabled
		}
		return states
	}
	seed := func(url string, receiving bool) {
		old, err := secrets.replaceMovedEndpoint(url)
		require.NoError(t, err)
		require.NoError(t, seedEndpoint(ctx, db, secrets, old, receiving))
	}

	require.NoError(t, seedEndpoint(ctx, db, secrets, "", false))
	require.Empty(t, enabled(), "no receiver, no endpoint")
	seed("http://127.0.0.1:1/webhooks", true)
	seed("http://127.0.0.1:1/webhooks", true)
	require.Equal(t, map[string]bool{"http://127.0.0.1:1/webhooks": true}, enabled())
	require.NoError(t, seedEndpoint(ctx, db, secrets, "", false))
	require.Equal(t, map[string]bool{"http://127.0.0.1:1/webhooks": false}, enabled(),
		"nothing is sent without a receiver")
	seed("http://127.0.0.1:1/webhooks", true)
	seed("http://127.0.0.1:2/webhooks", true)
	require.Equal(t, map[string]bool{"http://127.0.0.1:1/webhooks": false, "http://127.0.0.1:2/webhooks": true}, enabled())
}

func TestNeutralAccountSeed(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, secrets := openSeeded(t)

	accounts, err := db.LabAccounts(ctx, TeamID)
	require.NoError(t, err)
	methods, providers := map[string]lifecycle.Modality{}, []string{}
	for _, a := range accounts {
		if a.Partner != neutral.Partner {
			continue
		}
		require.Equal(t, "http://127.0.0.1:1/neutral", a.BaseURL)
		require.Equal(t, []string{secrets.LabUser, secrets.NeutralSecret}, []string{a.User, a.Token})
		set, err := neutral.ParseSettings(a.Settings)
		require.NoError(t, err)
		for _, m := range set.Methods {
			methods[a.LabSlug+" "+string(m)] = m
		}
		providers = append(providers, set.Provider)
	}
	require.ElementsMatch(t, []string{"quest", "", "", "getlabs", "phlebfinders"}, providers)

	for id, method := range map[string]lifecycle.Modality{
		RegistrableTestID: lifecycle.Testkit, WalkInTestID: lifecycle.WalkIn, PhlebotomyTestID: lifecycle.AtHomePhlebotomy,
		OnSiteTestID: lifecycle.OnSite,
	} {
		test, err := db.LabTest(ctx, TeamID, id)
		require.NoError(t, err)
		require.Equal(t, method, test.Method)
		require.Contains(t, methods, test.Lab.Slug+" "+string(method), "an account takes its orders")
		require.NotEmpty(t, test.Markers)
		for _, m := range test.Markers {
			require.NotEmpty(t, *m.LOINC)
			require.NotEmpty(t, *m.ProviderID)
		}
	}
}

// TestARestartKeepsWhatSomebodyChanged changes an account in every way that operations can, and lab tests.
func TestARestartKeepsWhatSomebodyChanged(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, secrets := openSeeded(t)
	catalogueHash, err := demoCatalogueHash()
	require.NoError(t, err)
	secrets.CatalogueHash = catalogueHash

	before, err := db.LabAccounts(ctx, TeamID)
	require.NoError(t, err)
	var changed []store.LabAccount
	for _, a := range before {
		a.Profile = store.AccountProfile{Name: new("Changed"), AllowedBilling: map[string][]string{"patient_bill": {"AZ"}}}
		a.Policy, a.Spacing, a.Status = []byte(`{"silent":true}`), time.Second, "suspended"
		if a.Partner == neutral.Partner {
			a.Settings = []byte(`{"collection_methods":["testkit"]}`)
		}
		require.NoError(t, db.PutLabAccount(ctx, a))
		a.User, a.Token, a.BaseURL = "rotated", "rotated", "http://127.0.0.1:9"
		require.NoError(t, db.PutLabAccount(ctx, a))
		changed = append(changed, a)
	}
	_, err = db.ChangeLabTest(ctx, TeamID, LipidsTestID, func(l *order.LabTest) error {
		l.Name, l.Status = "Lipids, renamed", "inactive"
		return nil
	})
	require.NoError(t, err)

	require.NoError(t, seedDemonstration(ctx, db, secrets, "http://127.0.0.1:2"))
	after, err := db.LabAccounts(ctx, TeamID)
	require.NoError(t, err)
	for i, want := range changed {
		want.User, want.Token = before[i].User, before[i].Token
		want.BaseURL = strings.Replace(before[i].BaseURL, "127.0.0.1:1", "127.0.0.1:2", 1)
		require.Equal(t, want, after[i], "only the address and the credentials are those of this run")
	}
	lipids, err := db.LabTest(ctx, TeamID, LipidsTestID)
	require.NoError(t, err)
	require.Equal(t, []string{"Lipids, renamed", "inactive"}, []string{lipids.Name, lipids.Status})

	secrets.CatalogueHash = "of an older catalogue"
	require.NoError(t, seedDemonstration(ctx, db, secrets, "http://127.0.0.1:2"))
	lipids, err = db.LabTest(ctx, TeamID, LipidsTestID)
	require.NoError(t, err)
	require.Equal(t, "active", lipids.Status, "a newer catalogue updates an older one")
}

func TestTheDemonstrationAllowsInsurance(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, _ := openSeeded(t)
	accounts, err := db.LabAccounts(ctx, TeamID)
	require.NoError(t, err)
	for _, a := range accounts {
		for _, billing := range store.BillingTypes() {
			require.True(t, a.Profile.AllowsBilling(billing, "AZ"), "%s %s", a.LabSlug, billing)
		}
		policy, err := order.ResolvePolicy(a.Policy)
		require.NoError(t, err)
		require.False(t, policy.Silent, "the demonstration plays scripts")
	}
}
