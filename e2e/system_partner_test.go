package e2e

import (
	"bytes"
	"context"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/e2e/scenario"
	"github.com/aliquot-labs/aliquot/e2e/testteam"
)

// Our accounts at the neutral partner, which have the same name.
const (
	partnerAccount = testteam.NeutralAccount
	partnerSecret  = testteam.NeutralSecret
)

// seedPartner creates the accounts and lab tests for ordering by every collection method through the neutral protocol.
func (s *system) seedPartner() {
	var err error
	s.partnerTests, err = testteam.AddPartner(context.Background(), s.store, s.teamID, s.labURL)
	require.NoError(s.t, err)
	if s.options.cancelCall {
		s.enableCancelCall("quest")
	}
}

// enableCancelCall enables the cancel call of an account at the neutral partner.
func (s *system) enableCancelCall(slug string) {
	accounts, err := s.store.LabAccounts(context.Background(), s.teamID)
	require.NoError(s.t, err)
	for _, a := range accounts {
		if a.LabSlug != slug {
			continue
		}
		a.Settings = bytes.Replace(a.Settings, []byte("{"), []byte(`{"cancel":true,`), 1)
		require.NoError(s.t, s.store.PutLabAccount(context.Background(), a))
	}
}

// scenarioSystem returns the access to the system with which package scenario drives it.
func (s *system) scenarioSystem() *scenario.System {
	if s.scenarios != nil {
		return s.scenarios
	}
	return &scenario.System{
		URL: s.url, Key: s.key, OperationsKey: s.opsKey, LabURL: s.labURL, LabUser: labUser, LabToken: labToken,
		PartnerURL: s.labURL + "/neutral", PartnerAccount: partnerAccount, PartnerSecret: partnerSecret,
		UserID: s.userID, LabTests: s.partnerTests, Client: apiClient,
	}
}
