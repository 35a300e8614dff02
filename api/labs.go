package api

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/registry"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/store"
)

// checkLabServes refuses what the account's lab does not do: a collection method, or kits whose patient is not known.
func (s *server) checkLabServes(ctx context.Context, a store.LabAccount, method lifecycle.Modality, registrable bool) error {
	lab, err := s.openLabOrRefuse(ctx, a)
	if err != nil {
		return err
	}
	switch can := lab.Capabilities(); {
	case !slices.Contains(can.Methods, method):
		return badRequest("Collection method " + string(method) + " is not available")
	case registrable && !can.Registrable:
		return badRequest("This lab does not ship kits that are registered later")
	}
	return nil
}

// openLabOrRefuse makes the client of an account, for what the API asks labs itself. That an account cannot be used does not pass by itself, so
// the caller is refused; what is wrong is operations' to put right, and goes to the log.
func (s *server) openLabOrRefuse(ctx context.Context, a store.LabAccount) (labs.Lab, error) {
	lab, err := s.OpenLab(a)
	if err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelError, "a lab account cannot be used",
			slog.String("lab_account_id", a.ID), slog.Any("error", err))
		return nil, badRequest("The lab account is not in service")
	}
	return lab, nil
}

// openLab makes the client of an account by its partner's protocol. Its calls keep the account's spacing with those of the workers.
func (s *server) openLab(a store.LabAccount) (labs.Lab, error) {
	p, ok := registry.ProtocolNamed(a.Partner)
	if !ok {
		return nil, fmt.Errorf("there is no partner %q", a.Partner)
	}
	return p.Open(labs.Account{
		ID: a.ID, Partner: a.Partner, BaseURL: a.BaseURL, User: a.User, Token: a.Token, Spacing: a.Spacing, Settings: a.Settings,
		Environment: a.Environment,
	}, labs.Options{HTTPClient: s.LabHTTPClient, Timeout: labTimeout, WaitForTurn: s.paceCalls(a), Now: s.Now})
}

// paceCalls waits for a call's turn with the account.
func (s *server) paceCalls(a store.LabAccount) labs.WaitForTurn {
	return func(ctx context.Context) error {
		_, wait, err := s.Store.ReserveCallStart(ctx, a.ID, a.Spacing)
		if err != nil {
			return fmt.Errorf("reserving a call: %w", err)
		}
		return sleep(ctx, wait)
	}
}

// sleep waits; the error says that the context ended first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
