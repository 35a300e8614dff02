package api

import (
	"strings"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/registry"
	"github.com/aliquot-labs/aliquot/store"
)

// checkLabAccount refuses an account that the partner's adapter cannot use. An active account also needs everything
// without which its orders would be refused or never be completed. The text names all of both.
func (s *server) checkLabAccount(a store.LabAccount) error {
	var parts []string
	if _, err := s.openLab(a); err != nil { // the error contains no credentials
		parts = append(parts, err.Error())
	}
	if lacks := missingFromAccount(a); len(lacks) > 0 && a.Status == statusActive {
		parts = append(parts, "an active account of "+a.Partner+" needs "+strings.Join(lacks, " and ")+
			"; with the status pending it can be stored without")
	}
	if len(parts) == 0 {
		return nil
	}
	return badRequest("The account is not valid: " + strings.Join(parts, "; "))
}

// missingFromAccount lists what an account lacks by its partner's protocol.
func missingFromAccount(a store.LabAccount) []string {
	p, ok := registry.ProtocolNamed(a.Partner)
	if !ok || p.Missing == nil {
		return nil
	}
	return p.Missing(labs.Account{ID: a.ID, Partner: a.Partner, Environment: a.Environment, Settings: a.Settings})
}
