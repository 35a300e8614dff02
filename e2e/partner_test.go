package e2e

import (
	"bytes"
	"context"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/e2e/clinic"
	"github.com/aliquot-labs/aliquot/e2e/drive"
)

// Our accounts at the neutral partner, all under one name.
const (
	partnerAccount = clinic.Account
	partnerSecret  = clinic.Secret
)

// seedPartner makes what a team needs to order by every collection method through the neutral protocol.
func (s *system) seedPartner() {
	var err error
	s.partnerTests, err = clinic.Partner(context.Background(), s.store, s.teamID, s.labURL)
	require.NoError(s.t, err)
	if s.options.cancelCall {
		s.seedCancelCall("quest")
	}
}

// seedCancelCall gives an account at the neutral partner the call that cancels.
func (s *system) seedCancelCall(slug string) {
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

// driver is what drives the system from outside.
func (s *system) driver() *drive.System {
	return &drive.System{
		URL: s.url, Key: s.key, OperationsKey: s.opsKey, LabURL: s.labURL, LabUser: labUser, LabToken: labToken,
		PartnerURL: s.labURL + "/neutral", PartnerAccount: partnerAccount, PartnerSecret: partnerSecret,
		UserID: s.userID, Tests: s.partnerTests, Client: caller,
	}
}
