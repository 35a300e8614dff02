package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

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
		OperationID: "list-lab-accounts", Method: http.MethodGet, Path: "/v3/lab_test/lab_account", Tags: []string{tagLabTests},
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
		if named && !slices.Contains(phlebotomyProviders, a.LabSlug) && a.Environment == team.Environment && (in.Status == "" || in.Status == a.Status) {
			out.Data = append(out.Data, clientFacingLabAccount(a))
		}
	}
	return newAnswer(out), nil
}

func clientFacingLabAccount(a store.LabAccount) ClientFacingLabAccount {
	p := a.Profile
	out := ClientFacingLabAccount{
		ID: a.ID, Lab: a.LabSlug, OrgID: p.OrgID, Status: a.Status, DelegatedFlow: cmp.Or(p.DelegatedFlow, store.NotDelegated),
		ProviderAccountID: p.ProviderAccountID, AccountName: p.Name, DefaultClinicalNotes: p.ClinicalNotes, BusinessUnits: p.BusinessUnits,
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
