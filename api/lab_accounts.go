package api

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/registry"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/store"
)

// ClientFacingLabAccount is an account with a lab as its teams see it.
type ClientFacingLabAccount struct {
	ID                   string              `json:"id" format:"uuid"`
	Lab                  string              `json:"lab" doc:"The lab's slug."`
	OrgID                *string             `json:"org_id" format:"uuid"`
	Status               string              `json:"status" enum:"active,pending,suspended,ready_to_launch"`
	DelegatedFlow        string              `json:"delegated_flow" enum:"order_delegated,result_delegated,fully_delegated,not_delegated"`
	ProviderAccountID    string              `json:"provider_account_id" doc:"The lab's own number of the account."`
	AccountName          *string             `json:"account_name"`
	DefaultClinicalNotes *string             `json:"default_clinical_notes" doc:"Given to the lab with every order."`
	BusinessUnits        []string            `json:"business_units"`
	AllowedBilling       map[string][]string `json:"allowed_billing" doc:"How orders may be billed, and of patients of which states."`
	TeamIDAllowlist      []string            `json:"team_id_allowlist" nullable:"false" doc:"Empty: all teams."`
}

// phlebotomyProviders are providers of appointments that are no labs, whose accounts no order goes through.
var phlebotomyProviders = []string{"getlabs", "phlebfinders"}

// GetTeamLabAccountsResponse are the accounts that a team may order through.
type GetTeamLabAccountsResponse struct {
	Data []ClientFacingLabAccount `json:"data" nullable:"false"`
}

type labAccountsInput struct {
	LabAccountID string `query:"lab_account_id" format:"uuid"`
	Status       string `query:"status" enum:"active,pending,suspended,ready_to_launch"`
}

func (s *server) labAccountRoutes() {
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "list-lab-accounts", Method: http.MethodGet, Path: "/v3/lab_test/lab_account",
		Tags:    []string{tagLabTests},
		Summary: "List the lab accounts that the team may order through",
	}, s.listLabAccounts)
}

func (s *server) listLabAccounts(ctx context.Context, in *labAccountsInput) (*body[GetTeamLabAccountsResponse], error) {
	team := callerOf(ctx).team
	accounts, err := s.Store.LabAccounts(ctx, team.ID)
	if err != nil {
		return nil, err
	}
	out := GetTeamLabAccountsResponse{Data: []ClientFacingLabAccount{}}
	for _, a := range accounts {
		named := in.LabAccountID == "" || canonicalUUID(in.LabAccountID) == a.ID
		if named && !slices.Contains(phlebotomyProviders, a.LabSlug) && a.Environment == team.Environment &&
			(in.Status == "" || in.Status == a.Status) {
			out.Data = append(out.Data, clientFacingLabAccount(a))
		}
	}
	return newAnswer(out), nil
}

func clientFacingLabAccount(a store.LabAccount) ClientFacingLabAccount {
	p := a.Profile
	out := ClientFacingLabAccount{
		ID: a.ID, Lab: a.LabSlug, OrgID: p.OrgID, Status: a.Status,
		DelegatedFlow:     cmp.Or(p.DelegatedFlow, store.NotDelegated),
		ProviderAccountID: p.ProviderAccountID, AccountName: p.Name, DefaultClinicalNotes: p.ClinicalNotes,
		BusinessUnits:  p.BusinessUnits,
		AllowedBilling: p.AllowedBilling, TeamIDAllowlist: []string{},
	}
	if len(out.AllowedBilling) == 0 {
		out.AllowedBilling = map[string][]string{store.BillingClientBill: store.USStates()}
	}
	if a.TeamID != "" {
		out.TeamIDAllowlist = append(out.TeamIDAllowlist, a.TeamID)
	}
	return out
}

// checkLabServes refuses what the account's lab does not do: a collection method, or kits whose patient is not known.
func (s *server) checkLabServes(ctx context.Context, a store.LabAccount, method lifecycle.Modality,
	registrable bool) error {
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

// openLabOrRefuse makes the client of an account, for what the API asks labs itself. That an account cannot be used
// does not pass by itself, so the caller is refused; what is wrong is operations' to put right, and goes to the log.
func (s *server) openLabOrRefuse(ctx context.Context, a store.LabAccount) (labs.Lab, error) {
	lab, err := s.OpenLab(a)
	if err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelError, "a lab account cannot be used",
			slog.String("lab_account_id", a.ID), slog.Any("error", err))
		return nil, badRequest("The lab account is not in service")
	}
	return lab, nil
}

// openLab makes the client of an account by its partner's protocol. Its calls keep the account's spacing with those of
// the workers.
func (s *server) openLab(a store.LabAccount) (labs.Lab, error) {
	p, ok := registry.ProtocolNamed(a.Partner)
	if !ok {
		return nil, fmt.Errorf("there is no partner %q", a.Partner)
	}
	return p.Open(labs.Account{
		ID: a.ID, Partner: a.Partner, BaseURL: a.BaseURL, User: a.User, Token: a.Token, Spacing: a.Spacing,
		Settings:    a.Settings,
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
