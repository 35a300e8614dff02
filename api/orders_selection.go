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

func refuse(detail string) *Error { return fail(http.StatusBadRequest, detail) }

// choice is what a request says of what is ordered, how its sample is collected, and through which account.
type choice struct {
	userID      string
	labTestID   *string // the deprecated way to name the test
	set         *OrderSetRequest
	method      *string // nil: the lab test's own
	account     *string // nil: none is named
	registrable bool    // a kit that is shipped before its patient is known
	pending     bool    // an account that is not active yet may be named
}

// footing is what an order stands on.
type footing struct {
	user    store.User
	test    order.LabTest
	account store.LabAccount
	policy  order.Policy
}

// choose resolves a request's choice by the selection rules.
func (s *server) choose(ctx context.Context, ch choice) (footing, error) {
	c := callerOf(ctx)
	user, err := s.Store.User(ctx, c.team.ID, canonical(ch.userID))
	if err != nil {
		return footing{}, orNotFound(err, "User")
	}
	test, err := s.orderedTest(ctx, c.team.ID, ch)
	if err != nil {
		return footing{}, err
	}
	account, err := s.labAccount(ctx, c.team, test, ch)
	if err != nil {
		return footing{}, err
	}
	if err := s.served(ctx, account, test.Method, ch.registrable); err != nil {
		return footing{}, err
	}
	if err := s.keepMade(ctx, c.team.ID, test); err != nil {
		return footing{}, err
	}
	policy, err := order.Resolve(c.team.Policy, account.Policy, test.Policy)
	return footing{user: user, test: test, account: account, policy: policy}, err
}

// accountID is the account that the client named; empty: none.
func (ch choice) accountID() string {
	if ch.account != nil {
		return canonical(*ch.account)
	}
	if ch.set != nil && ch.set.LabAccountID != nil {
		return canonical(*ch.set.LabAccountID)
	}
	return ""
}

// labAccount resolves through which account the test is ordered. Sandbox teams only ever reach the simulated lab, and production
// teams never.
func (s *server) labAccount(ctx context.Context, team store.Team, test order.LabTest, ch choice) (store.LabAccount, error) {
	slug := ""
	if test.Lab != nil {
		slug = test.Lab.Slug
	}
	accounts, err := s.accountsOf(ctx, team, slug)
	if err != nil {
		return store.LabAccount{}, err
	}
	if named := ch.accountID(); named != "" {
		return namedAccount(accounts, named, ch.pending)
	}
	return onlyActive(ownFirst(accounts, team.ID))
}

// accountsOf lists the accounts with a lab that the team may order through, whatever their status.
func (s *server) accountsOf(ctx context.Context, team store.Team, slug string) ([]store.LabAccount, error) {
	accounts, err := s.Store.LabAccounts(ctx, team.ID)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(accounts, func(a store.LabAccount) bool {
		return a.LabSlug != slug || a.Environment != team.Environment
	}), nil
}

// ownFirst is the team's own accounts where it has any, else those of all teams.
func ownFirst(accounts []store.LabAccount, teamID string) []store.LabAccount {
	own := slices.DeleteFunc(slices.Clone(accounts), func(a store.LabAccount) bool { return a.TeamID != teamID })
	if len(own) > 0 {
		return own
	}
	return accounts
}

func namedAccount(accounts []store.LabAccount, id string, pending bool) (store.LabAccount, error) {
	i := slices.IndexFunc(accounts, func(a store.LabAccount) bool { return a.ID == id })
	switch {
	case i < 0:
		return store.LabAccount{}, refuse("Lab account does not exist for this lab")
	case pending && accounts[i].Status == statusPending:
		return accounts[i], nil
	}
	return onlyActive(accounts[i : i+1])
}

func onlyActive(accounts []store.LabAccount) (store.LabAccount, error) {
	active := slices.DeleteFunc(slices.Clone(accounts), func(a store.LabAccount) bool { return a.Status != statusActive })
	switch len(active) {
	case 1:
		return active[0], nil
	case 0:
		return store.LabAccount{}, refuse("No active lab account is available for this lab")
	default:
		return store.LabAccount{}, refuse("Several lab accounts are active for this lab: lab_account_id is required")
	}
}
