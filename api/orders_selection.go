package api

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// Which test an order is for, and through which lab account: the selection rules of the client API contract (section 8).

const statusActive = "active"

func refuse(detail string) *Error { return fail(http.StatusBadRequest, detail) }

// labAccountID is the account that the client named; empty: none.
func (in *CreateOrderRequest) labAccountID() string {
	if in.LabAccountID != nil {
		return canonical(*in.LabAccountID)
	}
	if in.OrderSet != nil && in.OrderSet.LabAccountID != nil {
		return canonical(*in.OrderSet.LabAccountID)
	}
	return ""
}

// orderedTest is the one lab test that the request is for.
func (s *server) orderedTest(ctx context.Context, teamID string, in *CreateOrderRequest) (order.LabTest, error) {
	id, err := in.labTestID()
	if err != nil {
		return order.LabTest{}, err
	}
	test, err := s.Store.LabTest(ctx, teamID, id)
	if errors.Is(err, store.ErrNotFound) {
		return order.LabTest{}, refuse("Lab test does not exist")
	}
	if err != nil {
		return order.LabTest{}, err
	}
	method := test.Method
	if in.CollectionMethod != nil {
		method = lifecycle.Modality(*in.CollectionMethod)
	}
	switch {
	case test.Status != statusActive:
		return order.LabTest{}, refuse("Lab test is not active")
	case method != test.Method:
		return order.LabTest{}, refuse("Lab test is not available with the collection method " + string(method))
	case method != lifecycle.Testkit:
		return order.LabTest{}, refuse("Collection method " + string(method) + " is not available")
	case in.BillingType != nil && *in.BillingType != defaultBilling:
		return order.LabTest{}, refuse("Billing type " + *in.BillingType + " is not available for this lab account")
	}
	return test, nil
}

func (in *CreateOrderRequest) labTestID() (string, error) {
	var ids []string
	if in.OrderSet != nil {
		if add := string(in.OrderSet.AddOn); add != "" && add != "null" {
			return "", refuse("À-la-carte markers are not available")
		}
		for _, id := range in.OrderSet.LabTestIDs {
			ids = append(ids, canonical(id))
		}
	}
	if in.LabTestID != nil {
		ids = append(ids, canonical(*in.LabTestID))
	}
	slices.Sort(ids)
	switch ids = slices.Compact(ids); len(ids) {
	case 1:
		return ids[0], nil
	case 0:
		return "", refuse("A lab test is required")
	default:
		return "", refuse("Only one lab test per order is available")
	}
}

// labAccount resolves through which account the test is ordered. Sandbox teams only ever reach the simulated lab, and production
// teams never.
func (s *server) labAccount(ctx context.Context, team store.Team, test order.LabTest, named string) (store.LabAccount, error) {
	accounts, err := s.Store.LabAccounts(ctx, team.ID)
	if err != nil {
		return store.LabAccount{}, err
	}
	slug := ""
	if test.Lab != nil {
		slug = test.Lab.Slug
	}
	accounts = slices.DeleteFunc(accounts, func(a store.LabAccount) bool {
		return a.LabSlug != slug || a.Environment != team.Environment
	})
	if named != "" {
		return namedAccount(accounts, named)
	}
	own := slices.DeleteFunc(slices.Clone(accounts), func(a store.LabAccount) bool { return a.TeamID != team.ID })
	if len(own) > 0 {
		return onlyActive(own)
	}
	return onlyActive(accounts)
}

func namedAccount(accounts []store.LabAccount, id string) (store.LabAccount, error) {
	i := slices.IndexFunc(accounts, func(a store.LabAccount) bool { return a.ID == id })
	if i < 0 {
		return store.LabAccount{}, refuse("Lab account does not exist for this lab")
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
