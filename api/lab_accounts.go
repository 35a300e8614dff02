package api

import (
	"cmp"
	"context"
	"errors"
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

// ClientFacingLabAccount is a lab account as clients see it.
type ClientFacingLabAccount struct {
	ID     string  `json:"id" format:"uuid"`
	Lab    string  `json:"lab" doc:"The lab's slug."`
	OrgID  *string `json:"org_id" format:"uuid"`
	Status string  `json:"status" enum:"active,pending,suspended,ready_to_launch"`

	DelegatedFlow string `json:"delegated_flow" enum:"order_delegated,result_delegated,fully_delegated,not_delegated"`

	ProviderAccountID    string              `json:"provider_account_id" doc:"The lab's own number of the account."`
	AccountName          *string             `json:"account_name"`
	DefaultClinicalNotes *string             `json:"default_clinical_notes" doc:"Sent to the lab with every order."`
	BusinessUnits        []string            `json:"business_units"`
	AllowedBilling       map[string][]string `json:"allowed_billing" doc:"The patients' states, by billing type."`
	TeamIDAllowlist      []string            `json:"team_id_allowlist" nullable:"false" doc:"Empty: all teams."`
}

// phlebotomyProviders are providers that are no labs. No order is placed through their accounts.
var phlebotomyProviders = []string{"getlabs", "phlebfinders"}

// GetTeamLabAccountsResponse are the lab accounts through which a team may order.
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
		Summary: "List the lab accounts through which the team may order",
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
		BusinessUnits: p.BusinessUnits, AllowedBilling: p.AllowedBilling, TeamIDAllowlist: []string{},
	}
	if len(out.AllowedBilling) == 0 {
		out.AllowedBilling = map[string][]string{store.BillingClientBill: store.USStates()}
	}
	if a.TeamID != "" {
		out.TeamIDAllowlist = append(out.TeamIDAllowlist, a.TeamID)
	}
	return out
}

// checkLabServes refuses a collection method that the account's lab does not have, and registrable kits at a lab
// without them.
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

// checkAddressServed refuses an address, at a path of the request, whose state or country the account's adapter would
// refuse when the order is placed.
func (s *server) checkAddressServed(ctx context.Context, a store.LabAccount, state, country, path string) error {
	lab, err := s.openLabOrRefuse(ctx, a)
	if err != nil {
		return err
	}
	checker, ok := lab.(labs.AddressChecker)
	if !ok {
		return nil
	}
	var problems []*problem
	for _, field := range checker.RefusedAddressFields(state, country) {
		problems = append(problems, newProblem("value_error", "The lab does not serve this "+field, path+"."+field))
	}
	if len(problems) > 0 {
		return validationError(problems...)
	}
	return nil
}

// openLabOrRefuse returns the client of a lab account. When the account cannot be used it logs why, for operations, and
// refuses the request with 400: a retry would not help.
func (s *server) openLabOrRefuse(ctx context.Context, a store.LabAccount) (labs.Lab, error) {
	lab, err := s.OpenLab(a)
	if err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelError, "a lab account cannot be used",
			slog.String("lab_account_id", a.ID), slog.Any("error", err))
		return nil, badRequest("The lab account is not in service")
	}
	return lab, nil
}

// openLab returns the client of an account, by its partner's protocol. Its calls are paced together with the calls of
// the workers.
func (s *server) openLab(a store.LabAccount) (labs.Lab, error) {
	p, ok := registry.ProtocolNamed(a.Partner)
	if !ok {
		return nil, fmt.Errorf("partner %q is unknown", a.Partner)
	}
	return p.Open(labs.Account{
		ID: a.ID, Partner: a.Partner, BaseURL: a.BaseURL, User: a.User, Token: a.Token, Spacing: a.Spacing,
		Settings: a.Settings, Environment: a.Environment,
	}, labs.Options{HTTPClient: s.LabHTTPClient, Timeout: labTimeout, WaitForTurn: s.paceCalls(a), Now: s.Now})
}

// maxTurnWait is how long a call waits for its turn while a client waits for the answer.
const maxTurnWait = 5 * time.Second

// errTurnTooLate is the cause of a labs.BusyError: the call would have to wait longer than its client.
var errTurnTooLate = errors.New("the account makes too many calls")

// paceCalls returns a function that waits for the turn of a call through the account. A client waits for the answer, so
// the call goes before those of the workers that can wait. If its turn is later than maxTurnWait, the lab is busy.
func (s *server) paceCalls(a store.LabAccount) labs.WaitForTurn {
	return func(ctx context.Context) error {
		if a.Spacing <= 0 {
			return nil
		}
		turn, wait, err := s.Store.ReserveCallStart(ctx, store.CallStartRequest{
			Account: a.ID, Spacing: a.Spacing + labs.SpacingMargin, Lane: store.LaneUrgent, MaxWait: maxTurnWait,
		})
		if err != nil {
			return fmt.Errorf("reserving the turn of a call: %w", err)
		}
		if !turn.Granted {
			return &labs.BusyError{Err: errTurnTooLate}
		}
		return sleep(ctx, wait)
	}
}

// sleep waits for d. It returns an error when the context ends before.
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
