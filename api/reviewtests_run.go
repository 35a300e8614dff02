package api

import (
	"context"
	"errors"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// testUser is the client_user_id of the user whom tests order for.
const testUser = "unmatched-result-tests"

// testScheduled is how many days ahead an order is put off that has to stay ordered.
const testScheduled = 30

// reviewTest is a run of the test of unmatched results while its orders are made.
type reviewTest struct {
	*server
	run *store.ReviewTestRun
}

// at notes the stage that the run has come to.
func (r *reviewTest) at(ctx context.Context, stage string) error {
	r.run.Stage = stage
	return r.Store.PutReviewTest(ctx, *r.run)
}

func (r *reviewTest) prepare(ctx context.Context) error {
	test, _ := order.ReviewTestOf(r.run.Request.Case)
	if err := r.at(ctx, store.StageValidating); err != nil {
		return err
	}
	if r.run.Request.Source == sourceProvided && len(test.Roles) > 0 {
		return r.take(ctx, test)
	}
	if err := r.at(ctx, store.StageSelecting); err != nil {
		return err
	}
	user, err := r.user(ctx)
	if err != nil {
		return err
	}
	ordered, err := r.selectTests(ctx, user.ID, test)
	if err != nil {
		return err
	}
	if err := r.at(ctx, store.StageCreating); err != nil {
		return err
	}
	r.run.Orders = map[string]string{}
	for _, role := range test.Roles {
		if err := r.place(ctx, user.ID, ordered, role, test.Required[role]); err != nil {
			return err
		}
	}
	if err := r.at(ctx, store.StageTransitioning); err != nil {
		return err
	}
	for _, role := range test.Roles {
		if err := r.send(ctx, r.run.Orders[role], test.Required[role]); err != nil {
			return err
		}
	}
	return nil
}

// take takes the caller's orders, which have to stand as the case needs them.
func (r *reviewTest) take(ctx context.Context, test order.ReviewTest) error {
	var first *order.Order
	for _, role := range test.Roles {
		o, err := r.Store.Order(ctx, r.run.TeamID, r.run.Request.Orders[role])
		if errors.Is(err, store.ErrNotFound) {
			return refuse("There is no such order: " + role)
		}
		if err != nil {
			return err
		}
		if o.Status != test.Required[role] {
			return refuse("The order " + role + " is not " + string(test.Required[role]))
		}
		if first == nil {
			first = o
		}
	}
	r.run.Orders, r.run.Account, r.run.LabTest = r.run.Request.Orders, first.LabAccountID, first.LabTest.ID
	if id := r.run.Request.LabTestID; id != "" {
		f, err := r.choose(ctx, choice{userID: first.UserID, set: &OrderSetRequest{LabTestIDs: []string{id}}})
		if err != nil {
			return err
		}
		r.run.Account, r.run.LabTest = f.account.ID, id
	}
	return r.at(ctx, store.StageTransitioning)
}

// user is whom the team's tests order for.
func (r *reviewTest) user(ctx context.Context) (store.User, error) {
	u, err := r.Store.UserByClientUserID(ctx, r.run.TeamID, testUser)
	if !errors.Is(err, store.ErrNotFound) {
		return u, err
	}
	u = store.User{ID: newID(), TeamID: r.run.TeamID, ClientUserID: testUser}
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

// selectTests decides what the result is of, and what is ordered: the same, but for a result from the wrong lab.
func (r *reviewTest) selectTests(ctx context.Context, userID string, test order.ReviewTest) (ordered string, err error) {
	reported, err := r.orderable(ctx, userID, r.run.Request.LabTestID, func(footing) bool { return true })
	if err != nil {
		return "", err
	}
	r.run.LabTest, r.run.Account = reported.test.ID, reported.account.ID
	if test.Case != order.MatchWrongLab {
		return reported.test.ID, nil
	}
	other, err := r.orderable(ctx, userID, r.run.Request.WrongLabTestID, func(f footing) bool {
		return f.test.Lab != nil && reported.test.Lab != nil && f.test.Lab.Slug != reported.test.Lab.Slug
	})
	return other.test.ID, err
}

// orderable is the named test, or the first one, that the team can order and that fits.
func (r *reviewTest) orderable(ctx context.Context, userID, named string, fits func(footing) bool) (footing, error) {
	ids := []string{named}
	if named == "" {
		ids = ids[:0]
		tests, err := r.Store.LabTests(ctx, r.run.TeamID, store.LabTestsByCreation)
		if err != nil {
			return footing{}, err
		}
		for _, t := range tests {
			if t.Status == statusActive {
				ids = append(ids, t.ID)
			}
		}
	}
	var why error = refuse("No lab test can be ordered that fits the case")
	for _, id := range ids {
		f, err := r.choose(ctx, choice{userID: userID, set: &OrderSetRequest{LabTestIDs: []string{id}}})
		if refused := (*Error)(nil); err != nil && !errors.As(err, &refused) {
			return footing{}, err
		}
		if err == nil && fits(f) {
			return f, nil
		}
		if err != nil && named != "" {
			why = err
		}
	}
	return footing{}, why
}

// place makes an order. One that has to stay ordered is put off.
func (r *reviewTest) place(ctx context.Context, userID, labTestID, role string, status lifecycle.Low) error {
	in := silentOrder(userID, labTestID, r.run.ID)
	if status == lifecycle.Ordered {
		day := order.DateOf(r.Now().In(r.TimeZone).AddDate(0, 0, testScheduled)).String()
		in.ActivateBy = &day
	}
	created, err := r.placeOrder(ctx, in, nil)
	if err != nil {
		return err
	}
	r.auditChange(ctx, "order.create", created.Order.TeamID, created.Order.ID, "run="+r.run.ID)
	r.begin(ctx, created)
	r.run.Orders[role] = created.Order.ID
	return r.Store.PutReviewTest(ctx, *r.run)
}

// send sets an order on its way to a status; it need not be there when the request is answered.
func (r *reviewTest) send(ctx context.Context, id string, status lifecycle.Low) error {
	switch status {
	case lifecycle.Cancelled:
		_, _, err := r.demand(ctx, r.run.TeamID, id, order.Demand{Kind: order.DemandCancel, By: lifecycle.Client}, nil)
		return err
	case lifecycle.Completed:
		o, err := r.Store.Order(ctx, r.run.TeamID, id)
		if err != nil {
			return err
		}
		return rehearsal{server: r.server, goal: lifecycle.Completed}.run(ctx, o)
	}
	return nil
}
