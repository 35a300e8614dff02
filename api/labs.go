package api

import (
	"context"
	"log/slog"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/store"
)

// partnerMolecular is the protocol whose lab is only sent kits.
const partnerMolecular = "molecular"

// served refuses what the account's lab does not do: a collection method, or kits whose patient is not known.
func (s *server) served(ctx context.Context, a store.LabAccount, method lifecycle.Modality, registrable bool) error {
	can, err := s.capabilities(ctx, a)
	switch {
	case err != nil:
		return err
	case a.Partner == partnerMolecular && method != lifecycle.Testkit:
		return refuse("Collection method " + string(method) + " is not available")
	case registrable && !can.Registrable:
		return refuse("This lab does not ship kits that are registered later")
	}
	return nil
}

// capabilities is what an account's lab can be asked. Without clients of labs, nothing beyond accepting orders.
func (s *server) capabilities(ctx context.Context, a store.LabAccount) (labs.Capabilities, error) {
	if s.Lab == nil {
		return labs.Capabilities{}, nil
	}
	lab, err := s.openLab(ctx, a)
	if err != nil {
		return labs.Capabilities{}, err
	}
	return lab.Capabilities(), nil
}

// openLab makes the client of an account. Settings that no client can be made of are operations' to put right, so the cause is
// logged; that does not pass by itself, so the caller is refused.
func (s *server) openLab(ctx context.Context, a store.LabAccount) (labs.Lab, error) {
	lab, err := s.Lab(a)
	if err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelError, "a lab account cannot be used",
			slog.String("lab_account_id", a.ID), slog.Any("error", err))
		return nil, refuse("The lab account is not in service")
	}
	return lab, nil
}
