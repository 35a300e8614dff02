package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// Which test an order is for, and through which lab account: the selection rules of client-api#8-orders.

const (
	statusActive  = "active"
	statusPending = "pending"
)

func badRequest(detail string) *Error { return newError(http.StatusBadRequest, detail) }

// selectionRequest is what a request says of what is ordered, how its sample is collected, and through which account.
type selectionRequest struct {
	userID            string
	labTestID         *string // the deprecated way to name the test
	orderSet          *OrderSetRequest
	method            *string // nil: the lab test's own
	account           *string // nil: none is named
	mustBeRegistrable bool    // a kit that is shipped before its patient is known
	allowPending      bool    // an account that is not active yet may be named
}

// selection is what an order stands on.
type selection struct {
	user    store.User
	test    order.LabTest
	account store.LabAccount
	policy  order.Policy
}

// resolveSelection resolves a request's choice by the selection rules.
func (s *server) resolveSelection(ctx context.Context, ch selectionRequest) (selection, error) {
	c := callerOf(ctx)
	user, err := s.Store.User(ctx, c.team.ID, canonicalUUID(ch.userID))
	if err != nil {
		return selection{}, mapNotFound(err, "User")
	}
	test, err := s.resolveLabTest(ctx, c.team.ID, ch)
	if err != nil {
		return selection{}, err
	}
	account, err := s.resolveLabAccount(ctx, c.team, test, ch)
	if err != nil {
		return selection{}, err
	}
	if err := s.checkLabServes(ctx, account, test.Method, ch.mustBeRegistrable); err != nil {
		return selection{}, err
	}
	if err := s.storeCombinedTest(ctx, c.team.ID, test); err != nil {
		return selection{}, err
	}
	policy, err := order.ResolvePolicy(c.team.Policy, account.Policy, test.Policy)
	return selection{user: user, test: test, account: account, policy: policy}, err
}

// accountID is the account that the client named; empty: none.
func (ch selectionRequest) accountID() string {
	if ch.account != nil {
		return canonicalUUID(*ch.account)
	}
	if ch.orderSet != nil && ch.orderSet.LabAccountID != nil {
		return canonicalUUID(*ch.orderSet.LabAccountID)
	}
	return ""
}

// resolveLabAccount resolves through which account the test is ordered. Sandbox teams only ever reach the simulated lab, and production
// teams never.
func (s *server) resolveLabAccount(ctx context.Context, team store.Team, test order.LabTest,
	ch selectionRequest) (store.LabAccount, error) {
	slug := ""
	if test.Lab != nil {
		slug = test.Lab.Slug
	}
	accounts, err := s.orderableAccounts(ctx, team, slug)
	if err != nil {
		return store.LabAccount{}, err
	}
	if named := ch.accountID(); named != "" {
		return findNamedAccount(accounts, named, ch.allowPending)
	}
	return singleActiveAccount(ownOrShared(accounts, team.ID))
}

// orderableAccounts lists the accounts with a lab that the team may order through, whatever their status.
func (s *server) orderableAccounts(ctx context.Context, team store.Team, slug string) ([]store.LabAccount, error) {
	accounts, err := s.Store.LabAccounts(ctx, team.ID)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(accounts, func(a store.LabAccount) bool {
		return a.LabSlug != slug || a.Environment != team.Environment
	}), nil
}

// ownOrShared is the team's own accounts where it has any, else those of all teams.
func ownOrShared(accounts []store.LabAccount, teamID string) []store.LabAccount {
	own := slices.DeleteFunc(slices.Clone(accounts), func(a store.LabAccount) bool { return a.TeamID != teamID })
	if len(own) > 0 {
		return own
	}
	return accounts
}

func findNamedAccount(accounts []store.LabAccount, id string, pending bool) (store.LabAccount, error) {
	i := slices.IndexFunc(accounts, func(a store.LabAccount) bool { return a.ID == id })
	switch {
	case i < 0:
		return store.LabAccount{}, badRequest("Lab account does not exist for this lab")
	case pending && accounts[i].Status == statusPending:
		return accounts[i], nil
	}
	return singleActiveAccount(accounts[i : i+1])
}

func singleActiveAccount(accounts []store.LabAccount) (store.LabAccount, error) {
	active := slices.DeleteFunc(slices.Clone(accounts), func(a store.LabAccount) bool { return a.Status != statusActive })
	switch len(active) {
	case 1:
		return active[0], nil
	case 0:
		return store.LabAccount{}, badRequest("No active lab account is available for this lab")
	default:
		return store.LabAccount{}, badRequest("Several lab accounts are active for this lab: lab_account_id is required")
	}
}
