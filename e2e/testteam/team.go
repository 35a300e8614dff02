// Package testteam creates the team of the end-to-end tests: its keys, its lab tests of every collection method, and
// its accounts at the simulated labs and providers.
package testteam

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/aliquot-labs/aliquot/e2e/scenario"
	"github.com/aliquot-labs/aliquot/labs/molecular"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// The credentials of the accounts at the simulated lab and courier.
const (
	LabUser       = "practice-7"
	LabToken      = "0b6c6a8e-4d53-4d0b-9b39-3d0f3a9f6c11" //nolint:gosec // the simulated lab's
	CourierSecret = "courier-secret"
	CourierKey    = "courier-key"
	// NeutralAccount is the name of all accounts at the neutral partner.
	NeutralAccount = "clinic"
	NeutralSecret  = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" //nolint:gosec // the simulated partner's
)

// Keyring is the encryption keyring of the store.
const Keyring = "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// MolecularLabTest is the key, in Team.LabTests, of the lab test whose orders are placed by Molecular's protocol.
const MolecularLabTest = "molecular"

// Team is a team that can order every lab test.
type Team struct {
	TeamID, UserID     string
	Key, OperationsKey string
	// LabTests are lab tests by the keys of scenario.System.LabTests, and Molecular's.
	LabTests map[string]string
}

// CreateTeam creates a team whose orders are placed at the simulated lab at labURL. spacing is the shortest time
// between two calls of Molecular's account.
func CreateTeam(ctx context.Context, s *store.Store, labURL string, spacing time.Duration) (*Team, error) {
	c := &Team{TeamID: uuid.NewString(), UserID: uuid.NewString()}
	if err := s.CreateTeam(ctx, store.Team{ID: c.TeamID, Name: "Clinic", Environment: store.Sandbox}); err != nil {
		return nil, err
	}
	var errs [5]error
	c.Key, errs[0] = newKey(ctx, s, c.TeamID, store.RoleClient)
	c.OperationsKey, errs[1] = newKey(ctx, s, c.TeamID, store.RoleAdministrator)
	errs[2] = s.CreateUser(ctx, store.User{ID: c.UserID, TeamID: c.TeamID, ClientUserID: "patient-1"})
	c.LabTests, errs[3] = AddPartner(ctx, s, c.TeamID, labURL)
	if c.LabTests != nil {
		c.LabTests[MolecularLabTest], errs[4] = addMolecular(ctx, s, c.TeamID, labURL, spacing)
	}
	return c, errors.Join(errs[:]...)
}

func newKey(ctx context.Context, s *store.Store, teamID, role string) (string, error) {
	secret, err := store.NewAPIKeySecret(store.Sandbox)
	if err != nil {
		return "", err
	}
	return secret, s.CreateAPIKey(ctx, store.APIKey{ID: uuid.NewString(), TeamID: teamID, Name: role, Role: role}, secret)
}

func addMolecular(ctx context.Context, s *store.Store, teamID, labURL string,
	spacing time.Duration) (testID string, err error) {
	lab := order.Lab{
		ID: 27, Slug: "mtl", Name: "Molecular Testing Labs", FirstLineAddress: "1 Lab Way", City: "Vancouver",
		Zipcode:           "98660",
		CollectionMethods: []string{scenario.Testkit}, SampleTypes: []string{"dried_blood_spot"},
	}
	testID = uuid.NewString()
	return testID, errors.Join(
		s.PutLab(ctx, lab),
		s.PutLabTest(ctx, "", order.LabTest{
			ID: testID, Slug: "lipids", Name: "Lipids Panel", SampleType: "dried_blood_spot", Method: lifecycle.Testkit,
			Status: "active", Lab: &lab, PanelIDs: []int{101},
		}),
		s.PutLabAccount(ctx, store.LabAccount{
			ID: uuid.NewString(), TeamID: teamID, LabSlug: lab.Slug, Partner: molecular.Partner, Environment: store.Sandbox,
			BaseURL: labURL, User: LabUser, Token: LabToken, Spacing: spacing, Status: "active",
			Settings: []byte(`{"default_physician":5501,` +
				`"endpoints":{"results":"/Results","order_info":"/OrderInfo","notifications":"/Notifications"}}`),
			Policy: []byte(`{"recovery":{"window":"168h","reminders":["72h","120h"]}}`), // molecular-api#d31
		}),
	)
}
