package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/e2e/scenario"
	"github.com/aliquot-labs/aliquot/internal/apiclient"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// TestTheOfficialSDK has the vendor's official SDK call every route of Aliquot for which it has a method. The SDK has
// to accept every response. The suite in e2e/sdk lists the methods that it does not call, and the reasons.
func TestTheOfficialSDK(t *testing.T) {
	t.Parallel()
	suite := compileSDKSuite(t)
	s := newSystem(t, options{neutral: true, playScripts: true, policy: `{"minors": true}`})
	account := s.billThroughPartner()
	cancelled := s.reportedAfterCancelling(2)
	s.addMarkers(s.partnerTests[scenario.OnSite])
	s.importCatalogue("testdata/catalogue.json")
	tests, err := json.Marshal(map[string]string{
		scenario.Testkit: s.partnerTests[scenario.Testkit], scenario.WalkIn: s.partnerTests[scenario.WalkIn],
		scenario.Phlebotomy: s.partnerTests[scenario.Phlebotomy], scenario.OnSite: s.partnerTests[scenario.OnSite],
	})
	require.NoError(t, err)
	proxy, broken := newCheckingProxy(t, s.url)
	cmd := exec.CommandContext(t.Context(), "node", "--test-reporter=spec", suite)
	cmd.Env = append(os.Environ(), "ALIQUOT_URL="+proxy, "ALIQUOT_KEY="+s.key, "ALIQUOT_LAB_ACCOUNT="+account,
		"ALIQUOT_OTHER_KEY="+s.otherTeamKey(), "ALIQUOT_TEAM="+s.teamID,
		"ALIQUOT_USER="+s.userID, "ALIQUOT_LAB_TESTS="+string(tests),
		"ALIQUOT_CANCELLED_ORDERS="+strings.Join(cancelled, ","))
	out, err := cmd.CombinedOutput()
	require.Empty(t, broken(), "answers are as the document says")
	require.NoError(t, err, "%s", out)
	t.Logf("%s", out)
}

// compileSDKSuite type-checks the suite and returns the compiled program. The test fails if the npm packages are
// missing, because a skipped test would prove nothing.
func compileSDKSuite(t *testing.T) string {
	t.Helper()
	_, err := os.Stat("sdk/node_modules/.stamp")
	require.NoError(t, err, "the npm packages are missing: run tools/npm.sh, as make test does")
	sources, err := filepath.Glob("sdk/*.*s*")
	require.NoError(t, err)
	for _, source := range sources {
		_, err := os.ReadFile(source) // go test must not use a cached result when a file has changed
		require.NoError(t, err)
	}
	out, err := exec.CommandContext(t.Context(), "node", "sdk/node_modules/typescript/bin/tsc", "-p",
		"sdk").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return filepath.Join("sdk", "node_modules", ".suite", "suite.js")
}

// reportedAfterCancelling creates n orders that are cancelled before their lab reports. Their results belong to no open
// order.
func (s *system) reportedAfterCancelling(n int) []string {
	s.t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = s.placeOrder(map[string]any{"passthrough": "sandbox:silent"})
		s.awaitStatus(ids[i], "received.testkit.requisition_created")
		require.Equal(s.t, http.StatusOK, s.cancel(ids[i]).Status)
		s.publishReport(ids[i])
	}
	s.await(func() bool { return len(s.reviews("")) == n }, "reviews of results were not opened")
	return ids
}

// billThroughPartner enables insurance billing through the partner in one state, and returns the account's id.
func (s *system) billThroughPartner() string {
	s.t.Helper()
	ctx := context.Background()
	test, err := s.store.LabTest(ctx, "", s.partnerTests[scenario.WalkIn])
	require.NoError(s.t, err)
	accounts, err := s.store.LabAccounts(ctx, s.teamID)
	require.NoError(s.t, err)
	i := slices.IndexFunc(accounts,
		func(a store.LabAccount) bool { return a.LabSlug == test.Lab.Slug && a.TeamID == s.teamID })
	require.GreaterOrEqual(s.t, i, 0)
	accounts[i].Profile = store.AccountProfile{
		Name: new("Partner"), ProviderAccountID: "P-1",
		AllowedBilling: map[string][]string{store.BillingClientBill: store.USStates(), "commercial_insurance": {"AZ"}},
	}
	require.NoError(s.t, s.store.PutLabAccount(ctx, accounts[i]))
	return accounts[i].ID
}

// addMarkers gives a lab test collection instructions and two markers, one of which has a code that must be escaped in
// paths.
func (s *system) addMarkers(labTestID string) {
	s.t.Helper()
	test, err := s.store.LabTest(context.Background(), "", labTestID)
	require.NoError(s.t, err)
	test.Markers = []order.Marker{
		{ID: 701, Name: "HDL", Slug: "hdl", ProviderID: new("H1")},
		{ID: 702, Name: "LDL", Slug: "ldl", ProviderID: new("L 1/2")},
	}
	test.HasInstructions = true
	require.NoError(s.t, s.store.PutLabTest(context.Background(), "", test))
}

// importCatalogue imports a file as operations do, and creates an account of the lab in it.
func (s *system) importCatalogue(path string) {
	s.t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(s.t, err)
	c := apiclient.New(s.url, s.opsKey)
	defer c.Close()
	file := map[string]any{"name": path, "content": json.RawMessage(text)}
	require.NoError(s.t, c.Call(context.Background(), http.MethodPost, "/ops/catalogue",
		map[string]any{"files": []any{file}}, nil))
	require.NoError(s.t, s.store.PutLabAccount(context.Background(), store.LabAccount{
		ID: uuid.NewString(), TeamID: s.teamID, LabSlug: "labcorp", Partner: "neutral", Environment: store.Sandbox,
		BaseURL: s.labURL + "/neutral",
		User:    partnerAccount, Token: partnerSecret, Status: "active",
		Settings: []byte(`{"collection_methods":["walk_in_test","on_site_collection"]}`),
	}))
}

// otherTeamKey returns the API key of another team.
func (s *system) otherTeamKey() string {
	s.t.Helper()
	ctx := context.Background()
	team := store.Team{ID: uuid.NewString(), Name: "Another team", Environment: store.Sandbox}
	require.NoError(s.t, s.store.CreateTeam(ctx, team))
	secret, err := store.NewAPIKeySecret(store.Sandbox)
	require.NoError(s.t, err)
	require.NoError(s.t, s.store.CreateAPIKey(ctx, store.APIKey{ID: uuid.NewString(), TeamID: team.ID, Name: "client",
		Role: store.RoleClient}, secret))
	return secret
}
