package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// This file resolves the lab test and the lab account of an order, by the selection rules of client-api#8-orders.

const (
	statusActive  = "active"
	statusPending = "pending"
)

func badRequest(detail string) *Error { return newError(http.StatusBadRequest, detail) }

// selectionRequest is what a request says about what is ordered, the collection method and the lab account.
type selectionRequest struct {
	userID            string
	labTestID         *string // the deprecated field for the lab test
	orderSet          *OrderSetRequest
	method            *string // nil: the lab test's own
	account           *string // nil: the request names none
	mustBeRegistrable bool    // the order is a kit that is registered later
	allowPending      bool    // the account that the request names may be pending
}

// selection is what a request resolves to: the user, the lab test, the lab account and the policy of the order.
type selection struct {
	user    store.User
	test    order.LabTest
	account store.LabAccount
	policy  order.Policy
}

// resolveSelection resolves a request by the selection rules. It stores nothing: callers store a combined lab test with
// storeCombinedTest.
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
	policy, err := order.ResolvePolicy(c.team.Policy, account.Policy, test.Policy)
	return selection{user: user, test: test, account: account, policy: policy}, err
}

// accountID returns the id of the account that the client named, or "".
func (ch selectionRequest) accountID() string {
	if ch.account != nil {
		return canonicalUUID(*ch.account)
	}
	if ch.orderSet != nil && ch.orderSet.LabAccountID != nil {
		return canonicalUUID(*ch.orderSet.LabAccountID)
	}
	return ""
}

// resolveLabAccount returns the account through which the lab test is ordered. It considers accounts of the team's
// environment only, so that sandbox teams order at the simulated lab and production teams never do.
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

// orderableAccounts lists the accounts at a lab that the team may use, in any status.
func (s *server) orderableAccounts(ctx context.Context, team store.Team, slug string) ([]store.LabAccount, error) {
	accounts, err := s.Store.LabAccounts(ctx, team.ID)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(accounts, func(a store.LabAccount) bool {
		return a.LabSlug != slug || a.Environment != team.Environment
	}), nil
}

// ownOrShared returns the team's own accounts if it has any, else the accounts that all teams share.
func ownOrShared(accounts []store.LabAccount, teamID string) []store.LabAccount {
	own := slices.DeleteFunc(slices.Clone(accounts), func(a store.LabAccount) bool { return a.TeamID != teamID })
	if len(own) > 0 {
		return own
	}
	return accounts
}

// findNamedAccount returns the account with an id. It must be active or, with allowPending, pending.
func findNamedAccount(accounts []store.LabAccount, id string, allowPending bool) (store.LabAccount, error) {
	i := slices.IndexFunc(accounts, func(a store.LabAccount) bool { return a.ID == id })
	switch {
	case i < 0:
		return store.LabAccount{}, badRequest("Lab account does not exist for this lab")
	case allowPending && accounts[i].Status == statusPending:
		return accounts[i], nil
	}
	return singleActiveAccount(accounts[i : i+1])
}

// singleActiveAccount returns the one active account. It refuses the request when there is none, or more than one.
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
