package devsystem

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aliquot-labs/aliquot/internal/catalogue"
	"github.com/aliquot-labs/aliquot/store"
)

// The ids of the accounts with the neutral protocol, and of the lab tests of their labs in the demonstration catalogue.
const (
	QuestAccountID        = "019a1100-0000-7000-8000-000000000004"
	NexusAccountID        = "019a1100-0000-7000-8000-000000000005"
	GetlabsAccountID      = "019a1100-0000-7000-8000-000000000006"
	PhlebFindersAccountID = "019a1100-0000-7000-8000-000000000007"
	LabcorpAccountID      = "019a1100-0000-7000-8000-000000000008"

	RegistrableTestID = "019a1100-0000-7000-8000-000000000201" // panel 101 of the simulated lab
	WalkInTestID      = "019a1100-0000-7000-8000-000000000202" // panel 201
	PhlebotomyTestID  = "019a1100-0000-7000-8000-000000000203" // panel 202
	OnSiteTestID      = "019a1100-0000-7000-8000-000000000204" // panel 203

	neutralPartner = "neutral"
)

// neutralAccounts returns the accounts of the neutral protocol: two labs with draws, of which one makes appointments at
// its patient service centers; a lab for kits that are registered later; and two phlebotomy providers, one for each
// tier. The simulated lab plays all of them.
func neutralAccounts(secrets Secrets, labURL string) []store.LabAccount {
	account := func(id, slug, settings string) store.LabAccount {
		return store.LabAccount{
			ID: id, LabSlug: slug, Partner: neutralPartner, BaseURL: labURL + "/neutral",
			User: secrets.LabUser, Token: secrets.NeutralSecret, Settings: []byte(settings),
		}
	}
	return []store.LabAccount{
		account(QuestAccountID, "quest",
			`{"collection_methods":["walk_in_test","at_home_phlebotomy","on_site_collection"],"cancel":true,`+
				`"schedule":true,"provider":"quest","tiers":["appointment-ready"]}`),
		account(LabcorpAccountID, "labcorp",
			`{"collection_methods":["walk_in_test","at_home_phlebotomy","on_site_collection"],"cancel":true}`),
		account(NexusAccountID, "nexus",
			`{"collection_methods":["testkit"],"registrable":true,"cancel":true,"correct":true}`),
		account(GetlabsAccountID, "getlabs",
			`{"collection_methods":[],"schedule":true,"provider":"getlabs","tiers":["appointment-ready"]}`),
		account(PhlebFindersAccountID, "phlebfinders",
			`{"collection_methods":[],"schedule":true,"provider":"phlebfinders","tiers":["appointment-request"]}`),
	}
}

// The ids of what seedDemonstration creates. They are fixed, so that examples can use them.
const (
	TeamID    = "019a1100-0000-7000-8000-000000000001"
	UserID    = "019a1100-0000-7000-8000-000000000002"
	AccountID = "019a1100-0000-7000-8000-000000000003"
	// LipidsTestID is a lab test of the demonstration catalogue with panel 101 of the simulated lab.
	LipidsTestID     = "019a1100-0000-7000-8000-000000000101"
	InfectiousTestID = "019a1100-0000-7000-8000-000000000102" // panel 102
	labSlug          = "mtl"
	labPartner       = "molecular"
)

// labSettings name the calls that the real lab has not confirmed and the simulated lab has.
const labSettings = `{"default_physician":5501,"shipping_method":9,"lob":"SC",` +
	`"endpoints":{"results":"/Results","order_info":"/OrderInfo","notifications":"/Notifications"}}`

// labPolicy has a recovery window of a week, because Molecular holds a rejected kit that long
// (order-lifecycle#kit-rejection).
const labPolicy = `{"recovery":{"window":"168h","reminders":["72h","120h"]}}`

// seedDemonstration adds a demonstration team to the store, with its API keys, the demonstration catalogue, a user, and
// accounts at the simulated labs and providers. Existing rows stay as they are, except that the accounts get the given
// URL and credentials.
func seedDemonstration(ctx context.Context, s *store.Store, secrets Secrets, labURL string) error {
	if err := seedTeam(ctx, s); err != nil {
		return err
	}
	for _, key := range []struct{ name, role, secret string }{
		{"Demonstration client", store.RoleClient, secrets.ClientKey},
		{"Demonstration operations", store.RoleAdministrator, secrets.OperationsKey},
	} {
		if err := seedKey(ctx, s, key.name, key.role, key.secret); err != nil {
			return err
		}
	}
	if err := seedUser(ctx, s); err != nil {
		return err
	}
	if err := seedCatalogue(ctx, s, secrets.CatalogueHash); err != nil {
		return err
	}
	accounts := append([]store.LabAccount{{
		ID: AccountID, LabSlug: labSlug, Partner: labPartner, BaseURL: labURL,
		User: secrets.LabUser, Token: secrets.LabToken, Settings: []byte(labSettings), Policy: []byte(labPolicy),
	}}, neutralAccounts(secrets, labURL)...)
	for _, account := range accounts {
		if err := seedAccount(ctx, s, account); err != nil {
			return err
		}
	}
	return nil
}

// seedAccount adds an account. One that exists keeps what somebody has changed, except the URL and the credentials,
// which belong to the simulated lab of this run.
func seedAccount(ctx context.Context, s *store.Store, account store.LabAccount) error {
	account.TeamID, account.Environment, account.Status = TeamID, store.Sandbox, "active"
	account.Profile.AllowedBilling = allowedBilling()
	existing, err := s.LabAccount(ctx, account.ID)
	switch {
	case err == nil:
		existing.BaseURL, existing.User, existing.Token = account.BaseURL, account.User, account.Token
		account = existing
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	return s.PutLabAccount(ctx, account)
}

// allowedBilling returns what the demonstration's accounts allow: every way of billing, in every state.
func allowedBilling() map[string][]string {
	allowed := map[string][]string{}
	for _, billing := range store.BillingTypes() {
		allowed[billing] = store.USStates()
	}
	return allowed
}

// seedCatalogue imports the demonstration catalogue for the demonstration team. A newer catalogue updates an older one.
// One with the hash of the last import is not imported again, because somebody may have changed its lab tests.
func seedCatalogue(ctx context.Context, s *store.Store, imported string) error {
	c, err := catalogue.DemoCatalogue()
	if err != nil {
		return err
	}
	hash, err := demoCatalogueHash()
	if err != nil {
		return err
	}
	_, err = s.LabTest(ctx, TeamID, LipidsTestID)
	if hash == imported && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	_, err = s.ImportCatalogue(ctx, c, store.CatalogueImportOptions{TeamID: TeamID})
	return err
}

// demoCatalogueHash returns a hash of the demonstration catalogue.
func demoCatalogueHash() (string, error) {
	c, err := catalogue.DemoCatalogue()
	if err != nil {
		return "", err
	}
	document, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("writing the demonstration catalogue: %w", err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(document)), nil
}

func seedTeam(ctx context.Context, s *store.Store) error {
	_, err := s.Team(ctx, TeamID)
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return s.CreateTeam(ctx, store.Team{ID: TeamID, Name: "Demo clinic", Environment: store.Sandbox})
}

func seedKey(ctx context.Context, s *store.Store, name, role, secret string) error {
	_, _, err := s.APIKeyBySecret(ctx, secret)
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	id, err := newID()
	if err != nil {
		return err
	}
	return s.CreateAPIKey(ctx, store.APIKey{ID: id, TeamID: TeamID, Name: name, Role: role}, secret)
}

func seedUser(ctx context.Context, s *store.Store) error {
	err := s.CreateUser(ctx, store.User{ID: UserID, TeamID: TeamID, ClientUserID: "demo-user"})
	if errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}

// seedEndpoint registers the built-in receiver's endpoint and disables its old endpoint. Without a receiver the
// endpoint is disabled as well.
func seedEndpoint(ctx context.Context, s *store.Store, secrets Secrets, old string, receiving bool) error {
	if old != "" {
		if err := s.SetEndpointDisabled(ctx, old, true, "moved"); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	endpoint, err := s.Endpoint(ctx, secrets.EndpointID)
	if err == nil && endpoint.Disabled == receiving {
		return s.SetEndpointDisabled(ctx, secrets.EndpointID, !receiving, "receiver_off")
	}
	if !errors.Is(err, store.ErrNotFound) || !receiving {
		return ignoreNotFound(err)
	}
	return s.CreateEndpoint(ctx, store.Endpoint{
		ID: secrets.EndpointID, TeamID: TeamID, URL: secrets.EndpointURL, Secret: secrets.EndpointSecret,
		Description: "Built-in receiver of aliquot dev",
	})
}

func ignoreNotFound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
