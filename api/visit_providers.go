package api

import (
	"context"
	"log/slog"
	"slices"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// providerNames are the providers of each type of appointment, by their names in the client API.
var providerNames = map[order.AppointmentType][]string{
	order.Phlebotomy:           {"getlabs", "phlebfinders"},
	order.PatientServiceCenter: {"quest", "sonora_quest"},
}

// provider is an account through which appointments can be booked.
type provider struct {
	account      store.LabAccount
	capabilities labs.Capabilities
	labs.Scheduler
}

func (p provider) isNamed(name string) bool { return p.capabilities.Provider == name }

func (p provider) offersTier(t labs.Tier) bool { return slices.Contains(p.capabilities.Tiers, t) }

// schedulers returns the team's providers of a type of appointment. As for orders, only active accounts are used, and
// the team's own accounts at a lab take precedence over shared ones. It leaves out accounts that cannot be used.
func (s *server) schedulers(ctx context.Context, t order.AppointmentType) ([]provider, error) {
	team := callerOf(ctx).team
	accounts, err := s.Store.LabAccounts(ctx, team.ID)
	if err != nil {
		return nil, err
	}
	byLab := map[string][]store.LabAccount{}
	for _, a := range accounts {
		if a.Environment == team.Environment {
			byLab[a.LabSlug] = append(byLab[a.LabSlug], a)
		}
	}
	var out []provider
	for _, a := range accounts {
		if a.Status != statusActive || !containsAccount(ownOrShared(byLab[a.LabSlug], team.ID), a) {
			continue
		}
		if p, ok := s.openScheduler(ctx, a); ok && slices.Contains(providerNames[t], p.capabilities.Provider) {
			out = append(out, p)
		}
	}
	return out, nil
}

func containsAccount(accounts []store.LabAccount, a store.LabAccount) bool {
	return slices.ContainsFunc(accounts, func(other store.LabAccount) bool { return other.ID == a.ID })
}

// openScheduler returns the provider of an account, or false when appointments cannot be booked through it.
func (s *server) openScheduler(ctx context.Context, a store.LabAccount) (provider, bool) {
	lab, err := s.OpenLab(a)
	if err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelError, "a lab account cannot be used",
			slog.String("lab_account_id", a.ID), slog.Any("error", err))
		return provider{}, false
	}
	scheduler, ok := lab.(labs.Scheduler)
	can := lab.Capabilities()
	return provider{account: a, capabilities: can, Scheduler: scheduler}, ok && can.Schedule
}
