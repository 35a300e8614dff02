package api

import (
	"context"
	"errors"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// unmatchedResultTestClientUserID is the client_user_id of the user of the tests' orders.
const unmatchedResultTestClientUserID = "unmatched-result-tests"

// unmatchedResultTestDelayDays is the number of days after which an order is activated that must stay ordered.
const unmatchedResultTestDelayDays = 30

// unmatchedResultTestPreparation creates or reads the orders of a run of the test of unmatched results.
type unmatchedResultTestPreparation struct {
	*server
	run *store.UnmatchedResultTestRun
}

// setStage stores the stage that the run has reached.
func (r *unmatchedResultTestPreparation) setStage(ctx context.Context, stage string) error {
	r.run.Stage = stage
	return r.Store.UpdateUnmatchedResultTestRun(ctx, *r.run)
}

// prepare runs all stages of the preparation.
func (r *unmatchedResultTestPreparation) prepare(ctx context.Context) error {
	test, _ := order.ReviewTestCaseOf(r.run.Request.Case)
	if err := r.setStage(ctx, store.UnmatchedResultTestStageValidating); err != nil {
		return err
	}
	if r.run.Request.Source == sourceProvided && len(test.Roles) > 0 {
		return r.useProvidedOrders(ctx, test)
	}
	if err := r.setStage(ctx, store.UnmatchedResultTestStageSelecting); err != nil {
		return err
	}
	user, err := r.findOrCreateUser(ctx)
	if err != nil {
		return err
	}
	ordered, err := r.selectLabTests(ctx, user.ID, test)
	if err != nil {
		return err
	}
	if err := r.setStage(ctx, store.UnmatchedResultTestStageCreating); err != nil {
		return err
	}
	r.run.OrderIDsByRole = map[string]string{}
	for _, role := range test.Roles {
		if err := r.createOrderForRole(ctx, user.ID, ordered, role, test.RequiredStatuses[role]); err != nil {
			return err
		}
	}
	if err := r.setStage(ctx, store.UnmatchedResultTestStageTransitioning); err != nil {
		return err
	}
	for _, role := range test.Roles {
		if err := r.driveToStatus(ctx, r.run.OrderIDsByRole[role], test.RequiredStatuses[role]); err != nil {
			return err
		}
	}
	return nil
}

// useProvidedOrders uses the caller's orders, which must have the statuses that the case requires.
func (r *unmatchedResultTestPreparation) useProvidedOrders(ctx context.Context, test order.ReviewTestCase) error {
	var first *order.Order
	for _, role := range test.Roles {
		o, err := r.Store.Order(ctx, r.run.TeamID, r.run.Request.Orders[role])
		if errors.Is(err, store.ErrNotFound) {
			return badRequest("There is no such order: " + role)
		}
		if err != nil {
			return err
		}
		if o.Status != test.RequiredStatuses[role] {
			return badRequest("The order " + role + " is not " + string(test.RequiredStatuses[role]))
		}
		if first == nil {
			first = o
		}
	}
	r.run.OrderIDsByRole, r.run.LabAccountID, r.run.LabTestID = r.run.Request.Orders, first.LabAccountID, first.LabTest.ID
	if id := r.run.Request.LabTestID; id != "" {
		f, err := r.resolveSelection(ctx, selectionRequest{userID: first.UserID,
			orderSet: &OrderSetRequest{LabTestIDs: []string{id}}})
		if err != nil {
			return err
		}
		r.run.LabAccountID, r.run.LabTestID = f.account.ID, id
	}
	return r.setStage(ctx, store.UnmatchedResultTestStageTransitioning)
}

// findOrCreateUser returns the user of the team's tests, and creates it for the first one.
func (r *unmatchedResultTestPreparation) findOrCreateUser(ctx context.Context) (store.User, error) {
	u, err := r.Store.UserByClientUserID(ctx, r.run.TeamID, unmatchedResultTestClientUserID)
	if !errors.Is(err, store.ErrNotFound) {
		return u, err
	}
	u = store.User{ID: newID(), TeamID: r.run.TeamID, ClientUserID: unmatchedResultTestClientUserID}
	err = r.Store.CreateUser(ctx, u)
	var conflict *store.UserConflict
	switch {
	case errors.As(err, &conflict):
		return conflict.Existing, nil
	case err != nil:
		return u, userRefusal(err)
	}
	return u, nil
}

// selectLabTests sets the lab test of the result, and returns the one to order. They are the same, except in the case
// of a result from the wrong lab.
func (r *unmatchedResultTestPreparation) selectLabTests(ctx context.Context, userID string,
	test order.ReviewTestCase) (ordered string, err error) {
	reported, err := r.findOrderableTest(ctx, userID, r.run.Request.LabTestID, func(selection) bool { return true })
	if err != nil {
		return "", err
	}
	r.run.LabTestID, r.run.LabAccountID = reported.test.ID, reported.account.ID
	if test.Case != order.MatchWrongLab {
		return reported.test.ID, nil
	}
	other, err := r.findOrderableTest(ctx, userID, r.run.Request.WrongLabTestID, func(f selection) bool {
		return f.test.Lab != nil && reported.test.Lab != nil && f.test.Lab.Slug != reported.test.Lab.Slug
	})
	return other.test.ID, err
}

// findOrderableTest returns the selection of the named lab test, or of the first one that the team can order and that
// fits.
func (r *unmatchedResultTestPreparation) findOrderableTest(ctx context.Context, userID, named string,
	fits func(selection) bool) (selection, error) {
	ids := []string{named}
	if named == "" {
		ids = ids[:0]
		tests, err := r.Store.LabTests(ctx, r.run.TeamID, store.LabTestsByCreation)
		if err != nil {
			return selection{}, err
		}
		for _, t := range tests {
			if t.Status == statusActive {
				ids = append(ids, t.ID)
			}
		}
	}
	var why error = badRequest("No lab test can be ordered that fits the case")
	for _, id := range ids {
		f, err := r.resolveSelection(ctx, selectionRequest{userID: userID,
			orderSet: &OrderSetRequest{LabTestIDs: []string{id}}})
		if refused := (*Error)(nil); err != nil && !errors.As(err, &refused) {
			return selection{}, err
		}
		if err == nil && fits(f) {
			return f, nil
		}
		if err != nil && named != "" {
			why = err
		}
	}
	return selection{}, why
}

// createOrderForRole creates and starts the order of a role. One that must stay ordered gets a later activation day.
func (r *unmatchedResultTestPreparation) createOrderForRole(ctx context.Context, userID, labTestID, role string,
	status lifecycle.LowStatus) error {
	in := unmatchedResultTestOrder(userID, labTestID, r.run.ID)
	if status == lifecycle.Ordered {
		day := order.DateOf(r.Now().In(r.TimeZone).AddDate(0, 0, unmatchedResultTestDelayDays)).String()
		in.ActivateBy = &day
	}
	created, err := r.storeNewOrder(ctx, in, nil)
	if err != nil {
		return err
	}
	r.appendChangeAudit(ctx, "order.create", created.Order.TeamID, created.Order.ID, "run="+r.run.ID)
	r.startOrder(ctx, created)
	r.run.OrderIDsByRole[role] = created.Order.ID
	return r.Store.UpdateUnmatchedResultTestRun(ctx, *r.run)
}

// driveToStatus makes the demand, or starts the simulation, by which an order reaches a status. It does not wait for
// that.
func (r *unmatchedResultTestPreparation) driveToStatus(ctx context.Context, id string,
	status lifecycle.LowStatus) error {
	switch status {
	case lifecycle.Cancelled:
		_, _, err := r.submitDemand(ctx, r.run.TeamID, id, order.Demand{Kind: order.DemandCancel, By: lifecycle.Client}, nil)
		return err
	case lifecycle.Completed:
		o, err := r.Store.Order(ctx, r.run.TeamID, id)
		if err != nil {
			return err
		}
		return simulationRun{server: r.server, goal: lifecycle.Completed}.run(ctx, o)
	}
	return nil
}
