package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// AcceptUnmatchedBody says whose result it is. Without an order, it is the candidate's that stands out, if need be of the user.
type AcceptUnmatchedBody struct {
	UserID  *string `json:"user_id,omitempty" format:"uuid"`
	OrderID *string `json:"order_id,omitempty" format:"uuid"`
	Note    *string `json:"note,omitempty" maxLength:"4000" doc:"Kept encrypted."`
}

type acceptReviewInput struct {
	ReviewPath
	Body AcceptUnmatchedBody
}

type resolveReviewInput struct {
	ReviewPath
	Body struct {
		Action string  `json:"action" enum:"reject,unsure" doc:"unsure leaves it to operations."`
		Note   *string `json:"note,omitempty" maxLength:"4000" doc:"Kept encrypted."`
	}
}

// acceptTexts say why an order cannot take the report.
var acceptTexts = map[order.Reason]string{
	order.ReasonUnplaced:     "The order has not been sent to the lab",
	order.ReasonUnregistered: "The order's kit is not registered yet",
}

// accept makes a reviewed report an order's result. The order's workflow decides, and the answer comes after that is recorded.
func (s *server) accept(ctx context.Context, teamID string, in *acceptReviewInput, by lifecycle.Actor) (*order.Order, error) {
	r, err := s.decidable(ctx, teamID, in.ID)
	if err != nil {
		return nil, err
	}
	o, err := s.target(ctx, teamID, r, in.Body)
	if err != nil {
		return nil, err
	}
	asked, err := s.Store.AcceptReview(ctx, teamID, r.ID, o.ID)
	if err != nil {
		return nil, undecided(err)
	}
	d := order.Demand{ID: asked.DemandID, Kind: order.DemandAccept, By: by, Fetched: &asked.Fetched, Again: asked.Again}
	err = s.askToAccept(ctx, o, d, order.Acceptance{ReviewID: r.ID, Note: deref(in.Body.Note)})
	var refused *Error
	if errors.As(err, &refused) && refused.status != http.StatusServiceUnavailable {
		if err := s.Store.ReleaseReview(ctx, r.ID, o.ID); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	s.auditChange(ctx, "review.accept", o.TeamID, o.ID, "review="+r.ID)
	return s.Store.Order(ctx, o.TeamID, o.ID)
}

// askToAccept asks the order's workflow, unless its row says no already. An order that cannot take the report was no consistent
// choice.
func (s *server) askToAccept(ctx context.Context, o *order.Order, d order.Demand, a order.Acceptance) error {
	reason := o.State.CheckDemand(d, s.now())
	if reason != "" && !d.Again {
		s.auditChange(ctx, "order.accept.refused", o.TeamID, o.ID, "reason="+string(reason))
		return unsuitable(acceptTexts[reason])
	}
	sealed, err := json.Marshal(a)
	if err != nil {
		return err
	}
	err = s.Store.AddDemand(ctx, store.DemandRow{ID: d.ID, OrderID: o.ID, Kind: d.Kind, By: d.By, Body: sealed})
	if err != nil && !errors.Is(err, store.ErrConflict) { // it was kept when it was asked before
		return err
	}
	answered, err := s.ask(ctx, o, d)
	if answered.Reason != "" {
		return unsuitable(acceptTexts[answered.Reason])
	}
	return err
}

// decidable reads a review that the caller may decide about: a team those that wait for it, operations every open one.
func (s *server) decidable(ctx context.Context, teamID, id string) (order.Review, error) {
	r, err := s.Store.Review(ctx, teamID, canonical(id))
	if err != nil {
		return r, orNotFound(err, "Unmatched result")
	}
	if !r.Status.Open() || teamID != "" && r.Status != order.ReviewCustomer {
		return r, noLonger()
	}
	return r, nil
}

func noLonger() *Error {
	return fail(http.StatusNotFound, "The unmatched result is not reviewable any more")
}

// undecided turns the store's reasons against a decision into answers.
func undecided(err error) error {
	if errors.Is(err, store.ErrAccepting) {
		return invalid(wrong("value_error", "The result is being accepted onto another order", "body"))
	}
	if errors.Is(err, store.ErrNotFound) {
		return noLonger()
	}
	return err
}

// unsuitable is the answer to a choice of an order that does not fit.
func unsuitable(text string) *Error {
	if text == "" {
		text = "The order cannot take the result"
	}
	return invalid(wrong("value_error", text, "body.order_id"))
}

// target is the order that is meant. One that does not exist for the team, or is another user's, is no consistent choice.
func (s *server) target(ctx context.Context, teamID string, r order.Review, in AcceptUnmatchedBody) (*order.Order, error) {
	user, id := canonical(deref(in.UserID)), canonical(deref(in.OrderID))
	if id == "" {
		id = r.Match.Target(user)
	}
	if id == "" {
		return nil, invalid(wrong("value_error", "No order stands out: say which one", "body.order_id"))
	}
	if teamID == "" {
		teamID = r.TeamID // operations do not move a team's report to another team
	}
	o, err := s.Store.Order(ctx, teamID, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, unsuitable("There is no such order")
	case err != nil:
		return nil, err
	case user != "" && user != o.UserID:
		return nil, unsuitable("The order is another user's")
	case r.Report.Status == "partial" && o.Results != nil && lifecycle.Terminal(o.Status):
		return nil, unsuitable("The order has its final results, and these are partial")
	}
	return o, nil
}

// resolve ends a review without a result for anybody, or leaves it to operations.
func (s *server) resolve(ctx context.Context, teamID, id string, action order.ReviewAction, note *string) (order.Review, error) {
	if _, err := s.decidable(ctx, teamID, id); err != nil {
		return order.Review{}, err
	}
	r, endpoints, err := s.Store.ResolveReview(ctx, teamID, canonical(id), action, deref(note))
	if err != nil {
		return r, undecided(err)
	}
	s.auditChange(ctx, "review."+string(action), r.TeamID, r.OrderID, "review="+r.ID)
	s.nudge(ctx, endpoints)
	return r, nil
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
