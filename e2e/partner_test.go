package e2e

import (
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
}

// driver is what drives the system from outside.
func (s *system) driver() *drive.System {
	return &drive.System{
		URL: s.url, Key: s.key, OperationsKey: s.opsKey, LabURL: s.labURL, LabUser: labUser, LabToken: labToken,
		PartnerURL: s.labURL + "/neutral", PartnerAccount: partnerAccount, PartnerSecret: partnerSecret,
		UserID: s.userID, Tests: s.partnerTests, Client: caller,
	}
}
